//! Runs one kernel on fixed inputs, for a program that counts its instructions:
//! `cargo xtask counts`.
//!
//! ```text
//! counts                         lists the cases: name, elements per repetition, kind of element
//! counts LEVEL CASE REPETITIONS  runs one
//! ```
//!
//! Two runs that differ in the repetitions alone differ in the kernel's instructions alone.
#![forbid(unsafe_code)]

use minilm_kernels::{
    Level, QuantisedLinear, Rows, RowsMut,
    attention::{Scratch, attention, split},
    dot::{Product, products, squared_distances},
    exp::exp_slice,
    gelu::gelu_slice,
    layer_norm::layer_norm,
    linear::{Epilogue, Linear},
    quantise::{Integer, QuantisedRows, Rotation, quantise_weights},
    softmax::softmax,
};
use minilm_testing::ramp;
use std::{env, hint::black_box, process::ExitCode};

/// Width of rows, as in all-MiniLM-L6-v2.
const H: usize = 384;
/// Heads in attention, fewer than the model's: each is the same.
const HEADS: usize = 2;
/// Columns of a head.
const D: usize = 32;

struct Case {
    name: &'static str,
    /// Of one repetition.
    elements: usize,
    element: &'static str,
    /// Repeats the kernel.
    run: fn(Level, usize),
}

const CASES: [Case; 18] = [
    Case {
        name: "gemm",
        elements: 12 * H * 128,
        element: "multiply-add",
        run: |level, n| gemm(level, n, 12, Epilogue::Identity),
    },
    Case {
        name: "gemm-1-row",
        elements: H * 128,
        element: "multiply-add",
        run: |level, n| gemm(level, n, 1, Epilogue::Identity),
    },
    Case {
        name: "gemm-gelu",
        elements: 12 * H * 128,
        element: "multiply-add",
        run: |level, n| gemm(level, n, 12, Epilogue::Gelu),
    },
    Case { name: "gemm-residual", elements: 12 * H * 128, element: "multiply-add", run: residual },
    Case { name: "gemm-s8", elements: 12 * H * 128, element: "multiply-add", run: rounded::<i8> },
    Case { name: "gemm-s16", elements: 12 * H * 128, element: "multiply-add", run: rounded::<i16> },
    Case { name: "quantise-s8", elements: H, element: "value", run: quantise::<i8> },
    Case { name: "quantise-weights", elements: 16 * H, element: "weight", run: round_weights },
    Case { name: "pack", elements: H * 128, element: "weight", run: pack },
    Case {
        name: "exp",
        elements: H,
        element: "value",
        run: |level, n| in_place(n, |x| exp_slice(level, x)),
    },
    Case {
        name: "gelu",
        elements: H,
        element: "value",
        run: |level, n| in_place(n, |x| gelu_slice(level, x)),
    },
    Case {
        name: "softmax",
        elements: H,
        element: "value",
        run: |level, n| in_place(n, |x| softmax(level, x, H)),
    },
    Case { name: "layer-norm", elements: H, element: "value", run: normalise },
    Case {
        name: "attention-8",
        elements: HEADS * 8 * 8,
        element: "score",
        run: |level, n| heads(level, n, 8),
    },
    Case {
        name: "attention-16",
        elements: HEADS * 16 * 16,
        element: "score",
        run: |level, n| heads(level, n, 16),
    },
    Case {
        name: "attention-72",
        elements: HEADS * 72 * 72,
        element: "score",
        run: |level, n| heads(level, n, 72),
    },
    Case { name: "dot", elements: 8 * H, element: "value", run: dots },
    Case { name: "distance", elements: 8 * H, element: "value", run: distances },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let case = |name: &str| CASES.iter().find(|case| case.name == name);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            CASES
                .iter()
                .for_each(|case| println!("{} {} {}", case.name, case.elements, case.element));
            ExitCode::SUCCESS
        }
        [level, name, repetitions] => match (level.parse(), case(name), repetitions.parse()) {
            (Ok(level), Some(case), Ok(repetitions)) => {
                (case.run)(level, repetitions);
                ExitCode::SUCCESS
            }
            _ => misused("no such level, case or number of repetitions"),
        },
        _ => misused("counts [LEVEL CASE REPETITIONS]"),
    }
}

fn misused(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::from(2)
}

fn gemm(level: Level, repetitions: usize, rows: usize, epilogue: Epilogue) {
    let (x, mut y) = (ramp(rows * H), vec![0.0; rows * 128]);
    let linear = Linear::pack(level, &ramp(128 * H), 128).with_bias(&ramp(128));
    for _ in 0..repetitions {
        linear.forward_with(Rows::new(black_box(&x), H), RowsMut::new(&mut y, 128), epilogue);
    }
}

/// As the two output layers use it: cut along K, with bias and residual after the last part.
fn residual(level: Level, repetitions: usize) {
    let (x, residual, mut y) = (ramp(12 * H), ramp(12 * 128), vec![0.0; 12 * 128]);
    let first = Linear::pack(level, &ramp(128 * H / 3), 128);
    let last = Linear::pack(level, &ramp(128 * (H - H / 3)), 128).with_bias(&ramp(128));
    for _ in 0..repetitions {
        let (x, residual) = (Rows::new(black_box(&x), H), Rows::new(&residual, 128));
        let y = &mut RowsMut::new(&mut y, 128);
        first.forward_with(x.columns(0..H / 3), y.columns(0..128), Epilogue::Identity);
        let epilogue = Epilogue::Residual(residual);
        last.columns(0..128).accumulate(x.columns(H / 3..H), y.columns(0..128), epilogue);
    }
}

fn rounded<E: Integer>(level: Level, repetitions: usize) {
    let mut y = vec![0.0; 12 * 128];
    let linear = QuantisedLinear::<E>::pack(level, &ramp(128 * H), 128, Rotation::Rotated);
    let linear = linear.with_bias(&ramp(128));
    let mut rows = QuantisedRows::default();
    rows.quantise(level, Rows::new(&ramp(12 * H), H), linear.rotation());
    for _ in 0..repetitions {
        linear.forward(black_box(&rows), RowsMut::new(&mut y, 128), Epilogue::Identity);
    }
}

/// Rotation and rounding of one row.
fn quantise<E: Integer + Default>(level: Level, repetitions: usize) {
    let (x, mut rows) = (ramp(H), QuantisedRows::<E>::default());
    for _ in 0..repetitions {
        rows.quantise(level, Rows::new(black_box(&x), H), Rotation::Rotated);
    }
}

fn round_weights(level: Level, repetitions: usize) {
    let weight = ramp(16 * H);
    for _ in 0..repetitions {
        let weight = Rows::new(black_box(&weight), H);
        black_box(quantise_weights::<i8>(level, weight, Rotation::Rotated));
    }
}

fn pack(level: Level, repetitions: usize) {
    let weight = ramp(128 * H);
    for _ in 0..repetitions {
        black_box(Linear::pack(level, black_box(&weight), 128));
    }
}

/// Applies an operation to its own result.
fn in_place(repetitions: usize, mut operation: impl FnMut(&mut [f32])) {
    let mut x = ramp(H);
    (0..repetitions).for_each(|_| operation(black_box(&mut x)));
}

fn normalise(level: Level, repetitions: usize) {
    let (gamma, beta) = (ramp(H), ramp(H));
    in_place(repetitions, |x| layer_norm(level, x, &gamma, &beta, 1e-12));
}

fn heads(level: Level, repetitions: usize, tokens: usize) {
    let h = HEADS * D;
    let (qkv, mut context) = (ramp(tokens * 3 * h), vec![0.0; tokens * h]);
    let mut scratch = Scratch::default();
    for _ in 0..repetitions {
        let context = RowsMut::new(black_box(&mut context), h);
        attention(level, split(Rows::new(&qkv, 3 * h)), HEADS, &[0, tokens], &mut scratch, context);
    }
}

fn dots(level: Level, repetitions: usize) {
    let (x, y, mut out) = (ramp(8 * H), ramp(H), [Product::default(); 8]);
    for _ in 0..repetitions {
        products(level, Rows::new(black_box(&x), H), &y, black_box(&mut out));
    }
}

fn distances(level: Level, repetitions: usize) {
    let (x, y, mut out) = (ramp(8 * H), ramp(H), [0.0; 8]);
    for _ in 0..repetitions {
        squared_distances(level, Rows::new(black_box(&x), H), &y, black_box(&mut out));
    }
}

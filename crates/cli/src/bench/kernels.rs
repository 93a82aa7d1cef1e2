//! The kernels that are not GEMM, beside the least time that their operations take.
//!
//! Data is in the first-level cache, except for the embeddings. An operation is applied to its own
//! result again and again; no kernel's time depends on the values, and none of these drifts to
//! subnormal numbers.

use super::{
    clock::{Ceilings, Clock, Sample},
    forward::random_batch,
    gemm::ramp,
    work::{self, Operations},
};
use crate::error::Error;
use minilm::{
    Level,
    kernels::{
        Rows, RowsMut,
        attention::{Scratch, attention, split},
        exp::exp_slice,
        gelu::gelu_slice,
        layer_norm::layer_norm,
        softmax::softmax,
    },
    model::{self, Bert, Config},
};
use serde::Serialize;

/// Rows of H values; together they fit in a first-level cache.
const ROWS: usize = 8;

/// Tokens of a sentence in attention.
const SENTENCES: [usize; 3] = [16, 64, 256];

/// Tokens whose embeddings are gathered.
const GATHERED: usize = 128;

/// Part of the whole time, for each of the eight.
const SHARE: f64 = 0.1 / 8.0;

#[derive(Debug, Serialize)]
pub(super) struct Kernel {
    pub name: &'static str,
    /// What it worked on.
    pub case: String,
    /// What the operations are counted for.
    pub element: &'static str,
    pub elements: usize,
    pub best_seconds: f64,
    pub median_seconds: f64,
    /// Of one run.
    pub flop: f64,
    /// Between registers and first-level cache, or from and to memory for attention.
    pub bytes: f64,
    pub flops_per_second: f64,
    /// Vector operations for sixteen elements.
    pub operations: Operations,
    /// For sixteen elements.
    pub nanoseconds: f64,
    /// The same, in multiply-adds of sixteen lanes.
    pub slots: f64,
    /// What the operations need at the least.
    pub least_slots: f64,
    pub percent: f64,
}

impl Kernel {
    fn new(
        name: &'static str,
        case: String,
        elements: usize,
        operations: Operations,
        sample: Sample,
    ) -> Kernel {
        let vectors = elements as f64 / 16.0;
        Kernel {
            name,
            case,
            element: if name == "attention" { "score" } else { "value" },
            elements,
            best_seconds: sample.best,
            median_seconds: sample.median,
            flop: vectors * operations.flop(),
            bytes: vectors * operations.bytes(),
            flops_per_second: vectors * operations.flop() / sample.best,
            operations,
            nanoseconds: sample.best / vectors * 1e9,
            slots: 0.0,
            least_slots: 0.0,
            percent: 0.0,
        }
    }

    pub(super) fn compare(&mut self, ceilings: &Ceilings) {
        self.slots = work::slots(self.nanoseconds * 1e-9, ceilings);
        self.least_slots = self.operations.least_slots(ceilings);
        self.percent = 100.0 * self.least_slots / self.slots;
    }
}

/// Nothing on the portable level: the least time is that of vector instructions.
pub(super) fn measure(clock: &mut Clock, bert: &Bert) -> Result<Vec<Kernel>, Error> {
    if clock.level == Level::PORTABLE {
        return Ok(Vec::new());
    }
    clock.note("kernels");
    let mut kernels = elementwise(clock, bert.config().hidden_size)?;
    for tokens in SENTENCES {
        kernels.push(heads(clock, bert.config(), tokens)?);
    }
    kernels.push(gather(clock, bert)?);
    Ok(kernels)
}

/// Operations on rows of `h` values in place.
fn elementwise(clock: &mut Clock, h: usize) -> Result<Vec<Kernel>, Error> {
    let (gamma, beta) = (vec![1.0; h], vec![0.0; h]);
    type Run<'a> = &'a dyn Fn(Level, &mut [f32]);
    let cases: [(_, Operations, Run); 4] = [
        ("exp", EXP, &exp_slice),
        ("gelu", GELU, &gelu_slice),
        ("softmax", SOFTMAX, &|level, x| softmax(level, x, h)),
        ("layer_norm", LAYER_NORM, &|level, x| layer_norm(level, x, &gamma, &beta, 1e-12)),
    ];
    let mut kernels = Vec::new();
    for (name, operations, run) in cases {
        let mut x: Vec<f32> = ramp(ROWS * h).iter().map(|x| 8.0 + x.abs()).collect();
        let level = clock.level;
        let sample = clock.sample(SHARE, || {
            run(level, &mut x);
            Ok(())
        })?;
        kernels.push(Kernel::new(name, format!("{ROWS} × {h}"), ROWS * h, operations, sample));
    }
    Ok(kernels)
}

/// One sentence through all heads of one layer.
fn heads(clock: &mut Clock, config: &Config, tokens: usize) -> Result<Kernel, Error> {
    let (h, heads, level) = (config.hidden_size, config.num_attention_heads, clock.level);
    let (qkv, mut context) = (ramp(tokens * 3 * h), vec![0.0; tokens * h]);
    let mut scratch = Scratch::default();
    let sample = clock.sample(SHARE, || {
        let context = RowsMut::new(&mut context, h);
        attention(level, split(Rows::new(&qkv, 3 * h)), heads, &[0, tokens], &mut scratch, context);
        Ok(())
    })?;
    let operations = attention_operations(config.head_size(), tokens);
    Ok(Kernel::new(
        "attention",
        format!("{tokens} tokens"),
        heads * tokens * tokens,
        operations,
        sample,
    ))
}

/// The embeddings of a batch, up to their LayerNorm. The rest of the model runs in between, so rows
/// come from as far as they do in use.
fn gather(clock: &mut Clock, bert: &Bert) -> Result<Kernel, Error> {
    let tokens = GATHERED.min(bert.config().max_position_embeddings);
    let batch = random_batch(bert, tokens, 1);
    let mut scratch = model::Scratch::default();
    let mut times = Vec::new();
    clock.times(2.0 * SHARE, || {
        let laps = bert.time(&batch, &mut scratch).map_err(minilm::Error::from)?;
        times.extend(laps.first().map(|embeddings| embeddings.time.as_secs_f64()));
        Ok(())
    })?;
    times.sort_by(f64::total_cmp);
    let sample = Sample { best: times[0], median: super::clock::percentile(&times, 50) };
    let h = bert.config().hidden_size;
    Ok(Kernel::new("embeddings", format!("{tokens} tokens"), tokens * h, EMBEDDINGS, sample))
}

const NONE: Operations = Operations {
    fused: 0.0,
    products: 0.0,
    sums: 0.0,
    divisions: 0.0,
    others: 0.0,
    loads: 0.0,
    stores: 0.0,
};

/// Multiply-adds: n, two for r, five for q, one for eʳ − 1, n/2. Products: r², two factors 2ᵏ.
/// Sums: n, + 1, three for what of n is left. Others: minimum, maximum, shift and addition for each
/// factor.
const EXP: Operations = Operations {
    fused: 10.0,
    products: 3.0,
    sums: 5.0,
    others: 6.0,
    loads: 1.0,
    stores: 1.0,
    ..NONE
};

/// Multiply-adds: i, u, six for the polynomial, the result. Sums: i. Others: absolute value,
/// minimum, seven permutations, maximum.
const GELU: Operations =
    Operations { fused: 9.0, sums: 1.0, others: 10.0, loads: 1.0, stores: 1.0, ..NONE };

/// Pass 1: load and maximum. Pass 2: load, subtraction, exp, sum, store. Pass 3: load, division,
/// store.
const SOFTMAX: Operations = Operations {
    sums: EXP.sums + 2.0,
    others: EXP.others + 1.0,
    divisions: 1.0,
    loads: 3.0,
    stores: 2.0,
    ..EXP
};

/// A row in registers: load and sum; centre and square; product, multiply-add with γ and β, store.
const LAYER_NORM: Operations =
    Operations { fused: 2.0, products: 1.0, sums: 2.0, loads: 3.0, stores: 1.0, ..NONE };

/// LayerNorm whose row is the sum of a word, a type and a position instead of one load.
const EMBEDDINGS: Operations =
    Operations { sums: LAYER_NORM.sums + 2.0, loads: LAYER_NORM.loads + 2.0, ..LAYER_NORM };

/// For one score of sixteen queries: D multiply-adds for q·kᵀ and D for e·v. The maximum; then
/// subtraction, scale and exp, which for what is not positive needs one factor 2ⁿ and one bound;
/// the sum. For each query 1/Σ, and its product with D columns. Memory: q, k and v read once and
/// the context written once.
fn attention_operations(d: usize, l: usize) -> Operations {
    let (d, of_context) = (d as f64, d as f64 / l as f64);
    Operations {
        fused: 9.0 + 2.0 * d,
        products: 3.0 + of_context,
        sums: 4.0,
        divisions: 1.0 / l as f64,
        others: 4.0,
        loads: 3.0 * of_context,
        stores: of_context,
    }
}

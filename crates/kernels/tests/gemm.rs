//! The linear layer: exact on integers, accurate on random values, and the same bits however it is cut.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    gelu::gelu_slice,
    gemm::{Epilogue, KC, Linear, PART},
    naive,
};
use support::{Random, assert_exact, assert_same_bits, assert_within, linear_bound};

/// Rows of x.
const ROWS: [usize; 17] = [
    1, // a row alone
    2, 3, 4, 5, // around the portable tile, 4 rows
    6, 7, // around the tile of AVX2, 6 rows
    8, 9, 10, // around the tile of AVX-512, 8 rows; two tiles of unequal height
    11, 12, 13, // around two tiles of 6, three of 4
    16, 17, // two tiles of 8, three of 6
    24, 25, // three tiles of 8, six of 4, four of 6
];

/// Columns of y: N.
const OUTPUTS: [usize; 10] = [
    1, // one lane
    15, 16, 17, // around a vector: the panel of AVX2 and the portable level
    47, 48, 49, // around the panel of AVX-512
    95, 96, 97, // around two of them
];

/// Columns of x: K.
#[rustfmt::skip]
const INPUTS: [usize; 9] = [
    1, 2, // shortest chains
    KC - 1, KC, KC + 1, // around one chain
    2 * KC - 1, 2 * KC, 2 * KC + 1, // around two chains
    3 * KC + 1, // a third chain is added to a sum of two, then a fourth
];

/// The combinations for tests that multiply them by something else.
const FEW_SHAPES: [(usize, usize, usize); 8] = [
    (1, 1, 1),            // everything at its least
    (5, 17, KC + 1),      // tiles 4 + 1 (portable) and 5; a ragged vector; two chains
    (6, 16, KC),          // whole tile of AVX2, whole vector, whole chain
    (7, 15, KC - 1),      // one more row than a tile, one less column, one less k
    (24, 48, 2 * KC),     // whole tiles, a whole AVX-512 panel, whole chains
    (25, 49, 2 * KC + 1), // one more of each
    (4, 130, 3),          // a whole portable tile, three AVX-512 panels with a ragged vector
    (18, 47, 3 * KC + 2), // a ragged AVX-512 panel, four chains
];

struct Problem {
    x: Vec<f32>,        // [M, K]
    weight: Vec<f32>,   // [N, K]
    bias: Vec<f32>,     // [N]
    residual: Vec<f32>, // [M, N]
    n: usize,
    k: usize,
}

impl Problem {
    fn new(m: usize, n: usize, k: usize, mut draw: impl FnMut(usize) -> Vec<f32>) -> Problem {
        Problem { x: draw(m * k), weight: draw(n * k), bias: draw(n), residual: draw(m * n), n, k }
    }

    fn random(m: usize, n: usize, k: usize) -> Problem {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        Problem::new(m, n, k, |len| random.values(len))
    }

    fn integers(m: usize, n: usize, k: usize) -> Problem {
        let mut random = Random((m * 1_000_000 + n * 1000 + k) as u64);
        Problem::new(m, n, k, |len| random.integers(len))
    }

    fn pack(&self, level: Level) -> Linear {
        Linear::pack(level, &self.weight, &self.bias)
    }

    /// The three epilogues by name.
    fn epilogues(&self) -> [(&'static str, Epilogue<'_>); 3] {
        [("bias", Epilogue::Bias), ("gelu", Epilogue::Gelu), ("residual", Epilogue::Residual(Rows::new(&self.residual, self.n)))]
    }

    fn run(&self, level: Level, epilogue: Epilogue) -> Vec<f32> {
        // NaN shows whether anything of the old y is kept.
        let mut y = vec![f32::NAN; self.residual.len()];
        self.pack(level).forward_with(Rows::new(&self.x, self.k), RowsMut::new(&mut y, self.n), epilogue);
        y
    }
}

#[test]
fn integers_are_exact_at_every_boundary() {
    for n in OUTPUTS {
        for k in INPUTS {
            let most = ROWS[ROWS.len() - 1];
            let p = Problem::integers(most, n, k);
            let want = naive::linear(&p.x, &p.weight, &p.bias);
            for level in Level::available() {
                let linear = p.pack(level);
                assert_eq!((linear.inputs(), linear.outputs(), linear.bias()), (k, n, &p.bias[..]));
                for m in ROWS {
                    let mut y = vec![f32::NAN; m * n];
                    linear.forward(&p.x[..m * k], &mut y);
                    assert_exact(&format!("{level} {m}×{n}×{k}"), n, &y, &want[..m * n]);
                }
            }
        }
    }
}

#[test]
fn random_values_are_within_the_rounding_bound_of_f64() {
    for (m, n, k) in FEW_SHAPES.into_iter().chain([(13, 100, 1536)]) {
        let p = Problem::random(m, n, k);
        let want = naive::linear(&p.x, &p.weight, &p.bias);
        let bound = linear_bound(&p.x, &p.weight, &p.bias);
        for level in Level::available() {
            assert_within(&format!("{level} {m}×{n}×{k}"), n, &p.run(level, Epilogue::Bias), &want, &bound);
        }
    }
}

/// The order of additions as the module documents it, one element at a time.
fn in_documented_order(p: &Problem) -> Vec<f32> {
    let mut y = Vec::new();
    for x in p.x.chunks_exact(p.k) {
        for (w, bias) in p.weight.chunks_exact(p.k).zip(&p.bias) {
            let chains = x.chunks(KC).zip(w.chunks(KC));
            let sums = chains.map(|(x, w)| x.iter().zip(w).fold(0.0f32, |sum, (x, w)| x.mul_add(*w, sum)));
            y.push(sums.reduce(|a, b| a + b).expect("k > 0") + bias);
        }
    }
    y
}

#[test]
fn every_level_gives_the_bits_of_the_documented_order() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        let want = in_documented_order(&p);
        for level in Level::available() {
            assert_same_bits(&format!("{level} {m}×{n}×{k}"), n, &p.run(level, Epilogue::Bias), &want);
        }
    }
}

#[test]
fn the_gelu_epilogue_has_the_bits_of_gelu_after_the_bias() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let mut want = p.run(level, Epilogue::Bias);
            gelu_slice(level, &mut want);
            assert_same_bits(&format!("{level} {m}×{n}×{k}"), n, &p.run(level, Epilogue::Gelu), &want);
        }
    }
}

#[test]
fn the_residual_epilogue_adds_after_the_bias() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let mut want = p.run(level, Epilogue::Bias);
            want.iter_mut().zip(&p.residual).for_each(|(y, r)| *y += r);
            let residual = Epilogue::Residual(Rows::new(&p.residual, n));
            assert_same_bits(&format!("{level} {m}×{n}×{k}"), n, &p.run(level, residual), &want);
        }
    }
}

#[test]
fn every_level_gives_the_same_bits_with_every_epilogue() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        for (name, epilogue) in p.epilogues() {
            let want = p.run(Level::PORTABLE, epilogue);
            for level in Level::available() {
                assert_same_bits(&format!("{level} {name} {m}×{n}×{k}"), n, &p.run(level, epilogue), &want);
            }
        }
    }
}

#[test]
fn a_row_alone_has_the_bits_of_the_row_in_any_batch() {
    let (most, n, k) = (ROWS[ROWS.len() - 1], 81, KC + 3); // an AVX-512 panel and a ragged vector; two chains
    let p = Problem::random(most, n, k);
    for level in Level::available() {
        let linear = p.pack(level);
        let forward = |rows: std::ops::Range<usize>| {
            let mut y = vec![f32::NAN; rows.len() * n];
            linear.forward(&p.x[rows.start * k..rows.end * k], &mut y);
            y
        };
        let alone: Vec<f32> = (0..most).flat_map(|i| forward(i..i + 1)).collect();
        for m in ROWS {
            assert_same_bits(&format!("{level}, first {m}"), n, &forward(0..m), &alone[..m * n]);
            assert_same_bits(&format!("{level}, last {m}"), n, &forward(most - m..most), &alone[(most - m) * n..]);
        }
    }
}

/// Puts `[rows, cols]` into a matrix that is `left` and 2 columns wider, filled up with `fill`.
fn widen(dense: &[f32], cols: usize, left: usize, fill: f32) -> Vec<f32> {
    let row = |row: &[f32]| [&vec![fill; left], row, &[fill; 2]].concat();
    dense.chunks_exact(cols).flat_map(row).collect()
}

#[test]
fn strided_operands_give_the_bits_of_dense_ones_and_nothing_beside_is_touched() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        let wide_x = widen(&p.x, k, 3, f32::NAN);
        let wide_residual = widen(&p.residual, n, 1, f32::NAN);
        let wide_rows = Rows::new(&wide_x, k + 5).columns(3..3 + k);
        for level in Level::available() {
            for (name, epilogue) in p.epilogues() {
                let wide_epilogue = match epilogue {
                    Epilogue::Residual(_) => Epilogue::Residual(Rows::new(&wide_residual, n + 3).columns(1..1 + n)),
                    other => other,
                };
                let mut got = vec![777.0; m * (n + 7)];
                let y = &mut RowsMut::new(&mut got, n + 7);
                p.pack(level).forward_with(wide_rows, y.columns(5..5 + n), wide_epilogue);

                let want = widen(&p.run(level, epilogue), n, 5, 777.0);
                assert_same_bits(&format!("{level} {name} {m}×{n}×{k}"), n + 7, &got, &want);
            }
        }
    }
}

#[test]
fn slices_of_k_accumulate_to_the_bits_of_one_call() {
    let (m, n) = (7, 65);
    // Ends inside a chain; at the end of one.
    for k in [3 * KC + 5, 3 * KC] {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let linear = p.pack(level);
            for (name, epilogue) in p.epilogues() {
                let want = p.run(level, epilogue);
                for cuts in [vec![KC], vec![2 * KC], vec![KC, 2 * KC], vec![KC, 3 * KC], vec![KC, 2 * KC, 3 * KC]] {
                    let mut ends: Vec<usize> = cuts.into_iter().filter(|&cut| cut < k).collect();
                    ends.push(k);
                    let mut y = vec![f32::NAN; m * n];
                    let mut start = 0;
                    for &end in &ends {
                        let x = Rows::new(&p.x, k).columns(start..end);
                        linear.columns(0..n).accumulate(x, start..end, RowsMut::new(&mut y, n), epilogue);
                        start = end;
                    }
                    assert_same_bits(&format!("{level} {name}, k to {ends:?}"), n, &y, &want);
                }
            }
        }
    }
}

#[test]
fn parts_of_the_columns_have_the_bits_of_one_call() {
    let (m, n, k) = (9, 2 * PART + 50, KC + 3);
    let p = Problem::random(m, n, k);
    for level in Level::available() {
        let linear = p.pack(level);
        for (name, epilogue) in p.epilogues() {
            let mut y = vec![f32::NAN; m * n];
            for part in [0..PART, PART..2 * PART, 2 * PART..n] {
                let epilogue = match epilogue {
                    Epilogue::Residual(r) => Epilogue::Residual(r.columns(part.clone())),
                    other => other,
                };
                let y = &mut RowsMut::new(&mut y, n);
                linear.columns(part.clone()).accumulate(Rows::new(&p.x, k), 0..k, y.columns(part), epilogue);
            }
            assert_same_bits(&format!("{level} {name}"), n, &y, &p.run(level, epilogue));
        }
    }
}

#[test]
#[should_panic(expected = "columns start at a multiple of 96")]
fn a_part_that_starts_inside_a_panel_is_refused() {
    Linear::pack(Level::detect(), &[1.0; 200], &[0.0; 200]).columns(16..200);
}

#[test]
fn no_rows_are_no_work() {
    for level in Level::available() {
        Linear::pack(level, &[1.0; 6], &[0.0; 2]).forward(&[], &mut []);
    }
}

#[test]
#[should_panic(expected = "a slice starts where a chain does")]
fn a_slice_that_starts_inside_a_chain_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], &[0.0]);
    linear.columns(0..1).accumulate(Rows::new(&[1.0; 9], 9), 1..10, RowsMut::new(&mut [0.0], 1), Epilogue::Bias);
}

#[test]
#[should_panic(expected = "a slice ends where a chain does")]
fn a_slice_that_ends_inside_a_chain_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], &[0.0]);
    linear.columns(0..1).accumulate(Rows::new(&[1.0; 9], 9), 0..9, RowsMut::new(&mut [0.0], 1), Epilogue::Bias);
}

#[test]
#[should_panic(expected = "x has 3 columns, the weights 10")]
fn an_input_of_the_wrong_width_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], &[0.0]);
    linear.forward_with(Rows::new(&[1.0; 3], 3), RowsMut::new(&mut [0.0], 1), Epilogue::Bias);
}

#[test]
#[should_panic(expected = "the residual's shape is not y's")]
fn a_residual_of_another_shape_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 2], &[0.0; 2]);
    let residual = Epilogue::Residual(Rows::new(&[0.0; 3], 1));
    linear.forward_with(Rows::new(&[1.0; 3], 1), RowsMut::new(&mut [0.0; 6], 2), residual);
}

//! The linear layer: exact on integers, accurate on random values, and the same bits on every level
//! and in any batch.

mod support;

use minilm_kernels::{
    Level, Rows, RowsMut,
    gelu::gelu_slice,
    gemm::KC,
    linear::{Epilogue, Linear},
    naive,
};
use support::{
    assert_exact, assert_same_bits, assert_within,
    linear::{FEW_SHAPES, Problem},
    linear_bound,
};

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

#[test]
fn integers_are_exact_at_every_boundary() {
    for n in OUTPUTS {
        for k in INPUTS {
            let most = ROWS[ROWS.len() - 1];
            let p = Problem::integers(most, n, k);
            let want = naive::linear(&p.x, &p.weight, &p.bias);
            for level in Level::available() {
                let linear = p.pack(level);
                assert_eq!(
                    (linear.inputs(), linear.outputs(), linear.bias()),
                    (k, n, Some(&p.bias[..]))
                );
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
            assert_within(
                &format!("{level} {m}×{n}×{k}"),
                n,
                &p.run(level, Epilogue::Identity),
                &want,
                &bound,
            );
        }
    }
}

/// The order of additions as the module documents it, one element at a time.
fn in_documented_order(p: &Problem) -> Vec<f32> {
    let mut y = Vec::new();
    for x in p.x.chunks_exact(p.k) {
        for (w, bias) in p.weight.chunks_exact(p.k).zip(&p.bias) {
            let chains = x.chunks(KC).zip(w.chunks(KC));
            let sums =
                chains.map(|(x, w)| x.iter().zip(w).fold(0.0f32, |sum, (x, w)| x.mul_add(*w, sum)));
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
            assert_same_bits(
                &format!("{level} {m}×{n}×{k}"),
                n,
                &p.run(level, Epilogue::Identity),
                &want,
            );
        }
    }
}

#[test]
fn the_gelu_epilogue_has_the_bits_of_gelu_after_the_bias() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let mut want = p.run(level, Epilogue::Identity);
            gelu_slice(level, &mut want);
            assert_same_bits(
                &format!("{level} {m}×{n}×{k}"),
                n,
                &p.run(level, Epilogue::Gelu),
                &want,
            );
        }
    }
}

#[test]
fn the_residual_epilogue_adds_after_the_bias() {
    for (m, n, k) in FEW_SHAPES {
        let p = Problem::random(m, n, k);
        for level in Level::available() {
            let mut want = p.run(level, Epilogue::Identity);
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
                assert_same_bits(
                    &format!("{level} {name} {m}×{n}×{k}"),
                    n,
                    &p.run(level, epilogue),
                    &want,
                );
            }
        }
    }
}

#[test]
fn a_row_alone_has_the_bits_of_the_row_in_any_batch() {
    // An AVX-512 panel and a ragged vector; two chains.
    let (most, n, k) = (ROWS[ROWS.len() - 1], 81, KC + 3);
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
            assert_same_bits(
                &format!("{level}, last {m}"),
                n,
                &forward(most - m..most),
                &alone[(most - m) * n..],
            );
        }
    }
}

#[test]
fn no_rows_are_no_work() {
    for level in Level::available() {
        Linear::pack(level, &[1.0; 6], 2).forward(&[], &mut []);
    }
}

#[test]
#[should_panic(expected = "x has 3 columns, the weights 10")]
fn an_input_of_the_wrong_width_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 10], 1);
    linear.forward_with(Rows::new(&[1.0; 3], 3), RowsMut::new(&mut [0.0], 1), Epilogue::Identity);
}

#[test]
#[should_panic(expected = "the residual's shape is not y's")]
fn a_residual_of_another_shape_is_refused() {
    let linear = Linear::pack(Level::detect(), &[1.0; 2], 2);
    let residual = Epilogue::Residual(Rows::new(&[0.0; 3], 1));
    linear.forward_with(Rows::new(&[1.0; 3], 1), RowsMut::new(&mut [0.0; 6], 2), residual);
}

//! Softmax: within a derived bound of f64, for any row length and any magnitude.

mod support;

use minilm_kernels::{Level, naive, softmax::softmax};
use support::{Random, U, assert_exact, assert_same_bits, assert_within, gamma};

/// Columns.
const LENGTHS: [usize; 12] = [
    1, 2, // shortest; a single value has probability 1
    15, 16, 17, // around a vector
    31, 32, 33, // around two vectors
    191, 192, 193, // around KC, which must not matter here
    512, // the longest sentence of BERT
];

fn run(level: Level, x: &[f32], cols: usize) -> Vec<f32> {
    let mut x = x.to_vec();
    softmax(level, &mut x, cols);
    x
}

fn to_f64(x: &[f32]) -> Vec<f64> {
    x.iter().map(|&x| x.into()).collect()
}

/// How far rounding may take the probabilities of one row from `truth`.
///
/// A term exp(x − max) has u·(max − x) from the subtraction and 2u (1 ULP) from exp; the sum of n
/// terms sixteen at a time n/16 + 4 roundings more; the division one. Where a term or a quotient is
/// subnormal its error is up to 2⁻¹⁴⁹.
fn bound(x: &[f32], truth: &[f64]) -> Vec<f64> {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of_term = |x: f32| {
        if x == max { 0.0 } else { (1.01 * U * f64::from(max - x).min(110.0)).exp_m1() + 2.1 * U }
    };
    let of_sum: f64 = x.iter().zip(truth).map(|(&x, p)| p * of_term(x)).sum::<f64>()
        + gamma(x.len().div_ceil(16) + 4);
    x.iter()
        .zip(truth)
        .map(|(&x, p)| p * (of_term(x) + of_sum + 1.1 * U) + 2f64.powi(-148))
        .collect()
}

#[test]
fn every_length_is_within_the_rounding_bound_of_f64() {
    for cols in LENGTHS {
        // Flat rows, usual scores, and rows in which most terms underflow.
        for scale in [0.01, 5.0, 100.0, 1e4] {
            let x: Vec<f32> =
                Random(cols as u64).values(cols).into_iter().map(|x| x * scale).collect();
            let want = naive::softmax(&to_f64(&x));
            for level in Level::available() {
                assert_within(
                    &format!("{level} {cols} columns ±{scale}"),
                    cols,
                    &run(level, &x, cols),
                    &want,
                    &bound(&x, &want),
                );
            }
        }
    }
}

#[test]
fn every_level_gives_the_same_bits() {
    for cols in LENGTHS {
        for scale in [0.01, 5.0, 100.0, 1e4, f32::MAX] {
            let x: Vec<f32> =
                Random(cols as u64).values(3 * cols).into_iter().map(|x| x * scale).collect();
            let want = run(Level::PORTABLE, &x, cols);
            for level in Level::available() {
                assert_same_bits(
                    &format!("{level} {cols} columns ±{scale}"),
                    cols,
                    &run(level, &x, cols),
                    &want,
                );
            }
        }
    }
}

#[test]
fn a_row_alone_has_the_bits_of_the_row_in_any_batch() {
    for cols in LENGTHS {
        let x = Random(cols as u64).values(5 * cols);
        for level in Level::available() {
            let alone: Vec<f32> =
                x.chunks_exact(cols).flat_map(|row| run(level, row, cols)).collect();
            assert_same_bits(
                &format!("{level} {cols} columns"),
                cols,
                &run(level, &x, cols),
                &alone,
            );
        }
    }
}

#[test]
fn equal_values_are_equally_likely() {
    for cols in LENGTHS.into_iter().filter(|cols| cols.is_power_of_two()) {
        // The largest and smallest rows there are: nothing overflows, because the maximum is
        // subtracted first.
        for x in [0.0, -1e-40, 1e4, f32::MAX, f32::MIN] {
            for level in Level::available() {
                let got = run(level, &vec![x; cols], cols);
                assert_exact(
                    &format!("{level} {cols} times {x:e}"),
                    cols,
                    &got,
                    &vec![1.0 / cols as f64; cols],
                );
            }
        }
    }
}

#[test]
fn the_maximum_is_found_at_every_position() {
    for cols in LENGTHS {
        for at in 0..cols {
            let mut x = vec![f32::MIN; cols];
            x[at] = 3e38;
            let mut want = vec![0.0; cols];
            want[at] = 1.0;
            for level in Level::available() {
                assert_exact(
                    &format!("{level} maximum at {at} of {cols}"),
                    cols,
                    &run(level, &x, cols),
                    &want,
                );
            }
        }
    }
}

#[test]
fn minus_infinity_has_probability_zero() {
    for level in Level::available() {
        let got = run(level, &[f32::NEG_INFINITY, 2.0, f32::NEG_INFINITY, 2.0], 4);
        assert_exact(level.name(), 4, &got, &[0.0, 0.5, 0.0, 0.5]);
    }
}

#[test]
fn a_nan_makes_its_own_row_nan_and_no_other() {
    for cols in [3, 16, 21] {
        for at in 0..cols {
            let mut x = vec![1.0; 3 * cols];
            x[cols + at] = f32::NAN;
            for level in Level::available() {
                let got = run(level, &x, cols);
                assert!(
                    got[cols..2 * cols].iter().all(|p| p.is_nan()),
                    "{level} NaN at {at} of {cols}: {got:?}"
                );
                assert!(
                    got[..cols].iter().chain(&got[2 * cols..]).all(|p| p.is_finite()),
                    "{level} NaN at {at} of {cols}: {got:?}"
                );
            }
        }
    }
}

#[test]
#[should_panic(expected = "5 values are no whole rows of 2")]
fn a_part_of_a_row_is_refused() {
    run(Level::detect(), &[0.0; 5], 2);
}

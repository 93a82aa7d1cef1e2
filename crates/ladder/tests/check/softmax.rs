//! Rows to probabilities.

use super::support::{Random, U, assert_within, gamma};
use minilm_kernels::naive;

/// Columns.
const LENGTHS: [usize; 11] = [
    1, 2, 3, // shortest; a single value has probability 1
    15, 16, 17, // around a vector
    31, 32, 33, // around two vectors
    193, 512, // long sentences
];

/// Three rows of each length, their values between −`spread` and `spread`.
pub fn softmax(name: &str, operation: impl Fn(&mut [f32], &mut [f32]), spread: f32) {
    for cols in LENGTHS {
        let x: Vec<f32> =
            Random(cols as u64).values(3 * cols).into_iter().map(|x| x * spread).collect();
        let (mut e, mut sums) = (x.clone(), [f32::NAN; 3]);
        operation(&mut e, &mut sums);
        for ((x, e), sum) in x.chunks_exact(cols).zip(e.chunks_exact(cols)).zip(sums) {
            let want = naive::softmax(&x.iter().map(|&x| x.into()).collect::<Vec<_>>());
            // The quotient in f64: what is compared is the rung, not how its result is divided.
            let errors: Vec<f64> = e
                .iter()
                .zip(&want)
                .map(|(&e, want)| f64::from(e) / f64::from(sum) - want)
                .collect();
            let got: Vec<f32> = errors.into_iter().map(|error| error as f32).collect();
            assert_within(
                &format!("{name} {cols} columns ±{spread}, error"),
                cols,
                &got,
                &vec![0.0; cols],
                &bound(x, &want),
            );
        }
    }
}

/// How far rounding may take the probabilities of one row from the truth.
///
/// A term exp(x − max) has u·(max − x) from the subtraction and 2u (1 ULP) from exp; a sum of n
/// terms has n roundings in any order; the division one. Where a term is subnormal its error is up
/// to 2⁻¹⁴⁹.
fn bound(x: &[f32], truth: &[f64]) -> Vec<f64> {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let of_term = |x: f32| (1.01 * U * f64::from(max - x).min(110.0)).exp_m1() + 2.1 * U;
    let of_sum: f64 =
        x.iter().zip(truth).map(|(&x, p)| p * of_term(x)).sum::<f64>() + gamma(x.len() + 4);
    x.iter()
        .zip(truth)
        .map(|(&x, p)| 1.01 * p * (of_term(x) + of_sum + 1.1 * U) + 2f64.powi(-148))
        .collect()
}

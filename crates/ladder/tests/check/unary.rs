//! Functions of one variable: eˣ and x·Φ(x).

use super::support::{U, dense_sample, ulps};
use minilm_kernels::naive;
use std::ops::RangeInclusive;

/// eˣ within `most` ULP for the inputs of `range`.
pub fn exp(name: &str, operation: impl Fn(&mut [f32]), range: RangeInclusive<f32>, most: f64) {
    unary(name, operation, range, |x, y| {
        let truth = f64::from(x).exp();
        (ulps(y, truth), most, truth)
    });
}

/// x·Φ(x), with an error of `erf` in the error function and of `roundings`·u beside it.
///
/// An error of ε in erf is |x|/2·ε in the result, which has two roundings of its own.
pub fn gelu(name: &str, operation: impl Fn(&mut [f32]), erf: f64, roundings: f64) {
    unary(name, operation, f32::MIN..=f32::MAX, |x, y| {
        let truth = naive::gelu(x.into());
        let of_erf = f64::from(x).abs() / 2.0 * (erf + roundings * U);
        ((f64::from(y) - truth).abs(), of_erf + 2.01 * U * truth.abs() + 2f64.powi(-148), truth)
    });
}

/// Compares a dense sample of `range`. `judge` gives for an input and its result the error, what it
/// may be, and the truth.
fn unary(
    name: &str,
    operation: impl Fn(&mut [f32]),
    range: RangeInclusive<f32>,
    judge: impl Fn(f32, f32) -> (f64, f64, f64),
) {
    // In steps of 0.001 where the function bends, then every exponent.
    let sample = (-8000..=8000).map(|i| i as f32 * 0.001).chain(dense_sample());
    let inputs: Vec<f32> = sample.filter(|x| range.contains(x)).collect();
    // All of them, one, and seventeen: a vector and a lane.
    for inputs in [&inputs[..], &inputs[..1], &inputs[..17]] {
        let mut results = inputs.to_vec();
        operation(&mut results);
        for (&x, &y) in inputs.iter().zip(&results) {
            let (error, most, truth) = judge(x, y);
            // A NaN is within no bound.
            let within = error <= most;
            assert!(
                within,
                "{name}({x:e}) = {y:e}: error {error:e} from {truth:e}, at most {most:e}"
            );
        }
    }
}

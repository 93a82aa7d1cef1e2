//! Rows to mean 0 and variance 1.

use super::support::{Random, U, assert_within, gamma};
use minilm_kernels::naive;

/// Columns: H.
const WIDTHS: [usize; 9] = [
    1, // the variance is 0 and the result beta
    2, 15, 16, 17, // around a vector
    383, 384, 385, // around the row that AVX-512 holds in registers
    768, // the hidden size of BERT-base
];

const EPSILON: f32 = 1e-12;

/// How the mean and the variance are found, which decides how far rounding takes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// Σx / H, then Σ(x − mean)² / H.
    Centred,
    /// Σx² / H − (Σx / H)².
    Moments,
    /// One value after the other.
    Welford,
}

/// Three rows of each width, `spread` around `mean`.
pub fn layer_norm(
    name: &str,
    operation: impl Fn(&mut [f32], &[f32], &[f32], f32),
    statistics: Statistics,
    mean: f32,
    spread: f32,
) {
    for h in WIDTHS {
        let mut random = Random(h as u64);
        let x: Vec<f32> = random.values(3 * h).into_iter().map(|x| x * spread + mean).collect();
        let (gamma, beta) = (random.values(h), random.values(h));
        let mut got = x.clone();
        operation(&mut got, &gamma, &beta, EPSILON);
        let rows = x.chunks_exact(h);
        let want: Vec<f64> = rows
            .clone()
            .flat_map(|row| naive::layer_norm(row, &gamma, &beta, EPSILON.into()))
            .collect();
        let bound: Vec<f64> = rows.flat_map(|row| bound(row, &gamma, &beta, statistics)).collect();
        assert_within(&format!("{name} H {h}, {mean} ± {spread}"), h, &got, &want, &bound);
    }
}

/// How far rounding may take one row from the truth: the mean is off by δ, the variance by a part e
/// of itself.
///
/// A shift of the mean shifts all results. A variance that is e too small makes them 1/√(1 − e) too
/// large. Then each value has a subtraction, two products and an addition, and their common factor
/// a sum, a root and a division.
fn bound(row: &[f32], weights: &[f32], beta: &[f32], statistics: Statistics) -> Vec<f64> {
    let h = row.len() as f64;
    let x = || row.iter().map(|&x| f64::from(x));
    let mean = x().sum::<f64>() / h;
    let variance = x().map(|x| (x - mean) * (x - mean)).sum::<f64>() / h;
    let (delta, off) = match statistics {
        Statistics::Centred => centred(row, variance),
        Statistics::Moments => moments(row, mean),
        Statistics::Welford => welford(row, variance),
    };
    let variance = variance + f64::from(EPSILON);
    let e = off / variance + gamma(4);
    let relative = if e < 1.0 { (1.0 - e).powf(-0.5) - 1.0 } else { f64::INFINITY };
    let each = x().zip(weights.iter().zip(beta)).map(|(x, (&weight, &beta))| {
        let scaled = (x - mean).abs() / variance.sqrt() * f64::from(weight).abs();
        let shift = delta / variance.sqrt() * f64::from(weight).abs();
        1.01 * ((scaled + shift) * (relative + gamma(7)) + shift + U * f64::from(beta).abs())
            + 2f64.powi(-140)
    });
    each.collect()
}

/// A sum of H values in any order has at most H roundings, and the division one. A wrong mean adds
/// δ² to the variance.
fn centred(row: &[f32], variance: f64) -> (f64, f64) {
    let h = row.len();
    let delta = gamma(h + 1) * row.iter().map(|&x| f64::from(x).abs()).sum::<f64>() / h as f64;
    (delta, delta * delta + gamma(h + 4) * (variance + delta * delta))
}

/// The two terms are as large as the mean's square, and so are their errors; their difference may
/// be small.
fn moments(row: &[f32], mean: f64) -> (f64, f64) {
    let h = row.len();
    let delta = gamma(h + 1) * row.iter().map(|&x| f64::from(x).abs()).sum::<f64>() / h as f64;
    let squares = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>() / h as f64;
    let of_mean = 2.0 * mean.abs() * delta + delta * delta + 2.0 * U * mean * mean;
    (delta, 1.01 * (gamma(h + 3) * squares + of_mean))
}

/// An error made at step i is multiplied by i/H until the end: of the two roundings of d/i,
/// 2u·|d|/H remains, of that of the mean u·|mean|·i/H. In the sum of squares each factor is off by
/// the error of a mean, and there are H + 3 roundings.
fn welford(row: &[f32], variance: f64) -> (f64, f64) {
    let h = row.len() as f64;
    let largest = row.iter().map(|&x| f64::from(x).abs()).fold(0.0, f64::max);
    let delta = 1.01 * U * largest * (4.0 + (h + 1.0) / 2.0);
    let (mut mean, mut factors) = (0.0, 0.0);
    for (i, &x) in row.iter().enumerate() {
        let d = f64::from(x) - mean;
        mean += d / (i + 1) as f64;
        factors += d.abs() + (f64::from(x) - mean).abs() + delta;
    }
    (delta, 1.01 * (delta * factors / h + gamma(row.len() + 4) * variance))
}

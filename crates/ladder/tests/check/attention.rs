//! Softmax(q·kᵀ/√D)·v of several sentences.

use super::support::{Random, U, assert_within, gamma};
use minilm_kernels::naive;
use minilm_ladder::attention::Batch;

/// Batches, by where their sentences start.
const BATCHES: [&[usize]; 15] = [
    &[0],    // nothing
    &[0, 1], // softmax of one value is 1
    &[0, 2],
    &[0, 5], // around a tile of 6 queries
    &[0, 6],
    &[0, 7],
    &[0, 15], // around a vector
    &[0, 16],
    &[0, 17],
    &[0, 31], // around two
    &[0, 32],
    &[0, 33],
    &[0, 129],                         // around a chain of the shipped kernel
    &[0, 0, 1, 3, 36, 36, 53, 59, 76], // unequal ones, two of them empty
    &[0, 8, 16, 24],                   // equal ones
];

/// Columns of a head: D.
const HEAD_SIZES: [usize; 3] = [
    32, // whole vectors
    26, // a ragged second vector
    1,  // one lane
];

const HEADS: usize = 2;

/// Every batch and head size, on random values.
pub fn attention(name: &str, operation: impl Fn(&[f32], Batch, &mut [f32])) {
    for d in HEAD_SIZES {
        for starts in BATCHES {
            let hidden = HEADS * d;
            let tokens = starts[starts.len() - 1];
            let qkv = Random((d * 1000 + tokens) as u64).values(tokens * 3 * hidden);
            let mut got = vec![f32::NAN; tokens * hidden];
            operation(&qkv, Batch { hidden, heads: HEADS, starts }, &mut got);
            let (mut want, mut bounds) = (Vec::new(), Vec::new());
            for rows in starts.windows(2).map(|w| w[0]..w[1]) {
                let qkv = &qkv[rows.start * 3 * hidden..rows.end * 3 * hidden];
                let truth = naive::attention(qkv, hidden, HEADS);
                bounds.extend(bound(qkv, hidden, &truth));
                want.extend(truth);
            }
            assert_within(
                &format!("{name} D {d}, sentences from {starts:?}"),
                hidden,
                &got,
                &want,
                &bounds,
            );
        }
    }
}

/// How far rounding may take the context `[L, H]` of one sentence from the truth.
///
/// With t = q·k/√D − max and p = exp(t)/Σ, a rung computes Σ êv / Σ ê with ê = exp(t + τ)·(1 + ρ):
///
/// - τ: the dot product has D roundings, γ_D·Σ|q·k|/√D; subtraction, scaling and the scale itself
///   four, of numbers as large as the scores. An error in the maximum is the same for all keys and
///   cancels.
/// - ρ: exp is within 1 ULP, 2u, and a quotient has one rounding; a sum of L values has at most L,
///   in any order.
fn bound(qkv: &[f32], hidden: usize, truth: &[f64]) -> Vec<f64> {
    let d = hidden / HEADS;
    let l = qkv.len() / (3 * hidden);
    let rho = gamma(l + 4);
    let root = (d as f64).sqrt();
    let row = |token: usize, part: usize, head: usize| {
        &qkv[token * 3 * hidden + part * hidden + head * d..][..d]
    };

    let mut bound = vec![0.0; l * hidden];
    for head in 0..HEADS {
        for i in 0..l {
            let terms = |j| {
                row(i, 0, head)
                    .iter()
                    .zip(row(j, 1, head))
                    .map(|(&q, &k)| f64::from(q) * f64::from(k))
            };
            let scores: Vec<f64> = (0..l).map(|j| terms(j).sum::<f64>() / root).collect();
            let tau = |j: usize| gamma(d + 4) * terms(j).map(f64::abs).sum::<f64>() / root;
            let max = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let growth: Vec<f64> =
                (0..l).map(|j| (tau(j) + 4.0 * U * (max - scores[j])).exp()).collect();
            let p = naive::softmax(&scores);
            // Relative errors of numerator and denominator: p-weighted sums of (eᵗ·(1 + ρ) − 1).
            let sum: f64 = (0..l).map(|j| p[j] * (growth[j] * (1.0 + rho) - 1.0)).sum();
            for column in 0..d {
                let term = |j: usize| {
                    p[j] * f64::from(row(j, 2, head)[column]).abs()
                        * (growth[j] * (1.0 + rho) - 1.0)
                };
                let at = i * hidden + head * d + column;
                let quotient =
                    ((0..l).map(term).sum::<f64>() + truth[at].abs() * sum) / (1.0 - sum);
                bound[at] = 1.01 * quotient + 2.0 * U * truth[at].abs();
            }
        }
    }
    bound
}

//! The gradients of attention.

use super::support::{Random, U, assert_within, gamma};
use minilm_kernels::naive;
use minilm_ladder::attention::Batch;

/// Batches, by where their sentences start.
const BATCHES: [&[usize]; 9] = [
    &[0],    // nothing
    &[0, 1], // one token: no gradient but the value's
    &[0, 5],
    &[0, 15], // around a vector
    &[0, 16],
    &[0, 17],
    &[0, 33],                      // around two
    &[0, 129],                     // around a chain of the shipped kernel
    &[0, 0, 1, 3, 36, 36, 53, 60], // unequal ones, two of them empty
];

/// Columns of a head: D.
const HEAD_SIZES: [usize; 3] = [
    32, // whole vectors
    26, // a ragged second vector
    1,  // one lane
];

const HEADS: usize = 2;

/// Every batch and head size, on random values.
pub fn attention_backward(name: &str, operation: impl Fn(&[f32], &[f32], Batch, &mut [f32])) {
    for d in HEAD_SIZES {
        for starts in BATCHES {
            let hidden = HEADS * d;
            let tokens = starts[starts.len() - 1];
            let mut random = Random((d * 1000 + tokens) as u64);
            let (qkv, dy) = (random.values(tokens * 3 * hidden), random.values(tokens * hidden));
            let mut got = vec![f32::NAN; tokens * 3 * hidden];
            operation(&qkv, &dy, Batch { hidden, heads: HEADS, starts }, &mut got);
            let (mut want, mut bounds) = (Vec::new(), Vec::new());
            for rows in starts.windows(2).map(|w| w[0]..w[1]) {
                let qkv = &qkv[rows.start * 3 * hidden..rows.end * 3 * hidden];
                let dy = &dy[rows.start * hidden..rows.end * hidden];
                want.extend(naive::backward::attention(qkv, hidden, HEADS, |_, _, _| 1.0, dy));
                bounds.extend(bound(qkv, dy, hidden));
            }
            let name = format!("{name} D {d}, sentences from {starts:?}");
            assert_within(&name, 3 * hidden, &got, &want, &bounds);
        }
    }
}

/// How far rounding may take d_qkv `[L, 3H]` of one sentence from the truth, to first order and a
/// hundredth more.
///
/// - Scores: γ_{D + 4}·Σ|q·k|/√D. Probabilities, for values of this size: twice the largest error
///   of a score, for numerator and sum, and γ_{L + 6} for exponential, sum and quotient.
/// - dP: γ_D·Σ|dO·v|. D = Σ P⊙dP: the errors of both, and γ_L of its own.
/// - dS: the errors of P, dP and D, and four roundings; dq, dk and dv: those of dS and P, and γ_L.
fn bound(qkv: &[f32], dy: &[f32], hidden: usize) -> Vec<f64> {
    let d = hidden / HEADS;
    let l = qkv.len() / (3 * hidden);
    let root = (d as f64).sqrt();
    let mut out = vec![0.0; l * 3 * hidden];
    for head in 0..HEADS {
        let row = |i: usize, part: usize| &qkv[i * 3 * hidden + part * hidden + head * d..][..d];
        let of_context = |i: usize| &dy[i * hidden + head * d..][..d];
        for i in 0..l {
            let scores: Vec<[f64; 2]> = (0..l).map(|j| dot(row(i, 0), row(j, 1))).collect();
            let p = naive::softmax(&scores.iter().map(|s| s[0] / root).collect::<Vec<_>>());
            let off = scores.iter().map(|s| gamma(d + 4) * s[1] / root).fold(0.0, f64::max);
            let p_off = 2.0 * off + gamma(l + 6); // of P, relative
            let dp: Vec<[f64; 2]> = (0..l).map(|j| dot(of_context(i), row(j, 2))).collect();
            let dp_off = |j: usize| gamma(d) * dp[j][1];
            let total: f64 = (0..l).map(|j| p[j] * dp[j][0]).sum();
            let total_off: f64 =
                (0..l).map(|j| p[j] * (dp[j][0].abs() * (p_off + gamma(l)) + dp_off(j))).sum();
            for j in 0..l {
                let rest = (dp[j][0] - total).abs();
                let ds = p[j] * rest / root;
                let ds_off = ds * (p_off + 4.0 * U) + p[j] * (dp_off(j) + total_off) / root;
                for c in 0..d {
                    let mut add = |token: usize, part: usize, size: f64, off: f64, x: f32| {
                        out[token * 3 * hidden + part * hidden + head * d + c] +=
                            1.01 * (off + gamma(l) * size) * f64::from(x.abs());
                    };
                    add(i, 0, ds, ds_off, row(j, 1)[c]);
                    add(j, 1, ds, ds_off, row(i, 0)[c]);
                    add(j, 2, p[j], p[j] * p_off, of_context(i)[c]);
                }
            }
        }
    }
    out
}

/// Σ a·b, and Σ |a·b|.
fn dot(a: &[f32], b: &[f32]) -> [f64; 2] {
    let terms = || a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    [terms().sum(), terms().map(f64::abs).sum()]
}

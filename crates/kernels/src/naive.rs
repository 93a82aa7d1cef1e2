//! The oracle: every operation as plain loops in `f64`, readable as its specification.
//!
//! Inputs are the `f32` that a kernel gets; everything after is `f64`. Tests compare the kernels
//! with these.
//!
//! In the book: `docs/01-model.md`.

pub mod backward;

use crate::Rows;

/// y = x·Wᵀ + b with x `[M, K]`, weight `[N, K]`, bias `[N]`; returns y `[M, N]`.
///
/// ```
/// assert_eq!(minilm_kernels::naive::linear(&[1.0, 2.0], &[3.0, 4.0], &[0.5]), [11.5]);
/// ```
pub fn linear(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let n = bias.len();
    let k = weight.len() / n;
    let mut y = Vec::with_capacity(x.len() / k * n);
    for x in x.chunks_exact(k) {
        for (w, b) in weight.chunks_exact(k).zip(bias) {
            let dot: f64 = x.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum();
            y.push(dot + f64::from(*b));
        }
    }
    y
}

/// x·Φ(x), Φ the standard normal distribution.
///
/// ```
/// assert!((minilm_kernels::naive::gelu(1.0) - 0.841_344_746_068_543).abs() < 1e-15);
/// ```
pub fn gelu(x: f64) -> f64 {
    // erfc keeps its relative precision where 1 + erf would cancel.
    x * 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// (x − mean) / √(variance + ε) · γ + β for one row `[H]`.
///
/// ```
/// use minilm_kernels::naive::layer_norm;
/// assert_eq!(layer_norm(&[1.0, 3.0], &[1.0, 1.0], &[0.0, 0.0], 0.0), [-1.0, 1.0]);
/// ```
pub fn layer_norm(x: &[f32], gamma: &[f32], beta: &[f32], epsilon: f64) -> Vec<f64> {
    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    let h = x.len() as f64;
    let mean = x.iter().sum::<f64>() / h;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / h;
    let scale = 1.0 / (variance + epsilon).sqrt();
    let affine = gamma.iter().zip(beta);
    x.iter()
        .zip(affine)
        .map(|(x, (&g, &b))| (x - mean) * scale * f64::from(g) + f64::from(b))
        .collect()
}

/// exp(xⱼ) / Σ exp(x) for one row.
///
/// ```
/// assert_eq!(minilm_kernels::naive::softmax(&[7.0, 7.0]), [0.5, 0.5]);
/// ```
pub fn softmax(x: &[f64]) -> Vec<f64> {
    let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let e: Vec<f64> = x.iter().map(|x| (x - max).exp()).collect();
    let sum: f64 = e.iter().sum();
    e.iter().map(|e| e / sum).collect()
}

/// softmax(q·kᵀ/√D) of one head: query and key `[L, D]`, returns `[L, L]`, the shares that each
/// query gives to the keys in a row.
///
/// The kernel never has them as a whole: a reader who wants to look at them gets them from here.
///
/// ```
/// use minilm_kernels::{Rows, naive::attention_probabilities};
/// let (query, key) = ([1.0, 0.0], [0.0, f32::ln(3.0)]); // L = 2, D = 1
/// let shares = attention_probabilities(Rows::new(&query, 1), Rows::new(&key, 1));
/// assert!((shares[1] - 0.75).abs() < 1e-7); // query 1, key ln 3: 3 / (1 + 3)
/// assert_eq!(shares[2..], [0.5, 0.5]); // query 0 is indifferent
/// ```
pub fn attention_probabilities(query: Rows, key: Rows) -> Vec<f64> {
    let scale = (query.cols() as f64).sqrt();
    let dot = |q: &[f32], k: &[f32]| {
        q.iter().zip(k).map(|(&q, &k)| f64::from(q) * f64::from(k)).sum::<f64>()
    };
    let scores =
        |i| (0..key.rows()).map(|j| dot(query.row(i), key.row(j)) / scale).collect::<Vec<_>>();
    (0..query.rows()).flat_map(|i| softmax(&scores(i))).collect()
}

/// Multi-head attention over one sentence: qkv `[L, 3·H]` (queries, keys and values side by side),
/// returns `[L, H]`.
///
/// ```
/// // One token attends to itself alone: the result is its value.
/// assert_eq!(minilm_kernels::naive::attention(&[0.3, -0.7, 2.5], 1, 1), [2.5]);
/// ```
pub fn attention(qkv: &[f32], hidden: usize, heads: usize) -> Vec<f64> {
    let head_size = hidden / heads;
    let qkv = Rows::new(qkv, 3 * hidden);
    let tokens = qkv.rows();

    let mut context = vec![0.0; tokens * hidden];
    for head in 0..heads {
        let columns = |part: usize| {
            qkv.columns(part * hidden + head * head_size..part * hidden + (head + 1) * head_size)
        };
        let [query, key, value] = [0, 1, 2].map(columns); // [L, D]
        for (i, probabilities) in
            attention_probabilities(query, key).chunks_exact(tokens.max(1)).enumerate()
        {
            for d in 0..head_size {
                let sum = probabilities
                    .iter()
                    .enumerate()
                    .map(|(j, p)| p * f64::from(value.row(j)[d]))
                    .sum();
                context[i * hidden + head * head_size + d] = sum;
            }
        }
    }
    context
}

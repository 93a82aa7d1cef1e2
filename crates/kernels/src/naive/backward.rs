//! The backward pass of each operation in `f64`: the specification of the kernels.
//!
//! Each function gets the gradient of the result, dy, and returns the gradients of the operands.
//! Tests compare these with central differences of the forward pass, and the kernels with these.
//!
//! In the book: `docs/14-training.md`.

use super::attention_probabilities;
use crate::Rows;

/// The gradients of a linear layer's operands.
#[derive(Debug, Clone, PartialEq)]
pub struct Linear {
    /// dx = dy·W `[M, K]`
    pub x: Vec<f64>,
    /// dW = dyᵀ·x `[N, K]`
    pub weight: Vec<f64>,
    /// db = Σ dy `[N]`
    pub bias: Vec<f64>,
}

/// y = x·Wᵀ + b with x `[M, K]`, weight `[N, K]`, dy `[M, N]`.
///
/// ```
/// use minilm_kernels::naive::backward::linear;
/// let d = linear(&[1.0, 2.0], &[3.0, 4.0], 1, &[10.0]);
/// assert_eq!((d.x, d.weight, d.bias), (vec![30.0, 40.0], vec![10.0, 20.0], vec![10.0]));
/// ```
pub fn linear(x: &[f32], weight: &[f32], outputs: usize, dy: &[f32]) -> Linear {
    let k = weight.len() / outputs;
    let mut d =
        Linear { x: vec![0.0; x.len()], weight: vec![0.0; weight.len()], bias: vec![0.0; outputs] };
    for (t, dy) in dy.chunks_exact(outputs).enumerate() {
        for (n, &dy) in dy.iter().enumerate() {
            let dy = f64::from(dy);
            d.bias[n] += dy;
            for i in 0..k {
                d.x[t * k + i] += dy * f64::from(weight[n * k + i]);
                d.weight[n * k + i] += dy * f64::from(x[t * k + i]);
            }
        }
    }
    d
}

/// gelu'(x) = Φ(x) + x·φ(x)
///
/// ```
/// assert_eq!(minilm_kernels::naive::backward::gelu_derivative(0.0), 0.5);
/// ```
pub fn gelu_derivative(x: f64) -> f64 {
    let density = (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let distribution = 0.5 * libm::erfc(-x / std::f64::consts::SQRT_2);
    distribution + x * density
}

/// The gradients of LayerNorm's operands, for one row.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerNorm {
    /// dx `[H]`
    pub x: Vec<f64>,
    /// What the row adds to dγ `[H]`: dy·x̂
    pub gamma: Vec<f64>,
}

/// y = x̂·γ + β with x̂ = (x − mean)/√(variance + ε), for one row `[H]`. β's gradient is dy.
///
/// ```
/// use minilm_kernels::naive::backward::layer_norm;
/// let d = layer_norm(&[1.0, 3.0], &[1.0, 1.0], 0.0, &[5.0, 7.0]);
/// assert_eq!((d.x, d.gamma), (vec![0.0, 0.0], vec![-5.0, 7.0]));
/// ```
pub fn layer_norm(x: &[f32], gamma: &[f32], epsilon: f64, dy: &[f32]) -> LayerNorm {
    let ones = vec![1.0; x.len()];
    let normalised = super::layer_norm(x, &ones, &vec![0.0; x.len()], epsilon); // x̂
    let h = x.len() as f64;
    let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / h;
    let variance = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / h;
    let scale = 1.0 / (variance + epsilon).sqrt();
    let q: Vec<f64> = dy.iter().zip(gamma).map(|(&d, &g)| f64::from(d) * f64::from(g)).collect();
    let mean_q = q.iter().sum::<f64>() / h;
    let projection = q.iter().zip(&normalised).map(|(q, x)| q * x).sum::<f64>() / h;
    LayerNorm {
        x: q.iter().zip(&normalised).map(|(q, x)| scale * (q - mean_q - x * projection)).collect(),
        gamma: dy.iter().zip(&normalised).map(|(&d, x)| f64::from(d) * x).collect(),
    }
}

/// Multi-head attention over one sentence: qkv `[L, 3·H]`, d_context `[L, H]`; returns d_qkv
/// `[L, 3·H]`. `mask` gives dropout's factor for (head, query, key).
///
/// ```
/// use minilm_kernels::naive::backward::attention;
/// // A token alone attends to itself.
/// assert_eq!(attention(&[0.1, 0.2, 7.0], 1, 1, |_, _, _| 1.0, &[2.0]), [0.0, 0.0, 2.0]);
/// ```
pub fn attention(
    qkv: &[f32],
    hidden: usize,
    heads: usize,
    mask: impl Fn(usize, usize, usize) -> f64,
    d_context: &[f32],
) -> Vec<f64> {
    let (d, h) = (hidden / heads, hidden);
    let (qkv, d_context) = (Rows::new(qkv, 3 * h), Rows::new(d_context, h));
    let l = qkv.rows();
    let mut out = vec![0.0; l * 3 * h];
    let dot = |a: &[f32], b: &[f32]| {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>()
    };
    for head in 0..heads {
        let columns = |part: usize| part * h + head * d..part * h + (head + 1) * d;
        let [q, k, v] = [0, 1, 2].map(|part| qkv.columns(columns(part)));
        let g = d_context.columns(head * d..(head + 1) * d);
        let p = attention_probabilities(q, k); // [L, L]
        for i in 0..l {
            let p = &p[i * l..(i + 1) * l];
            let dp: Vec<f64> = (0..l).map(|j| dot(g.row(i), v.row(j)) * mask(head, i, j)).collect();
            let total: f64 = p.iter().zip(&dp).map(|(p, dp)| p * dp).sum();
            for j in 0..l {
                let ds = p[j] * (dp[j] - total) / (d as f64).sqrt();
                let kept = p[j] * mask(head, i, j);
                for c in 0..d {
                    let at = |row: usize, part: usize| row * 3 * h + columns(part).start + c;
                    out[at(i, 0)] += ds * f64::from(k.row(j)[c]);
                    out[at(j, 1)] += ds * f64::from(q.row(i)[c]);
                    out[at(j, 2)] += kept * f64::from(g.row(i)[c]);
                }
            }
        }
    }
    out
}

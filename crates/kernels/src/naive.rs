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

/// The rotation that precedes rounding, of one chunk of a row, times the power of two by which
/// [`quantise`](crate::quantise) stretches. A chunk that is no multiple of sixteen stays as it is.
///
/// ```
/// // Sixteen values are one register, which has no other to be mixed with.
/// let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
/// assert_eq!(minilm_kernels::naive::rotate(&x[..16])[3], 3.0);
/// // Two registers: sums and differences, the second rolled by one lane, and again.
/// assert_eq!(minilm_kernels::naive::rotate(&x)[0], (0.0 + 16.0) + (1.0 - 17.0));
/// ```
pub fn rotate(x: &[f32]) -> Vec<f64> {
    let v: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
    if !v.len().is_multiple_of(16) {
        return v;
    }
    let mixed = mix(&v);
    mix(&(0..v.len()).map(|i| mixed[rolled(i)]).collect::<Vec<_>>())
}

/// The transpose of [`rotate`]: products with it are those of the rotated row with the other side
/// as it is. Each of the two stretches.
///
/// ```
/// use minilm_kernels::naive::{rotate, rotate_back};
/// let x: Vec<f32> = (0..32).map(|i| i as f32).collect();
/// assert_eq!(rotate_back(&rotate(&x))[5], 4.0 * 5.0); // by 2 each, for two registers
/// ```
pub fn rotate_back(v: &[f64]) -> Vec<f64> {
    if !v.len().is_multiple_of(16) {
        return v.to_vec();
    }
    let (mixed, mut unrolled) = (mix(v), vec![0.0; v.len()]); // a mix is symmetric
    for (i, x) in mixed.into_iter().enumerate() {
        unrolled[rolled(i)] = x;
    }
    mix(&unrolled)
}

/// Where element `i` is before the lanes of its register t are rolled by t.
fn rolled(i: usize) -> usize {
    i / 16 * 16 + (i % 16 + i / 16) % 16
}

/// The Hadamard matrix of size 2ᵃ, Kronecker I − 2/m·J, over 2ᵃ·m registers of sixteen lanes.
fn mix(v: &[f64]) -> Vec<f64> {
    let registers = v.len() / 16;
    let size = 1 << registers.trailing_zeros();
    let blocks = (registers / size) as f64;
    let element = |t: usize, u: usize| {
        let signs = ((t % size) & (u % size)).count_ones();
        let hadamard = if signs.is_multiple_of(2) { 1.0 } else { -1.0 };
        match (t / size == u / size, blocks == 1.0) {
            (_, true) => hadamard,
            (same, false) => hadamard * (f64::from(u8::from(same)) - 2.0 / blocks),
        }
    };
    let lane = |t, l| (0..registers).map(|u| element(t, u) * v[u * 16 + l]).sum();
    (0..v.len()).map(|i| lane(i / 16, i % 16)).collect()
}

/// One chunk of a row as integers of at most `largest`, and what one of them is worth.
///
/// ```
/// let (q, scale) = minilm_kernels::naive::quantise(&[1.0, -0.5, 0.0], 127);
/// assert_eq!((q, scale), (vec![127, -64, 0], 1.0 / 127.0)); // -63.5 is rounded to even
/// ```
pub fn quantise(x: &[f64], largest: i64) -> (Vec<i64>, f64) {
    let most = x.iter().fold(1e-30_f64, |most, x| most.max(x.abs()));
    let scale = most / largest as f64;
    (x.iter().map(|x| (x / scale).round_ties_even() as i64).collect(), scale)
}

/// y = x·Wᵀ + b of [`linear`] with both sides rounded to integers of at most `largest`, chunk by
/// chunk of 384 k, rotated before that or not.
///
/// ```
/// use minilm_kernels::naive;
/// let (x, w) = ([127.0, 3.0], [127.0, -2.0]); // integers as they are
/// assert_eq!(naive::quantised_linear(&x, &w, &[0.5], 127, true), [127.0 * 127.0 - 6.0 + 0.5]);
/// ```
pub fn quantised_linear(
    x: &[f32],
    weight: &[f32],
    bias: &[f32],
    largest: i64,
    rotated: bool,
) -> Vec<f64> {
    let k = weight.len() / bias.len();
    // Stretched rows have stretched scales, so the product has the square of the stretch.
    let quantised = |row: &[f32]| -> Vec<(Vec<i64>, f64)> {
        let chunks = row.chunks(384).map(|chunk| {
            let plain = || chunk.iter().map(|&x| f64::from(x)).collect();
            let is_rotated = rotated && chunk.len().is_multiple_of(16);
            let stretch = if is_rotated { 1 << (chunk.len() / 16).trailing_zeros() } else { 1 };
            let values: Vec<f64> = if rotated { rotate(chunk) } else { plain() };
            let (q, scale) = quantise(&values, largest);
            (q, scale / f64::from(stretch))
        });
        chunks.collect()
    };
    let weight: Vec<_> = weight.chunks_exact(k).map(quantised).collect();
    let product = |x: &[(Vec<i64>, f64)], w: &[(Vec<i64>, f64)]| -> f64 {
        let chunks = x.iter().zip(w).map(|((x, s), (w, t))| {
            x.iter().zip(w).map(|(x, w)| x * w).sum::<i64>() as f64 * s * t
        });
        chunks.sum()
    };
    let rows = x.chunks_exact(k).flat_map(|x| {
        let x = quantised(x);
        let columns = weight.iter().zip(bias);
        columns.map(move |(w, b)| product(&x, w) + f64::from(*b)).collect::<Vec<_>>()
    });
    rows.collect()
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

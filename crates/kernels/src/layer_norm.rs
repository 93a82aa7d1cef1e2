//! LayerNorm over rows: (x − mean) / √(variance + ε) · γ + β.
//!
//! ```text
//! pass 1: mean     = Σ xᵢ / H
//! pass 2: variance = Σ (xᵢ − mean)² / H
//! pass 3: yᵢ       = (xᵢ − mean) · 1/√(variance + ε) · γᵢ + βᵢ
//! ```
//!
//! Two passes for the statistics, because the one-pass formula `E[x²] − E[x]²` cancels when the
//! mean is large. They cost nothing here: a row of 384 values is 24 vectors, it is loaded once, and
//! all three passes run on registers (AVX-512; the other levels keep what does not fit in the
//! first-level cache).
//!
//! Reference: J. Ba, J. Kiros and G. Hinton, *Layer Normalization*, arXiv:1607.06450.
//!
//! In the book: `docs/05-functions.md`.

use crate::simd::{Kernel, LANES, Level, Simd};

/// Vectors of a row that is held in registers: 24 of AVX-512's 32, a hidden size of 384.
const HELD: usize = 24;

/// Normalises each row of `x` `[rows, H]` in place, with `gamma` and `beta` `[H]`
/// (`torch.nn.functional.layer_norm`).
///
/// # Panics
/// If `gamma` and `beta` differ in length or `x` does not hold whole rows.
///
/// ```
/// let mut x = [1.0, 3.0];
/// minilm_kernels::layer_norm::layer_norm(minilm_kernels::Level::detect(), &mut x, &[2.0, 2.0], &[0.5, 0.5], 0.0);
/// assert_eq!(x, [-1.5, 2.5]);
/// ```
pub fn layer_norm(level: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let h = gamma.len();
    assert_eq!(h, beta.len(), "gamma and beta differ in length");
    assert!(h > 0 && x.len().is_multiple_of(h), "{} values are no whole rows of {h}", x.len());
    level.run(LayerNorm { x, parameters: Parameters { gamma, beta, epsilon } });
}

struct LayerNorm<'a> {
    x: &'a mut [f32], // [rows, H]
    parameters: Parameters<'a>,
}

struct Parameters<'a> {
    gamma: &'a [f32], // [H]
    beta: &'a [f32],  // [H]
    epsilon: f32,
}

impl Kernel for LayerNorm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let h = self.parameters.gamma.len();
        for row in self.x.chunks_exact_mut(h) {
            if h == HELD * LANES && S::VECTORS > HELD {
                self.parameters.row_in_registers(s, row);
            } else {
                self.parameters.row_in_cache(s, row);
            }
        }
    }
}

impl Parameters<'_> {
    /// A row of exactly `HELD` vectors: loaded once, stored once.
    #[inline(always)]
    fn row_in_registers<S: Simd>(&self, s: S, row: &mut [f32]) {
        let (row, _) = row.as_chunks_mut::<LANES>();
        let mut held = [s.zero(); HELD];
        let mut sum = s.zero();
        for i in 0..HELD {
            held[i] = s.load(&row[i]);
            sum = s.add(sum, held[i]);
        }
        let mean = s.splat(s.sum(sum) / self.gamma.len() as f32);

        let mut squares = s.zero();
        for x in &mut held {
            *x = s.sub(*x, mean);
            squares = s.mul_add(*x, *x, squares);
        }
        let scale = s.splat(self.reciprocal_deviation(s.sum(squares)));

        let (gamma, _) = self.gamma.as_chunks();
        let (beta, _) = self.beta.as_chunks();
        for i in 0..HELD {
            s.store(
                s.mul_add(s.mul(held[i], scale), s.load(&gamma[i]), s.load(&beta[i])),
                &mut row[i],
            );
        }
    }

    /// A row of any length, read three times: the same arithmetic in the same order.
    #[inline(always)]
    fn row_in_cache<S: Simd>(&self, s: S, row: &mut [f32]) {
        let mut sum = s.zero();
        for x in row.chunks(LANES) {
            sum = s.add(sum, s.load_or(x, 0.0));
        }
        let mean = s.sum(sum) / self.gamma.len() as f32;

        let mut squares = s.zero();
        for x in row.chunks(LANES) {
            // A lane past the end holds the mean and adds (mean − mean)² = 0.
            let centred = s.sub(s.load_or(x, mean), s.splat(mean));
            squares = s.mul_add(centred, centred, squares);
        }
        let scale = s.splat(self.reciprocal_deviation(s.sum(squares)));

        let parameters = self.gamma.chunks(LANES).zip(self.beta.chunks(LANES));
        for (x, (gamma, beta)) in row.chunks_mut(LANES).zip(parameters) {
            let y = s.mul(s.sub(s.load_or(x, mean), s.splat(mean)), scale);
            s.store_first(s.mul_add(y, s.load_or(gamma, 0.0), s.load_or(beta, 0.0)), x);
        }
    }

    /// 1 / √(Σ(x − mean)² / H + ε): IEEE division and square root, no estimate.
    #[inline(always)]
    fn reciprocal_deviation(&self, squares: f32) -> f32 {
        1.0 / (squares / self.gamma.len() as f32 + self.epsilon).sqrt()
    }
}

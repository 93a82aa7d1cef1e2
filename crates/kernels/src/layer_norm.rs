//! LayerNorm over rows: (x − mean) / √(variance + ε) · γ + β.
//!
//! ```text
//! pass 1: mean     = Σ xᵢ / H
//! pass 2: variance = Σ (xᵢ − mean)² / H
//! pass 3: yᵢ       = (xᵢ − mean) · 1/√(variance + ε) · γᵢ + βᵢ
//! ```
//!
//! Two passes for the statistics, because the one-pass formula `E[x²] − E[x]²` cancels when the
//! mean is large. They cost little here: a row of 384 values is 24 vectors, which stay in the
//! first-level cache for the second and third pass.
//!
//! Reference: J. Ba, J. Kiros and G. Hinton, *Layer Normalization*, arXiv:1607.06450.
//!
//! In the book: `docs/05-functions.md`.

mod backward;

pub use backward::{layer_norm_backward, normalize_rows, scale_and_shift};

use crate::simd::{Kernel, LANES, Level, Simd};

/// Normalises each row of `x` `[rows, H]` in place, with `gamma` and `beta` `[H]`
/// (`torch.nn.functional.layer_norm`).
///
/// # Panics
/// If `gamma` and `beta` differ in length or `x` does not hold whole rows.
///
/// ```
/// let mut x = [1.0, 3.0];
/// let level = minilm_kernels::Level::detect();
/// minilm_kernels::layer_norm::layer_norm(level, &mut x, &[2.0, 2.0], &[0.5, 0.5], 0.0);
/// assert_eq!(x, [-1.5, 2.5]);
/// ```
pub fn layer_norm(level: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    level.run(LayerNorm::new(x, gamma, beta, epsilon));
}

/// [`layer_norm`] as a [`Kernel`].
pub struct LayerNorm<'a> {
    x: &'a mut [f32], // [rows, H]
    gamma: &'a [f32], // [H]
    beta: &'a [f32],  // [H]
    epsilon: f32,
}

impl<'a> LayerNorm<'a> {
    /// The operands of [`layer_norm`].
    ///
    /// # Panics
    /// As [`layer_norm`].
    pub fn new(x: &'a mut [f32], gamma: &'a [f32], beta: &'a [f32], epsilon: f32) -> LayerNorm<'a> {
        let h = gamma.len();
        assert_eq!(h, beta.len(), "gamma and beta differ in length");
        assert!(h > 0 && x.len().is_multiple_of(h), "{} values are no whole rows of {h}", x.len());
        LayerNorm { x, gamma, beta, epsilon }
    }
}

impl Kernel for LayerNorm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let h = self.gamma.len();
        for row in self.x.chunks_exact_mut(h) {
            let (mean, scale) = statistics(s, row, self.epsilon);
            let scale = s.splat(scale);
            // pass 3: scale and shift
            let parameters = self.gamma.chunks(LANES).zip(self.beta.chunks(LANES));
            for (x, (gamma, beta)) in row.chunks_mut(LANES).zip(parameters) {
                let y = s.mul(s.sub(s.load_or(x, mean), s.splat(mean)), scale);
                s.store_first(s.mul_add(y, s.load_or(gamma, 0.0), s.load_or(beta, 0.0)), x);
            }
        }
    }
}

/// The mean of a row, and 1/√(variance + ε).
#[inline(always)]
fn statistics<S: Simd>(s: S, row: &[f32], epsilon: f32) -> (f32, f32) {
    let h = row.len() as f32;
    // pass 1: mean
    let mut sum = s.zero();
    for x in row.chunks(LANES) {
        sum = s.add(sum, s.load_or(x, 0.0));
    }
    let mean = s.sum(sum) / h;

    // pass 2: variance
    let mut squares = s.zero();
    for x in row.chunks(LANES) {
        // A lane past the end holds the mean and adds (mean − mean)² = 0.
        let centred = s.sub(s.load_or(x, mean), s.splat(mean));
        squares = s.mul_add(centred, centred, squares);
    }
    // IEEE division and square root, no estimate.
    (mean, 1.0 / (s.sum(squares) / h + epsilon).sqrt())
}

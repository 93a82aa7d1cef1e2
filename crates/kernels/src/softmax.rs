//! Softmax over rows: xⱼ → exp(xⱼ − max) / Σ.
//!
//! ```text
//! pass 1: m = max xⱼ
//! pass 2: eⱼ = exp(xⱼ − m),  Σ = Σ eⱼ      (stored in place)
//! pass 3: eⱼ / Σ
//! ```
//!
//! Subtracting the maximum makes every exponent ≤ 0: nothing overflows, and the largest term is
//! exactly 1, so 1 ≤ Σ ≤ L. [`attention`](crate::attention) has a softmax of its own, over columns.
//!
//! In the book: `docs/05-functions.md`.

use crate::{
    exp::exp,
    simd::{Kernel, LANES, Level, Simd},
};

/// Passes 1 and 2: replaces `x` by exp(x − max) and returns the sum.
#[inline(always)]
fn exp_and_sum<S: Simd>(s: S, x: &mut [f32]) -> f32 {
    let mut max = s.splat(f32::NEG_INFINITY);
    for x in x.chunks(LANES) {
        max = s.max(s.load_or(x, f32::NEG_INFINITY), max);
    }
    let max = s.splat(s.max_lane(max));

    let mut sum = s.zero();
    for x in x.chunks_mut(LANES) {
        // A lane past the end holds −∞ and adds exp(−∞) = 0.
        let e = exp(s, s.sub(s.load_or(x, f32::NEG_INFINITY), max));
        s.store_first(e, x);
        sum = s.add(sum, e);
    }
    s.sum(sum)
}

/// Replaces each row of `x` `[rows, cols]` by its softmax (`torch.softmax(x, dim=-1)`).
///
/// # Panics
/// If `x` does not hold whole rows.
///
/// ```
/// let mut x = [1000.0, 1000.0, 5.0, 5.0];
/// minilm_kernels::softmax::softmax(minilm_kernels::Level::detect(), &mut x, 2);
/// assert_eq!(x, [0.5; 4]);
/// ```
pub fn softmax(level: Level, x: &mut [f32], cols: usize) {
    level.run(Softmax::new(x, cols));
}

/// [`softmax`] as a [`Kernel`].
pub struct Softmax<'a> {
    x: &'a mut [f32], // [rows, cols]
    cols: usize,
}

impl<'a> Softmax<'a> {
    /// The operands of [`softmax`].
    ///
    /// # Panics
    /// As [`softmax`].
    pub fn new(x: &'a mut [f32], cols: usize) -> Softmax<'a> {
        let len = x.len();
        assert!(cols > 0 && len.is_multiple_of(cols), "{len} values are no whole rows of {cols}");
        Softmax { x, cols }
    }
}

impl Kernel for Softmax<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for row in self.x.chunks_exact_mut(self.cols) {
            let sum = exp_and_sum(s, row);
            for x in row.chunks_mut(LANES) {
                s.store_first(s.div(s.load_or(x, 0.0), s.splat(sum)), x);
            }
        }
    }
}

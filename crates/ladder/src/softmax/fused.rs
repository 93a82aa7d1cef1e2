//! Fused: two passes on lanes, and the division left to the caller.
//!
//! ```text
//! pass 1: m = max x        pass 2: eⱼ = exp(xⱼ − m),  Σ += eⱼ
//! ```
//!
//! - **Idea**: shift, exponential and sum happen while a vector is in a register. The row is not
//!   divided at all.
//! - **Why**: attention multiplies e by the values next, and Σⱼ (eⱼ/Σ)·vⱼ = (Σⱼ eⱼ·vⱼ)·(1/Σ): one
//!   division for a row of scores instead of one for each of them. It also runs on scores that are
//!   still in the nearest cache, because the product q·kᵀ has just left them.
//! - **Cost**: softmax is no operation of its own any more: its result makes sense only to a caller
//!   that divides.
//! - **Limits**: the row is read twice, because the maximum must be known first.
//! - **Exercise**: drop pass 1: keep a running maximum and rescale Σ when it grows ("online
//!   softmax"). Is one pass faster here?
//!
//! Reference: M. Milakov and N. Gimelshein, *Online normalizer calculation for softmax*,
//! arXiv:1805.02867.
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{
    Level,
    exp::exp,
    simd::{Kernel, LANES, Simd},
};

/// `x[i, j] / sums[i]` becomes the softmax of row i.
pub fn softmax(level: Level, x: &mut [f32], sums: &mut [f32]) {
    level.run(Softmax { x, sums });
}

struct Softmax<'a> {
    x: &'a mut [f32],    // [rows, cols]
    sums: &'a mut [f32], // [rows]
}

impl Kernel for Softmax<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let cols = self.x.len() / self.sums.len();
        for (row, sum) in self.x.chunks_exact_mut(cols).zip(self.sums) {
            let mut max = s.splat(f32::NEG_INFINITY);
            for x in row.chunks(LANES) {
                max = s.max(s.load_or(x, f32::NEG_INFINITY), max);
            }
            let max = s.splat(s.max_lane(max));
            let mut total = s.zero();
            for x in row.chunks_mut(LANES) {
                // A lane past the end adds exp(−∞) = 0.
                let e = exp(s, s.sub(s.load_or(x, f32::NEG_INFINITY), max));
                s.store_first(e, x);
                total = s.add(total, e);
            }
            *sum = s.sum(total);
        }
    }
}

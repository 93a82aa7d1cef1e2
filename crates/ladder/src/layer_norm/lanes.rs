//! Lanes: three passes again, each with sixteen sums instead of one.
//!
//! ```text
//! value i goes to sum i mod 16
//! at the end the sixteen are added as a tree: 8 + 8, 4 + 4, 2 + 2, 1 + 1
//! ```
//!
//! - **Idea**: say how the sum is split, which the compiler must not decide. Then a vector is added
//!   with one instruction.
//! - **Why**: the chain is sixteen times shorter. With that, reading the row three times is cheap,
//!   and the exact definition of the variance is the fast one.
//! - **Cost**: another order of additions, so other last bits; and a tree at the end of each sum.
//! - **Limits**: the row is loaded from the cache three times; in a row of 384 the chain is 24
//!   additions of four cycles, the longest wait that is left.
//! - **Exercise**: give each pass two vectors of sums, for even and odd vectors of the row. Does
//!   the shorter chain show?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{
    Level,
    simd::{Kernel, LANES, Simd},
};

/// Rows to mean 0 and variance 1, · γ + β.
pub fn layer_norm(level: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    level.run(LayerNorm { x, gamma, beta, epsilon });
}

struct LayerNorm<'a> {
    x: &'a mut [f32], // [rows, H]
    gamma: &'a [f32], // [H]
    beta: &'a [f32],  // [H]
    epsilon: f32,
}

impl Kernel for LayerNorm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let h = self.gamma.len() as f32;
        for row in self.x.chunks_exact_mut(self.gamma.len()) {
            let mut sum = s.zero();
            for x in row.chunks(LANES) {
                sum = s.add(sum, s.load_or(x, 0.0));
            }
            let mean = s.sum(sum) / h;
            let mut squares = s.zero();
            for x in row.chunks(LANES) {
                // A lane past the end holds the mean: its difference is 0.
                let d = s.sub(s.load_or(x, mean), s.splat(mean));
                squares = s.mul_add(d, d, squares);
            }
            let variance = s.sum(squares) / h;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            for ((x, gamma), beta) in
                row.chunks_mut(LANES).zip(self.gamma.chunks(LANES)).zip(self.beta.chunks(LANES))
            {
                let d = s.sub(s.load_or(x, mean), s.splat(mean));
                let y = s.mul_add(
                    s.mul(d, s.splat(scale)),
                    s.load_or(gamma, 0.0),
                    s.load_or(beta, 0.0),
                );
                s.store_first(y, x);
            }
        }
    }
}

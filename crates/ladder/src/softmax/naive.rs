//! The definition: every exponential divided by their sum.
//!
//! ```text
//! pⱼ = exp(xⱼ) / Σ exp(x)
//! ```
//!
//! - **Idea**: the formula as it is written.
//! - **Why**: it is the definition.
//! - **Cost**: a call of the library's `exp` for each value, one value at a time.
//! - **Limits**: e⁸⁹ is larger than the largest `f32`. A score of 89 gives ∞ / ∞, which is no
//!   number, and a row of scores below −104 gives 0 / 0. A test shows both.
//! - **Exercise**: which scores make the *sum* overflow, though no term does?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// `x[i, j] / sums[i]` becomes the softmax of row i.
pub fn softmax(_: Level, x: &mut [f32], sums: &mut [f32]) {
    let cols = x.len() / sums.len();
    for (row, sum) in x.chunks_exact_mut(cols).zip(sums) {
        for x in row.iter_mut() {
            *x = x.exp();
        }
        let total: f32 = row.iter().sum();
        for x in row {
            *x /= total;
        }
        *sum = 1.0;
    }
}

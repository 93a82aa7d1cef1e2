//! Max-shifted: the largest exponent becomes 0.
//!
//! ```text
//! pⱼ = exp(xⱼ − m) / Σ exp(x − m)        m = max x
//! ```
//!
//! - **Idea**: numerator and denominator may both be divided by eᵐ.
//! - **Why**: no exponent is above 0, so nothing overflows; the largest term is exactly 1, so the
//!   sum is never 0.
//! - **Cost**: one more pass. The aim is not speed but a right result.
//! - **Limits**: most of the time is the library's `exp`, a call for each value.
//! - **Exercise**: subtract the row's first value instead of its maximum. Which tests still pass?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// `x[i, j] / sums[i]` becomes the softmax of row i.
pub fn softmax(_: Level, x: &mut [f32], sums: &mut [f32]) {
    let cols = x.len() / sums.len();
    for (row, sum) in x.chunks_exact_mut(cols).zip(sums) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for x in row.iter_mut() {
            *x = (*x - max).exp();
        }
        let total: f32 = row.iter().sum();
        for x in row {
            *x /= total;
        }
        *sum = 1.0;
    }
}

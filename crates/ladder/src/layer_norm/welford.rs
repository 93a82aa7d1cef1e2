//! Welford: one loop for both numbers, and no cancellation.
//!
//! ```text
//! d = xᵢ − μ        μ ← μ + d / i        M ← M + d·(xᵢ − μ)        σ² = M / H
//! ```
//!
//! - **Idea**: keep the mean of the values so far, and the sum of squares around *that* mean.
//! - **Why**: only differences are squared, so a large mean does no harm. Each value is read once,
//!   as in a stream.
//! - **Cost**: a division in each step, and the next step waits for it. A row that lies in the
//!   cache can be read twice in far less time, so this rung does not help: it is slower than three
//!   passes.
//! - **Limits**: it is for data that pass by only once, or for joining the statistics of parts.
//! - **Exercise**: replace the division by a table of 1/i. The chain is shorter: does it win now?
//!
//! Reference: B. P. Welford, *Note on a Method for Calculating Corrected Sums of Squares and
//! Products*, Technometrics 4(3), 1962.
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// Rows to mean 0 and variance 1, · γ + β.
pub fn layer_norm(_: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let h = gamma.len() as f32;
    for row in x.chunks_exact_mut(gamma.len()) {
        let (mut mean, mut squares) = (0.0, 0.0);
        for (i, x) in row.iter().enumerate() {
            let d = x - mean;
            mean += d / (i + 1) as f32;
            squares += d * (x - mean);
        }
        let variance = squares / h;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
            *x = (*x - mean) * scale * gamma + beta;
        }
    }
}

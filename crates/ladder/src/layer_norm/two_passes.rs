//! Two passes: both sums in one loop.
//!
//! ```text
//! σ² = E[x²] − E[x]²
//! ```
//!
//! - **Idea**: the variance needs Σx² and Σx, and neither needs the mean.
//! - **Why**: the two chains of additions run side by side, in the time of one.
//! - **Cost**: cancellation. With a mean of 10⁴ and a variance of 1, x² is 10⁸, where neighbouring
//!   `f32` are 8 apart: the difference of the two is noise, and may be negative. A test shows it.
//! - **Limits**: right only where the mean is not much larger than the deviation. Libraries that
//!   use it add in `f64`.
//! - **Exercise**: make the two sums `f64`. What does it cost, and how large may the mean be now?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// Rows to mean 0 and variance 1, · γ + β.
pub fn layer_norm(_: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let h = gamma.len() as f32;
    for row in x.chunks_exact_mut(gamma.len()) {
        let (mut sum, mut squares) = (0.0, 0.0);
        for x in row.iter() {
            sum += x;
            squares += x * x;
        }
        let mean = sum / h;
        let variance = (squares / h - mean * mean).max(0.0);
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
            *x = (*x - mean) * scale * gamma + beta;
        }
    }
}

//! Three passes: mean, variance, result, one after the other.
//!
//! ```text
//! μ = Σ xᵢ / H        σ² = Σ (xᵢ − μ)² / H        yᵢ = (xᵢ − μ) / √(σ² + ε) · γᵢ + βᵢ
//! ```
//!
//! - **Idea**: the definition, one loop for each formula.
//! - **Why**: subtracting the mean before squaring loses nothing, however large the mean is.
//! - **Cost**: the row is read three times, and each of the two sums is one chain in which every
//!   addition waits for the one before.
//! - **Limits**: the chains. The third loop has none, so the compiler makes vectors of it.
//! - **Exercise**: comment the third loop out and time it again: how much is left, with two thirds
//!   of the work?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::Level;

/// Rows to mean 0 and variance 1, · γ + β.
pub fn layer_norm(_: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32) {
    let h = gamma.len() as f32;
    for row in x.chunks_exact_mut(gamma.len()) {
        let mut sum = 0.0;
        for x in row.iter() {
            sum += x;
        }
        let mean = sum / h;
        let mut squares = 0.0;
        for x in row.iter() {
            squares += (x - mean) * (x - mean);
        }
        let variance = squares / h;
        let scale = 1.0 / (variance + epsilon).sqrt();
        for ((x, gamma), beta) in row.iter_mut().zip(gamma).zip(beta) {
            *x = (*x - mean) * scale * gamma + beta;
        }
    }
}

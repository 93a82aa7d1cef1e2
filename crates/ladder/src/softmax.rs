//! Softmax over rows: numbers to probabilities, eˣ / Σ eˣ.
//!
//! A rung leaves e in x and Σ in `sums`, so that the probability is eⱼ / Σ. A rung that divides
//! itself leaves probabilities and Σ = 1.
//!
//! In the book: `docs/05-functions.md`.

pub mod fused;
pub mod max_shifted;
pub mod naive;
pub mod shipped;
pub mod vector_exp;

use minilm_kernels::Level;

/// Replaces x `[rows, cols]` and sums `[rows]` so that `x[i, j] / sums[i]` is the softmax of row i.
pub type Rung = fn(level: Level, x: &mut [f32], sums: &mut [f32]);

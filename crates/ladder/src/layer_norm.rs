//! LayerNorm: each row to mean 0 and variance 1, then · γ + β.
//!
//! There are few operations for each value, and two numbers need the whole row before the first
//! value can be written.
//!
//! In the book: `docs/05-functions.md`.

pub mod lanes;
pub mod shipped;
pub mod three_passes;
pub mod two_passes;
pub mod welford;

use minilm_kernels::Level;

/// Normalises each row of x `[rows, H]` in place, with gamma and beta `[H]`.
pub type Rung = fn(level: Level, x: &mut [f32], gamma: &[f32], beta: &[f32], epsilon: f32);

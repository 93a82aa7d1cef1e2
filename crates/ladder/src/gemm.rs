//! GEMM, y = x·Wᵀ: where 95 % of a transformer's time goes.
//!
//! The weights are the same in every call, so a rung has two parts: their preparation, once, and
//! the product. Each rung is a function `linear` that does the first and returns the second. There
//! is no bias: it is one addition for K multiply-adds.
//!
//! In the book: `docs/03-gemm.md`.

pub mod blocked;
pub mod loop_order;
pub mod naive;
pub mod packed;
pub mod register_tile;
pub mod shipped;
pub mod simd_tile;
pub mod threads;

use minilm_kernels::Level;

/// Takes the weights `[N, K]`, as PyTorch stores them, and K; returns the product with them.
pub type Rung = fn(level: Level, weight: &[f32], k: usize) -> Forward;

/// y `[M, N]` = x·Wᵀ for x `[M, K]`.
pub type Forward = Box<dyn Fn(&[f32], &mut [f32]) + Send + Sync>;

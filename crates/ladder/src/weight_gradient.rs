//! The gradient of a linear layer's weights, dW += dyᵀ·x: a third of a training step.
//!
//! It is a product as that of GEMM, but its sum runs over the tokens, so both operands are needed
//! by columns, and none of them is the same in the next call.
//!
//! In the book: `docs/14-training.md`.

pub mod naive;
pub mod outer;
pub mod shipped;
pub mod tile;

use minilm_kernels::{AlignedVec, Level};

/// dW `[N, K]` += dyᵀ·x for dy `[T, N]`, x `[T, K]` and K, with memory to work in.
pub type Rung =
    fn(level: Level, dy: &[f32], x: &[f32], k: usize, scratch: &mut AlignedVec, dw: &mut [f32]);

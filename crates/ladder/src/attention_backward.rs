//! The gradients of attention: those of queries, keys and values from that of the context.
//!
//! ```text
//! P  = softmax(q·kᵀ/√D)              computed again, for it is larger than all the rest
//! dv = Pᵀ·dO      dP = dO·vᵀ
//! dS = P ⊙ (dP − D)/√D,              D = Σⱼ P ⊙ dP for each query
//! dq = dS·k       dk = dSᵀ·q
//! ```
//!
//! Five products on matrices that are as large as a sentence is long, where the forward pass has
//! two.
//!
//! In the book: `docs/14-training.md`.

pub mod loop_order;
pub mod per_head;
pub mod shipped;

use crate::attention::Batch;
use minilm_kernels::{AlignedVec, Level, attention::BackwardScratch};

/// d_qkv `[T, 3·H]` of qkv `[T, 3·H]` and the context's gradient `[T, H]`.
pub type Rung = fn(
    level: Level,
    qkv: &[f32],
    d_context: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    d_qkv: &mut [f32],
);

/// Memory to work in; each rung uses its own part.
#[derive(Debug, Default)]
pub struct Scratch {
    pub(crate) shares: AlignedVec,     // P [L, L]
    pub(crate) gradients: AlignedVec,  // dP, then dS [L, L]
    pub(crate) transposed: AlignedVec, // [D, L]
    pub(crate) shipped: BackwardScratch,
}

//! Shipped: `minilm_kernels::gemm::weight_gradient`, the tile with both operands packed.
//!
//! ```text
//! for each chain of KC tokens
//!   x in panels of NR columns               packed once
//!   for each few tiles of rows of dW
//!     dy in slivers of MR columns           packed, stay in the first-level cache
//!     for each panel, for each tile:  outer products over the chain
//! ```
//!
//! - **Idea**: what a tile reads lies in the order in which it is read, as the weights of GEMM do.
//! - **Why**: no two lines compete for a set of the cache, and the loads come from consecutive
//!   addresses. The tile can be as large as the registers allow.
//! - **Cost**: both operands are copied in each call: N + K values for 2·N·K operations of a token.
//! - **Limits**: the multiply-adds take most of the time. The rest goes into copying the operands,
//!   and into reading and writing dW once per chain.
//! - **Exercise**: the chain is a constant of the arithmetic. With chains of 1024 tokens dW would
//!   be read and written an eighth as often: how much faster is it, and what does it do to the
//!   largest error in the tests?
//!
//! In the book: `docs/14-training.md`.

use minilm_kernels::{AlignedVec, Level, Rows, RowsMut, gemm};

/// dW += dyᵀ·x.
pub fn weight_gradient(
    level: Level,
    dy: &[f32],
    x: &[f32],
    k: usize,
    scratch: &mut AlignedVec,
    dw: &mut [f32],
) {
    let (dy, x, dw) = (Rows::new(dy, dw.len() / k), Rows::new(x, k), RowsMut::new(dw, k));
    gemm::weight_gradient(level, dy, x, scratch, dw);
}

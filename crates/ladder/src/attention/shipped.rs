//! Shipped: `minilm_kernels::attention`, the three steps fused.
//!
//! - **Idea**: scores, exponentials and the product with v follow each other on a block of queries, all with the micro-kernel of the shipped GEMM.
//! - **Why**: tiles are two vectors wide and up to twelve queries high, so a load serves more multiply-adds; keys and values are packed;
//!   the context is divided by Σ instead of every probability, and the scale 1/√D goes into the exponential.
//! - **Cost**: packing both keys and values, for each head.
//! - **Limits**: the whole row of scores is kept, so the block outgrows the first-level cache beyond 512 tokens. Then the softmax would have to be
//!   computed piece by piece ("flash attention").
//! - **Exercise**: the ceiling counts the two products alone. Which part of the gap is the exponential, by the ladder `exp`?

use super::{Pack, Scratch};
use minilm_kernels::{Level, Rows, RowsMut, attention};

/// Softmax(q·kᵀ/√D)·v for every sentence and head.
pub fn attention(level: Level, qkv: &[f32], pack: Pack, scratch: &mut Scratch, context: &mut [f32]) {
    let (qkv, context) = (Rows::new(qkv, 3 * pack.hidden), RowsMut::new(context, pack.hidden));
    attention::attention(level, qkv, pack.heads, pack.starts, &mut scratch.shipped, context);
}

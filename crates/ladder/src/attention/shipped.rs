//! Shipped: `minilm_kernels::attention`, with the queries in lanes.
//!
//! ```text
//! for each sentence and head
//!   for each 16 or 32 queries
//!     qᵀ              [D, lanes]     transposed in registers
//!     scores = k·qᵀ   [L, lanes]     k where the projection left it
//!     e      = exp((scores − max)/√D),  Σ e       per lane
//!     context = (e·v)·(1/Σ)          v where the projection left it
//! ```
//!
//! - **Idea**: transpose the scores: a row for each key, a lane for each query. Maximum,
//!   exponential and sum then run down the columns, one instruction for sixteen queries.
//! - **Why**: nothing is added across lanes, and no row has a ragged end to be masked. Keys and
//!   values are read in place; only a block of queries is transposed. The context is multiplied by
//!   1/Σ: one division per query instead of one per probability.
//! - **Cost**: a sentence shorter than the lanes computes lanes that are not needed, but it does so
//!   once per key, not once per pair.
//! - **Limits**: a whole column of scores is kept, 64 KiB for 512 tokens and two vectors of
//!   queries. For much longer texts the softmax would have to be computed piece by piece ("flash
//!   attention").
//! - **Exercise**: the ceiling counts the two products alone. Which part of the gap is the
//!   exponential, by the ladder `exp`?
//!
//! Reference: T. Dao et al., *FlashAttention*, arXiv:2205.14135, for the piece by piece.
//!
//! In the book: `docs/06-attention.md`.

use super::{Batch, Scratch};
use minilm_kernels::{Level, Rows, RowsMut, attention};

/// Softmax(q·kᵀ/√D)·v for every sentence and head.
pub fn attention(
    level: Level,
    qkv: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    context: &mut [f32],
) {
    let (qkv, context) = (Rows::new(qkv, 3 * batch.hidden), RowsMut::new(context, batch.hidden));
    let qkv = attention::split(qkv);
    attention::attention(level, qkv, batch.heads, batch.starts, &mut scratch.shipped, context);
}

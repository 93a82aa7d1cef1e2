//! Shipped: `minilm_kernels::attention::attention_backward`, with the queries in lanes.
//!
//! ```text
//! for each sentence and head
//!   for each 16 or 32 queries
//!     P, dS [L, lanes]              as the scores of the forward pass: k·qᵀ and v·dOᵀ
//!     dV += Pᵀ·dO,  dK += dSᵀ·q     outer products over the queries of the block
//!     dQ  = dS·k                    as the context of the forward pass
//! ```
//!
//! - **Idea**: the layout of the forward pass, a row for each key and a lane for each query, serves
//!   all five products: they are tiles of broadcast values and vectors, without a transposition of
//!   P or dS.
//! - **Why**: sums stay in registers, and a derivative of softmax runs down the columns, one
//!   instruction for sixteen queries.
//! - **Cost**: dK and dV are sums over the queries, so they are added up block after block, in
//!   chains of 128.
//! - **Limits**: short sentences compute lanes that are not needed, and the exponential is as long
//!   as a product.
//! - **Exercise**: the ceiling counts five products. Which part of a sentence of 16 tokens is spent
//!   in lanes that do not exist?
//!
//! In the book: `docs/14-training.md`.

use super::Scratch;
use crate::attention::Batch;
use minilm_kernels::{Level, Rows, RowsMut, attention};

/// The gradients of every sentence and head.
pub fn attention_backward(
    level: Level,
    qkv: &[f32],
    d_context: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    d_qkv: &mut [f32],
) {
    let Batch { hidden, heads, starts } = batch;
    attention::attention_backward(
        level,
        attention::split(Rows::new(qkv, 3 * hidden)),
        Rows::new(d_context, hidden),
        heads,
        starts,
        None,
        &mut scratch.shipped,
        RowsMut::new(d_qkv, 3 * hidden),
    );
}

//! Per head: one sentence and one head at a time, and no padding.
//!
//! ```text
//! for each sentence and head
//!   scores  [L, L] = q·kᵀ / √D            256 KiB for 256 tokens
//!   scores         ← softmax of each row
//!   context [L, D] = scores·v
//! ```
//!
//! - **Idea**: sentences and heads do not see each other, so do all three steps for one before the
//!   next begins.
//! - **Why**: a sentence costs what its own length asks for, and the scores of one head stay in the
//!   second-level cache. The arithmetic is that of the rung before, loop for loop.
//! - **Cost**: none: there is less to do and less to remember.
//! - **Limits**: the dot products, one lane at a time; they are most of the time now.
//! - **Exercise**: swap the loops, so that all heads of a query come together. What happens to the
//!   cache?
//!
//! In the book: `docs/06-attention.md`.

use super::{Batch, Scratch};
use minilm_kernels::{Level, softmax::softmax};

/// Softmax(q·kᵀ/√D)·v for every sentence and head.
pub fn attention(
    level: Level,
    qkv: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    context: &mut [f32],
) {
    let Batch { hidden, heads, starts } = batch;
    let d = hidden / heads;
    for rows in starts.windows(2).map(|w| w[0]..w[1]).filter(|rows| !rows.is_empty()) {
        let l = rows.len();
        for head in 0..heads {
            // part 0: query, 1: key, 2: value
            let row = |i: usize, part: usize| {
                &qkv[(rows.start + i) * 3 * hidden + part * hidden + head * d..][..d]
            };

            let scores = scratch.scores.resize(l * l); // [L, L]
            for (at, score) in scores.iter_mut().enumerate() {
                let (i, j) = (at / l, at % l);
                let dot: f32 = row(i, 0).iter().zip(row(j, 1)).map(|(q, k)| q * k).sum();
                *score = dot / (d as f32).sqrt();
            }

            softmax(level, scores, l);

            for (i, p) in scores.chunks_exact(l).enumerate() {
                let context = &mut context[(rows.start + i) * hidden + head * d..][..d];
                context.fill(0.0);
                for (j, p) in p.iter().enumerate() {
                    for (c, v) in context.iter_mut().zip(row(j, 2)) {
                        *c += p * v;
                    }
                }
            }
        }
    }
}

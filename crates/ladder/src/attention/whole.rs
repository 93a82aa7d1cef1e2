//! Whole score matrix: all sentences padded to the longest, all scores at once.
//!
//! ```text
//! qkv    [T, 3H]       → padded [B, L, 3H]        L: the longest sentence
//! scores [B, A, L, L]  = q·kᵀ / √D                −∞ where the key is padding
//! scores               ← softmax of each row
//! context              = scores·v                 padding is dropped
//! ```
//!
//! - **Idea**: rectangular tensors, one operation after the other, as in a framework.
//! - **Why**: each step is a general operation, and only the shapes have to be right.
//! - **Cost**: every sentence costs as much as the longest. The scores are B·A·L² floats, 3 MiB for
//!   one sentence of 256 tokens: each step writes them to the third-level cache or to memory, and
//!   the next reads them back.
//! - **Limits**: dot products of D values, one lane at a time.
//! - **Exercise**: which part of the scores is padding in the mixed batch of the ladder? Is the
//!   time in proportion?
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
    let lengths: Vec<usize> = starts.windows(2).map(|w| w[1] - w[0]).collect();
    let (sentences, l) = (lengths.len(), lengths.iter().copied().max().unwrap_or(0));
    if l == 0 {
        return;
    }

    let padded = scratch.padded.resize(sentences * l * 3 * hidden); // [B, L, 3H]
    padded.fill(0.0);
    for (padded, rows) in padded.chunks_exact_mut(l * 3 * hidden).zip(starts.windows(2)) {
        let rows = &qkv[rows[0] * 3 * hidden..rows[1] * 3 * hidden];
        padded[..rows.len()].copy_from_slice(rows);
    }
    // part 0: query, 1: key, 2: value
    let row = |sentence: usize, i: usize, part: usize, head: usize| {
        &padded[(sentence * l + i) * 3 * hidden + part * hidden + head * d..][..d]
    };

    let scores = scratch.scores.resize(sentences * heads * l * l); // [B, A, L, L]
    for (at, score) in scores.iter_mut().enumerate() {
        let (sentence, head, i, j) = (at / l / l / heads, at / l / l % heads, at / l % l, at % l);
        let dot: f32 = row(sentence, i, 0, head)
            .iter()
            .zip(row(sentence, j, 1, head))
            .map(|(q, k)| q * k)
            .sum();
        *score = if j < lengths[sentence] { dot / (d as f32).sqrt() } else { f32::NEG_INFINITY };
    }

    softmax(level, scores, l);

    for (at, p) in scores.chunks_exact(l).enumerate() {
        let (sentence, head, i) = (at / l / heads, at / l % heads, at % l);
        if i < lengths[sentence] {
            let context = &mut context[(starts[sentence] + i) * hidden + head * d..][..d];
            context.fill(0.0);
            for (j, p) in p.iter().enumerate() {
                for (c, v) in context.iter_mut().zip(row(sentence, j, 2, head)) {
                    *c += p * v;
                }
            }
        }
    }
}

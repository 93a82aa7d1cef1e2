//! Per head: the five products as they stand, for one sentence and one head at a time.
//!
//! ```text
//! for each sentence and head
//!   P  [L, L] = softmax(q·kᵀ/√D),  dP [L, L] = dO·vᵀ      dot products over D
//!   dS [L, L] = P ⊙ (dP − Σⱼ P ⊙ dP)/√D                   row by row
//!   dq, dk, dv += …                                       for each pair of query and key
//! ```
//!
//! - **Idea**: the formulas of the chapter, with softmax taken from the shelf.
//! - **Why**: sentences and heads do not see each other, so only P and dP of one head are kept.
//! - **Cost**: P is computed a second time. To keep it from the forward pass would take L values
//!   for each token and head.
//! - **Limits**: the dot products, one addition after the other; their operands are 32 long.
//! - **Exercise**: keep P of all heads instead. How much memory is that for 8 sentences of 128
//!   tokens, beside the 92 kB per token of everything else?
//!
//! In the book: `docs/14-training.md`.

use super::Scratch;
use crate::attention::Batch;
use minilm_kernels::{Level, softmax::softmax};

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
    let d = hidden / heads;
    d_qkv.fill(0.0);
    for rows in starts.windows(2).map(|w| w[0]..w[1]).filter(|rows| !rows.is_empty()) {
        let l = rows.len();
        for head in 0..heads {
            // part 0: query, 1: key, 2: value
            let at = |i: usize, part: usize| {
                let from = (rows.start + i) * 3 * hidden + part * hidden + head * d;
                from..from + d
            };
            let of_context = |i: usize| &d_context[(rows.start + i) * hidden + head * d..][..d];
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let root = (d as f32).sqrt();

            let shares = scratch.shares.resize(l * l); // P
            let gradients = scratch.gradients.resize(l * l); // dP
            for i in 0..l {
                for j in 0..l {
                    shares[i * l + j] = dot(&qkv[at(i, 0)], &qkv[at(j, 1)]) / root;
                    gradients[i * l + j] = dot(of_context(i), &qkv[at(j, 2)]);
                }
            }
            softmax(level, shares, l);

            for i in 0..l {
                let (p, dp) = (&shares[i * l..][..l], &gradients[i * l..][..l]);
                let total = dot(p, dp);
                for j in 0..l {
                    let ds = p[j] * (dp[j] - total) / root;
                    for c in 0..d {
                        d_qkv[at(i, 0)][c] += ds * qkv[at(j, 1)][c];
                        d_qkv[at(j, 1)][c] += ds * qkv[at(i, 0)][c];
                        d_qkv[at(j, 2)][c] += p[j] * of_context(i)[c];
                    }
                }
            }
        }
    }
}

//! Loop order: every inner loop runs along a row, and no addition waits for the one before.
//!
//! ```text
//! for each sentence and head
//!   kᵀ [D, L]:  P[i, ..]  = Σ q[i, c]·kᵀ[c, ..]           rows of keys instead of dot products
//!   vᵀ [D, L]:  dP[i, ..] = Σ dO[i, c]·vᵀ[c, ..]
//!   dS; for each i and j:  dq[i] += dS·k[j],  dk[j] += dS·q[i],  dv[j] += P·dO[i]    rows of D
//! ```
//!
//! - **Idea**: exchange the loops of both products over D, as in the second rung of GEMM, and make
//!   the three others sums of rows.
//! - **Why**: the compiler makes vectors of loops over neighbours, but not of a sum, whose order it
//!   has to keep.
//! - **Cost**: keys and values are transposed for each head: 2·L·D copies for 10·L²·D operations.
//! - **Limits**: rows of 32 are two vectors: loading and storing the sums takes longer than the
//!   multiply-adds. The instruction set is the one that the program is compiled for.
//! - **Exercise**: give `dq[i]` a loop of its own over j, with the sums in a local array. Why do
//!   dk and dv not profit from the same?
//!
//! In the book: `docs/14-training.md`.

use super::Scratch;
use crate::attention::Batch;
use minilm_kernels::{Level, Rows, RowsMut, softmax::softmax};

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
    let (qkv, d_context) = (Rows::new(qkv, 3 * hidden), Rows::new(d_context, hidden));
    for rows in starts.windows(2).map(|w| w[0]..w[1]).filter(|rows| !rows.is_empty()) {
        for head in 0..heads {
            let columns = |part: usize| part * hidden + head * d..part * hidden + (head + 1) * d;
            let [q, k, v] = [0, 1, 2].map(|part| qkv.slice(rows.clone()).columns(columns(part)));
            let d_context = d_context.slice(rows.clone()).columns(columns(0));
            let root = (d as f32).sqrt();
            let l = rows.len();

            let shares = scratch.shares.resize(l * l);
            let gradients = scratch.gradients.resize(l * l);
            let transposed = scratch.transposed.resize(d * l);
            product(q, k, 1.0 / root, transposed, shares);
            softmax(level, shares, l);
            product(d_context, v, 1.0, transposed, gradients);
            for (p, dp) in shares.chunks_exact(l).zip(gradients.chunks_exact_mut(l)) {
                let total: f32 = p.iter().zip(&*dp).map(|(p, dp)| p * dp).sum();
                dp.iter_mut().zip(p).for_each(|(dp, p)| *dp = p * (*dp - total) / root);
            }

            let mut out = |row: usize, part: usize, factor: f32, from: &[f32]| {
                let to = &mut d_qkv[(rows.start + row) * 3 * hidden..][columns(part)];
                to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
            };
            for i in 0..l {
                for j in 0..l {
                    let (p, ds) = (shares[i * l + j], gradients[i * l + j]);
                    out(i, 0, ds, k.row(j));
                    out(j, 1, ds, q.row(i));
                    out(j, 2, p, d_context.row(i));
                }
            }
        }
    }
}

/// to `[L, L]` = scale·a·bᵀ for a and b `[L, D]`, by way of bᵀ `[D, L]`.
fn product(a: Rows, b: Rows, scale: f32, transposed: &mut [f32], to: &mut [f32]) {
    let l = a.rows();
    let mut b_t = RowsMut::new(transposed, l);
    for j in 0..l {
        for (c, &b) in b.row(j).iter().enumerate() {
            b_t.row(c)[j] = b;
        }
    }
    for (i, to) in to.chunks_exact_mut(l).enumerate() {
        to.fill(0.0);
        for (c, &a) in a.row(i).iter().enumerate() {
            to.iter_mut().zip(&*b_t.row(c)).for_each(|(to, b)| *to += scale * a * b);
        }
    }
}

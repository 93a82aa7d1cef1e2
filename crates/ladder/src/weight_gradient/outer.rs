//! Outer products: token after token, so that all loops run along rows.
//!
//! ```text
//! for each t
//!   for each n:  dW[n, ..] += dy[t, n]·x[t, ..]
//! ```
//!
//! - **Idea**: the sum over the tokens is the outer loop. A token contributes a column times a row,
//!   and neither has to be transposed.
//! - **Why**: the inner loop goes along rows of x and dW, as memory does, and its additions do not
//!   wait for each other.
//! - **Cost**: dW is read and written for each token: two values moved for a multiply-add.
//! - **Limits**: the memory in which dW is, 590 kB for 384 × 384: it does not stay in the nearest
//!   cache from one token to the next.
//! - **Exercise**: take the tokens two at a time, so that dW is read and written half as often. How
//!   many tokens help?
//!
//! In the book: `docs/14-training.md`.

use minilm_kernels::{AlignedVec, Level, Rows, RowsMut};

/// dW += dyᵀ·x.
pub fn weight_gradient(
    _: Level,
    dy: &[f32],
    x: &[f32],
    k: usize,
    _: &mut AlignedVec,
    dw: &mut [f32],
) {
    let (dy, x, mut dw) = (Rows::new(dy, dw.len() / k), Rows::new(x, k), RowsMut::new(dw, k));
    for t in 0..x.rows() {
        for (n, &dy) in dy.row(t).iter().enumerate() {
            for (dw, x) in dw.row(n).iter_mut().zip(x.row(t)) {
                *dw += dy * x;
            }
        }
    }
}

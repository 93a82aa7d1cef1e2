//! Dot products: each element of dW by itself, down two columns.
//!
//! ```text
//! for each n, k:  dW[n, k] += Σₜ dy[t, n]·x[t, k]
//! ```
//!
//! - **Idea**: the formula as it stands.
//! - **Why**: it is the definition, and each sum has one place in the code.
//! - **Cost**: each multiplication loads two values that lie a whole row behind the last ones: of a
//!   cache line of sixteen values one is used.
//! - **Limits**: memory, and then the addition that waits for the addition before it.
//! - **Exercise**: exchange the two loops. Which operand's cache lines are now used again, and why
//!   is it not faster?
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
    for n in 0..dw.rows() {
        for (k, dw) in dw.row(n).iter_mut().enumerate() {
            *dw += (0..x.rows()).map(|t| dy.row(t)[n] * x.row(t)[k]).sum::<f32>();
        }
    }
}

//! Dot products: each element of y by itself.
//!
//! ```text
//! y[i, j] = Σₖ x[i, k] · W[j, k]
//! ```
//!
//! - **Idea**: the definition. PyTorch stores W as `[N, K]`, so a row of x and a row of W both lie
//!   in memory in the order of k.
//! - **Why**: every other rung has to compute the same.
//! - **Cost**: the additions are one chain. Each waits three or four cycles for the one before, and
//!   brings two FLOP.
//! - **Limits**: a floating-point sum changes when it is reordered, so the compiler may not split
//!   the chain to fill a vector.
//! - **Exercise**: keep four sums for k mod 4 and add them at the end. How much faster, and why not
//!   more?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::Level;

/// y = x·Wᵀ.
pub fn linear(_: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let w = weight.to_vec(); // [N, K]
    Box::new(move |x, y| {
        for (x, y) in x.chunks_exact(k).zip(y.chunks_exact_mut(n)) {
            for (w, y) in w.chunks_exact(k).zip(y) {
                let mut sum = 0.0;
                for (x, w) in x.iter().zip(w) {
                    sum += x * w;
                }
                *y = sum;
            }
        }
    })
}

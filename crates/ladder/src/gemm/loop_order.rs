//! Loop order: k outside and j inside, so that no addition waits for the one before.
//!
//! ```text
//! y[i, ..] += x[i, k] · Wᵀ[k, ..]        for each k
//! ```
//!
//! - **Idea**: the inner loop runs along a row of y. Its N sums have nothing to do with each other.
//! - **Why**: independent sums need no reordering, so the compiler fills vectors by itself. W is
//!   transposed once, at load, so that the inner loop walks along memory.
//! - **Cost**: for each multiplication a value of y is loaded and stored again. That is now the
//!   limit, not the arithmetic.
//! - **Limits**: vectors of four lanes and no fused multiply-add, because that is all that every
//!   x86-64 has. And each row of x reads the whole of W.
//! - **Exercise**: swap the loops over k and j again, but keep Wᵀ. What does walking across the
//!   rows cost?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::Level;

/// y = x·Wᵀ.
pub fn linear(_: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let w = transpose(weight, k, n);
    Box::new(move |x, y| {
        for (x, y) in x.chunks_exact(k).zip(y.chunks_exact_mut(n)) {
            y.fill(0.0);
            for (x, w) in x.iter().zip(w.chunks_exact(n)) {
                for (y, w) in y.iter_mut().zip(w) {
                    *y += x * w;
                }
            }
        }
    })
}

/// W `[N, K]` → Wᵀ `[K, N]`.
fn transpose(weight: &[f32], k: usize, n: usize) -> Vec<f32> {
    let mut w = vec![0.0; k * n];
    for (j, row) in weight.chunks_exact(k).enumerate() {
        for (w, x) in w.chunks_exact_mut(n).zip(row) {
            w[j] = *x;
        }
    }
    w
}

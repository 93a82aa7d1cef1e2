//! Dot products of bytes: each integer sum by itself.
//!
//! ```text
//! sum[i, j] = Σₖ q_x[i, k] · q_w[j, k]        in i32, for each chunk of k
//! ```
//!
//! - **Idea**: the definition. Both sides are rows of bytes, so the loop reads a quarter of what
//!   the same loop in `f32` reads.
//! - **Why**: integer additions may be reordered, and the compiler knows it. It splits the sum over
//!   the lanes of a vector by itself, which it may not do in the rung `naive` of `gemm`.
//! - **Cost**: x is rounded in each call, and the scales are applied to each chunk.
//! - **Limits**: the program is compiled for every x86-64 CPU, so the compiler has vectors of 16
//!   bytes. It widens both sides before each product, and adds up the lanes at the end of each sum.
//! - **Exercise**: compile with `RUSTFLAGS=-Ctarget-cpu=native` and run the ladder again. Which
//!   rungs change?
//!
//! In the book: `docs/16-rounding.md`.

use super::{Forward, Rounded, Scale, chunks};
use minilm_kernels::Level;

/// y = x·Wᵀ in eight bits.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let w = Rounded::new(level, weight, k);
    Box::new(move |x, y| {
        let (x, mut sums) = (Rounded::new(level, x, k), vec![0.0; n]);
        let m = x.q.len() / k;
        for (i, y) in y.chunks_exact_mut(n).enumerate() {
            y.fill(0.0);
            for (c, chunk) in chunks(k).enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum = dot(&x.q[i * k..][chunk.clone()], &w.q[j * k..][chunk.clone()]) as f32;
                }
                let (of_row, scales) = (x.scales[c * m + i], &w.scales[c * n..][..n]);
                level.run(Scale { sums: &sums, of_row, scales, y });
            }
        }
    })
}

fn dot(x: &[i8], w: &[i8]) -> i32 {
    x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum()
}

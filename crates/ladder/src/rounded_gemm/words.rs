//! Words: both sides are widened to 16 bits once, before the loop.
//!
//! ```text
//! sum[i, j] = Σₖ q_x[i, k] · q_w[j, k]        of i16, in i32
//! ```
//!
//! - **Idea**: `pmaddwd` multiplies eight pairs of 16-bit integers and adds each product to its
//!   neighbour. With values of 16 bits in memory nothing else is left in the loop but the addition
//!   to the sum.
//! - **Why**: the rung before widens a row of W again for each row of x.
//! - **Cost**: twice the memory of the weights.
//! - **Limits**: each value that is loaded takes part in one product. Two loads for a
//!   multiplication keep the load units busy, and not the multipliers.
//! - **Exercise**: compute the sums of two rows of x at a time, so that a row of W is loaded once
//!   for both.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Forward, Rounded, Scale, chunks};
use minilm_kernels::Level;

/// y = x·Wᵀ in eight bits.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let w = Rounded::new(level, weight, k);
    let wide_w = widened(&w.q);
    Box::new(move |x, y| {
        let (x, mut sums) = (Rounded::new(level, x, k), vec![0.0; n]);
        let (m, wide_x) = (x.q.len() / k, widened(&x.q));
        for (i, y) in y.chunks_exact_mut(n).enumerate() {
            y.fill(0.0);
            for (c, chunk) in chunks(k).enumerate() {
                for (j, sum) in sums.iter_mut().enumerate() {
                    let [x, w] =
                        [&wide_x[i * k..], &wide_w[j * k..]].map(|row| &row[chunk.clone()]);
                    *sum = dot(x, w) as f32;
                }
                let (of_row, scales) = (x.scales[c * m + i], &w.scales[c * n..][..n]);
                level.run(Scale { sums: &sums, of_row, scales, y });
            }
        }
    })
}

fn widened(q: &[i8]) -> Vec<i16> {
    q.iter().map(|&q| i16::from(q)).collect()
}

fn dot(x: &[i16], w: &[i16]) -> i32 {
    x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum()
}

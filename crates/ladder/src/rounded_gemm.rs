//! GEMM of rounded rows: y = x·Wᵀ with both sides in eight bits, exact integer sums, then `f32`.
//!
//! ```text
//! for each chunk of 384 k:  y = fma(f32(Σ q_x·q_w) · s_x, s_w, y)
//! ```
//!
//! As in [`gemm`](crate::gemm), a rung is a function `linear` that prepares the weights and returns
//! the product. x is rounded within the product, without a rotation. An integer sum is exact in any
//! order, so all rungs have the same bits.
//!
//! In the book: `docs/16-rounding.md`.

pub mod dots;
pub mod panel;
pub mod shipped;
pub mod words;

pub use crate::gemm::{Forward, Rung};

use minilm_kernels::{
    Level, Rows,
    quantise::{CHUNK, Rotation, quantise_weights},
    simd::{Kernel, LANES, Simd},
};
use std::ops::Range;

/// Rows `[M, K]` in eight bits.
struct Rounded {
    q: Vec<i8>,       // [M, K]
    scales: Vec<f32>, // [chunks, M]
}

impl Rounded {
    fn new(level: Level, x: &[f32], k: usize) -> Rounded {
        let (q, scales) = quantise_weights::<i8>(level, Rows::new(x, k), Rotation::Plain);
        let (rows, chunks) = (x.len() / k, k.div_ceil(CHUNK));
        let scales = (0..chunks * rows).map(|at| scales[at % rows * chunks + at / rows]).collect();
        Rounded { q, scales }
    }
}

/// The chunks of k.
fn chunks(k: usize) -> impl Iterator<Item = Range<usize>> {
    (0..k).step_by(CHUNK).map(move |start| start..k.min(start + CHUNK))
}

/// A row of y with the sums of one more chunk: y = fma(sum · s_x, s_w, y).
struct Scale<'a> {
    sums: &'a [f32],   // [N]
    of_row: f32,       // s_x
    scales: &'a [f32], // s_w [N]
    y: &'a mut [f32],  // [N]
}

impl Kernel for Scale<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let of_row = s.splat(self.of_row);
        for (j, y) in self.y.chunks_mut(LANES).enumerate() {
            let [sums, scales] = [self.sums, self.scales].map(|row| &row[j * LANES..]);
            let product = s.mul(s.load_or(sums, 0.0), of_row);
            let sum = s.mul_add(product, s.load_or(scales, 0.0), s.load_or(y, 0.0));
            s.store_first(sum, y);
        }
    }
}

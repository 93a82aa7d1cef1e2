//! Register tile: a block of MR × NR sums stays in registers over all k.
//!
//! ```text
//! for each NR columns of y
//!   for each MR rows of y
//!     for k:  sums[i][j] += x[i, k] · Wᵀ[k, j]      MR + NR loads, MR·NR multiplications
//! ```
//!
//! - **Idea**: y leaves the inner loop. A value of x is used NR times, a value of W is used MR
//!   times, before the next is loaded.
//! - **Why**: the rung before moves two values of y for each multiplication; here 12 loads serve 32
//!   multiplications, and nothing is stored until the tile is done.
//! - **Cost**: edges. Wᵀ gets columns of zeros up to a multiple of NR; rows that are missing in the
//!   last tile are computed from the last row and thrown away.
//! - **Limits**: still four lanes, and a multiplication and an addition instead of one fused
//!   instruction.
//! - **Exercise**: sixteen registers of four lanes hold 64 floats. Make the tile larger: from where
//!   on is it slower?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::{AlignedVec, Level, Rows, RowsMut};

/// Rows of a tile.
const MR: usize = 4;
/// Columns of a tile.
const NR: usize = 8;

/// y = x·Wᵀ.
pub fn linear(_: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let width = n.next_multiple_of(NR);
    let w = transpose(weight, k, width);
    Box::new(move |x, y| tiles(Rows::new(x, k), Rows::new(&w, width), RowsMut::new(y, n)))
}

/// Every tile of y `[M, N]`.
fn tiles(x: Rows, w: Rows, mut y: RowsMut) {
    let (m, n) = (y.rows(), y.cols());
    for column in (0..n).step_by(NR) {
        let w = w.columns(column..column + NR); // Wᵀ[.., jc..jc+NR]
        for row in (0..m).step_by(MR) {
            let sums = tile(x, row, w);
            for (i, sums) in sums.iter().enumerate().take(m - row) {
                let y = &mut y.row(row + i)[column..n.min(column + NR)];
                y.copy_from_slice(&sums[..y.len()]);
            }
        }
    }
}

/// One tile: x[row..row+MR, ..] · Wᵀ[.., NR columns].
fn tile(x: Rows, row: usize, w: Rows) -> [[f32; NR]; MR] {
    let rows: [&[f32]; MR] = std::array::from_fn(|i| x.row((row + i).min(x.rows() - 1)));
    let mut sums = [[0.0; NR]; MR];
    for k in 0..x.cols() {
        let b = &w.row(k)[..NR];
        for i in 0..MR {
            let a = rows[i][k];
            for j in 0..NR {
                sums[i][j] += a * b[j];
            }
        }
    }
    sums
}

/// W `[N, K]` → Wᵀ `[K, width]`; columns past N are zero.
fn transpose(weight: &[f32], k: usize, width: usize) -> AlignedVec {
    let mut w = AlignedVec::zeroed(k * width);
    for (j, row) in weight.chunks_exact(k).enumerate() {
        for (w, x) in w.chunks_exact_mut(width).zip(row) {
            w[j] = *x;
        }
    }
    w
}

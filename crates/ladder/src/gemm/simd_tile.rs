//! SIMD tile: the same tile, in vectors of sixteen lanes and fused multiply-adds.
//!
//! ```text
//! for k:  sums[i][v] = x[i, k] · Wᵀ[k, vector v] + sums[i][v]  MR + NV loads, MR·NV multiply-adds
//! ```
//!
//! - **Idea**: a tile is MR rows × NV *vectors*. The CPU's own instructions are chosen at run time,
//!   by `Level::run`.
//! - **Why**: AVX-512 multiplies and adds sixteen lanes in one instruction, where the rung before
//!   had eight.
//! - **Cost**: the code must say which values are vectors. All that `run` reaches is
//!   `#[inline(always)]`: a function that is not inlined is compiled without the instruction set,
//!   and becomes a hundred times slower without a warning.
//! - **Limits**: step k reads Wᵀ at row k, and the rows are N floats apart: each step is on another
//!   page of memory, which neither the prefetcher nor the cache of page addresses is made for.
//! - **Exercise**: make it `#[inline(never)]` at `tile`, and run it. Then look for `call` in
//!   `target/ladder.s`, which
//!   `cargo rustc --release -p minilm-ladder --lib -- --emit=asm=target/ladder.s` writes. And
//!   without any attribute?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
    tiles::Tiles,
};

/// Rows of a tile.
const MR: usize = 4;
/// Columns of the widest tile: four vectors on AVX-512, where 16 of 32 registers are sums. Other
/// levels take one vector.
const NR: usize = 4 * LANES;

/// y = x·Wᵀ.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let width = n.next_multiple_of(NR);
    let w = transpose(weight, k, width);
    Box::new(move |x, y| {
        level.run(Gemm { x: Rows::new(x, k), w: Rows::new(&w, width), y: RowsMut::new(y, n) })
    })
}

struct Gemm<'a> {
    x: Rows<'a>,    // [M, K]
    w: Rows<'a>,    // [K, N rounded up]
    y: RowsMut<'a>, // [M, N]
}

impl Kernel for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Four rows of four vectors, and what they are made of, or four rows of one.
        if S::Tiles::REGISTERS > 4 * 4 + 4 { self.tiles::<S, 4>(s) } else { self.tiles::<S, 1>(s) }
    }
}

impl Gemm<'_> {
    /// Every tile of y `[M, N]`.
    #[inline(always)]
    fn tiles<S: Simd, const NV: usize>(mut self, s: S) {
        let (m, n) = (self.y.rows(), self.y.cols());
        for column in (0..n).step_by(NV * LANES) {
            let w = self.w.columns(column..column + NV * LANES); // Wᵀ[.., jc..jc+NR]
            for row in (0..m).step_by(MR) {
                let sums = tile::<S, NV>(s, self.x, row, w);
                for (i, sums) in sums.into_iter().enumerate().take(m - row) {
                    for (y, sum) in self.y.row(row + i)[column..].chunks_mut(LANES).zip(sums) {
                        s.store_first(sum, y);
                    }
                }
            }
        }
    }
}

/// One tile: x[row..row+MR, ..] · Wᵀ[.., NV vectors].
#[inline(always)]
fn tile<S: Simd, const NV: usize>(s: S, x: Rows, row: usize, w: Rows) -> [[S::F32x16; NV]; MR] {
    let rows: [&[f32]; MR] = std::array::from_fn(|i| x.row((row + i).min(x.rows() - 1)));
    let mut sums = [[s.zero(); NV]; MR];
    for k in 0..x.cols() {
        let b = &w.row(k).as_chunks::<LANES>().0[..NV];
        for i in 0..MR {
            let a = s.splat(rows[i][k]);
            for j in 0..NV {
                sums[i][j] = s.mul_add(a, s.load(&b[j]), sums[i][j]);
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

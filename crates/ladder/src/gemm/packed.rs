//! Packed weights: they lie in memory in the order in which the tile reads them.
//!
//! ```text
//! Wᵀ [K, N]                          packed, NR = 2 for the picture
//!   w00 w01 │ w02 w03 │ …              panel 0: w00 w01  w10 w11  w20 w21 …   k ascending
//!   w10 w11 │ w12 w13 │ …              panel 1: w02 w03  w12 w13  w22 w23 …
//!   w20 w21 │ w22 w23 │ …
//! ```
//!
//! - **Idea**: cut Wᵀ into panels of NR columns and store each panel by itself. The tile is the one
//!   of the rung before, to the letter.
//! - **Why**: a panel is read from its first byte to its last: whole cache lines, few pages, and
//!   the prefetcher runs ahead.
//! - **Cost**: a copy of the weights, made once. (Activations change with each call; copying them
//!   would cost in each.)
//! - **Limits**: with K = 1536 a panel is 384 KiB and four rows of x are 24 KiB: neither stays in
//!   the first-level cache.
//! - **Exercise**: set MR to 6. What happens with 256 rows, and with 8? (8 rows are then two tiles
//!   of 6, a third of it thrown away.)
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
/// Columns of a panel: four vectors, a tile of AVX-512. Other levels take one vector at a time.
const NR: usize = 4 * LANES;

/// y = x·Wᵀ.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let panels = pack(weight, k);
    Box::new(move |x, y| {
        level.run(Gemm { x: Rows::new(x, k), panels: &panels, y: RowsMut::new(y, n) })
    })
}

struct Gemm<'a> {
    x: Rows<'a>,       // [M, K]
    panels: &'a [f32], // [panels, K, NR]
    y: RowsMut<'a>,    // [M, N]
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
            let w = panel(self.panels, self.x.cols(), column)
                .columns(column % NR..column % NR + NV * LANES);
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

/// The panel `[K, NR]` with this column of y.
#[inline(always)]
fn panel(panels: &[f32], k: usize, column: usize) -> Rows<'_> {
    Rows::new(&panels[column / NR * k * NR..][..k * NR], NR) // Wᵀ[.., jc..jc+NR]
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

/// W `[N, K]` → panels `[panels, K, NR]`; columns past N are zero.
fn pack(weight: &[f32], k: usize) -> AlignedVec {
    let n = weight.len() / k;
    let mut panels = AlignedVec::zeroed(n.div_ceil(NR) * k * NR);
    for (j, row) in weight.chunks_exact(k).enumerate() {
        let panel = &mut panels[j / NR * k * NR..];
        for (w, x) in panel.chunks_exact_mut(NR).zip(row) {
            w[j % NR] = *x;
        }
    }
    panels
}

//! Threads: each core takes some of the rows.
//!
//! ```text
//! rows   0…127  ─ core 0 ─┐
//! rows 128…255  ─ core 1 ─┴─ wait for the last      the weights are shared and only read
//! ```
//!
//! - **Idea**: rows of y do not depend on each other. The function above the kernel changes, and
//!   nothing else. The caller computes the first share, and wakes a thread for each other one.
//! - **Why**: n cores do n times the multiply-adds.
//! - **Cost**: each product wakes the threads and waits for the last. Waking takes tens of
//!   microseconds. The operating system may also start a woken thread on the caller's core, where
//!   it waits until the caller is done (`examples/waking.rs` measures both).
//! - **Limits**: a product takes a few milliseconds at most, so this rung gains little or nothing.
//!   8 rows are two tiles, so two cores have work at most, and each of them reads all the weights.
//! - **Exercise**: `RAYON_NUM_THREADS=1`, 2, 4 … From how many rows on does the second thread pay?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
    tiles::Tiles,
};
use std::ops::Range;

/// Rows of a tile.
const MR: usize = 4;
/// Columns of a panel: four vectors, a tile of AVX-512. Other levels take one vector at a time.
const NR: usize = 4 * LANES;
/// Columns of x in a block. A panel's share is KC·NR floats, 32 KiB.
const KC: usize = 128;
/// Rows of x in a block. All its columns are 64·1536 floats at most, 384 KiB, with as much for y.
const MC: usize = 64;

/// y = x·Wᵀ.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let panels = pack(weight, k);
    Box::new(move |x, y| {
        let m = x.len() / k;
        // rows of a thread
        let share = m.max(1).div_ceil(rayon::current_num_threads()).next_multiple_of(MR);
        let product =
            |x, y| level.run(Gemm { x: Rows::new(x, k), panels: &panels, y: RowsMut::new(y, n) });
        let mut shares = x.chunks(share * k).zip(y.chunks_mut(share * n));
        let own = shares.next();
        rayon::in_place_scope(|scope| {
            shares.for_each(|(x, y)| scope.spawn(move |_| product(x, y)));
            if let Some((x, y)) = own {
                product(x, y); // the caller works too
            }
        });
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
        if S::Tiles::REGISTERS > 4 * 4 + 4 {
            self.blocks::<S, 4>(s)
        } else {
            self.blocks::<S, 1>(s)
        }
    }
}

impl Gemm<'_> {
    /// Every block of y `[M, N]`, once for each KC of k.
    #[inline(always)]
    fn blocks<S: Simd, const NV: usize>(mut self, s: S) {
        for row in (0..self.x.rows()).step_by(MC) {
            let rows = row..self.x.rows().min(row + MC); // x[ic..ic+MC, ..]
            for k in (0..self.x.cols()).step_by(KC) {
                let k = k..self.x.cols().min(k + KC); // x[.., pc..pc+KC]
                self.tiles::<S, NV>(s, rows.clone(), k);
            }
        }
    }

    /// Every tile of a block: y[rows, ..] += x[rows, k] · Wᵀ[k, ..].
    #[inline(always)]
    fn tiles<S: Simd, const NV: usize>(&mut self, s: S, rows: Range<usize>, k: Range<usize>) {
        for column in (0..self.y.cols()).step_by(NV * LANES) {
            let w = panel(self.panels, self.x.cols(), column)
                .columns(column % NR..column % NR + NV * LANES);
            for row in rows.clone().step_by(MR) {
                let sums = tile::<S, NV>(s, self.x.columns(k.clone()), row, w.slice(k.clone()));
                for (i, sums) in sums.into_iter().enumerate().take(rows.end - row) {
                    for (y, sum) in self.y.row(row + i)[column..].chunks_mut(LANES).zip(sums) {
                        let sum = if k.start == 0 { sum } else { s.add(s.load_or(y, 0.0), sum) };
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

/// One tile: x[row..row+MR, KC columns] · Wᵀ[KC rows, NV vectors].
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

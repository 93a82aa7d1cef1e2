//! The gradient of a linear layer's weights: dW += dyᵀ·x.
//!
//! ```text
//! y[t, n]  = Σₖ x[t, k]·W[n, k] + b[n]
//! dW[n, k] = Σₜ dy[t, n]·∂y[t, n]/∂W[n, k] = Σₜ dy[t, n]·x[t, k]
//!
//! LOOP 4  for each chain of KC tokens   dy[tc..tc+KC, ..], x[tc..tc+KC, ..]   x in panels
//! LOOP 3    for each block of tiles     dy[tc..tc+KC, nc..nc+4MR]   packed, stays in L1
//! LOOP 2      for each panel            x[tc..tc+KC, kc..kc+NR]     stays in L1 for the block
//! LOOP 1        for each tile           dW[nc..nc+MR, kc..kc+NR]
//!                 outer products        for each t: MR values of dy[t] × NV vectors of x[t]
//! ```
//!
//! The sum runs over the tokens, so a token contributes an outer product of a row of dy and a row
//! of x: the values of dy are broadcast, those of x are vectors, and neither is transposed. The
//! result has the layout of W as PyTorch stores it. Both are packed because their rows are a
//! multiple of 512 bytes apart: in place, a column of them would fall into few sets of the
//! first-level cache.
//!
//! # The order of additions
//!
//! Element (n, k) is `((dW + chain₀) + chain₁) …`, each chain a sequence of fused multiply-adds
//! over [`KC`] consecutive tokens from zero. Threads share the rows of dW, never the tokens.
//!
//! In the book: `docs/03-gemm.md`.

use super::{KC, cut, deal, input_gradient::copy, step, tile_rows};
use crate::{
    AlignedVec, Level, Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::ops::Range;

/// Tiles of a block of dy.
const TILES: usize = 4;

/// dW `[N, K]` += dyᵀ·x for dy `[T, N]` and x `[T, K]`; `scratch` is memory to work in.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{AlignedVec, Level, Rows, RowsMut, gemm::weight_gradient};
/// let (dy, x) = ([1.0, 10.0], [2.0, 3.0, 4.0, 5.0]); // dy [2, 1], x [2, 2]
/// let mut dw = [0.5, 0.0]; // [1, 2]
/// let (dy, x, scratch) = (Rows::new(&dy, 1), Rows::new(&x, 2), &mut AlignedVec::default());
/// weight_gradient(Level::detect(), dy, x, scratch, RowsMut::new(&mut dw, 2));
/// assert_eq!(dw, [42.5, 53.0]);
/// ```
pub fn weight_gradient(
    level: Level,
    dy: Rows, // [T, N]
    x: Rows,  // [T, K]
    scratch: &mut AlignedVec,
    dw: RowsMut, // [N, K]
) {
    assert_eq!(dy.rows(), x.rows(), "dy has {} rows, x {}", dy.rows(), x.rows());
    assert_eq!((dw.rows(), dw.cols()), (dy.cols(), x.cols()), "dW has another shape");
    level.run(WeightGradient { dy, x, scratch, dw });
}

struct WeightGradient<'a> {
    dy: Rows<'a>,
    x: Rows<'a>,
    scratch: &'a mut AlignedVec,
    dw: RowsMut<'a>,
}

impl Kernel for WeightGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::gemm(s, self);
    }
}

impl Tiled for WeightGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let (k, nr) = (self.x.cols(), NV * LANES);
        for tokens in cut(self.x.rows(), KC) {
            // Slivers of dy [TILES, KC, MR], then x in panels [K/NR, KC, NV].
            let slivers = TILES * MOST * KC;
            let panels = self.scratch.resize(slivers + tokens.len() * k.next_multiple_of(nr));
            let (slivers, panels) = panels.split_at_mut(slivers);
            let panels: &mut [[[f32; LANES]; NV]] = panels.as_chunks_mut().0.as_chunks_mut().0;
            let x = self.x.slice(tokens.clone());
            for (panel, columns) in panels.chunks_exact_mut(tokens.len()).zip(cut(k, nr)) {
                copy(x.columns(columns), panel);
            }
            let chain = Chain { dy: self.dy.slice(tokens.clone()), panels };
            for (rows, size) in deal(self.dw.rows(), MOST) {
                let blocks = rows.clone().step_by(TILES * size);
                let blocks = blocks.map(|first| first..rows.end.min(first + TILES * size));
                for block in blocks {
                    let dw = &mut self.dw;
                    tile_rows!(size, MOST, MR => chain.block::<S, MR>(s, block, slivers, dw));
                }
            }
        }
    }
}

/// One chain of tokens.
struct Chain<'a, const NV: usize> {
    dy: Rows<'a>,                     // [KC, N]
    panels: &'a [[[f32; LANES]; NV]], // [K/NR, KC]
}

impl<const NV: usize> Chain<'_, NV> {
    /// dW[rows] += dyᵀ·x for whole tiles of MR rows.
    #[inline(always)]
    fn block<S: Simd, const MR: usize>(
        &self,
        s: S,
        rows: Range<usize>,
        slivers: &mut [f32], // [TILES, KC, MR]
        dw: &mut RowsMut,
    ) {
        let (t, k) = (self.dy.rows(), dw.cols());
        let slivers = &mut slivers.as_chunks_mut::<MR>().0[..rows.len() / MR * t];
        for (row, sliver) in rows.clone().step_by(MR).zip(slivers.chunks_exact_mut(t)) {
            for (token, to) in sliver.iter_mut().enumerate() {
                to.copy_from_slice(&self.dy.row(token)[row..row + MR]);
            }
        }
        for (panel, columns) in self.panels.chunks_exact(t).zip(cut(k, NV * LANES)) {
            let mut dw = dw.columns(columns);
            for (row, sliver) in rows.clone().step_by(MR).zip(slivers.chunks_exact(t)) {
                tile::<S, MR, NV>(s, sliver, panel, row, &mut dw);
            }
        }
    }
}

/// dW[row..row + MR] += Σₜ dy[t] ⊗ panel[t] over one chain of tokens.
#[inline(always)]
fn tile<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    dy: &[[f32; MR]],             // [KC]
    panel: &[[[f32; LANES]; NV]], // [KC]
    row: usize,
    dw: &mut RowsMut, // [N, up to NR]
) {
    let mut copy = dw.copy_of_narrow::<MR, NV>(row);
    let mut to = dw.tile(row, &mut copy);
    // The lines of dW arrive while the products run.
    for i in 0..MR {
        to.vectors::<NV>(i).iter().for_each(|line| s.prefetch(line));
    }
    let mut sums = [[s.zero(); NV]; MR];
    for (dy, panel) in dy.iter().zip(panel) {
        step(s, panel, dy.each_ref(), &mut sums);
    }
    for i in 0..MR {
        let to = to.vectors::<NV>(i);
        for j in 0..NV {
            s.store(s.add(s.load(&to[j]), sums[i][j]), &mut to[j]);
        }
    }
    dw.put_back(row, &copy);
}

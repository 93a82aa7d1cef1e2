//! GEMM: y = x·Wᵀ + b, the product in a linear layer, where 95 % of a transformer's time goes.
//!
//! ```text
//! W [N, K] is packed once (gemm/panels.rs) into panels: NR columns of y side by side, k after k.
//!
//! LOOP 3  for each panel              y[.., jc..jc+NR]         columns of y
//! LOOP 2    for each chain of KC      W[jc..jc+NR, pc..pc+KC]  weights stay in L1 for all rows
//! LOOP 1      for each tile of rows   x[ic..ic+MR, pc..pc+KC]
//!               micro-kernel          MR × NR sums in registers (gemm/micro.rs)
//!               y + sums              y holds the chains so far
//!           epilogue                  bias, GELU or residual, on the whole panel of y
//! ```
//!
//! Three plain loops over rows, columns and k compute the same sums. The code differs from them for
//! these reasons:
//!
//! 1. *Panels.* The weights are read once per call, front to back. So all rows of `x` should come
//!    in one call, and `x` itself should fit in L2.
//! 2. *Chains.* KC·NR weights stay in L1 while all rows of x pass. The length of a chain is also
//!    part of the arithmetic (below).
//! 3. *Tiles.* A tile keeps its sums in registers; its shape is in [`crate::tiles`]. Rows are dealt
//!    to tiles evenly: nine rows are 5 + 4, not 8 + 1.
//! 4. *Prefetch.* While the tiles of one chain are computed, they fetch the KC·NR weights that lie
//!    behind it: the next chain, the next panel, or the next layer, since layers are packed in the
//!    order of their use. The fetches go to L2, because in L1 they would evict the weights in use.
//! 5. *The epilogue* runs when a panel is complete, while its columns of y are still in L1.
//!
//! # The order of additions
//!
//! Element (i, j) is `((chain₀ + chain₁) + chain₂ …) + bias[j]`, each chain a sequence of fused
//! multiply-adds over [`KC`] consecutive k from zero. Nothing else about the call enters: not MR,
//! NV, the other rows, or whether k came in one call or several.
//!
//! Reference: K. Goto and R. van de Geijn, *Anatomy of High-Performance Matrix Multiplication*, ACM
//! TOMS 34, 2008.
//!
//! In the book: `docs/03-gemm.md`.

mod blocks;
mod input_gradient;
mod integer;
mod micro;
mod panels;
#[cfg(not(target_family = "wasm"))] // many tiles, to be measured beside the shipped ones
pub mod tuning;
mod weight_gradient;

pub use input_gradient::input_gradient;
pub(crate) use integer::{ColumnFactors, IntegerGemm};
pub use panels::Packer;
pub use weight_gradient::weight_gradient;

use micro::UNROLL;
pub(crate) use micro::{chain, step, tile_rows};
pub(crate) use panels::{Panels, inputs, transpose};

use crate::{
    Rows, RowsMut,
    gelu::gelu,
    linear::Epilogue,
    rows::padded,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::{ops::Range, slice::Chunks};

/// Length of a chain of multiply-adds: a constant of the arithmetic, the same on every machine.
///
/// The rounding error of a sum grows with the length of its longest chain. Longer chains are faster
/// and less accurate; `docs/10-speed.md` has the measurements.
pub const KC: usize = 128;

/// Columns of y in the smallest part of a product that is computed by itself: whole panels on each
/// level.
pub const PART: usize = 96;

/// One product: y ← epilogue((y +) x·Wᵀ + b) for the columns of W from `first` on.
pub(crate) struct Gemm<'a> {
    pub x: Rows<'a>,              // [M, K]
    pub weights: &'a Panels<f32>, // W [N, K]
    pub first: usize,             // column of y in W; a multiple of PART
    pub chain: usize,             // KC, except in `tuning`
    pub bias: Option<&'a [f32]>,  // [columns of y]
    pub y: RowsMut<'a>,           // [M, columns]
    pub onto: bool,               // whether y already holds sums
    pub epilogue: Epilogue<'a>,
}

impl Kernel for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        S::Tiles::gemm(s, self);
    }
}

impl Tiled for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        let (nr, kc) = (NV * LANES, self.chain);
        let (m, n, k) = (self.x.rows(), self.y.cols(), self.x.cols());
        let share = kc.div_ceil(m.div_ceil(MOST).max(1)).next_multiple_of(UNROLL); // of a tile
        // LOOP 3: panels
        for (p, columns) in cut(n, nr).enumerate() {
            let mut y = self.y.columns(columns.clone()); // y[.., jc..jc+NR]
            // W[jc..jc+NR, ..], and the weights behind it
            let panel = self.weights.starting_at::<NV>(self.first / nr + p);
            // LOOP 2: chains
            for k in cut(k, kc) {
                let (weights, behind) = panel[k.start..].split_at(k.len());
                let mut ahead = behind[..behind.len().min(kc)].chunks(share);
                let onto = self.onto || k.start > 0;
                // x[.., pc..pc+KC] and W[jc..jc+NR, pc..pc+KC]
                let chain = Chain { x: self.x.columns(k), weights, onto };
                // LOOP 1: tiles
                for (rows, size) in deal(m, MOST) {
                    tile_rows!(size, MOST, MR => chain.tiles::<S, MR>(s, rows, &mut ahead, &mut y));
                }
            }
            if let Some(finish) = Finish::<NV>::new(self.bias, self.epilogue, columns, y) {
                s.vectorize(finish); // a function of its own: GELU needs the registers
            }
        }
    }
}

/// Steps of k: the weights of NV vectors of columns for each.
type Steps<'a, const NV: usize> = &'a [[[f32; LANES]; NV]];

/// One chain of one panel.
struct Chain<'a, const NV: usize> {
    x: Rows<'a>,            // [M, KC]
    weights: Steps<'a, NV>, // [KC]
    onto: bool,
}

impl<const NV: usize> Chain<'_, NV> {
    /// y[rows] ← (y +) the sums, in tiles of MR rows, each of which prefetches a share of `ahead`.
    #[inline(always)]
    fn tiles<S: Simd, const MR: usize>(
        &self,
        s: S,
        rows: Range<usize>,
        ahead: &mut Chunks<[[f32; LANES]; NV]>,
        y: &mut RowsMut, // [M, up to NR]
    ) {
        for row in rows.step_by(MR) {
            self.tile::<S, MR>(s, row, ahead.next().unwrap_or_default(), y);
        }
    }

    /// y[ic..ic+MR, jc..jc+NR] ← (y +) the sums
    #[inline(always)]
    fn tile<S: Simd, const MR: usize>(
        &self,
        s: S,
        row: usize,
        ahead: Steps<NV>,
        y: &mut RowsMut, // [M, up to NR]
    ) {
        let mut copy = y.copy_of_narrow::<MR, NV>(row);
        let sums = chain::<S, MR, NV>(s, self.x, row, self.weights, ahead);
        let mut to = y.tile(row, &mut copy);
        for i in 0..MR {
            let to = to.vectors::<NV>(i);
            for j in 0..NV {
                let sum = if self.onto { s.add(s.load(&to[j]), sums[i][j]) } else { sums[i][j] };
                s.store(sum, &mut to[j]);
            }
        }
        y.put_back(row, &copy);
    }
}

/// The epilogue on one panel of y.
struct Finish<'a, const NV: usize> {
    bias: Option<[[f32; LANES]; NV]>,
    epilogue: Epilogue<'a>, // a residual [M, up to NR]
    y: RowsMut<'a>,         // [M, up to NR]
}

impl<'a, const NV: usize> Finish<'a, NV> {
    /// None if nothing is to be done.
    #[inline(always)]
    fn new(
        bias: Option<&[f32]>,
        epilogue: Epilogue<'a>,
        columns: Range<usize>,
        y: RowsMut<'a>,
    ) -> Option<Finish<'a, NV>> {
        let bias = bias.map(|bias| padded(&bias[columns.clone()]));
        let epilogue = match epilogue {
            Epilogue::Identity if bias.is_none() => return None,
            Epilogue::Residual(r) => Epilogue::Residual(r.columns(columns)),
            other => other,
        };
        Some(Finish { bias, epilogue, y })
    }
}

impl<const NV: usize> Kernel for Finish<'_, NV> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for i in 0..self.y.rows() {
            let residual = match self.epilogue {
                Epilogue::Residual(r) => r.row(i),
                _ => &[],
            };
            let y = self.y.row(i);
            if let Some(y) = y.as_chunks_mut().0.first_chunk_mut() {
                finish_row::<S, NV>(s, self.epilogue, self.bias.as_ref(), residual, y);
            } else {
                let mut whole = padded(y);
                finish_row::<S, NV>(s, self.epilogue, self.bias.as_ref(), residual, &mut whole);
                y.copy_from_slice(&whole.as_flattened()[..y.len()]);
            }
        }
    }
}

#[inline(always)]
fn finish_row<S: Simd, const NV: usize>(
    s: S,
    epilogue: Epilogue,
    bias: Option<&[[f32; LANES]; NV]>,
    residual: &[f32],
    y: &mut [[f32; LANES]; NV],
) {
    for j in 0..NV {
        let sum = s.load(&y[j]);
        let sum = bias.map_or(sum, |bias| s.add(sum, s.load(&bias[j])));
        let result = match epilogue {
            Epilogue::Identity => sum,
            Epilogue::Gelu => gelu(s, sum),
            Epilogue::Residual(_) => {
                s.add(sum, s.load_or(residual.get(j * LANES..).unwrap_or_default(), 0.0))
            }
        };
        s.store(result, &mut y[j]);
    }
}

/// Cuts `0..len` into pieces of `size`, the last of which may be shorter.
#[inline(always)]
fn cut(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..len).step_by(size).map(move |start| start..len.min(start + size))
}

/// Deals `rows` to as few tiles of at most `mr` as possible: first the tiles of one size, then
/// those with a row less.
#[inline(always)]
pub(crate) fn deal(rows: usize, mr: usize) -> impl Iterator<Item = (Range<usize>, usize)> {
    let tiles = rows.div_ceil(mr);
    let size = rows.div_ceil(tiles.max(1));
    let smaller = tiles * size - rows;
    let cut = (tiles - smaller) * size;
    [(0..cut, size), (cut..rows, size.max(2) - 1)].into_iter().filter(|(rows, _)| !rows.is_empty())
}

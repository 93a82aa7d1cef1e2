//! GEMM: y = x·Wᵀ + b, the linear layer, where 95 % of a transformer's time goes.
//!
//! ```text
//! W [N, K] is packed once (gemm/pack.rs) into panels: NR columns of y side by side, k after k.
//!
//! LOOP 3  for each panel              y[.., jc..jc+NR]          columns of y, streamed past once
//! LOOP 2    for each chain of KC      W[jc..jc+NR, pc..pc+KC]   KC·NR weights, which stay in L1 for all rows
//! LOOP 1      for each tile of rows   x[ic..ic+MR, pc..pc+KC]
//!               micro-kernel          MR × NR sums in registers (gemm/micro.rs)
//!               y + sums              y holds the chains so far
//!           epilogue                  bias, GELU or residual, on the whole panel of y
//! ```
//!
//! The weights pass by once for each call, so all rows of `x` should come in one call; `x` itself
//! should fit in L2. While a tile is computed it fetches its share of the next chain's weights into
//! L2, evenly, because many at once would make x wait: not into L1, where it would displace those
//! in use. After the last chain comes another product, if the caller says which
//! ([`Columns::before`]).
//!
//! # Tiles
//!
//! A tile of MR rows × NV vectors keeps MR·NV sums in registers. Each step in k loads NV vectors of
//! the panel and broadcasts MR values of `x`, for MR·NV multiply-adds:
//!
//! | level | registers | MR × NV | sums + panel + broadcast | loads a multiply-add | KC·NR weights |
//! |---|---|---|---|---|---|
//! | AVX-512 | 32 zmm | 8 × 3 | 24 + 3 + 1 | 11 / 24 | 24 KiB |
//! | AVX2 | 16 ymm, two a vector | 6 × 1 | 12 + 2 + 1 | 8 / 12 | 8 KiB |
//! | portable | unknown | 4 × 1 | | | 8 KiB |
//!
//! A multiply-add has a latency of four cycles, and one or two start each cycle (of zmm it depends
//! on the CPU): eight sums in flight are enough, so the shapes are chosen for few loads, for
//! weights that fit in a first-level cache of 32 KiB, and for panels that divide
//! 384. Rows are dealt to tiles evenly: 9 rows are 5 + 4, not 8 + 1.
//!
//! # The order of additions
//!
//! Element (i, j) is `((chain₀ + chain₁) + chain₂ …) + bias[j]`, each chain a sequence of fused
//! multiply-adds over [`KC`] consecutive k from zero. Nothing else about the call enters: not MR,
//! NV, the other rows, or whether k came in one call or several ([`Columns::accumulate`]).
//!
//! Reference: K. Goto and R. van de Geijn, *Anatomy of High-Performance Matrix Multiplication*, ACM
//! TOMS 34, 2008.
//!
//! In the book: `docs/03-gemm.md`.

mod columns;
mod micro;
mod pack;

pub use columns::Columns;
use micro::UNROLL;
pub(crate) use micro::{chain, step, tile_rows};
pub use pack::Linear;
pub(crate) use pack::transpose;

use crate::{
    Rows, RowsMut,
    gelu::gelu,
    simd::{Kernel, LANES, Simd},
};
use std::{ops::Range, slice::Chunks};

/// Length of a chain of multiply-adds: a constant of the arithmetic, the same on every machine.
///
/// The rounding error of a sum grows with the length of its longest chain; 128 puts the final
/// vector's error clearly below that of one chain of 384, for about one percent of the time.
pub const KC: usize = 128;

/// Columns of y in the smallest part of a product that is computed by itself: whole panels on each
/// level.
pub const PART: usize = 96;

/// What happens to a panel of y when its sums are complete. The bias is added in each case.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// y = x·Wᵀ + b
    Bias,
    /// y = gelu(x·Wᵀ + b)
    Gelu,
    /// y = (x·Wᵀ + b) + r, with r `[rows, N]`
    Residual(Rows<'a>),
}

/// One product over the chains `k` of the weights: y ← (y +) x·W[.., k]ᵀ, then the epilogue, if it
/// is the last.
pub(crate) struct Gemm<'a> {
    pub x: Rows<'a>,                    // [M, k.len()]
    pub linear: &'a Linear,             // W [N, K], b [N]
    pub columns: Range<usize>,          // of N; starts at a multiple of PART
    pub k: Range<usize>,                // of K; starts at a multiple of KC
    pub next: Option<Place<'a>>,        // where the product begins that is computed after this one
    pub y: RowsMut<'a>,                 // [M, columns]
    pub epilogue: Option<Epilogue<'a>>, // None: more k follow in another call
}

impl Kernel for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match S::VECTORS {
            32 => self.panels::<S, 8, 3>(s),
            8 => self.panels::<S, 6, 1>(s),
            _ => self.panels::<S, 4, 1>(s),
        }
    }
}

/// Where in a layer's weights a product begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub linear: &'a Linear,
    pub column: usize, // of y
    pub k: usize,
}

/// NV of the level.
pub(crate) const fn panel_vectors<S: Simd>() -> usize {
    if S::VECTORS == 32 { 3 } else { 1 }
}

impl Gemm<'_> {
    #[inline(always)]
    fn panels<S: Simd, const MOST: usize, const NV: usize>(mut self, s: S) {
        const { assert!(PART.is_multiple_of(NV * LANES), "a part is whole panels") };
        let (n, m) = (self.y.cols(), self.x.rows());
        let first = self.columns.start / (NV * LANES);
        let share = KC.div_ceil(m.div_ceil(MOST).max(1)).next_multiple_of(UNROLL);
        let panels = n.div_ceil(NV * LANES);
        let behind = self
            .next
            .map(|next| &next.linear.weights_from::<NV>(next.column / (NV * LANES))[next.k..])
            .unwrap_or_default();
        for p in 0..panels {
            let columns = p * NV * LANES..n.min((p + 1) * NV * LANES); // y[.., jc..jc+NR]
            let panel = self.linear.weights_from::<NV>(first + p);
            let stride = self.linear.inputs(); // from panel to panel
            for k in chains(self.k.clone()) {
                let next = match (k.end < self.k.end, p + 1 < panels) {
                    (true, _) => &panel[k.end..],
                    (false, true) => &panel[stride + self.k.start..],
                    (false, false) => behind,
                };
                let mut chain = Chain {
                    x: self.x.columns(k.start - self.k.start..k.end - self.k.start), // x[.., pc..pc+KC]
                    weights: &panel[k.clone()], // W[jc..jc+NR, pc..pc+KC]
                    next: next[..next.len().min(KC)].chunks(share),
                    y: self.y.columns(columns.clone()),
                    first: k.start == 0,
                };
                for (rows, size) in deal(m, MOST) {
                    tile_rows!(size, MOST, MR => chain.tiles::<S, MR>(s, rows));
                }
            }
            if let Some(epilogue) = self.epilogue {
                let bias = &self.linear.bias()[self.columns.clone()][columns.clone()];
                s.vectorize(Finish::<NV> {
                    bias,
                    y: self.y.columns(columns.clone()),
                    columns,
                    epilogue,
                });
            }
        }
    }
}

/// One chain of one panel.
struct Chain<'a, const NV: usize> {
    x: Rows<'a>,                          // [M, KC]
    weights: &'a [[[f32; LANES]; NV]],    // [KC]
    next: Chunks<'a, [[f32; LANES]; NV]>, // the next chain's weights: each tile fetches a share
    y: RowsMut<'a>,                       // [M, up to NR]
    first: bool,
}

impl<const NV: usize> Chain<'_, NV> {
    /// y[rows] ← the sums, or y + sums after the first chain, in tiles of MR rows.
    #[inline(always)]
    fn tiles<S: Simd, const MR: usize>(&mut self, s: S, rows: Range<usize>) {
        for row in rows.step_by(MR) {
            let ahead = self.next.next().unwrap_or_default();
            let tile = Tile { x: self.x, row, weights: self.weights, ahead, first: self.first };
            match self.y.block(row) {
                Some(y) => tile.add_to::<S, MR>(s, y),
                None => tile.add_to_ragged::<S, MR>(s, &mut self.y),
            }
        }
    }
}

/// One chain of one tile.
struct Tile<'a, const NV: usize> {
    x: Rows<'a>, // [M, KC]
    row: usize,  // of x and y
    weights: &'a [[[f32; LANES]; NV]],
    ahead: &'a [[[f32; LANES]; NV]],
    first: bool,
}

impl<const NV: usize> Tile<'_, NV> {
    /// y[ic..ic+MR, jc..jc+NR] ← the sums, or y + sums after the first chain.
    #[inline(always)]
    fn add_to<S: Simd, const MR: usize>(&self, s: S, y: [&mut [[f32; LANES]; NV]; MR]) {
        let sums = chain::<S, MR, NV>(s, self.x, self.row, self.weights, self.ahead);
        for i in 0..MR {
            for j in 0..NV {
                s.store(
                    if self.first { sums[i][j] } else { s.add(s.load(&y[i][j]), sums[i][j]) },
                    &mut y[i][j],
                );
            }
        }
    }

    /// The last panel, if it is not whole, goes by way of a tile that is.
    #[cold]
    #[inline(always)]
    fn add_to_ragged<S: Simd, const MR: usize>(&self, s: S, y: &mut RowsMut) {
        let mut tile = [[[0.0; LANES]; NV]; MR];
        for (i, tile) in tile.iter_mut().enumerate() {
            *tile = padded(y.row(self.row + i));
        }
        self.add_to(s, tile.each_mut());
        for (i, tile) in tile.iter().enumerate() {
            let y = y.row(self.row + i);
            y.copy_from_slice(&tile.as_flattened()[..y.len()]);
        }
    }
}

/// A row of a panel, with zeros where the panel is not whole.
fn padded<const NV: usize>(row: &[f32]) -> [[f32; LANES]; NV] {
    let mut whole = [[0.0; LANES]; NV];
    whole.as_flattened_mut()[..row.len()].copy_from_slice(row);
    whole
}

/// The epilogue on one panel of y, right after its sums are complete.
struct Finish<'a, const NV: usize> {
    bias: &'a [f32],       // [up to NR]
    y: RowsMut<'a>,        // [M, up to NR]
    columns: Range<usize>, // of the residual
    epilogue: Epilogue<'a>,
}

impl<const NV: usize> Kernel for Finish<'_, NV> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let bias = padded(self.bias);
        for i in 0..self.y.rows() {
            let residual = match self.epilogue {
                Epilogue::Residual(r) => &r.row(i)[self.columns.clone()],
                _ => &[],
            };
            if let Some([y]) = self.y.block(i) {
                finish_row::<S, NV>(s, self.epilogue, &bias, residual, y);
            } else {
                let y = self.y.row(i);
                let mut whole = padded(y);
                finish_row::<S, NV>(s, self.epilogue, &bias, residual, &mut whole);
                y.copy_from_slice(&whole.as_flattened()[..y.len()]);
            }
        }
    }
}

#[inline(always)]
fn finish_row<S: Simd, const NV: usize>(
    s: S,
    epilogue: Epilogue,
    bias: &[[f32; LANES]; NV],
    residual: &[f32],
    y: &mut [[f32; LANES]; NV],
) {
    for j in 0..NV {
        let sum = s.add(s.load(&y[j]), s.load(&bias[j]));
        let result = match epilogue {
            Epilogue::Bias => sum,
            Epilogue::Gelu => gelu(s, sum),
            Epilogue::Residual(_) => {
                s.add(sum, s.load_or(residual.get(j * LANES..).unwrap_or_default(), 0.0))
            }
        };
        s.store(result, &mut y[j]);
    }
}

/// Cuts k, which starts where a chain does, into chains.
#[inline(always)]
fn chains(k: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    k.clone().step_by(KC).map(move |start| start..k.end.min(start + KC))
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

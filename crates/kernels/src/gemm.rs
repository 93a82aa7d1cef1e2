//! GEMM: y = x·Wᵀ + b, the linear layer, where 95 % of a transformer's time goes.
//!
//! ```text
//! W [N, K] is packed once (gemm/pack.rs) into panels: NR columns of y side by side, k after k.
//!
//! LOOP 3  for each panel              y[.., jc..jc+NR]     the panel: K·NR floats, streamed from L2 or beyond
//! LOOP 2    for each tile of rows     y[ic..ic+MR, ..]     the rows of x: MR·K floats, in L1
//! LOOP 1      for each chain of KC    x[.., pc..pc+KC]
//!               micro-kernel          MR × NR sums in registers (gemm/micro.rs)
//!             epilogue                bias, GELU or residual, while the tile is in L1
//! ```
//!
//! The weights pass by once for each call, so all rows of `x` should come in one call; `x` itself should fit in L2. While a tile is
//! computed it fetches its share of the next panel, so that the panel is near when its turn comes.
//!
//! # Tiles
//!
//! A tile of MR rows × NV vectors keeps MR·NV sums in registers. Each step in k loads NV vectors of the panel and
//! broadcasts MR values of `x`, for MR·NV multiply-adds:
//!
//! | level | registers | MR × NV | sums + panel + broadcast | (MR + NV) loads a multiply-add |
//! |---|---|---|---|---|
//! | AVX-512 | 32 zmm | 6 × 4 | 24 + 4 + 1 | 10 / 24 |
//! | AVX2 | 16 ymm, two a vector | 6 × 1 | 12 + 2 + 1 | 8 / 12 |
//! | portable | unknown | 4 × 1 | | |
//!
//! A multiply-add has a latency of four cycles and one (zmm) or two (ymm) start each cycle: eight sums in flight are
//! enough, so the shapes are chosen for few loads and for few rows, which keeps remainders cheap. Rows are dealt to tiles
//! evenly: 8 rows are 4 + 4, not 6 + 2.
//!
//! # The order of additions
//!
//! Element (i, j) is `((chain₀ + chain₁) + chain₂ …) + bias[j]`, each chain a sequence of fused multiply-adds over
//! [`KC`] consecutive k from zero. Nothing else about the call enters: not MR, NV, the other rows, or whether k came in
//! one call or several ([`Linear::accumulate`]).
//!
//! Reference: K. Goto and R. van de Geijn, *Anatomy of High-Performance Matrix Multiplication*, ACM TOMS 34, 2008.

mod micro;
mod pack;

pub(crate) use micro::{chain, tile_rows};
pub use pack::Linear;

use crate::{
    Rows, RowsMut,
    gelu::gelu,
    simd::{Kernel, LANES, Simd},
};
use std::ops::Range;

/// Length of a chain of multiply-adds: a constant of the arithmetic, the same on every machine.
///
/// The rounding error of a sum grows with the length of its longest chain; 128 puts the final vector's error clearly
/// below that of one chain of 384, for about one percent of the time.
pub const KC: usize = 128;

/// What happens to a finished tile before it leaves the first-level cache. The bias is added in each case.
#[derive(Clone, Copy, Debug)]
pub enum Epilogue<'a> {
    /// y = x·Wᵀ + b
    Bias,
    /// y = gelu(x·Wᵀ + b)
    Gelu,
    /// y = (x·Wᵀ + b) + r, with r `[rows, N]`
    Residual(Rows<'a>),
}

/// One product over the chains `k` of the weights: y ← (y +) x·W[.., k]ᵀ, then the epilogue, if it is the last.
pub(crate) struct Gemm<'a> {
    pub x: Rows<'a>,                    // [M, k.len()]
    pub linear: &'a Linear,             // W [N, K], b [N]
    pub k: Range<usize>,                // starts at a multiple of KC
    pub y: RowsMut<'a>,                 // [M, N]
    pub epilogue: Option<Epilogue<'a>>, // None: more k follow in another call
}

impl Kernel for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match tile::<S>() {
            (rows, 4) => self.panels::<S, 4>(s, rows),
            (rows, _) => self.panels::<S, 1>(s, rows),
        }
    }
}

/// MR and NV of the level.
pub(crate) const fn tile<S: Simd>() -> (usize, usize) {
    match S::VECTORS {
        32 => (6, 4),
        8 => (6, 1),
        _ => (4, 1),
    }
}

/// The sums of a tile between two chains: in the first-level cache, because the registers are needed for the next chain.
#[repr(align(64))]
struct Tile<const MR: usize, const NV: usize>([[[f32; LANES]; NV]; MR]);

impl Gemm<'_> {
    #[inline(always)]
    fn panels<S: Simd, const NV: usize>(mut self, s: S, mr: usize) {
        let (n, m) = (self.y.cols(), self.x.rows());
        for p in 0..n.div_ceil(NV * LANES) {
            let columns = p * NV * LANES..n.min((p + 1) * NV * LANES); // y[.., jc..jc+NR]
            let panel = self.linear.panel(p, self.k.clone());
            let next = self.linear.panel(p + 1, self.k.clone());
            for rows in deal(m, mr) {
                // Each tile fetches its share of the next panel.
                let ahead = &next[next.len() * rows.start / m..next.len() * rows.end / m];
                tile_rows!(rows.len(), MR => self.tile::<S, MR, NV>(s, rows.start, columns.clone(), panel, ahead));
            }
        }
    }

    /// One tile: all its chains, then the epilogue.
    #[inline(always)]
    fn tile<S: Simd, const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        row: usize,
        columns: Range<usize>,
        panel: &[[f32; LANES]],
        ahead: &[[f32; LANES]],
    ) {
        let k = self.k.len();
        let mut tile = Tile::<MR, NV>([[[0.0; LANES]; NV]; MR]);
        let mut first = self.k.start == 0;
        if !first {
            self.load(s, &mut tile.0, row, columns.clone());
        }
        for start in (0..k).step_by(KC) {
            let end = k.min(start + KC);
            let x = self.x.columns(start..end); // x[ic..ic+MR, pc..pc+KC]
            let ahead = &ahead[start.min(ahead.len())..end.min(ahead.len())];
            let sums = chain::<S, MR, NV>(s, x, row, &panel[start * NV..end * NV], ahead);
            for (tile, sums) in tile.0.as_flattened_mut().iter_mut().zip(sums.as_flattened()) {
                let sum = if first { *sums } else { s.add(s.load(tile), *sums) };
                s.store(sum, tile);
            }
            first = false;
        }
        for (i, sums) in tile.0.iter().enumerate() {
            self.finish(s, sums, row + i, columns.clone());
        }
    }

    /// The sums so far, where an earlier call left them.
    #[inline(always)]
    fn load<S: Simd, const NV: usize>(&mut self, s: S, tile: &mut [[[f32; LANES]; NV]], row: usize, columns: Range<usize>) {
        for (i, tile) in tile.iter_mut().enumerate() {
            for (tile, y) in tile.iter_mut().zip(self.y.row(row + i)[columns.clone()].chunks(LANES)) {
                s.store(s.load_or(y, 0.0), tile);
            }
        }
    }

    /// Applies the epilogue, if it is time, and writes one row of a tile to y.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, sums: &[[f32; LANES]], row: usize, columns: Range<usize>) {
        let bias = self.linear.bias()[columns.clone()].chunks(LANES);
        let y = self.y.row(row)[columns.clone()].chunks_mut(LANES);
        for (((sum, y), bias), column) in sums.iter().zip(y).zip(bias).zip(columns.step_by(LANES)) {
            let sum = s.load(sum);
            let biased = s.add(sum, s.load_or(bias, 0.0));
            let result = match self.epilogue {
                None => sum,
                Some(Epilogue::Bias) => biased,
                Some(Epilogue::Gelu) => gelu(s, biased),
                Some(Epilogue::Residual(r)) => s.add(biased, s.load_or(&r.row(row)[column..], 0.0)),
            };
            s.store_first(result, y);
        }
    }
}

/// Deals `rows` to as few tiles of at most `mr` as possible, sizes differing by at most one.
#[inline(always)]
pub(crate) fn deal(rows: usize, mr: usize) -> impl Iterator<Item = Range<usize>> {
    let tiles = rows.div_ceil(mr);
    (0..tiles).map(move |t| rows * t / tiles..rows * (t + 1) / tiles)
}

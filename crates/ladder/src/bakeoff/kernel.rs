//! The product, for any tile; the rest of a [`Variant`] is chosen as it runs.
//!
//! It is the shipped kernel (`crates/kernels/src/gemm.rs`) without edges in the columns: N is a whole number of panels.

use super::{Epilogue, Order, Packed, ROWS, Variant};
use minilm_kernels::{
    Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
};
use std::ops::Range;

/// y = x·Wᵀ + b, as the variant says.
pub(super) struct Gemm<'a> {
    pub variant: Variant,
    pub x: Rows<'a>,         // [M, K]
    pub weights: &'a Packed, // W [N, K], b [N]
    pub y: RowsMut<'a>,      // [M, N]
}

impl Kernel for Gemm<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // Each tile's product is a function of its own, compiled only for the level that has the registers.
        match S::VECTORS {
            32 => match (self.variant.rows, self.variant.vectors) {
                (8, 3) => s.vectorize(Tiles::<8, 3>(self)),
                (9, 3) => s.vectorize(Tiles::<9, 3>(self)),
                (6, 4) => s.vectorize(Tiles::<6, 4>(self)),
                (4, 6) => s.vectorize(Tiles::<4, 6>(self)),
                (12, 2) => s.vectorize(Tiles::<12, 2>(self)),
                (14, 2) => s.vectorize(Tiles::<14, 2>(self)),
                (24, 1) => s.vectorize(Tiles::<24, 1>(self)),
                tile => unreachable!("no tile {tile:?}"),
            },
            8 => match (self.variant.rows, self.variant.vectors) {
                (6, 1) => s.vectorize(Tiles::<6, 1>(self)),
                (5, 1) => s.vectorize(Tiles::<5, 1>(self)),
                (4, 1) => s.vectorize(Tiles::<4, 1>(self)),
                (3, 2) => s.vectorize(Tiles::<3, 2>(self)),
                (2, 2) => s.vectorize(Tiles::<2, 2>(self)),
                (2, 3) => s.vectorize(Tiles::<2, 3>(self)),
                tile => unreachable!("no tile {tile:?}"),
            },
            _ => unreachable!("the level has no tiles here"),
        }
    }
}

/// The product by tiles of at most MOST × NV.
struct Tiles<'a, const MOST: usize, const NV: usize>(Gemm<'a>);

impl<const MOST: usize, const NV: usize> Kernel for Tiles<'_, MOST, NV> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gemm { variant, x, weights, mut y } = self.0;
        let deal = Deal::new(x.rows(), MOST);
        let chains = x.cols().div_ceil(variant.chain);
        let fetch = Fetch::new(variant, x.cols(), deal.tiles, chains);
        for (p, bias) in weights.bias::<NV>().iter().enumerate() {
            let y = y.columns(p * NV * LANES..(p + 1) * NV * LANES); // y[.., jc..jc+NR]
            let mut panel = Panel { variant, x, weights: &weights.weights()[p * x.cols()..], bias, y, deal, fetch };
            let by_chain = variant.order == Order::ChainByChain;
            let (outer, inner) = if by_chain { (chains, deal.tiles) } else { (deal.tiles, chains) };
            for a in 0..outer {
                for b in 0..inner {
                    let (chain, tile) = if by_chain { (a, b) } else { (b, a) };
                    panel.step::<S, MOST>(s, chain, tile);
                }
            }
            if variant.epilogue == Epilogue::Panel {
                panel.add_bias(s);
            }
        }
    }
}

/// Calls a function with its const parameter MR set to a height that is known at run time.
macro_rules! of_height {
    ($height:expr, $most:expr, $MR:ident => $($call:tt)*) => {
        of_height!(@ $height, $most, $MR, [$($call)*], 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
    };
    (@ $height:expr, $most:expr, $MR:ident, $call:tt, $($n:literal)*) => {
        match $height {
            // The guard is a constant: heights that no number of rows is dealt to are never compiled.
            $($n if const { is_dealt($n, $most) } => { const $MR: usize = $n; of_height!(@call $call) })*
            height => unreachable!("no tile of {height} rows"),
        }
    };
    (@call [$($call:tt)*]) => { $($call)* };
}

/// One panel of y.
struct Panel<'a, const NV: usize> {
    variant: Variant,
    x: Rows<'a>,                       // [M, K]
    weights: &'a [[[f32; LANES]; NV]], // [K], and what lies behind it
    bias: &'a [[f32; LANES]; NV],
    y: RowsMut<'a>, // [M, NR]
    deal: Deal,
    fetch: Fetch,
}

impl<'a, const NV: usize> Panel<'a, NV> {
    /// One chain of one tile.
    #[inline(always)]
    fn step<S: Simd, const MOST: usize>(&mut self, s: S, chain: usize, tile: usize) {
        let start = chain * self.variant.chain;
        let k = start..self.x.cols().min(start + self.variant.chain);
        let weights: &'a [[[f32; LANES]; NV]] = self.weights;
        let ahead = &weights[self.fetch.range(&k, chain, tile, weights.len())];
        let (row, height) = self.deal.tile(tile);
        of_height!(height, MOST, MR => Step::<MR, NV> { panel: self, row, k, ahead }.compute(s));
    }

    /// y + b, for all rows.
    #[inline(always)]
    fn add_bias<S: Simd>(&mut self, s: S) {
        for i in 0..self.y.rows() {
            let y = row_of::<NV>(&mut self.y, i);
            for j in 0..NV {
                s.store(s.add(s.load(&y[j]), s.load(&self.bias[j])), &mut y[j]);
            }
        }
    }
}

/// One chain of one tile.
struct Step<'p, 'a, const MR: usize, const NV: usize> {
    panel: &'p mut Panel<'a, NV>,
    row: usize,
    k: Range<usize>,
    ahead: &'a [[[f32; LANES]; NV]],
}

impl<const MR: usize, const NV: usize> Step<'_, '_, MR, NV> {
    /// Where registers are few, a step is a function of its own and has them to itself, whatever else is compiled around it.
    #[inline(always)]
    fn compute<S: Simd>(self, s: S) {
        if S::VECTORS < 32 { s.vectorize(self) } else { self.run(s) }
    }
}

impl<const MR: usize, const NV: usize> Kernel for Step<'_, '_, MR, NV> {
    type Output = ();
    /// y[rows, panel] ← the sums of a chain, or y + sums after the first.
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Step { panel, row, k, ahead } = self;
        let (first, last) = (k.start == 0, k.end == panel.x.cols());
        let with_bias = last && panel.variant.epilogue == Epilogue::Tile;
        let sums = chain::<S, MR, NV>(s, panel.x.columns(k.clone()), row, &panel.weights[k], ahead);
        for i in 0..MR {
            let y = row_of::<NV>(&mut panel.y, row + i);
            for j in 0..NV {
                let mut sum = sums[i][j];
                if !first {
                    sum = s.add(s.load(&y[j]), sum);
                }
                if with_bias {
                    sum = s.add(sum, s.load(&panel.bias[j]));
                }
                s.store(sum, &mut y[j]);
            }
        }
    }
}

/// A row of y [M, NR] as vectors.
#[inline(always)]
fn row_of<'a, const NV: usize>(y: &'a mut RowsMut, row: usize) -> &'a mut [[f32; LANES]; NV] {
    y.row(row).as_chunks_mut().0.first_chunk_mut().expect("a panel is NV vectors wide")
}

/// `sums[i][j] = Σₖ x[row + i, k] · panel[k][j]`: the shipped micro-kernel (`gemm/micro.rs`).
#[inline(always)]
fn chain<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    x: Rows, // [M, KC]
    row: usize,
    panel: &[[[f32; LANES]; NV]], // [KC]
    ahead: &[[[f32; LANES]; NV]], // fetched, one of them a step
) -> [[S::F32x16; NV]; MR] {
    let mut rows: [&[f32]; MR] = [&[]; MR];
    for (i, to) in rows.iter_mut().enumerate() {
        *to = x.row(row + i);
    }
    let mut sums = [[s.zero(); NV]; MR];
    for (k, panel) in panel.iter().enumerate().take(x.cols()) {
        if let Some(ahead) = ahead.get(k) {
            for line in ahead {
                s.prefetch(line);
            }
        }
        let mut b = [s.zero(); NV];
        for j in 0..NV {
            b[j] = s.load(&panel[j]);
        }
        for i in 0..MR {
            let a = s.splat(rows[i][k]);
            for j in 0..NV {
                sums[i][j] = s.mul_add(a, b[j], sums[i][j]);
            }
        }
    }
    sums
}

/// What each step fetches: a share of the next chain's weights, or of the next panel's if a tile does all its chains here.
#[derive(Clone, Copy)]
struct Fetch {
    by_chain: bool,
    chains: usize,
    k: usize,
    len: usize,   // what the steps share
    share: usize, // 0: nothing
}

impl Fetch {
    fn new(variant: Variant, k: usize, tiles: usize, chains: usize) -> Fetch {
        let by_chain = variant.order == Order::ChainByChain;
        let (len, steps) = if by_chain { (variant.chain, tiles) } else { (k, tiles * chains) };
        Fetch { by_chain, chains, k, len, share: if variant.prefetch { len.div_ceil(steps) } else { 0 } }
    }

    /// Of `there` weights, the panel's and those behind it.
    #[inline(always)]
    fn range(self, k: &Range<usize>, chain: usize, tile: usize, there: usize) -> Range<usize> {
        let (next, step) = if self.by_chain { (k.end, tile) } else { (self.k, tile * self.chains + chain) };
        let end = there.min(next + self.len);
        end.min(next + step * self.share)..end.min(next + (step + 1) * self.share)
    }
}

/// Rows dealt evenly to as few tiles as possible: first those of `size` rows, then those with one less.
#[derive(Clone, Copy)]
struct Deal {
    tiles: usize,
    size: usize,
    whole: usize, // tiles of `size` rows
}

impl Deal {
    const fn new(rows: usize, most: usize) -> Deal {
        let tiles = rows.div_ceil(most);
        let size = rows.div_ceil(tiles);
        Deal { tiles, size, whole: rows - tiles * (size - 1) }
    }

    /// The first row and the height of a tile.
    #[inline(always)]
    const fn tile(self, tile: usize) -> (usize, usize) {
        if tile < self.whole { (tile * self.size, self.size) } else { (tile * (self.size - 1) + self.whole, self.size - 1) }
    }
}

/// Whether any of [`ROWS`] is dealt to a tile of this height.
const fn is_dealt(height: usize, most: usize) -> bool {
    let mut i = 0;
    while i < ROWS.len() {
        let deal = Deal::new(ROWS[i], most);
        if height == deal.size || (deal.whole < deal.tiles && height + 1 == deal.size) {
            return true;
        }
        i += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_tile_and_every_height_is_compiled() {
        for rows in ROWS {
            for most in 1..=24 {
                let deal = Deal::new(rows, most);
                let mut next = 0;
                for (row, height) in (0..deal.tiles).map(|tile| deal.tile(tile)) {
                    assert_eq!(row, next, "{rows} rows in tiles of {most}");
                    assert!((1..=most).contains(&height) && is_dealt(height, most), "{rows} rows in tiles of {most}");
                    next += height;
                }
                assert_eq!(next, rows);
            }
        }
        assert!(!is_dealt(7, 8) && !is_dealt(24, 24), "heights that are never dealt");
    }
}

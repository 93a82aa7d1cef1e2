//! The product, for any tile; the rest of a [`Variant`] is chosen as it runs.
//!
//! It is the shipped kernel (`crates/kernels/src/gemm.rs`) without edges in the columns: N is a
//! whole number of panels.

use super::{
    Epilogue, Fetch, Order, Packed, Variant,
    share::{Deal, Share, UNROLL, is_dealt},
};
use minilm_kernels::{
    Rows, RowsMut,
    simd::{Kernel, LANES, Simd},
};
use std::{hint::black_box, ops::Range};

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
        // Each tile's product is a function of its own, compiled only for the level that has the
        // registers.
        match <S::Tiles as minilm_kernels::tiles::Tiles>::REGISTERS {
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
        let share = Share::new(variant, x.cols(), deal.tiles, chains);
        for (p, bias) in weights.bias::<NV>().iter().enumerate() {
            let y = y.columns(p * NV * LANES..(p + 1) * NV * LANES); // y[.., jc..jc+NR]
            let mut panel = Panel {
                variant,
                x,
                weights: &weights.weights()[p * x.cols()..],
                bias,
                y,
                deal,
                share,
            };
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
        of_height!(@ $height, $most, $MR, [$($call)*],
            1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24)
    };
    (@ $height:expr, $most:expr, $MR:ident, $call:tt, $($n:literal)*) => {
        match $height {
            // The guard is a constant: heights that no number of rows is dealt to are never
            // compiled.
            $($n if const { is_dealt($n, $most) } => {
                const $MR: usize = $n;
                of_height!(@call $call)
            })*
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
    share: Share,
}

impl<'a, const NV: usize> Panel<'a, NV> {
    /// One chain of one tile.
    #[inline(always)]
    fn step<S: Simd, const MOST: usize>(&mut self, s: S, chain: usize, tile: usize) {
        let start = chain * self.variant.chain;
        let k = start..self.x.cols().min(start + self.variant.chain);
        let weights: &'a [[[f32; LANES]; NV]] = self.weights;
        let ahead = &weights[self.share.range(&k, chain, tile, weights.len())];
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
    /// Where registers are few, a step is a function of its own and has them to itself, whatever
    /// else is compiled around it.
    #[inline(always)]
    fn compute<S: Simd>(self, s: S) {
        if <S::Tiles as minilm_kernels::tiles::Tiles>::REGISTERS < 32 {
            s.vectorize(self)
        } else {
            self.run(s)
        }
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
        let x = panel.x.columns(k.clone()); // x[.., pc..pc+KC]
        let sums = chain::<S, MR, NV>(s, x, row, &panel.weights[k], ahead, panel.variant.fetch);
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
    x: Rows, // [.., KC]
    row: usize,
    panel: &[[[f32; LANES]; NV]], // [KC]
    ahead: &[[[f32; LANES]; NV]], // up to KC
    fetch: Fetch,
) -> [[S::F32x16; NV]; MR] {
    let (steps, last) = panel.as_chunks::<UNROLL>();
    let (ahead, _) = ahead.as_chunks::<UNROLL>();
    let mut rows: [&[[f32; UNROLL]]; MR] = [&[]; MR]; // x[ic..ic+MR, pc..pc+KC]
    for (i, to) in rows.iter_mut().enumerate() {
        *to = &x.row(row + i).as_chunks().0[..steps.len()];
    }
    if MR > 8 && NV > 1 {
        // else LLVM derives each address from the one before, reads x for both steps at once, and
        // spills sums
        rows = black_box(rows);
    }
    let mut sums = [[s.zero(); NV]; MR];
    let every = if fetch == Fetch::Burst { 1 } else { (steps.len() / ahead.len().max(1)).max(1) };
    let (mut ahead, mut due) = (ahead.iter(), 0);
    for (k, [even, odd]) in steps.iter().enumerate() {
        if k == due {
            due += every;
            if let Some(ahead) = ahead.next() {
                for line in ahead.as_flattened() {
                    s.prefetch(line);
                }
            }
        }
        step(
            s,
            even,
            #[inline(always)]
            |i| rows[i][k][0],
            &mut sums,
        );
        step(
            s,
            odd,
            #[inline(always)]
            |i| rows[i][k][1],
            &mut sums,
        );
    }
    if let [panel] = last {
        step(
            s,
            panel,
            #[inline(always)]
            |i| x.row(row + i)[UNROLL * steps.len()],
            &mut sums,
        );
    }
    sums
}

/// `sums[i][j] += x(i) · panel[j]`
#[inline(always)]
fn step<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    panel: &[[f32; LANES]; NV],
    x: impl Fn(usize) -> f32,
    sums: &mut [[S::F32x16; NV]; MR],
) {
    let mut b = [s.zero(); NV];
    for j in 0..NV {
        b[j] = s.load(&panel[j]);
    }
    for i in 0..MR {
        let a = s.splat(x(i));
        for j in 0..NV {
            sums[i][j] = s.mul_add(a, b[j], sums[i][j]);
        }
    }
}

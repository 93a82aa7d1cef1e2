//! The micro-kernel: MR × NV vectors of sums in registers, one pass over a chain of k.
//!
//! In the book: `docs/03-gemm.md`.

use crate::{
    Rows,
    simd::{LANES, Simd},
};

/// Steps of k per round of the innermost loop, which checks once per round where the rows end.
pub(super) const UNROLL: usize = 2;

/// Bytes of a line of the cache.
const LINE: usize = 64;

/// Steps whose weights are prefetched at a time: those of a round, or two rounds if a vector of
/// weights is half a line.
pub(super) const fn prefetched<W>() -> usize {
    if size_of::<W>() < LINE { 2 * UNROLL } else { UNROLL }
}

/// The numbers of a product: what one step of the micro-kernel multiplies and adds.
pub(crate) trait Arithmetic<S: Simd> {
    /// What a row of x has for one step.
    type X: Copy;
    /// What sixteen columns have for one step.
    type W;
    /// A vector of either in registers.
    type V: Copy;

    /// Whether the sums of lanes 0–7 are complete before those of lanes 8–15 begin: twice as many
    /// rows then fit in the registers.
    const HALVES: bool = false;

    /// A vector of weights.
    fn load(s: S, w: &Self::W) -> Self::V;
    /// A value of x in each lane.
    fn splat(s: S, x: Self::X) -> Self::V;
    /// sum + x·w
    fn mul_add(s: S, x: Self::V, w: Self::V, sum: Self::V) -> Self::V;
    /// Lanes 0–7 of one vector and lanes 8–15 of the other, if there are [`Arithmetic::HALVES`].
    fn halves(s: S, low: Self::V, high: Self::V) -> Self::V;

    /// Whether the two steps of a round are multiplied together.
    const PAIRS: bool = false;

    /// sum + x₀·w₀ + x₁·w₁, for two steps one after the other.
    #[inline(always)]
    fn mul_add_pair(s: S, x: [Self::V; 2], w: [Self::V; 2], sum: Self::V) -> Self::V {
        Self::mul_add(s, x[1], w[1], Self::mul_add(s, x[0], w[0], sum))
    }
}

/// Products of `f32`: a step is one k, and a fused multiply-add.
pub(crate) enum Fused {}

impl<S: Simd> Arithmetic<S> for Fused {
    type X = f32;
    type W = [f32; LANES];
    type V = S::F32x16;

    #[inline(always)]
    fn load(s: S, w: &[f32; LANES]) -> S::F32x16 {
        s.load(w)
    }

    #[inline(always)]
    fn splat(s: S, x: f32) -> S::F32x16 {
        s.splat(x)
    }

    #[inline(always)]
    fn mul_add(s: S, x: S::F32x16, w: S::F32x16, sum: S::F32x16) -> S::F32x16 {
        s.mul_add(x, w, sum)
    }

    #[inline(always)]
    fn halves(_: S, low: S::F32x16, _: S::F32x16) -> S::F32x16 {
        low
    }
}

/// `sums[i][j] = Σₖ x[row + i, k] · panel[k][j]`, k ascending, each step one fused multiply-add.
///
/// Values of `x` are broadcast straight from its rows, so nothing is copied. `ahead` holds weights
/// that are needed later; they are prefetched on the way.
#[inline(always)]
pub(crate) fn chain<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    x: Rows, // [.., K]
    row: usize,
    panel: &[[[f32; LANES]; NV]], // [K]
    ahead: &[[[f32; LANES]; NV]], // up to [K]
) -> [[S::F32x16; NV]; MR] {
    let mut rows: [&[f32]; MR] = [&[]; MR]; // x[ic..ic+MR, pc..pc+KC]
    for i in 0..MR {
        rows[i] = x.row(row + i);
    }
    steps::<S, Fused, MR, NV>(s, rows, panel, ahead, [[s.zero(); NV]; MR])
}

/// `sums[i][j] += Σₖ rows[i][k] · panel[k][j]`, for any kind of number.
#[inline(always)]
pub(crate) fn steps<S: Simd, A: Arithmetic<S>, const MR: usize, const NV: usize>(
    s: S,
    x: [&[A::X]; MR],     // [steps] each
    panel: &[[A::W; NV]], // [steps]
    ahead: &[[A::W; NV]], // up to [steps]
    mut sums: [[A::V; NV]; MR],
) -> [[A::V; NV]; MR] {
    if const { A::HALVES } {
        // What a pass computes of the other half is not used, so the compiler leaves it out.
        let mut high = sums;
        in_rounds::<S, A, MR, NV>(s, x, panel, ahead, &mut sums);
        in_rounds::<S, A, MR, NV>(s, x, panel, ahead, &mut high);
        for i in 0..MR {
            for j in 0..NV {
                sums[i][j] = A::halves(s, sums[i][j], high[i][j]);
            }
        }
    } else if const { S::ROUNDS } {
        in_rounds::<S, A, MR, NV>(s, x, panel, ahead, &mut sums);
    } else {
        const { assert!(S::ROUNDS || !A::PAIRS, "a pair is a round") };
        one_by_one::<S, A, MR, NV>(s, x, panel, &mut sums);
    }
    sums
}

/// All steps, [`UNROLL`] per round of the loop.
#[inline(always)]
fn in_rounds<S: Simd, A: Arithmetic<S>, const MR: usize, const NV: usize>(
    s: S,
    x: [&[A::X]; MR],     // [steps] each
    panel: &[[A::W; NV]], // [steps]
    ahead: &[[A::W; NV]], // up to [steps]
    sums: &mut [[A::V; NV]; MR],
) {
    let (steps, last) = panel.as_chunks::<UNROLL>();
    let mut rows: [&[[A::X; UNROLL]]; MR] = [&[]; MR];
    for i in 0..MR {
        rows[i] = &x[i].as_chunks().0[..steps.len()];
    }
    if const { prefetched::<A::W>() == UNROLL } {
        multiply_rounds::<S, A, MR, NV, UNROLL>(s, &rows, steps, ahead, sums);
    } else {
        multiply_rounds::<S, A, MR, NV, { 2 * UNROLL }>(s, &rows, steps, ahead, sums);
    }
    if let [panel] = last {
        let mut a = [&x[0][UNROLL * steps.len()]; MR];
        for i in 0..MR {
            a[i] = &x[i][UNROLL * steps.len()];
        }
        multiply::<S, A, MR, NV>(s, panel, a, sums);
    }
}

/// All steps, one per round of the loop, without a prefetch.
#[inline(always)]
fn one_by_one<S: Simd, A: Arithmetic<S>, const MR: usize, const NV: usize>(
    s: S,
    x: [&[A::X]; MR],     // [steps] each
    panel: &[[A::W; NV]], // [steps]
    sums: &mut [[A::V; NV]; MR],
) {
    let steps = panel.len();
    let mut rows: [&[A::X]; MR] = [&[]; MR];
    for i in 0..MR {
        rows[i] = &x[i][..steps];
    }
    for k in 0..steps {
        let mut column = [&rows[0][k]; MR];
        for i in 1..MR {
            column[i] = &rows[i][k];
        }
        multiply::<S, A, MR, NV>(s, &panel[k], column, sums);
    }
}

/// All rounds, which prefetch the weights of AHEAD steps at a time. Prefetches are spread evenly
/// over the rounds, so that few requests are in flight at once and the loads of x do not wait
/// behind them.
#[inline(always)]
fn multiply_rounds<
    S: Simd,
    A: Arithmetic<S>,
    const MR: usize,
    const NV: usize,
    const AHEAD: usize,
>(
    s: S,
    rows: &[&[[A::X; UNROLL]]; MR],
    steps: &[[[A::W; NV]; UNROLL]],
    ahead: &[[A::W; NV]],
    sums: &mut [[A::V; NV]; MR],
) {
    let (ahead, _) = ahead.as_chunks::<AHEAD>();
    let every = (steps.len() / ahead.len().max(1)).max(1);
    let (mut ahead, mut k) = (ahead.iter(), 0);
    for rounds in steps.chunks(every) {
        if let Some(ahead) = ahead.next() {
            let weights = ahead.as_flattened();
            for first in (0..weights.len()).step_by(AHEAD / UNROLL) {
                s.prefetch(&weights[first]); // a line
            }
        }
        for [even, odd] in rounds {
            let [first, second] = [column(rows, k, 0), column(rows, k, 1)];
            if const { A::PAIRS } {
                multiply_pair::<S, A, MR, NV>(s, [even, odd], [first, second], sums);
            } else {
                multiply::<S, A, MR, NV>(s, even, first, sums);
                multiply::<S, A, MR, NV>(s, odd, second, sums);
            }
            k += 1;
        }
    }
}

/// x[ic..ic+MR, k], for the step `odd` of round `k`.
#[inline(always)]
fn column<'a, X, const MR: usize>(
    rows: &[&'a [[X; UNROLL]]; MR],
    k: usize,
    odd: usize,
) -> [&'a X; MR] {
    let mut x = [&rows[0][k][odd]; MR];
    for i in 1..MR {
        x[i] = &rows[i][k][odd];
    }
    x
}

/// `sums[i][j] += x[i] · panel[j]`, in `f32`.
#[inline(always)]
pub(crate) fn step<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    panel: &[[f32; LANES]; NV],
    x: [&f32; MR],
    sums: &mut [[S::F32x16; NV]; MR],
) {
    multiply::<S, Fused, MR, NV>(s, panel, x, sums);
}

/// `sums[i][j] += x[i] · panel[j]`
#[inline(always)]
fn multiply<S: Simd, A: Arithmetic<S>, const MR: usize, const NV: usize>(
    s: S,
    panel: &[A::W; NV],
    x: [&A::X; MR],
    sums: &mut [[A::V; NV]; MR],
) {
    let mut b = [A::load(s, &panel[0]); NV];
    for j in 1..NV {
        b[j] = A::load(s, &panel[j]);
    }
    for i in 0..MR {
        let a = A::splat(s, *x[i]);
        for j in 0..NV {
            sums[i][j] = A::mul_add(s, a, b[j], sums[i][j]);
        }
    }
}

/// `sums[i][j] += x₀[i] · panel₀[j] + x₁[i] · panel₁[j]`
#[inline(always)]
fn multiply_pair<S: Simd, A: Arithmetic<S>, const MR: usize, const NV: usize>(
    s: S,
    panel: [&[A::W; NV]; 2],
    x: [[&A::X; MR]; 2],
    sums: &mut [[A::V; NV]; MR],
) {
    let mut b = [[A::load(s, &panel[0][0]); 2]; NV];
    for j in 0..NV {
        b[j] = [A::load(s, &panel[0][j]), A::load(s, &panel[1][j])];
    }
    for i in 0..MR {
        let a = [A::splat(s, *x[0][i]), A::splat(s, *x[1][i])];
        for j in 0..NV {
            sums[i][j] = A::mul_add_pair(s, a, b[j], sums[i][j]);
        }
    }
}

/// Calls a function with its const parameter MR set to a number of rows that is known at run time:
/// 1 to the tile's `$most`.
macro_rules! tile_rows {
    ($rows:expr, $most:expr, $MR:ident => $($call:tt)*) => {
        tile_rows!(@ $rows, $most, $MR, [$($call)*], 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@ $rows:expr, $most:expr, $MR:ident, $call:tt, $($n:literal)*) => {
        match $rows {
            // The guard is a constant: a number above the level's tile is never compiled.
            $($n if const { $n <= $most } => { const $MR: usize = $n; tile_rows!(@call $call) })*
            rows => unreachable!("no tile has {rows} rows"),
        }
    };
    (@call [$($call:tt)*]) => { $($call)* };
}
pub(crate) use tile_rows;

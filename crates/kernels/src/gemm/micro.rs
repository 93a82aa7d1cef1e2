//! The micro-kernel: MR × NV vectors of sums in registers, one pass over a chain of k.
//!
//! In the book: `docs/03-gemm.md`.

use crate::{
    Rows,
    simd::{LANES, Simd},
};

/// Steps of k per round of the innermost loop, which checks once per round where the rows end.
pub(super) const UNROLL: usize = 2;

/// `sums[i][j] = Σₖ x[row + i, k] · panel[k][j]`, k ascending, each step one fused multiply-add.
///
/// Values of `x` are broadcast straight from its rows, so nothing is copied. `ahead` holds weights
/// that are needed later; they are prefetched on the way.
#[expect(clippy::needless_range_loop, reason = "an iterator compiles to a slower loop")]
#[inline(always)]
pub(crate) fn chain<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    x: Rows, // [.., K]
    row: usize,
    panel: &[[[f32; LANES]; NV]], // [K]
    ahead: &[[[f32; LANES]; NV]], // up to [K]
) -> [[S::F32x16; NV]; MR] {
    let (steps, last) = panel.as_chunks::<UNROLL>();
    let mut rows: [&[[f32; UNROLL]]; MR] = [&[]; MR]; // x[ic..ic+MR, pc..pc+KC]
    for i in 0..MR {
        rows[i] = &x.row(row + i).as_chunks().0[..steps.len()];
    }
    // Prefetches are spread evenly over the rounds, so that few requests are in flight at once and
    // the loads of x do not wait behind them.
    let (ahead, _) = ahead.as_chunks::<UNROLL>();
    let every = (steps.len() / ahead.len().max(1)).max(1);
    let (mut ahead, mut k) = (ahead.iter(), 0);
    let mut sums = [[s.zero(); NV]; MR];
    for rounds in steps.chunks(every) {
        if let Some(ahead) = ahead.next() {
            for line in ahead.as_flattened() {
                s.prefetch(line);
            }
        }
        for [even, odd] in rounds {
            step(s, even, column(&rows, k, 0), &mut sums);
            step(s, odd, column(&rows, k, 1), &mut sums);
            k += 1;
        }
    }
    if let [panel] = last {
        let mut a = [&0.0; MR];
        for i in 0..MR {
            a[i] = &x.row(row + i)[UNROLL * steps.len()];
        }
        step(s, panel, a, &mut sums);
    }
    sums
}

/// x[ic..ic+MR, k], for the step `odd` of round `k`.
#[inline(always)]
fn column<'a, const MR: usize>(
    rows: &[&'a [[f32; UNROLL]]; MR],
    k: usize,
    odd: usize,
) -> [&'a f32; MR] {
    let mut x = [&0.0; MR];
    for i in 0..MR {
        x[i] = &rows[i][k][odd];
    }
    x
}

/// `sums[i][j] += x[i] · panel[j]`
#[inline(always)]
pub(crate) fn step<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    panel: &[[f32; LANES]; NV],
    x: [&f32; MR],
    sums: &mut [[S::F32x16; NV]; MR],
) {
    let mut b = [s.zero(); NV];
    for j in 0..NV {
        b[j] = s.load(&panel[j]);
    }
    for i in 0..MR {
        let a = s.splat(*x[i]);
        for j in 0..NV {
            sums[i][j] = s.mul_add(a, b[j], sums[i][j]);
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

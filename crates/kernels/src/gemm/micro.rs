//! The micro-kernel: MR × NV vectors of sums in registers, one pass over a chain of k.
//!
//! In the book: `docs/03-gemm.md`.

use crate::{
    Rows,
    simd::{LANES, Simd},
};

/// Steps of k between two looks at where the rows end, and whether something is to be fetched.
pub(super) const UNROLL: usize = 2;

/// `sums[i][j] = Σₖ x[row + i, k] · panel[k][j]`, k ascending, each step one fused multiply-add.
///
/// `panel` holds NV vectors for each column of `x`. Broadcasts come straight from the rows of `x`,
/// so nothing is copied. `ahead`, weights that are needed later, is fetched on the way, spread
/// evenly over the steps.
#[inline(always)]
pub(crate) fn chain<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    x: Rows, // [.., K]
    row: usize,
    panel: &[[[f32; LANES]; NV]], // [K, NV vectors]
    ahead: &[[[f32; LANES]; NV]], // up to K
) -> [[S::F32x16; NV]; MR] {
    let (steps, last) = panel.as_chunks::<UNROLL>();
    let (ahead, _) = ahead.as_chunks::<UNROLL>();
    let mut rows: [&[[f32; UNROLL]]; MR] = [&[]; MR]; // x[ic..ic+MR, pc..pc+KC]
    for (i, to) in rows.iter_mut().enumerate() {
        *to = &x.row(row + i).as_chunks().0[..steps.len()];
    }
    let mut sums = [[s.zero(); NV]; MR];
    let every = (steps.len() / ahead.len().max(1)).max(1); // so that few are on their way at once, and x need not wait for them
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
pub(crate) fn step<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    panel: &[[f32; LANES]; NV],
    x: impl Fn(usize) -> f32,
    sums: &mut [[S::F32x16; NV]; MR],
) {
    let mut b = [s.zero(); NV];
    for j in 0..NV {
        b[j] = s.load(&panel[j]);
    }
    for (i, sums) in sums.iter_mut().enumerate() {
        let a = s.splat(x(i));
        for j in 0..NV {
            sums[j] = s.mul_add(a, b[j], sums[j]);
        }
    }
}

/// Calls a function with its const parameter MR set to a number of rows that is known at run time:
/// 1 to the level's `$most`.
macro_rules! tile_rows {
    ($rows:expr, $most:expr, $MR:ident => $($call:tt)*) => {
        tile_rows!(@ $rows, $most, $MR, [$($call)*], 1 2 3 4 5 6 7 8 9 10 11 12)
    };
    (@ $rows:expr, $most:expr, $MR:ident, $call:tt, $($n:literal)*) => {
        match $rows {
            // The guard is a constant: what is larger than the level's tile is never compiled.
            $($n if const { $n <= $most } => { const $MR: usize = $n; tile_rows!(@call $call) })*
            rows => unreachable!("no tile has {rows} rows"),
        }
    };
    (@call [$($call:tt)*]) => { $($call)* };
}
pub(crate) use tile_rows;

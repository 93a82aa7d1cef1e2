//! Cody–Waite: ln 2 in two parts, and the large term added last.
//!
//! ```text
//! n = round(x / ln 2)       |n| ≤ 127   exact: an integer
//! r = x − n·HIGH            exact       9 bits times 7 bits: the product fits; x is close to it
//!   − n·LOW                 |r| ≤ 0.35  one rounding of a number below ½: u/4 (u = 2⁻²⁴ ≈ 6e-8)
//!                                       HIGH + LOW is ln 2 to 1e-11: nothing
//! q = ½ + r/3! + … + r⁵/7!              the next term of eʳ, r⁸/8!, is up to 5e-9: u/10
//! d = r + r²·q              |d| ≤ 0.42  r² and q, in a term below 0.08: u/5; d: u/4
//! p = 1 + d                             the one large rounding: u if p ≥ 1, u/2 if p < 1
//! y = p · 2ⁿ                            exact
//! ```
//!
//! A unit in the last place of p is 2u above 1 and u below: in both cases the sum is at most 1.3 of
//! them.
//!
//! - **Idea**: spend two instructions to reduce without error, and add terms from the smallest to
//!   the largest.
//! - **Why**: an error of a small term is small; only the last addition rounds a number as large as
//!   the result.
//! - **Cost**: one fused multiply-add and one multiplication more than the rung before.
//! - **Limits**: still between −87.3 and 88.3. The Taylor polynomial is best at r = 0 and worst at
//!   the ends; one fitted to the whole range has a seventh of the error with the same degree.
//! - **Exercise**: add the 1 first: p = 1 + r·(1 + r·q). How many units in the last place does the
//!   test find then?
//!
//! Reference: W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980,
//! chapter 6.
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{
    Level,
    simd::{Kernel, LANES, ROUNDER, Simd},
};
use std::f32::consts::LOG2_E;

/// ln 2 in nine bits.
const HIGH: f32 = 355.0 / 512.0;
/// ln 2 − `HIGH`.
const LOW: f32 = -2.121_944_4e-4;
/// 1/(k + 2)!
const TAYLOR: [f32; 6] = [0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0, 1.0 / 5040.0];

/// eˣ in place.
pub fn exp(level: Level, x: &mut [f32]) {
    level.run(Exp(x));
}

struct Exp<'a>(&'a mut [f32]);

impl Kernel for Exp<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_mut(LANES) {
            s.store_first(lanes(s, s.load_or(x, 0.0)), x);
        }
    }
}

/// eˣ in each lane.
#[inline(always)]
fn lanes<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    let x = s.min(s.splat(*super::ONE_FACTOR.end()), s.max(s.splat(*super::ONE_FACTOR.start()), x));
    let rounded = s.mul_add(x, s.splat(LOG2_E), s.splat(ROUNDER));
    let n = s.sub(rounded, s.splat(ROUNDER));
    let r = s.mul_add(n, s.splat(-HIGH), x);
    let r = s.mul_add(n, s.splat(-LOW), r);
    let mut q = s.splat(TAYLOR[5]);
    for k in (0..5).rev() {
        q = s.mul_add(q, r, s.splat(TAYLOR[k]));
    }
    let d = s.mul_add(s.mul(r, r), q, r);
    let p = s.add(s.splat(1.0), d);
    s.mul(p, s.exp2_int(rounded))
}

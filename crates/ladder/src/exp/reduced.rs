//! Reduced: a power of two, which is free, times a short polynomial.
//!
//! ```text
//! n = round(x / ln 2)    |n| ≤ 127   exact: 1.5·2²³, where `f32` are 1 apart, rounds
//! r = x − n·ln 2         |r| ≤ 0.35  fused: n·ln 2 is not rounded; `LN_2` is 1.9e-9 beside ln 2,
//!                                    and n times that is up to 2.5e-7: four roundings (u = 6e-8)
//! p = 1 + r + … + r⁶/6!  ≈ eʳ        r⁷/7! is up to 1.2e-7, or 1.7e-7 of eʳ: three roundings
//!                                    the additions of p: less than two
//! y = p · 2ⁿ                         exact: an addition to the exponent's bits
//! ```
//!
//! - **Idea**: eˣ = 2ⁿ·eʳ. A number's exponent is an integer in its bits, so 2ⁿ costs an addition
//!   and a shift.
//! - **Why**: no branch, no table, a dozen instructions: sixteen lanes at once.
//! - **Cost**: nine roundings in all where x is large: up to nine units in the last place.
//! - **Limits**: n must fit the exponent, so x is held between −87.3 and 88.3: never 0, never ∞.
//! - **Exercise**: take degree 5, then 4. At which of them does the test fail, and does the next
//!   term predict it?
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{
    Level,
    simd::{Kernel, LANES, ROUNDER, Simd},
};
use std::f32::consts::{LN_2, LOG2_E};

/// 1/k!
const TAYLOR: [f32; 7] = [1.0, 1.0, 0.5, 1.0 / 6.0, 1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0];

/// eˣ in place.
pub fn exp(level: Level, x: &mut [f32]) {
    level.run(Exp(x));
}

/// [`exp`] as a [`Kernel`].
pub struct Exp<'a>(pub &'a mut [f32]);

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
    let r = s.mul_add(n, s.splat(-LN_2), x);
    let mut p = s.splat(TAYLOR[6]);
    for k in (0..6).rev() {
        p = s.mul_add(p, r, s.splat(TAYLOR[k]));
    }
    s.mul(p, s.exp2_int(rounded))
}

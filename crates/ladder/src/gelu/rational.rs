//! Rational: one formula for all x, so that sixteen lanes can follow it together.
//!
//! ```text
//! erfc(z) ≈ (a₁·t + a₂·t² + a₃·t³ + a₄·t⁴ + a₅·t⁵)·e^(−z²)        t = 1 / (1 + p·z),  z ≥ 0
//! x·Φ(x)  = max(x, 0) − |x|/2 · erfc(|x|/√2)
//! ```
//!
//! - **Idea**: Abramowitz and Stegun's formula 7.1.26, a polynomial in t. Both halves of the axis
//!   come from z = |x|/√2.
//! - **Why**: no branches and no calls, so it runs on lanes.
//! - **Cost**: a division and an exponential for each value. The error of the formula, 1.5e-7 in
//!   erf, is several times that of `f32`; the roundings of five terms that nearly cancel come on
//!   top. Tests measure both.
//! - **Limits**: at ±∞ it multiplies ∞ by 0. For negative x the error is small beside 1, but not
//!   beside the result.
//! - **Exercise**: count its instructions, then those of the shipped rung. Is the ratio of the
//!   times the same?
//!
//! Reference: M. Abramowitz and I. Stegun, *Handbook of Mathematical Functions*, 1964, formula
//! 7.1.26 (after C. Hastings).
//!
//! In the book: `docs/05-functions.md`.

use minilm_kernels::{
    Level,
    exp::exp,
    simd::{Kernel, LANES, Simd},
};
use std::f32::consts::FRAC_1_SQRT_2;

/// The p of the formula.
const P: f32 = 0.3275911;
/// a₁ … a₅.
#[expect(clippy::excessive_precision, reason = "as the handbook prints them")]
const A: [f32; 5] = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];

/// x·Φ(x) in place.
pub fn gelu(level: Level, x: &mut [f32]) {
    level.run(Gelu(x));
}

struct Gelu<'a>(&'a mut [f32]);

impl Kernel for Gelu<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_mut(LANES) {
            s.store_first(lanes(s, s.load_or(x, 0.0)), x);
        }
    }
}

/// x·Φ(x) in each lane.
#[inline(always)]
fn lanes<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    let z = s.mul(s.abs(x), s.splat(FRAC_1_SQRT_2));
    let t = s.div(s.splat(1.0), s.mul_add(z, s.splat(P), s.splat(1.0)));
    let mut a = s.splat(A[4]);
    for k in (0..4).rev() {
        a = s.mul_add(a, t, s.splat(A[k]));
    }
    let e = exp(s, s.sub(s.zero(), s.mul(z, z)));
    let erfc = s.mul(s.mul(a, t), e);
    s.sub(s.max(s.zero(), x), s.mul(s.mul(s.abs(x), s.splat(0.5)), erfc))
}

//! eˣ, at most 1 ULP from the truth.
//!
//! ```text
//! n = round(x / ln 2)            eˣ = 2ⁿ · eʳ      (range reduction)
//! r = x − n·ln 2                 |r| ≤ ln 2 / 2    (in two steps: ln 2 = HIGH + LOW)
//! eʳ = 1 + r + r²·q(r)           q of degree 5
//! ```
//!
//! - `n·HIGH` is exact (`HIGH` has nine significant bits, `n` eight), so `x − n·HIGH` loses nothing
//!   and the one error of the reduction is the rounding of `n·LOW`, of the order of 1e-11.
//! - `r²·q(r)` is at most 0.07, so its error is small beside the final rounding of the sum with 1.
//! - `2ⁿ` is applied as two factors `2^⌊n/2⌉ · 2^(n−⌊n/2⌉)`, each of them a normal number. So the
//!   result may be subnormal or overflow to infinity, with one rounding.
//!
//! Reference: W. J. Cody and W. Waite, *Software Manual for the Elementary Functions*, 1980,
//! chapter 6.
//!
//! In the book: `docs/05-functions.md`.

use crate::simd::{Kernel, LANES, Level, ROUNDER, Simd};

/// ln 2 in nine bits, rounded up: 355/512.
const LN2_HIGH: f32 = 355.0 / 512.0;
/// ln 2 − `LN2_HIGH`.
const LN2_LOW: f32 = -2.121_944_4e-4;

/// q(r) = (eʳ − 1 − r) / r² on |r| ≤ ln 2 / 2, interpolated at six Chebyshev nodes; relative error
/// of eʳ below 7e-10.
const Q: [f32; 6] =
    [0.5, 0.166_666_67, 0.041_666_467, 0.008_333_310_5, 0.001_393_364_2, 0.000_198_909_81];

/// Below, eˣ rounds to zero: half the smallest subnormal is e^-103.97.
const LOWEST: f32 = -104.0;
/// Above, eˣ is infinite: the largest `f32` is e^88.72.
const HIGHEST: f32 = 89.0;

/// eˣ in each lane.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    // `max` and `min` return their second operand where one is NaN, so NaN stays NaN.
    let x = s.min(s.splat(HIGHEST), s.max(s.splat(LOWEST), x));
    let (y, rounded) = reduced(s, x); // ROUNDER + n
    let n = s.sub(rounded, s.splat(ROUNDER));
    let half = s.mul_add(n, s.splat(0.5), s.splat(ROUNDER));
    let rest = s.sub(rounded, s.sub(half, s.splat(ROUNDER)));
    s.mul(s.mul(y, s.exp2_int(half)), s.exp2_int(rest))
}

/// eˣ for x ≤ 0, with x clamped to −87 so that the result stays normal (e⁻⁸⁷ ≈ 1.6e-38, negligible
/// next to the softmax's largest term, 1).
#[inline(always)]
pub(crate) fn exp_of_negative<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    let (y, n) = reduced(s, s.max(s.splat(-87.0), x)); // n ≥ −126: the result is a normal number
    s.mul(y, s.exp2_int(n))
}

/// eʳ and `ROUNDER + n`, with x = r + n·ln 2 and |r| ≤ ln 2 / 2.
#[inline(always)]
fn reduced<S: Simd>(s: S, x: S::F32x16) -> (S::F32x16, S::F32x16) {
    let rounded = s.mul_add(x, s.splat(std::f32::consts::LOG2_E), s.splat(ROUNDER));
    let n = s.sub(rounded, s.splat(ROUNDER));
    let r = s.mul_add(n, s.splat(-LN2_HIGH), x);
    let r = s.mul_add(n, s.splat(-LN2_LOW), r);

    let mut q = s.splat(Q[5]);
    for k in (0..5).rev() {
        q = s.mul_add(q, r, s.splat(Q[k]));
    }
    let y = s.mul_add(s.mul(r, r), q, r); // eʳ − 1
    (s.add(y, s.splat(1.0)), rounded)
}

/// Replaces each value of `x` by its exponential (`torch.exp`).
///
/// ```
/// let mut x = [0.0, 1.0, f32::NEG_INFINITY];
/// minilm_kernels::exp::exp_slice(minilm_kernels::Level::detect(), &mut x);
/// assert_eq!(x, [1.0, std::f32::consts::E, 0.0]);
/// ```
pub fn exp_slice(level: Level, x: &mut [f32]) {
    level.run(Exp(x));
}

/// [`exp_slice`] as a [`Kernel`].
pub struct Exp<'a>(pub &'a mut [f32]);

impl Kernel for Exp<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_mut(LANES) {
            s.store_first(exp(s, s.load_or(x, 0.0)), x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::interpolate;
    use std::f64::consts::LN_2;

    /// (eʳ − 1 − r) / r²
    fn q(r: f64) -> f64 {
        (r.exp_m1() - r) / (r * r)
    }

    #[test]
    fn the_polynomial_is_the_interpolation_rounded() {
        let derived = interpolate::<6>(LN_2 / 2.0, q).map(|c| c as f32);
        for (k, (&shipped, want)) in Q.iter().zip(derived).enumerate() {
            let within_an_ulp =
                shipped == want || shipped == want.next_up() || shipped == want.next_down();
            assert!(
                within_an_ulp,
                "Q[{k}] is {shipped:e}, derived {want:e}; the polynomial is {derived:?}"
            );
        }
    }

    #[test]
    fn the_polynomial_adds_less_than_7e_10_to_the_error() {
        for i in 1..=10_000 {
            for r in [i, -i].map(|i| f64::from(i) * 1e-4 * LN_2 / 2.0) {
                let shipped = Q.iter().rev().fold(0.0, |q, &c| q * r + f64::from(c));
                let error = (r * r * (shipped - q(r)) / r.exp()).abs();
                assert!(error < 7e-10, "r = {r}: {error:e}");
            }
        }
    }

    #[test]
    fn ln_2_is_the_sum_of_its_parts() {
        let error = (f64::from(LN2_HIGH) + f64::from(LN2_LOW) - LN_2).abs();
        assert!(error < 1e-11, "{error:e}");
        for n in -150..=128 {
            // So x − n·HIGH has nothing to round but the difference.
            let exact = f64::from(n) * f64::from(LN2_HIGH);
            assert_eq!(f64::from(exact as f32), exact, "{n}·HIGH");
        }
    }
}

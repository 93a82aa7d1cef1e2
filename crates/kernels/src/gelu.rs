//! GELU in its exact (erf) form, piecewise polynomial.
//!
//! ```text
//! gelu(x) = x·Φ(x) = max(x, 0) − t·Q(t)        t = |x|,  Q(t) = 1 − Φ(t) = erfc(t/√2) / 2
//! ```
//!
//! The left part is exact. The right part is an even bump, at most 0.17 high, and zero from about 6
//! on. So an absolute error in `Q` below 5e-10 disappears in the rounding of the result, and there
//! is no cancellation where x is large and negative: there gelu(x) *is* −t·Q(t). The error is at
//! most 1.05 ULP for x ≥ 0, 4 ULP from −4 to 0, and 6e-11 below −4, where the result itself is
//! below 2e-4 (an exhaustive test says so).
//!
//! `Q` is smooth, and sixteen pieces of width 7/16 cover it: one degree-6 polynomial each, in the
//! distance `u` from the piece's centre. Sixteen pieces because that many coefficients are one
//! vector: picking the right one in every lane is one permute instruction, [`Simd::lookup`]. Seven
//! of them replace the division, the exponential and the branches of an erf from a library.
//!
//! ```text
//! i = round(t / W)      which piece, 0…15
//! u = t − i·W           |u| ≤ W/2, exact: W has three bits and i four
//! −Q(t) ≈ c₀[i] + u·(c₁[i] + u·(… + u·c₆[i]))
//! ```
//!
//! Reference: D. Hendrycks and K. Gimpel, *Gaussian Error Linear Units*, arXiv:1606.08415.
//!
//! In the book: `docs/05-functions.md`.

mod backward;

pub use backward::{gelu_backward, gelu_derivative};

use crate::simd::{Kernel, LANES, Level, ROUNDER, Simd};

/// Width of a piece.
const W: f32 = 0.4375;
/// The largest t that is evaluated, just before the end of the last piece at 15.5·W = 6.78. Beyond,
/// t·Q(t) is below 6e-11 and is held.
const LAST: f32 = 6.75;

/// Coefficient `k` of piece `i` at `[k][i]`: −Q(i·W + u) interpolated at seven Chebyshev nodes of
/// |u| ≤ W/2.
#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "printed by the test that derives the table")]
const C: [[f32; LANES]; 7] = [
    [-0.5, -0.33087438344955444, -0.1907869577407837, -0.09467574208974838, -0.040059156715869904, -0.01435302197933197, -0.004332448355853558, -0.0010974823962897062, -0.00023262908507604152, -4.1167466406477615e-05, -6.0716238294844516e-06, -7.452693466802884e-07, -7.604960217122425e-08, -6.4456302517612585e-09, -4.534180253479292e-10, -2.6456521001749778e-11],
    [0.3989422619342804, 0.3625323176383972, 0.2720550000667572, 0.16859319806098938, 0.0862773209810257, 0.03646083176136017, 0.012724178843200207, 0.0036669615656137466, 0.0008726829546503723, 0.00017150644271168858, 2.7834190404973924e-05, 3.7303680073819123e-06, 4.1285781549049716e-07, 3.7733443036813696e-08, 2.8479412161885875e-09, 1.775073837917418e-10],
    [0.0, -0.07930394262075424, -0.11902406066656113, -0.11063928157091141, -0.07549265772104263, -0.03987903520464897, -0.016700487583875656, -0.00561503553763032, -0.001527194632217288, -0.0003376526874490082, -6.0886992287123576e-05, -8.976099707069807e-06, -1.083728648154647e-06, -1.0730035171491181e-07, -8.721252164889393e-09, -5.823848625574612e-10],
    [-0.06648802012205124, -0.04885590076446533, -0.01062833797186613, 0.020304279401898384, 0.029657453298568726, 0.02300214022397995, 0.012492683716118336, 0.005120984278619289, 0.001636238070204854, 0.0004145301354583353, 8.41282308101654e-05, 1.3769327779300511e-05, 1.8259164562550723e-06, 1.968334686353046e-07, 1.7292245857447597e-08, 1.240421099168998e-09],
    [0.0, 0.01856037601828575, 0.02216160297393799, 0.011777235195040703, -0.0003928303485736251, -0.005932421889156103, -0.00541469594463706, -0.0029848951380699873, -0.0011772328289225698, -0.00035182476858608425, -8.188872743630782e-05, -1.5076812815095764e-05, -2.21740242523083e-06, -2.622515467010089e-07, -2.50606468910064e-08, -1.9417665253484984e-09],
    [0.009874705225229263, 0.005662864539772272, -0.002234462182968855, -0.006072885822504759, -0.004295416176319122, -0.0008749215048737824, 0.0009498660801909864, 0.001054709660820663, 0.0005803687963634729, 0.00021716408082284033, 6.0131500504212454e-05, 1.278498621104518e-05, 2.1296664272085764e-06, 2.813956996305933e-07, 2.973847124110307e-08, 2.528520948175128e-09],
    [0.0, -0.0028626928105950356, -0.0026038431096822023, -0.00023622355365660042, 0.0012947277864441276, 0.001098288339562714, 0.0003016168193425983, -0.00013978661445435137, -0.0001797169097699225, -9.438304550712928e-05, -3.243651008233428e-05, -8.103860636765603e-06, -1.5375883322121808e-06, -2.2676036337543337e-07, -2.636497242747282e-08, -2.4395943043487023e-09],
];

/// x·Φ(x) in each lane; NaN stays NaN.
#[inline(always)]
pub fn gelu<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    let t = s.min(s.abs(x), s.splat(LAST));
    let i = s.mul_add(t, s.splat(1.0 / W), s.splat(ROUNDER));
    let u = s.mul_add(s.sub(i, s.splat(ROUNDER)), s.splat(-W), t);
    let mut minus_q = s.lookup(&C[6], i);
    for k in (0..6).rev() {
        minus_q = s.mul_add(minus_q, u, s.lookup(&C[k], i));
    }
    s.mul_add(t, minus_q, s.max(s.zero(), x))
}

/// Replaces each value of `x` by x·Φ(x) (`torch.nn.functional.gelu(x, approximate="none")`).
///
/// ```
/// let mut x = [-1.0, 0.0, 1.0, 10.0];
/// minilm_kernels::gelu::gelu_slice(minilm_kernels::Level::detect(), &mut x);
/// assert_eq!(x[1], 0.0);
/// assert!((x[2] - 0.841_344_75).abs() < 1e-7);
/// assert_eq!(x[3], 10.0);
/// ```
pub fn gelu_slice(level: Level, x: &mut [f32]) {
    level.run(Gelu(x));
}

/// [`gelu_slice`] as a [`Kernel`].
pub struct Gelu<'a>(pub &'a mut [f32]);

impl Kernel for Gelu<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_mut(LANES) {
            s.store_first(gelu(s, s.load_or(x, 0.0)), x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::interpolate;
    use std::{array::from_fn, f64::consts::SQRT_2};

    /// The table in `f64`, `[k][i]` as [`C`].
    fn derived() -> [[f64; LANES]; 7] {
        let width = f64::from(W);
        let minus_q = |t: f64| -0.5 * libm::erfc(t / SQRT_2);
        let pieces: [[f64; 7]; LANES] =
            from_fn(|i| interpolate(width / 2.0, |u| minus_q(i as f64 * width + u)));
        let mut table: [[f64; LANES]; 7] = from_fn(|k| pieces.map(|piece| piece[k]));
        // Around 0, Φ − ½ is odd: the even coefficients are 0 but for what the errors of f64 leave
        // of them.
        for k in [2, 4, 6] {
            assert!(table[k][0].abs() < 1e-9, "coefficient {k} of piece 0 is {:e}", table[k][0]);
            table[k][0] = 0.0;
        }
        table
    }

    #[test]
    fn the_table_is_the_interpolation_rounded() {
        let derived = derived();
        for k in 0..7 {
            for i in 0..LANES {
                let (want, shipped) = (derived[k][i] as f32, C[k][i]);
                let within_an_ulp =
                    shipped == want || shipped == want.next_up() || shipped == want.next_down();
                assert!(
                    within_an_ulp,
                    "C[{k}][{i}] is {shipped:e}, derived {want:e}; the table is\n{}",
                    printed(&derived)
                );
            }
        }
    }

    /// The table as it stands in the source.
    fn printed(table: &[[f64; LANES]; 7]) -> String {
        table.iter().map(|row| format!("    {:?},\n", row.map(|c| f64::from(c as f32)))).collect()
    }
}

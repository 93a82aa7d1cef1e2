//! The derivative of GELU, piecewise polynomial, and the backward pass.
//!
//! ```text
//! gelu(x)  = x·Φ(x)
//! gelu'(x) = Φ(x) + x·φ(x) = ½ + x·g(|x|)       g(t) = (Φ(t) − ½)/t + φ(t)
//! dx       = dy·gelu'(x)
//! ```
//!
//! Φ − ½ and x·φ(x) are odd, so both divided by x are one even, smooth function g. As in
//! [`gelu`](crate::gelu), sixteen pieces of width 7/16 cover it, one polynomial of degree 6 each,
//! and [`Simd::lookup`] picks the coefficients. Beyond 6.75 the derivative is 0 or 1 to within
//! 1e-9, and x is held there. The error is at most 1.3e-7, one ULP of the largest value 1.13.
//!
//! In the book: `docs/05-functions.md`.

use super::{LAST, W, gelu};
use crate::{
    RowsMut,
    simd::{Kernel, LANES, Level, ROUNDER, Simd},
};

/// Coefficient `k` of piece `i` at `[k][i]`: g(i·W + u) interpolated at seven Chebyshev nodes of
/// |u| ≤ W/2.
#[rustfmt::skip]
#[expect(clippy::excessive_precision, reason = "printed by the test that derives the table")]
const C: [[f32; LANES]; 7] = [
    [0.7978845834732056, 0.7491051554679871, 0.625441312789917, 0.4774116575717926, 0.34910064935684204, 0.25847089290618896, 0.20154991745948792, 0.1665739119052887, 0.14366336166858673, 0.1271451711654663, 0.11431215703487396, 0.10389968007802963, 0.09523849189281464, 0.08791212737560272, 0.08163265883922577, 0.07619047909975052],
    [0.0, -0.21355758607387543, -0.3309982120990753, -0.32811689376831055, -0.25186875462532043, -0.1645805835723877, -0.10048727691173553, -0.06322679668664932, -0.043602388352155685, -0.03287902846932411, -0.026237543672323227, -0.021605946123600006, -0.01814267598092556, -0.015457278117537498, -0.013327796943485737, -0.011609978042542934],
    [-0.26596149802207947, -0.20223744213581085, -0.06168026477098465, 0.058021485805511475, 0.10348250716924667, 0.08955056220293045, 0.05667128786444664, 0.030507609248161316, 0.016057640314102173, 0.009336724877357483, 0.006207865197211504, 0.004525283817201853, 0.0034606116823852062, 0.0027182979974895716, 0.0021760144736617804, 0.001769143040291965],
    [0.0, 0.08980360627174377, 0.11055462807416916, 0.06478730589151382, 0.0070868986658751965, -0.022606261074543, -0.024212367832660675, -0.01521315611898899, -0.007426923606544733, -0.0033573589753359556, -0.0016695286612957716, -0.0009891613153740764, -0.0006666365661658347, -0.00047885134699754417, -0.0003553560236468911, -0.0002695904113352299],
    [0.059839047491550446, 0.03536873310804367, -0.011132373474538326, -0.03518112376332283, -0.026726797223091125, -0.007499830797314644, 0.0037539321929216385, 0.0053946468979120255, 0.0033333352766931057, 0.0014803268713876605, 0.0005831964663229883, 0.0002521095739211887, 0.00013513937301468104, 8.530717605026439e-05, 5.8137400628766045e-05, 4.109077781322412e-05],
    [0.0, -0.01970592513680458, -0.018503835424780846, -0.002685332437977195, 0.008216441608965397, 0.007655050605535507, 0.0025996770709753036, -0.0005143667804077268, -0.001035042805597186, -0.0006145316874608397, -0.0002474125358276069, -8.578730921726674e-05, -3.274158370913938e-05, -1.6125242837006226e-05, -9.645340469432995e-06, -6.2863209677743725e-06],
    [-0.00940252561122179, -0.004098293837159872, 0.0044957795180380344, 0.006141393445432186, 0.0017797176260501146, -0.001661489950492978, -0.0017658827127888799, -0.0005999983986839652, 8.207310747820884e-05, 0.00017870771989692003, 9.626644168747589e-05, 3.4315755328861997e-05, 1.046735360432649e-05, 3.6083708891965216e-06, 1.680925265645783e-06, 9.69174834608566e-07],
];

/// Φ(x) + x·φ(x) in each lane; NaN stays NaN.
#[inline(always)]
pub(crate) fn derivative<S: Simd>(s: S, x: S::F32x16) -> S::F32x16 {
    let x = s.min(s.splat(LAST), s.max(s.splat(-LAST), x));
    let t = s.abs(x);
    let i = s.mul_add(t, s.splat(1.0 / W), s.splat(ROUNDER));
    let u = s.mul_add(s.sub(i, s.splat(ROUNDER)), s.splat(-W), t);
    let mut g = s.lookup(&C[6], i);
    for k in (0..6).rev() {
        g = s.mul_add(g, u, s.lookup(&C[k], i));
    }
    s.mul_add(x, g, s.splat(0.5))
}

/// Replaces each value of `x` by gelu'(x).
///
/// ```
/// let mut x = [0.0, 10.0, -10.0];
/// minilm_kernels::gelu::gelu_derivative(minilm_kernels::Level::detect(), &mut x);
/// assert_eq!(x[0], 0.5);
/// assert!((x[1] - 1.0).abs() < 1e-6 && x[2].abs() < 1e-6);
/// ```
pub fn gelu_derivative(level: Level, x: &mut [f32]) {
    level.run(Derivative(x));
}

struct Derivative<'a>(&'a mut [f32]);

impl Kernel for Derivative<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for x in self.0.chunks_mut(LANES) {
            s.store_first(derivative(s, s.load_or(x, 0.0)), x);
        }
    }
}

/// dy ← dy·gelu'(x) and x ← gelu(x), for x and dy `[T, F]`: the gradient of GELU's input, and its
/// output once more, which the gradient of the next layer's weights needs.
///
/// # Panics
/// If the shapes differ.
///
/// ```
/// use minilm_kernels::{Level, RowsMut, gelu::gelu_backward};
/// let (mut x, mut dy) = ([0.0, 10.0], [3.0, 2.0]);
/// gelu_backward(Level::detect(), RowsMut::new(&mut x, 2), RowsMut::new(&mut dy, 2));
/// assert_eq!((x, dy[0]), ([0.0, 10.0], 1.5));
/// ```
pub fn gelu_backward(level: Level, x: RowsMut, dy: RowsMut) {
    let shape = (x.rows(), x.cols());
    assert_eq!((dy.rows(), dy.cols()), shape, "dy's shape is not x's");
    level.run(GeluBackward { x, dy });
}

struct GeluBackward<'a> {
    x: RowsMut<'a>,
    dy: RowsMut<'a>,
}

impl Kernel for GeluBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for t in 0..self.x.rows() {
            let rows = self.x.row(t).chunks_mut(LANES).zip(self.dy.row(t).chunks_mut(LANES));
            for (x, dy) in rows {
                let h = s.load_or(x, 0.0);
                s.store_first(gelu(s, h), x);
                s.store_first(s.mul(s.load_or(dy, 0.0), derivative(s, h)), dy);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chebyshev::interpolate;
    use std::f64::consts::PI;

    /// g(t) in `f64`.
    fn g(t: f64) -> f64 {
        let density = (-t * t / 2.0).exp() / (2.0 * PI).sqrt();
        // (Φ(t) − ½)/t tends to φ(0).
        let ratio = if t.abs() < 1e-9 { density } else { libm::erf(t / 2f64.sqrt()) / 2.0 / t };
        ratio + density
    }

    #[test]
    fn the_table_is_the_interpolation_rounded() {
        let width = f64::from(W);
        for i in 0..LANES {
            let piece: [f64; 7] = interpolate(width / 2.0, |u| g(i as f64 * width + u));
            for k in 0..7 {
                // g is even: around 0, the odd coefficients are the errors of f64.
                let want = if i == 0 && k % 2 == 1 { 0.0 } else { piece[k] as f32 };
                let shipped = C[k][i];
                let within_an_ulp =
                    shipped == want || shipped == want.next_up() || shipped == want.next_down();
                assert!(within_an_ulp, "C[{k}][{i}] is {shipped:e}, derived {want:e}");
            }
        }
    }
}

//! LayerNorm for training: the forward pass in two steps, and the backward pass.
//!
//! ```text
//! forward    x̂ = (x − mean)·r,  r = 1/√(variance + ε)        kept
//!            y = x̂·γ + β                                     made again from x̂ when it is needed
//!
//! backward   q  = dy·γ                                       the gradient of x̂
//!            dx = r·(q − mean(q) − x̂·mean(q·x̂))
//!            dγ = Σ dy·x̂,  dβ = Σ dy                         over the rows: see `column_sums`
//! ```
//!
//! x̂ has mean 0 and length √H whatever x is, so a change of x along the vector of ones or along x̂
//! does not change it. The backward pass takes these two components out of q: the mean, and the
//! projection on x̂.
//!
//! In the book: `docs/05-functions.md`.

use super::statistics;
use crate::{
    Rows, RowsMut,
    simd::{Kernel, LANES, Level, Simd},
};

/// Replaces each row of x `[T, H]` by x̂ = (x − mean)·r, and writes r = 1/√(variance + ε) to
/// `scale` `[T]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, RowsMut, layer_norm::normalize_rows};
/// let (mut x, mut scale) = ([1.0, 5.0], [0.0]);
/// normalize_rows(Level::detect(), RowsMut::new(&mut x, 2), 0.0, &mut scale);
/// assert_eq!((x, scale), ([-1.0, 1.0], [0.5]));
/// ```
pub fn normalize_rows(level: Level, x: RowsMut, epsilon: f32, scale: &mut [f32]) {
    assert_eq!(x.rows(), scale.len(), "x has {} rows, scale {}", x.rows(), scale.len());
    level.run(Normalize { x, epsilon, scale });
}

struct Normalize<'a> {
    x: RowsMut<'a>,
    epsilon: f32,
    scale: &'a mut [f32],
}

impl Kernel for Normalize<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for t in 0..self.x.rows() {
            let row = self.x.row(t);
            let (mean, scale) = statistics(s, row, self.epsilon);
            self.scale[t] = scale;
            for x in row.chunks_mut(LANES) {
                let centred = s.sub(s.load_or(x, mean), s.splat(mean));
                s.store_first(s.mul(centred, s.splat(scale)), x);
            }
        }
    }
}

/// y = x̂·γ + β for x̂ and y `[T, H]`, γ and β `[H]`: the rest of LayerNorm.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, layer_norm::scale_and_shift};
/// let mut y = [0.0; 2];
/// let (x, out) = (Rows::new(&[-1.0, 1.0], 2), RowsMut::new(&mut y, 2));
/// scale_and_shift(Level::detect(), x, &[2.0, 2.0], &[0.5, 0.5], out);
/// assert_eq!(y, [-1.5, 2.5]);
/// ```
pub fn scale_and_shift(level: Level, x: Rows, gamma: &[f32], beta: &[f32], y: RowsMut) {
    assert_eq!((x.rows(), x.cols()), (y.rows(), y.cols()), "y's shape is not x's");
    assert_eq!([gamma.len(), beta.len()], [x.cols(); 2], "gamma and beta have a value per column");
    level.run(ScaleAndShift { x, gamma, beta, y });
}

struct ScaleAndShift<'a> {
    x: Rows<'a>,
    gamma: &'a [f32],
    beta: &'a [f32],
    y: RowsMut<'a>,
}

impl Kernel for ScaleAndShift<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for t in 0..self.x.rows() {
            let parameters = self.gamma.chunks(LANES).zip(self.beta.chunks(LANES));
            let rows = self.x.row(t).chunks(LANES).zip(self.y.row(t).chunks_mut(LANES));
            for ((x, y), (gamma, beta)) in rows.zip(parameters) {
                let x = s.load_or(x, 0.0);
                s.store_first(s.mul_add(x, s.load_or(gamma, 0.0), s.load_or(beta, 0.0)), y);
            }
        }
    }
}

/// dx `[T, H]` of LayerNorm, from dy and x̂ `[T, H]`, r `[T]` as `scale`, and γ `[H]`.
///
/// # Panics
/// If the shapes do not fit.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, layer_norm::layer_norm_backward};
/// // A row of two is (−1, 1) or (1, −1) after normalisation, whatever it was: nothing can change.
/// let mut dx = [9.0; 2];
/// let (x, dy) = (Rows::new(&[-1.0, 1.0], 2), Rows::new(&[3.0, 5.0], 2));
/// layer_norm_backward(Level::detect(), dy, x, &[0.5], &[1.0; 2], RowsMut::new(&mut dx, 2));
/// assert_eq!(dx, [0.0; 2]);
/// ```
pub fn layer_norm_backward(
    level: Level,
    dy: Rows,
    x: Rows,
    scale: &[f32],
    gamma: &[f32],
    dx: RowsMut,
) {
    let shape = (x.rows(), x.cols());
    assert_eq!((dy.rows(), dy.cols()), shape, "dy's shape is not x's");
    assert_eq!((dx.rows(), dx.cols()), shape, "dx's shape is not x's");
    assert_eq!((scale.len(), gamma.len()), shape, "scale has a value per row, gamma per column");
    level.run(LayerNormBackward { dy, x, scale, gamma, dx });
}

struct LayerNormBackward<'a> {
    dy: Rows<'a>,
    x: Rows<'a>,
    scale: &'a [f32],
    gamma: &'a [f32],
    dx: RowsMut<'a>,
}

impl Kernel for LayerNormBackward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let h = self.gamma.len();
        for t in 0..self.x.rows() {
            let (dy, x) = (self.dy.row(t).chunks(LANES), self.x.row(t).chunks(LANES));
            let rows = dy.zip(x).zip(self.gamma.chunks(LANES));
            // pass 1: the sums of q and of q·x̂; a lane past the end adds 0
            let (mut sum, mut projection) = (s.zero(), s.zero());
            for ((dy, x), gamma) in rows.clone() {
                let q = s.mul(s.load_or(dy, 0.0), s.load_or(gamma, 0.0));
                sum = s.add(sum, q);
                projection = s.mul_add(q, s.load_or(x, 0.0), projection);
            }
            let mean = s.splat(s.sum(sum) / h as f32);
            let projection = s.splat(-(s.sum(projection) / h as f32));
            let scale = s.splat(self.scale[t]);
            // pass 2: q without its mean and its part along x̂
            for (((dy, x), gamma), dx) in rows.zip(self.dx.row(t).chunks_mut(LANES)) {
                let q = s.mul(s.load_or(dy, 0.0), s.load_or(gamma, 0.0));
                let centred = s.sub(q, mean);
                let rest = s.mul_add(s.load_or(x, 0.0), projection, centred);
                s.store_first(s.mul(scale, rest), dx);
            }
        }
    }
}

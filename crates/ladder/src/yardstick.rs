//! The yardstick: the matrix product of the crate `matrixmultiply`, through `ndarray`.
//!
//! It is fast and general: any strides, any shape. So it packs both matrices in each call, and does
//! not know the next product.

use crate::{
    attention::{Batch, Scratch},
    gemm::Forward,
};
use minilm_kernels::{AlignedVec, Level, softmax::softmax};
use ndarray::{ArrayBase, ArrayView2, ArrayViewMut2, Axis, Ix2, RawData, linalg::general_mat_mul};
use std::ops::Range;

/// y = x·Wᵀ.
pub fn linear(_: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let weight = view(weight, k).to_owned();
    Box::new(move |x, y| general_mat_mul(1.0, &view(x, k), &weight.t(), 0.0, &mut view_mut(y, n)))
}

/// Softmax(q·kᵀ/√D)·v for every sentence and head: the two products, and the shipped softmax
/// between them.
pub fn attention(
    level: Level,
    qkv: &[f32],
    batch: Batch,
    scratch: &mut Scratch,
    context: &mut [f32],
) {
    let Batch { hidden, heads, starts } = batch;
    let d = hidden / heads;
    let scale = 1.0 / (d as f32).sqrt();
    let qkv = view(qkv, 3 * hidden);
    for rows in starts.windows(2).map(|w| w[0]..w[1]).filter(|rows| !rows.is_empty()) {
        let l = rows.len();
        for head in 0..heads {
            let columns = |part: usize| part * hidden + head * d..part * hidden + (head + 1) * d;
            let [q, k, v] = [0, 1, 2].map(|part| cut(qkv, rows.clone(), columns(part)));
            let scores = scratch.scores.resize(l * l);
            general_mat_mul(scale, &q, &k.t(), 0.0, &mut view_mut(scores, l));
            softmax(level, scores, l);
            let mut context = cut(view_mut(context, hidden), rows.clone(), columns(0));
            general_mat_mul(1.0, &view(scores, l), &v, 0.0, &mut context);
        }
    }
}

/// dW += dyᵀ·x.
pub fn weight_gradient(
    _: Level,
    dy: &[f32],
    x: &[f32],
    k: usize,
    _: &mut AlignedVec,
    dw: &mut [f32],
) {
    let dy = view(dy, dw.len() / k);
    general_mat_mul(1.0, &dy.t(), &view(x, k), 1.0, &mut view_mut(dw, k));
}

fn view(data: &[f32], cols: usize) -> ArrayView2<'_, f32> {
    ArrayView2::from_shape((data.len() / cols, cols), data).expect("whole rows")
}

fn view_mut(data: &mut [f32], cols: usize) -> ArrayViewMut2<'_, f32> {
    ArrayViewMut2::from_shape((data.len() / cols, cols), data).expect("whole rows")
}

fn cut<S: RawData>(
    mut matrix: ArrayBase<S, Ix2>,
    rows: Range<usize>,
    columns: Range<usize>,
) -> ArrayBase<S, Ix2> {
    matrix.slice_axis_inplace(Axis(0), rows.into());
    matrix.slice_axis_inplace(Axis(1), columns.into());
    matrix
}

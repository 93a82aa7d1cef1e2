//! Distillation: embeddings that should be given vectors.

use super::{
    Target, Value,
    unit::{Unit, add, dot},
};
use ndarray::{Array2, ArrayView2};

/// `vectors` are `[n, H]`, as the embeddings.
pub(super) fn value(
    embeddings: ArrayView2<f64>,
    vectors: ArrayView2<f64>,
    distance: Target,
) -> Value {
    assert_eq!(embeddings.dim(), vectors.dim(), "a vector to learn for each embedding");
    match distance {
        Target::Mse => {
            let difference = &embeddings - &vectors;
            let n = difference.len() as f64;
            let loss = difference.iter().map(|d| d * d).sum::<f64>() / n;
            Value { loss, gradient: difference * (2.0 / n) }
        }
        Target::Cosine => {
            let (unit, targets) = (Unit::of(embeddings), Unit::of(vectors));
            let n = unit.rows.nrows() as f64;
            let pairs = || unit.slices().into_iter().zip(targets.slices());
            let loss = pairs().map(|(u, t)| 1.0 - dot(u, t)).sum::<f64>() / n;
            let mut gradient = Array2::zeros(unit.rows.dim());
            for (mut row, (_, target)) in gradient.rows_mut().into_iter().zip(pairs()) {
                add(row.as_slice_mut().expect("standard layout"), -1.0 / n, target);
            }
            Value { loss, gradient: unit.pull_back(gradient) }
        }
    }
}

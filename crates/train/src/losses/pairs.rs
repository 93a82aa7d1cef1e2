//! Losses of the cosines of pairs.

use super::{
    Examples, Value,
    unit::{Unit, add, dot},
};
use ndarray::{Array2, CowArray, Ix2};

/// A loss and its derivatives by each cosine.
pub(super) type OfCosines = (f64, Vec<f64>);

/// From the cosines of the pairs and their scores to the embeddings: with cos = u·v and g =
/// ∂ℓ/∂cos, ∂ℓ/∂u = g·v and ∂ℓ/∂v = g·u.
pub(super) fn value(
    embeddings: CowArray<f64, Ix2>,
    examples: &Examples,
    loss: impl Fn(&[f64], &[f64]) -> OfCosines,
) -> Value {
    assert_eq!(examples.columns, 2, "a pair has two texts");
    let unit = Unit::of(embeddings);
    let rows = unit.slices();
    let (first, second) = rows.split_at(rows.len() / 2);
    assert_eq!(examples.scores.len(), first.len(), "a score for each pair");
    let cosines: Vec<f64> = first.iter().zip(second).map(|(u, v)| dot(u, v)).collect();
    let (loss, derivatives) = loss(&cosines, examples.scores);
    let mut gradient = Array2::zeros(unit.rows.dim());
    let partners = second.iter().chain(first);
    let factors = derivatives.iter().chain(&derivatives);
    for ((mut row, partner), &g) in gradient.rows_mut().into_iter().zip(partners).zip(factors) {
        add(row.as_slice_mut().expect("standard layout"), g, partner);
    }
    Value { loss, gradient: unit.pull_back(gradient) }
}

/// mean (cos − y)².
pub(super) fn squared(cosines: &[f64], scores: &[f64]) -> OfCosines {
    let n = cosines.len() as f64;
    let differences: Vec<f64> = cosines.iter().zip(scores).map(|(cos, y)| cos - y).collect();
    let loss = differences.iter().map(|d| d * d).sum::<f64>() / n;
    (loss, differences.iter().map(|d| 2.0 * d / n).collect())
}

/// mean ½(y·d² + (1 − y)·max(0, m − d)²), d = 1 − cos.
pub(super) fn contrastive(cosines: &[f64], scores: &[f64], margin: f64) -> OfCosines {
    let n = cosines.len() as f64;
    let of_pair = |(cos, y): (&f64, &f64)| {
        let distance = 1.0 - cos;
        let inside = (margin - distance).max(0.0);
        let loss = 0.5 * (y * distance * distance + (1.0 - y) * inside * inside);
        (loss / n, -(y * distance - (1.0 - y) * inside) / n)
    };
    let (losses, derivatives): (Vec<f64>, Vec<f64>) =
        cosines.iter().zip(scores).map(of_pair).unzip();
    (losses.iter().sum(), derivatives)
}

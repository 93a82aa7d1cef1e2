//! Triplets: nearer to the positive than to the negative by a margin.

use super::{
    Distance, Examples, Value,
    unit::{Unit, add, dot, slices},
};
use ndarray::{Array2, ArrayView2};

/// A distance d(a, b) with ∂d/∂a and ∂d/∂b.
type WithDerivatives = (f64, Vec<f64>, Vec<f64>);

/// The mean over rows and their negatives.
pub(super) fn value(
    embeddings: ArrayView2<f64>,
    examples: &Examples,
    margin: f64,
    distance: Distance,
) -> Value {
    assert!(examples.columns >= 3, "an anchor, a positive and a negative");
    match distance {
        Distance::Cosine => {
            let unit = Unit::of(embeddings);
            let Value { loss, gradient } = mean(&unit.rows, examples.columns, margin, cosine);
            Value { loss, gradient: unit.pull_back(gradient) }
        }
        Distance::Euclidean => {
            let rows = embeddings.as_standard_layout().into_owned();
            mean(&rows, examples.columns, margin, euclidean)
        }
    }
}

/// 1 − a·b of unit vectors.
fn cosine(a: &[f64], b: &[f64]) -> WithDerivatives {
    let negated = |x: &[f64]| x.iter().map(|x| -x).collect();
    (1.0 - dot(a, b), negated(b), negated(a))
}

/// |a − b|; the derivative is 0 where there is none.
fn euclidean(a: &[f64], b: &[f64]) -> WithDerivatives {
    let difference: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let length = dot(&difference, &difference).sqrt();
    let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
    let by_a = difference.iter().map(|x| x * factor).collect();
    (length, by_a, difference.iter().map(|x| -x * factor).collect())
}

/// mean max(0, d(a, p) − d(a, n) + margin).
fn mean(
    embeddings: &Array2<f64>,
    columns: usize,
    margin: f64,
    distance: fn(&[f64], &[f64]) -> WithDerivatives,
) -> Value {
    let rows = slices(embeddings);
    let batch = rows.len() / columns;
    let factor = 1.0 / (batch * (columns - 2)) as f64;
    let mut gradient = Array2::zeros(embeddings.dim());
    let mut put = |row: usize, factor: f64, values: &[f64]| {
        add(gradient.row_mut(row).as_slice_mut().expect("standard layout"), factor, values);
    };
    let mut loss = 0.0;
    for (anchor, positive) in (0..batch).map(|i| (i, batch + i)) {
        let (near, near_a, near_p) = distance(rows[anchor], rows[positive]);
        for negative in (2..columns).map(|column| column * batch + anchor) {
            let (far, far_a, far_n) = distance(rows[anchor], rows[negative]);
            let excess = near - far + margin;
            if excess > 0.0 {
                loss += factor * excess;
                put(anchor, factor, &near_a);
                put(positive, factor, &near_p);
                put(anchor, -factor, &far_a);
                put(negative, -factor, &far_n);
            }
        }
    }
    Value { loss, gradient }
}

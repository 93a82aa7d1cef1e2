//! Triplets: an anchor should be nearer to its positive than to its negative.

use crate::{Error, Similarity};
use ndarray::ArrayView2;

/// The share of triplets whose anchor is more alike to the positive than to the negative by more
/// than `margin` (`TripletEvaluator`).
///
/// All three are `[n, d]`.
///
/// # Errors
/// As [`Similarity::pairs`]; [`Error::TooFew`] if there are no triplets; [`Error::Option`] for a
/// margin of NaN.
///
/// ```
/// use minilm_tasks::{Similarity, evaluate::triplet_accuracy};
/// use ndarray::array;
/// let anchors = array![[1.0, 0.0], [0.0, 1.0]];
/// let positives = array![[1.0, 0.1], [1.0, 0.0]];
/// let negatives = array![[0.0, 1.0], [0.0, 2.0]];
/// let accuracy = triplet_accuracy(
///     anchors.view(),
///     positives.view(),
///     negatives.view(),
///     Similarity::Cosine,
///     0.0,
/// )?;
/// assert_eq!(accuracy, 0.5);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn triplet_accuracy(
    anchors: ArrayView2<f32>,
    positives: ArrayView2<f32>,
    negatives: ArrayView2<f32>,
    similarity: Similarity,
    margin: f64,
) -> Result<f64, Error> {
    if margin.is_nan() {
        return Err(Error::Option { option: "margin", reason: "it is NaN".to_owned() });
    }
    let positive = similarity.pairs(anchors, positives)?;
    let negative = similarity.pairs(anchors, negatives)?;
    if positive.is_empty() {
        return Err(Error::TooFew { what: "triplets", found: 0, least: 1 });
    }
    let right = positive
        .iter()
        .zip(&negative)
        .filter(|(positive, negative)| **positive > **negative + margin)
        .count();
    Ok(right as f64 / positive.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_negative_as_near_as_the_positive_is_wrong() {
        let (anchor, other) = (array![[1.0, 0.0]], array![[1.0, 1.0]]);
        for &similarity in Similarity::ALL {
            let of = |margin| {
                triplet_accuracy(anchor.view(), other.view(), other.view(), similarity, margin)
            };
            assert_eq!((of(0.0), of(-0.1)), (Ok(0.0), Ok(1.0)), "{similarity:?}");
        }
    }
}

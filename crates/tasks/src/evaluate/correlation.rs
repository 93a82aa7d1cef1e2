//! Agreement of similarities with human scores: the correlation coefficients of Pearson and
//! Spearman (`scipy.stats`).
//!
//! ```text
//! pearson(x, y)  = Σ (xᵢ − x̄)·(yᵢ − ȳ) / √(Σ (xᵢ − x̄)² · Σ (yᵢ − ȳ)²)
//! spearman(x, y) = pearson(ranks of x, ranks of y)     equal values share the mean of their ranks
//! ```

use super::{all_finite, mean, same_length};
use crate::{Error, Similarity};
use ndarray::ArrayView2;

/// Both coefficients, from −1 to 1. They are NaN if all scores, or all labels, are equal.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Correlation {
    /// Of the values.
    pub pearson: f64,
    /// Of their ranks.
    pub spearman: f64,
}

/// The similarity of each pair of rows of `a` and `b` `[n, d]` against the labels `[n]`
/// (`EmbeddingSimilarityEvaluator`).
///
/// # Errors
/// As [`Similarity::pairs`] and [`correlate`].
///
/// ```
/// use minilm_tasks::{Similarity, evaluate::embedding_similarity};
/// use ndarray::array;
/// let a = array![[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]];
/// let b = array![[1.0, 0.1], [1.0, 1.0], [0.0, 1.0]];
/// let found = embedding_similarity(a.view(), b.view(), &[5.0, 3.0, 0.5], Similarity::Cosine)?;
/// assert_eq!(found.spearman, 1.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn embedding_similarity(
    a: ArrayView2<f32>,
    b: ArrayView2<f32>,
    labels: &[f64],
    similarity: Similarity,
) -> Result<Correlation, Error> {
    correlate(&similarity.pairs(a, b)?, labels)
}

/// Both coefficients of scores and labels.
///
/// # Errors
/// [`Error::Count`], [`Error::TooFew`] for less than two pairs, or [`Error::BadValue`].
///
/// ```
/// use minilm_tasks::evaluate::{Correlation, correlate};
/// let found = correlate(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0])?;
/// assert_eq!((found.pearson, found.spearman), (1.0, 1.0));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn correlate(scores: &[f64], labels: &[f64]) -> Result<Correlation, Error> {
    Ok(Correlation { pearson: pearson(scores, labels)?, spearman: spearman(scores, labels)? })
}

/// Pearson's coefficient (`scipy.stats.pearsonr`).
///
/// # Errors
/// As [`correlate`].
///
/// ```
/// assert_eq!(minilm_tasks::evaluate::pearson(&[1.0, 2.0], &[5.0, 4.0])?, -1.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn pearson(x: &[f64], y: &[f64]) -> Result<f64, Error> {
    check(x, y)?;
    Ok(coefficient(x, y))
}

/// Spearman's coefficient (`scipy.stats.spearmanr`).
///
/// # Errors
/// As [`correlate`].
///
/// ```
/// assert_eq!(minilm_tasks::evaluate::spearman(&[1.0, 2.0, 100.0], &[0.1, 0.2, 0.3])?, 1.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn spearman(x: &[f64], y: &[f64]) -> Result<f64, Error> {
    check(x, y)?;
    Ok(coefficient(&ranks(x), &ranks(y)))
}

fn check(scores: &[f64], labels: &[f64]) -> Result<(), Error> {
    same_length("labels", labels.len(), scores.len(), 2)?;
    all_finite("scores", scores)?;
    all_finite("labels", labels)
}

fn coefficient(x: &[f64], y: &[f64]) -> f64 {
    let is_constant = |v: &[f64]| v.iter().all(|value| *value == v[0]);
    if is_constant(x) || is_constant(y) {
        return f64::NAN;
    }
    let (x, y) = (centred(x), centred(y));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    (dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt()).clamp(-1.0, 1.0)
}

/// The values less their mean, divided by the largest of these, so that no square overflows or
/// vanishes.
fn centred(v: &[f64]) -> Vec<f64> {
    let mean = mean(v.iter().copied());
    let largest = v.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
    v.iter().map(|value| (value - mean) / largest).collect()
}

/// Ranks from 1; equal values get the mean of theirs (`scipy.stats.rankdata`).
fn ranks(v: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..v.len()).collect();
    order.sort_by(|&a, &b| (v[a] + 0.0).total_cmp(&(v[b] + 0.0)));
    let mut ranks = vec![0.0; v.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| v[a] == v[b]) {
        let rank = before as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&i| ranks[i] = rank);
        before += equal.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, -0.0, 0.0]), [4.5, 3.0, 4.5, 1.5, 1.5]);
    }

    #[test]
    fn what_is_constant_correlates_with_nothing() {
        let found = correlate(&[0.1, 0.1, 0.1], &[1.0, 2.0, 3.0]).unwrap();
        assert!(found.pearson.is_nan() && found.spearman.is_nan());
    }

    #[test]
    fn huge_and_tiny_values_have_a_coefficient() {
        for scale in [1e-300, 1.0, 1e300] {
            let x = [1.0 * scale, 2.0 * scale, 4.0 * scale];
            assert!((pearson(&x, &[1.0, 2.0, 4.0]).unwrap() - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(
            pearson(&[1.0], &[1.0]),
            Err(Error::TooFew { what: "labels", found: 1, least: 2 })
        );
        assert_eq!(
            spearman(&[1.0, 2.0], &[1.0]),
            Err(Error::Count { what: "labels", found: 1, expected: 2 })
        );
        let error = spearman(&[1.0, f64::NAN], &[1.0, 2.0]).unwrap_err().to_string();
        assert_eq!(error, "number 1 of the scores is NaN");
    }
}

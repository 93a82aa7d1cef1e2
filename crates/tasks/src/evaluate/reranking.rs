//! Reranking: the order in which a similarity sorts a few documents of each query, compared with
//! the documents that are known to be relevant.
//!
//! Average precision is that of [`average_precision`], over all documents of a sample. The gain of
//! place i is 1/log₂(i + 1); documents of equal score share the mean gain of their places
//! (`sklearn.metrics.ndcg_score`).

use super::{all_finite, average_precision, descending, mean, same_length};
use crate::{Error, Similarity, matrix::Matrix};
use ndarray::{ArrayView1, ArrayView2};

/// Means over the samples, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reranking {
    /// Mean average precision.
    pub map: f64,
    /// Mean reciprocal rank of the first relevant document among the first k.
    pub mrr: f64,
    /// Normalised discounted cumulative gain of the first k.
    pub ndcg: f64,
}

/// A query and the documents to sort for it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// `[d]`
    pub query: ArrayView1<'a, f32>,
    /// The relevant documents `[p, d]`.
    pub positives: ArrayView2<'a, f32>,
    /// The others `[m, d]`.
    pub negatives: ArrayView2<'a, f32>,
}

/// Sorts the documents of each sample by their similarity with the query and measures the result
/// (`RerankingEvaluator`).
///
/// Samples without positives, or without negatives, do not count. In the original, k is 10 and the
/// similarity the cosine.
///
/// # Errors
/// Those of [`Similarity::pairs`] and [`rerank_metrics`].
///
/// ```
/// use minilm_tasks::{
///     Similarity,
///     evaluate::{Sample, reranking},
/// };
/// use ndarray::{Axis, array};
/// let (query, positives, negatives) =
///     (array![1.0, 0.0], array![[1.0, 0.2]], array![[0.0, 1.0], [1.0, 0.0]]);
/// let sample = Sample {
///     query: query.view(),
///     positives: positives.view(),
///     negatives: negatives.view(),
/// };
/// let found = reranking(&[sample], Similarity::Cosine, 10)?;
/// assert_eq!((found.map, found.mrr), (0.5, 0.5)); // the positive is second
///
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn reranking(samples: &[Sample], similarity: Similarity, k: usize) -> Result<Reranking, Error> {
    let counted = samples
        .iter()
        .filter(|sample| sample.positives.nrows() > 0 && sample.negatives.nrows() > 0);
    let scored: Result<Vec<_>, Error> = counted.map(|sample| scores(sample, similarity)).collect();
    rerank_metrics(&scored?, k)
}

/// The similarity of the query with each document, positives first, and whether it is positive.
fn scores(sample: &Sample, similarity: Similarity) -> Result<(Vec<f64>, Vec<bool>), Error> {
    let query = Matrix::new("queries", sample.query.insert_axis(ndarray::Axis(0)))?;
    query.check_finite()?;
    let mut scores = Vec::new();
    for (what, documents) in [("positives", sample.positives), ("negatives", sample.negatives)] {
        let documents = Matrix::new(what, documents)?.with_columns_of(&query)?;
        documents.check_finite()?;
        scores.extend((0..documents.rows()).map(|i| similarity.of(query.row(0), documents.row(i))));
    }
    let relevant = (0..scores.len()).map(|i| i < sample.positives.nrows()).collect();
    Ok((scores, relevant))
}

/// Measures scores: for each query those of its documents, and whether each document is relevant.
///
/// Documents of equal score are in their order for the reciprocal rank. A query without relevant
/// documents counts as 0.
///
/// # Errors
/// [`Error::Count`], [`Error::TooFew`] if there are no queries, or a query has no documents,
/// [`Error::BadValue`], or [`Error::Option`] for a k of 0.
///
/// ```
/// use minilm_tasks::evaluate::rerank_metrics;
/// let found = rerank_metrics(
///     &[(vec![0.9, 0.4], vec![true, false]), (vec![0.9, 0.4], vec![false, true])],
///     1,
/// )?;
/// assert_eq!((found.map, found.mrr, found.ndcg), (0.75, 0.5, 0.5));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn rerank_metrics(samples: &[(Vec<f64>, Vec<bool>)], k: usize) -> Result<Reranking, Error> {
    if k == 0 {
        return Err(Error::Option { option: "k", reason: "k is at least 1".to_owned() });
    }
    if samples.is_empty() {
        return Err(Error::TooFew { what: "samples", found: 0, least: 1 });
    }
    let mut precisions = Vec::with_capacity(samples.len());
    for (scores, relevant) in samples {
        same_length("labels", relevant.len(), scores.len(), 1)?;
        all_finite("scores", scores)?;
        precisions.push(average_precision(scores, relevant)?);
    }
    Ok(Reranking {
        map: mean(precisions.into_iter()),
        mrr: mean(samples.iter().map(|(scores, relevant)| reciprocal_rank(scores, relevant, k))),
        ndcg: mean(samples.iter().map(|(scores, relevant)| ndcg(scores, relevant, k))),
    })
}

fn reciprocal_rank(scores: &[f64], relevant: &[bool], k: usize) -> f64 {
    let place = descending(scores).into_iter().take(k).position(|i| relevant[i]);
    place.map_or(0.0, |place| 1.0 / (place + 1) as f64)
}

fn ndcg(scores: &[f64], relevant: &[bool], k: usize) -> f64 {
    // from 0
    let gain = |place: usize| if place < k { 1.0 / (place as f64 + 2.0).log2() } else { 0.0 };
    let count = relevant.iter().filter(|&&relevant| relevant).count();
    let best: f64 = (0..count.min(k)).map(gain).sum();
    if best == 0.0 {
        return 0.0;
    }
    let order = descending(scores);
    let mut sum = 0.0;
    let mut place = 0;
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let gains: f64 = (place..place + equal.len()).map(gain).sum();
        let found = equal.iter().filter(|&&i| relevant[i]).count();
        sum += gains * found as f64 / equal.len() as f64;
        place += equal.len();
    }
    sum / best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_of_equal_score_share_their_gain() {
        let tied = ndcg(&[0.5, 0.5], &[true, false], 10);
        let mean_of_both =
            (ndcg(&[2.0, 1.0], &[true, false], 10) + ndcg(&[1.0, 2.0], &[true, false], 10)) / 2.0;
        assert!((tied - mean_of_both).abs() < 1e-15);
    }

    #[test]
    fn bad_input_is_named() {
        let errors = [
            rerank_metrics(&[], 10),
            rerank_metrics(&[(vec![], vec![])], 10),
            rerank_metrics(&[(vec![1.0], vec![true])], 0),
        ];
        let messages = errors.map(|result| result.unwrap_err().to_string());
        assert_eq!(messages[0], "there are 0 samples, but at least 1 are needed");
        assert_eq!(messages[1], "there are 0 labels, but at least 1 are needed");
        assert_eq!(messages[2], "option k: k is at least 1");
    }
}

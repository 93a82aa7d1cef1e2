//! The quality of embeddings: the evaluators of sentence-transformers, with its numbers for the
//! same vectors.
//!
//! | function | from vectors | of sentence-transformers |
//! |---|---|---|
//! | [`correlate`] | [`embedding_similarity`] | `EmbeddingSimilarityEvaluator` |
//! | [`rank_metrics`] | [`information_retrieval`] | `InformationRetrievalEvaluator` |
//! | [`classify`] | [`binary_classification`] | `BinaryClassificationEvaluator` |
//! | [`rerank_metrics`] | [`reranking`] | `RerankingEvaluator` |
//! | | [`triplet_accuracy`] | `TripletEvaluator` |
//! | [`v_measure`] | | `sklearn.metrics.homogeneity_completeness_v_measure` |
//!
//! The functions of the first column take scores, rankings or labels; those of the second compute
//! them. Similarities of pairs are computed in `f64`. sentence-transformers computes them in the
//! type of the vectors, usually `f32`: then its numbers differ from these by the rounding of `f32`,
//! for a correlation about 1e-7. Everything after the similarities is `f64` in both.

mod binary;
mod correlation;
mod reranking;
mod retrieval;
mod triplet;
mod v_measure;

pub use binary::{Classification, average_precision, binary_classification, classify};
pub use correlation::{Correlation, correlate, embedding_similarity, pearson, spearman};
pub use reranking::{Reranking, Sample, rerank_metrics, reranking};
pub use retrieval::{Cutoffs, Retrieval, information_retrieval, rank_metrics};
pub use triplet::triplet_accuracy;
pub use v_measure::{VMeasure, v_measure};

use crate::Error;

/// Both lists have the same length, and at least `least` entries.
fn same_length(
    what: &'static str,
    found: usize,
    expected: usize,
    least: usize,
) -> Result<(), Error> {
    if found != expected {
        return Err(Error::Count { what, found, expected });
    }
    if found < least {
        return Err(Error::TooFew { what, found, least });
    }
    Ok(())
}

/// No value is NaN or infinite.
fn all_finite(what: &'static str, values: &[f64]) -> Result<(), Error> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Error::BadValue { what, index, value: values[index] }),
        None => Ok(()),
    }
}

/// The mean of some values, of which there is at least one.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// Indices of `scores`, highest first; equal scores stay in order.
fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0)));
    order
}

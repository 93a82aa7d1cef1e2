//! Information retrieval: rankings, compared with the documents that each query should find.
//!
//! For one query with R relevant documents, relᵢ = 1 if the document in place i (from 1) is
//! relevant, and 0 if not:
//!
//! ```text
//! accuracy@k  = 1 if any relᵢ = 1, i ≤ k   precision@k = Σ_{i≤k} relᵢ / k
//! recall@k    = Σ_{i≤k} relᵢ / R           MRR@k       = 1 / (the first i ≤ k with relᵢ = 1), or 0
//! MAP@k       = Σ_{i≤k} relᵢ·precision@i / min(k, R)
//! nDCG@k      = Σ_{i≤k} relᵢ / log₂(i + 1)  ÷  Σ_{i≤min(k,R)} 1 / log₂(i + 1)
//! ```
//!
//! The result is the mean over the queries.

use super::mean;
use crate::{
    Error,
    search::{Metric, Search},
};
use ndarray::ArrayView2;
use std::collections::{BTreeMap, HashSet};

/// The ranks k at which each measure is taken.
///
/// ```
/// use minilm_tasks::evaluate::Cutoffs;
/// let cutoffs = Cutoffs { ndcg: vec![5, 10], ..Cutoffs::default() };
/// assert_eq!(cutoffs.largest(), 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutoffs {
    /// Whether there is a relevant document among the first k.
    pub accuracy: Vec<usize>,
    /// The share of the first k that is relevant, and of the relevant that is among the first k.
    pub precision_recall: Vec<usize>,
    /// Mean reciprocal rank.
    pub mrr: Vec<usize>,
    /// Normalised discounted cumulative gain.
    pub ndcg: Vec<usize>,
    /// Mean average precision.
    pub map: Vec<usize>,
}

impl Default for Cutoffs {
    /// Those of sentence-transformers.
    fn default() -> Self {
        let few = vec![1, 3, 5, 10];
        Cutoffs {
            accuracy: few.clone(),
            precision_recall: few,
            mrr: vec![10],
            ndcg: vec![10],
            map: vec![100],
        }
    }
}

impl Cutoffs {
    /// The largest k: the number of documents of each ranking that count.
    pub fn largest(&self) -> usize {
        let lists = [&self.accuracy, &self.precision_recall, &self.mrr, &self.ndcg, &self.map];
        lists.into_iter().flatten().copied().max().unwrap_or(0)
    }
}

/// Each measure by its k, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Retrieval {
    /// accuracy@k
    pub accuracy: BTreeMap<usize, f64>,
    /// precision@k
    pub precision: BTreeMap<usize, f64>,
    /// recall@k
    pub recall: BTreeMap<usize, f64>,
    /// MRR@k
    pub mrr: BTreeMap<usize, f64>,
    /// nDCG@k
    pub ndcg: BTreeMap<usize, f64>,
    /// MAP@k
    pub map: BTreeMap<usize, f64>,
}

/// Searches `corpus` `[n, d]` for `queries` `[Q, d]` and measures the rankings
/// (`InformationRetrievalEvaluator`).
///
/// `relevant` `[Q]` holds the rows of the corpus that each query should find. sentence-transformers
/// orders documents of equal score by their names; so does this if the corpus is sorted by name.
///
/// # Errors
/// As [`Search::run`] and [`rank_metrics`].
///
/// ```
/// use minilm_tasks::{
///     evaluate::{Cutoffs, information_retrieval},
///     search::Metric,
/// };
/// use ndarray::array;
/// use std::collections::HashSet;
/// let corpus = array![[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]];
/// let queries = array![[1.0, 0.1], [0.2, 1.0]];
/// let relevant = [HashSet::from([0]), HashSet::from([2])];
/// let found = information_retrieval(
///     queries.view(),
///     corpus.view(),
///     &relevant,
///     Metric::Cosine,
///     &Cutoffs::default(),
/// )?;
/// assert_eq!(found.accuracy[&1], 0.5);
/// assert_eq!(found.mrr[&10], (1.0 + 1.0 / 2.0) / 2.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn information_retrieval(
    queries: ArrayView2<f32>,
    corpus: ArrayView2<f32>,
    relevant: &[HashSet<usize>],
    metric: Metric,
    cutoffs: &Cutoffs,
) -> Result<Retrieval, Error> {
    let hits = Search::new().metric(metric).top_k(cutoffs.largest()).run(queries, corpus)?;
    let rankings: Vec<Vec<usize>> =
        hits.iter().map(|hits| hits.iter().map(|hit| hit.corpus_id).collect()).collect();
    rank_metrics(&rankings, relevant, cutoffs)
}

/// Measures rankings: for each query documents, best first, and the set of those that are relevant.
///
/// A relevant document need not be in any ranking. A query without relevant documents does not
/// count.
///
/// # Errors
/// [`Error::Count`], [`Error::TooFew`] if no query counts, or [`Error::Option`] for a k of 0.
///
/// ```
/// use minilm_tasks::evaluate::{Cutoffs, rank_metrics};
/// use std::collections::HashSet;
/// let found = rank_metrics(&[vec![7, 3, 9]], &[HashSet::from([3, 4])], &Cutoffs::default())?;
/// assert_eq!(found.mrr[&10], 0.5);
/// assert_eq!(found.precision[&3], 1.0 / 3.0);
/// assert_eq!(found.recall[&3], 0.5);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn rank_metrics(
    rankings: &[Vec<usize>],
    relevant: &[HashSet<usize>],
    cutoffs: &Cutoffs,
) -> Result<Retrieval, Error> {
    super::same_length("sets of relevant documents", relevant.len(), rankings.len(), 0)?;
    let queries = rankings.iter().zip(relevant).filter(|(_, relevant)| !relevant.is_empty());
    let queries: Vec<Judged> =
        queries.map(|(ranking, relevant)| Judged::new(ranking, relevant)).collect();
    if queries.is_empty() {
        return Err(Error::TooFew { what: "queries with relevant documents", found: 0, least: 1 });
    }
    let measure = |option: &'static str, cutoffs: &[usize], value: fn(&Judged, usize) -> f64| {
        if cutoffs.contains(&0) {
            return Err(Error::Option { option, reason: "k is at least 1".to_owned() });
        }
        Ok(cutoffs
            .iter()
            .map(|&k| (k, mean(queries.iter().map(|query| value(query, k)))))
            .collect())
    };
    Ok(Retrieval {
        accuracy: measure("accuracy", &cutoffs.accuracy, Judged::accuracy)?,
        precision: measure("precision_recall", &cutoffs.precision_recall, Judged::precision)?,
        recall: measure("precision_recall", &cutoffs.precision_recall, Judged::recall)?,
        mrr: measure("mrr", &cutoffs.mrr, Judged::reciprocal_rank)?,
        ndcg: measure("ndcg", &cutoffs.ndcg, Judged::ndcg)?,
        map: measure("map", &cutoffs.map, Judged::average_precision)?,
    })
}

/// One query's ranking, judged.
struct Judged {
    places: Vec<usize>, // of the relevant documents, from 1, ascending
    relevant: usize,    // R
}

impl Judged {
    fn new(ranking: &[usize], relevant: &HashSet<usize>) -> Judged {
        let places = ranking.iter().zip(1..).filter(|(document, _)| relevant.contains(document));
        Judged { places: places.map(|(_, place)| place).collect(), relevant: relevant.len() }
    }

    /// The places of the relevant documents among the first k.
    fn first(&self, k: usize) -> &[usize] {
        &self.places[..self.places.partition_point(|&place| place <= k)]
    }

    fn accuracy(&self, k: usize) -> f64 {
        if self.first(k).is_empty() { 0.0 } else { 1.0 }
    }

    fn precision(&self, k: usize) -> f64 {
        self.first(k).len() as f64 / k as f64
    }

    fn recall(&self, k: usize) -> f64 {
        self.first(k).len() as f64 / self.relevant as f64
    }

    fn reciprocal_rank(&self, k: usize) -> f64 {
        self.first(k).first().map_or(0.0, |&place| 1.0 / place as f64)
    }

    fn ndcg(&self, k: usize) -> f64 {
        let gain = |place: usize| 1.0 / (place as f64 + 1.0).log2();
        let best: f64 = (1..=k.min(self.relevant)).map(gain).sum();
        self.first(k).iter().copied().map(gain).sum::<f64>() / best
    }

    fn average_precision(&self, k: usize) -> f64 {
        let precisions =
            self.first(k).iter().zip(1..).map(|(&place, found)| f64::from(found) / place as f64);
        precisions.sum::<f64>() / k.min(self.relevant) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_without_relevant_documents_do_not_count() {
        let relevant = [HashSet::from([1]), HashSet::new()];
        let found = rank_metrics(&[vec![1], vec![2]], &relevant, &Cutoffs::default()).unwrap();
        assert_eq!(found.accuracy[&1], 1.0);
        let error = rank_metrics(&[vec![1]], &[HashSet::new()], &Cutoffs::default()).unwrap_err();
        assert_eq!(
            error,
            Error::TooFew { what: "queries with relevant documents", found: 0, least: 1 }
        );
    }

    #[test]
    fn a_cutoff_of_zero_is_refused() {
        let cutoffs = Cutoffs { ndcg: vec![10, 0], ..Cutoffs::default() };
        let error = rank_metrics(&[vec![1]], &[HashSet::from([1])], &cutoffs).unwrap_err();
        assert_eq!(error.to_string(), "option ndcg: k is at least 1");
    }
}

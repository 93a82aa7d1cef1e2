//! Measures of embeddings against labels.

use crate::{
    errors::from_task,
    tasks::{metric_of, similarity_of},
    watch::watched,
};
use minilm::{
    install,
    tasks::evaluate::{
        Cutoffs, binary_classification, embedding_similarity, rank_metrics, rerank_metrics,
        triplet_accuracy,
    },
    tasks::search::Search,
};
use numpy::PyReadonlyArray2;
use pyo3::prelude::*;
use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::AtomicBool,
};

type Vectors<'py> = PyReadonlyArray2<'py, f32>;

/// Pearson's and Spearman's coefficient of similarities and labels.
#[pyfunction]
fn evaluate_similarity(
    a: Vectors<'_>,
    b: Vectors<'_>,
    labels: Vec<f64>,
    similarity: &str,
) -> PyResult<(f64, f64)> {
    let found =
        embedding_similarity(a.as_array(), b.as_array(), &labels, similarity_of(similarity)?);
    found.map(|found| (found.pearson, found.spearman)).map_err(from_task)
}

/// The measures of pairs that are alike or not, by their names.
#[pyfunction]
fn evaluate_binary(
    a: Vectors<'_>,
    b: Vectors<'_>,
    alike: Vec<bool>,
    similarity: &str,
) -> PyResult<BTreeMap<&'static str, f64>> {
    let found =
        binary_classification(a.as_array(), b.as_array(), &alike, similarity_of(similarity)?)
            .map_err(from_task)?;
    Ok(BTreeMap::from([
        ("accuracy", found.accuracy),
        ("accuracy_threshold", found.accuracy_threshold),
        ("f1", found.f1),
        ("f1_threshold", found.f1_threshold),
        ("precision", found.precision),
        ("recall", found.recall),
        ("ap", found.average_precision),
        ("mcc", found.matthews),
    ]))
}

/// The share of triplets in which the positive is nearer than the negative.
#[pyfunction]
fn evaluate_triplets(
    anchors: Vectors<'_>,
    positives: Vectors<'_>,
    negatives: Vectors<'_>,
    similarity: &str,
    margin: f64,
) -> PyResult<f64> {
    let [a, p, n] = [anchors.as_array(), positives.as_array(), negatives.as_array()];
    triplet_accuracy(a, p, n, similarity_of(similarity)?, margin).map_err(from_task)
}

/// Measures of rankings, each by its k: accuracy, precision, recall, mrr, ndcg, map.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "they are lists of k in Python")]
fn evaluate_retrieval(
    py: Python<'_>,
    queries: Vectors<'_>,
    corpus: Vectors<'_>,
    relevant: Vec<HashSet<usize>>,
    metric: &str,
    accuracy: Vec<usize>,
    precision_recall: Vec<usize>,
    mrr: Vec<usize>,
    ndcg: Vec<usize>,
    map: Vec<usize>,
) -> PyResult<BTreeMap<&'static str, BTreeMap<usize, f64>>> {
    let metric = metric_of(metric)?;
    let cutoffs = Cutoffs { accuracy, precision_recall, mrr, ndcg, map };
    let search = Search::new().metric(metric).top_k(cutoffs.largest());
    let (queries, corpus) = (queries.as_array(), corpus.as_array());
    let work = |stop: &AtomicBool| install(|| search.stop(stop).run(queries, corpus));
    let hits = watched(py, work, || Ok(()))?.map_err(from_task)?;
    let rankings: Vec<Vec<usize>> =
        hits.iter().map(|hits| hits.iter().map(|hit| hit.corpus_id).collect()).collect();
    let measure = || rank_metrics(&rankings, &relevant, &cutoffs);
    let found = py.detach(measure).map_err(from_task)?;
    Ok(BTreeMap::from([
        ("accuracy", found.accuracy.into_iter().collect()),
        ("precision", found.precision.into_iter().collect()),
        ("recall", found.recall.into_iter().collect()),
        ("mrr", found.mrr.into_iter().collect()),
        ("ndcg", found.ndcg.into_iter().collect()),
        ("map", found.map.into_iter().collect()),
    ]))
}

/// Map, mrr and ndcg of scored documents, each relevant or not.
#[pyfunction]
fn evaluate_reranking(samples: Vec<(Vec<f64>, Vec<bool>)>, k: usize) -> PyResult<(f64, f64, f64)> {
    let found = rerank_metrics(&samples, k).map_err(from_task)?;
    Ok((found.map, found.mrr, found.ndcg))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(evaluate_similarity, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate_binary, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate_triplets, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate_retrieval, module)?)?;
    module.add_function(wrap_pyfunction!(evaluate_reranking, module)?)
}

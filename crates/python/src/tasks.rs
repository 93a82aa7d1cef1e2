//! Functions of vectors: similarity, search, clusters, quantisation.

use crate::{
    encoder::cached_model,
    errors::from_task,
    watch::{rows_between_looks, watched},
};
use minilm::{
    install,
    ndarray::{Array2, ArrayView2, Axis},
    similarity,
    tasks::{
        Similarity,
        cluster::{Agglomerative, Communities, Distance, KMeans, Linkage},
        duplicates,
        paraphrases::Mining,
        quantize::{QuantizedSearch, Ranges, to_binary, to_ubinary},
        search::{Hit, Metric, Search},
    },
};
use numpy::{IntoPyArray, PyArray1, PyArray2, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::{
    exceptions::{PyMemoryError, PyValueError},
    prelude::*,
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows that a thread compares at once.
const ROWS: usize = 64;

/// Corpus ids and scores of each query.
pub(crate) type Hits = Vec<Vec<(usize, f32)>>;

/// A matrix of vectors.
type Vectors<'py> = PyReadonlyArray2<'py, f32>;

pub(crate) fn similarity_of(name: &str) -> PyResult<Similarity> {
    let found = Similarity::ALL.iter().find(|similarity| similarity.name() == name);
    found.copied().ok_or_else(|| {
        let known: Vec<_> = Similarity::ALL.iter().map(|similarity| similarity.name()).collect();
        PyValueError::new_err(format!("{name:?} is no similarity; they are: {}", known.join(", ")))
    })
}

pub(crate) fn metric_of(name: &str) -> PyResult<Metric> {
    match name {
        "cosine" => Ok(Metric::Cosine),
        "dot" => Ok(Metric::Dot),
        _ => Err(PyValueError::new_err(format!("a search scores by cosine or dot, not {name:?}"))),
    }
}

fn same_columns(a: &Vectors<'_>, b: &Vectors<'_>) -> PyResult<()> {
    let [a, b] = [a, b].map(|matrix| matrix.as_array().ncols());
    if a == b {
        return Ok(());
    }
    Err(PyValueError::new_err(format!("vectors of {a} and of {b} values cannot be compared")))
}

/// The score of each row of `a` with each row of `b`.
#[pyfunction]
fn similarity_matrix<'py>(
    py: Python<'py>,
    a: Vectors<'py>,
    b: Vectors<'py>,
    name: &str,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    same_columns(&a, &b)?;
    let kind = similarity_of(name)?;
    let (a, b) = (a.as_array(), b.as_array());
    let scores = |a: ArrayView2<f32>| match kind {
        Similarity::Cosine => similarity::matrix(a, b),
        _ => similarity::matrix_of(|a, b| kind.of(a, b) as f32, a, b),
    };
    // A sum in `f64`, in order, takes about eight times as long as one of the kernels.
    let width = match kind {
        Similarity::Cosine => b.ncols(),
        _ => b.ncols().saturating_mul(8),
    };
    let threads = install(rayon::current_num_threads);
    let at_once = rows_between_looks(b.nrows(), width).max(threads);
    let of_a_thread = at_once.div_ceil(threads).min(ROWS);
    let shape = (a.nrows(), b.nrows());
    let mut values = Vec::new();
    values.try_reserve_exact(shape.0.saturating_mul(shape.1)).map_err(|_| {
        PyMemoryError::new_err(format!("there is no memory for {} × {} scores", shape.0, shape.1))
    })?;
    for some in a.axis_chunks_iter(Axis(0), at_once) {
        let rows: Vec<_> = some.axis_chunks_iter(Axis(0), of_a_thread).collect();
        let found: Vec<_> = py.detach(|| install(|| rows.into_par_iter().map(scores).collect()));
        for part in &found {
            values.extend_from_slice(part.as_slice().expect("a new matrix"));
        }
        py.check_signals()?;
    }
    let matrix = Array2::from_shape_vec(shape, values).expect("a score of each two rows");
    Ok(matrix.into_pyarray(py))
}

/// The score of each row of `a` with the same row of `b`.
#[pyfunction]
fn similarity_pairs<'py>(
    py: Python<'py>,
    a: Vectors<'py>,
    b: Vectors<'py>,
    name: &str,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let kind = similarity_of(name)?;
    let (a, b) = (a.as_array(), b.as_array());
    let scores = py.detach(|| kind.pairs(a, b)).map_err(from_task)?;
    let scores: Vec<f32> = scores.into_iter().map(|score| score as f32).collect();
    Ok(scores.into_pyarray(py))
}

pub(crate) fn plain(hits: Vec<Vec<Hit>>) -> Hits {
    hits.into_iter()
        .map(|hits| hits.into_iter().map(|hit| (hit.corpus_id, hit.score)).collect())
        .collect()
}

/// The best rows of a corpus for each query.
#[pyfunction]
fn search(
    py: Python<'_>,
    queries: Vectors<'_>,
    corpus: Vectors<'_>,
    top_k: usize,
    metric: &str,
) -> PyResult<Hits> {
    let search = Search::new().top_k(top_k).metric(metric_of(metric)?);
    let (queries, corpus) = (queries.as_array(), corpus.as_array());
    let work = |stop: &AtomicBool| install(|| search.stop(stop).run(queries, corpus));
    watched(py, work, || Ok(()))?.map(plain).map_err(from_task)
}

/// The pairs of rows that are most alike, as (score, row, row).
#[pyfunction]
fn paraphrases(
    py: Python<'_>,
    embeddings: Vectors<'_>,
    max_pairs: usize,
    top_k: usize,
    metric: &str,
) -> PyResult<Vec<(f32, usize, usize)>> {
    let mining = Mining::new().max_pairs(max_pairs).top_k(top_k).metric(metric_of(metric)?);
    let rows = embeddings.as_array();
    let work = |stop: &AtomicBool| install(|| mining.run_until(rows, stop));
    let pairs = watched(py, work, || Ok(()))?.map_err(from_task)?;
    Ok(pairs.into_iter().map(|pair| (pair.score, pair.first, pair.second)).collect())
}

/// The communities among the rows.
#[pyfunction]
fn communities(
    py: Python<'_>,
    embeddings: Vectors<'_>,
    threshold: f32,
    min_size: usize,
) -> PyResult<Vec<Vec<usize>>> {
    let communities = Communities::new().threshold(threshold).min_size(min_size);
    let rows = embeddings.as_array();
    let work = |stop: &AtomicBool| install(|| communities.run_until(rows, stop));
    watched(py, work, || Ok(()))?.map_err(from_task)
}

/// The rows to keep, and for each other row the kept one and their cosine.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "it is a tuple in Python")]
fn near_duplicates(
    py: Python<'_>,
    embeddings: Vectors<'_>,
    threshold: f32,
) -> PyResult<(Vec<usize>, Vec<(usize, usize, f32)>)> {
    let rows = embeddings.as_array();
    let work = |stop: &AtomicBool| install(|| duplicates::near_until(rows, threshold, stop));
    let found = watched(py, work, || Ok(()))?.map_err(from_task)?;
    let dropped = found.drop.into_iter().map(|row| (row.row, row.kept, row.score)).collect();
    Ok((found.keep, dropped))
}

/// Labels, centres and inertia of k-means.
#[pyfunction]
#[expect(clippy::type_complexity, reason = "it is a tuple in Python")]
fn k_means<'py>(
    py: Python<'py>,
    embeddings: Vectors<'py>,
    clusters: usize,
    seed: u64,
) -> PyResult<(Bound<'py, PyArray1<usize>>, Bound<'py, PyArray2<f32>>, f64)> {
    let rows = embeddings.as_array();
    let means = KMeans::new(clusters).seed(seed);
    let work = |stop: &AtomicBool| install(|| means.run_until(rows, stop));
    let found = watched(py, work, || Ok(()))?.map_err(from_task)?;
    Ok((found.labels.into_pyarray(py), found.centres.into_pyarray(py), found.inertia))
}

/// Labels of agglomerative clustering by the cosine distance, with average linkage.
#[pyfunction]
fn agglomerative<'py>(
    py: Python<'py>,
    embeddings: Vectors<'py>,
    threshold: f64,
) -> PyResult<Bound<'py, PyArray1<usize>>> {
    let rows = embeddings.as_array();
    let clusters =
        Agglomerative::new(threshold).linkage(Linkage::Average).distance(Distance::Cosine);
    let work = |stop: &AtomicBool| install(|| clusters.run_until(rows, stop));
    let labels = watched(py, work, || Ok(()))?.map_err(from_task)?;
    Ok(labels.into_pyarray(py))
}

/// The least and the largest value of each dimension.
type Bounds<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<f32>>);

/// The least and the largest value of each column.
#[pyfunction]
fn ranges<'py>(py: Python<'py>, embeddings: Vectors<'py>) -> PyResult<Bounds<'py>> {
    let found = Ranges::of(embeddings.as_array()).map_err(from_task)?;
    Ok((found.min().to_vec().into_pyarray(py), found.max().to_vec().into_pyarray(py)))
}

/// Embeddings with a byte, or a bit, for each value.
#[pyfunction]
#[pyo3(signature = (embeddings, precision, low=None, high=None))]
fn quantize<'py>(
    py: Python<'py>,
    embeddings: Vectors<'py>,
    precision: &str,
    low: Option<PyReadonlyArray1<'py, f32>>,
    high: Option<PyReadonlyArray1<'py, f32>>,
) -> PyResult<Bound<'py, PyAny>> {
    let rows = embeddings.as_array();
    let ranges = || match (&low, &high) {
        (Some(low), Some(high)) => Ranges::new(low.as_array(), high.as_array()),
        _ => Ranges::of(rows),
    };
    Ok(match precision {
        "int8" => bytes(py, ranges().and_then(|ranges| ranges.to_i8(rows)))?,
        "uint8" => bytes(py, ranges().and_then(|ranges| ranges.to_u8(rows)))?,
        "binary" => bytes(py, to_binary(rows))?,
        "ubinary" => bytes(py, to_ubinary(rows))?,
        _ => return Err(PyValueError::new_err(format!("{precision:?} is no precision"))),
    })
}

fn bytes<'py, T: numpy::Element>(
    py: Python<'py>,
    matrix: Result<Array2<T>, minilm::tasks::Error>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(matrix.map_err(from_task)?.into_pyarray(py).into_any())
}

/// A search among rows of unsigned bits, scored again by `embeddings` if they are given.
#[pyfunction]
#[pyo3(signature = (queries, bits, top_k, multiplier, metric, embeddings=None))]
fn search_bits(
    py: Python<'_>,
    queries: Vectors<'_>,
    bits: PyReadonlyArray2<'_, u8>,
    top_k: usize,
    multiplier: usize,
    metric: &str,
    embeddings: Option<Vectors<'_>>,
) -> PyResult<Hits> {
    let search =
        QuantizedSearch::new().top_k(top_k).multiplier(multiplier).metric(metric_of(metric)?);
    let embeddings = embeddings.as_ref().map(|rows| rows.as_array());
    let (queries, bits) = (queries.as_array(), bits.as_array());
    let mut hits = Vec::with_capacity(queries.nrows());
    // A byte of bits is compared as fast as a value or two.
    let at_once = rows_between_looks(bits.nrows(), bits.ncols());
    // Without queries, the widths are checked all the same.
    let chunks = (0..queries.nrows().max(1)).step_by(at_once);
    for start in chunks {
        let end = queries.nrows().min(start.saturating_add(at_once));
        let some = queries.slice_axis(Axis(0), (start..end).into());
        let found = py.detach(|| install(|| search.binary(some, bits, embeddings)));
        hits.extend(found.map_err(from_task)?);
        py.check_signals()?;
    }
    Ok(plain(hits))
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(cached_model, module)?)?;
    module.add_function(wrap_pyfunction!(similarity_matrix, module)?)?;
    module.add_function(wrap_pyfunction!(similarity_pairs, module)?)?;
    module.add_function(wrap_pyfunction!(search, module)?)?;
    module.add_function(wrap_pyfunction!(search_bits, module)?)?;
    module.add_function(wrap_pyfunction!(paraphrases, module)?)?;
    module.add_function(wrap_pyfunction!(communities, module)?)?;
    module.add_function(wrap_pyfunction!(near_duplicates, module)?)?;
    module.add_function(wrap_pyfunction!(k_means, module)?)?;
    module.add_function(wrap_pyfunction!(agglomerative, module)?)?;
    module.add_function(wrap_pyfunction!(ranges, module)?)?;
    module.add_function(wrap_pyfunction!(quantize, module)?)
}

//! Index files: vectors, their texts, and the model that made them.

use crate::{
    arguments::options,
    encoder::Encoder,
    errors::{from_encoder, from_index},
    tasks::{metric_of, plain},
    texts::borrowed,
    watch::rows_between_looks,
};
use minilm::{
    install,
    ndarray::Axis,
    tasks::{
        index::{self, Space},
        search::Search,
    },
};
use numpy::{PyArray2, PyReadonlyArray2, ToPyArray};
use pyo3::{exceptions::PyIndexError, prelude::*, types::PyList};
use std::path::PathBuf;

/// An index file that has been read.
#[pyclass(frozen, module = "minilm._minilm")]
pub(crate) struct Index {
    index: index::Index<Vec<u8>>,
}

fn space(
    encoder: &Encoder,
    prompt: Option<String>,
    normalize: Option<bool>,
    truncate_dim: Option<usize>,
) -> PyResult<Space> {
    let options = options(prompt, normalize, truncate_dim);
    encoder.encoder.space_with(&options).map_err(from_encoder)
}

#[pymethods]
impl Index {
    /// Reads an index file.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf) -> PyResult<Index> {
        let index = py.detach(|| index::Index::read(&path)).map_err(from_index)?;
        Ok(Index { index })
    }

    /// Writes an index file of embeddings and their texts, or adds them to one.
    #[staticmethod]
    #[pyo3(signature = (
        path, encoder, embeddings, texts, append, prompt=None, normalize=None, truncate_dim=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn write(
        py: Python<'_>,
        path: PathBuf,
        encoder: &Encoder,
        embeddings: PyReadonlyArray2<'_, f32>,
        texts: &Bound<'_, PyList>,
        append: bool,
        prompt: Option<String>,
        normalize: Option<bool>,
        truncate_dim: Option<usize>,
    ) -> PyResult<()> {
        let texts = borrowed(texts)?;
        let space = space(encoder, prompt, normalize, truncate_dim)?;
        let rows = embeddings.as_array();
        let written = py.detach(|| match append {
            true => index::append(&path, &space, rows, &texts).map(drop),
            false => index::write(&path, &space, rows, &texts),
        });
        written.map_err(from_index)
    }

    /// The best rows for each query, as (row, score).
    #[pyo3(signature = (
        encoder, queries, top_k, metric, prompt=None, normalize=None, truncate_dim=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn search(
        &self,
        py: Python<'_>,
        encoder: &Encoder,
        queries: PyReadonlyArray2<'_, f32>,
        top_k: usize,
        metric: &str,
        prompt: Option<String>,
        normalize: Option<bool>,
        truncate_dim: Option<usize>,
    ) -> PyResult<Vec<Vec<(usize, f32)>>> {
        let space = space(encoder, prompt, normalize, truncate_dim)?;
        let search = Search::new().top_k(top_k).metric(metric_of(metric)?);
        let queries = queries.as_array();
        let mut hits = Vec::with_capacity(queries.nrows());
        let at_once = rows_between_looks(self.index.len(), self.index.dimensions());
        for some in queries.axis_chunks_iter(Axis(0), at_once) {
            let found = py.detach(|| install(|| self.index.search(&space, some, &search)));
            hits.extend(found.map_err(from_index)?);
            py.check_signals()?;
        }
        Ok(plain(hits))
    }

    /// The text of a row.
    fn text(&self, row: usize) -> PyResult<&str> {
        if row >= self.index.len() {
            let rows = self.index.len();
            return Err(PyIndexError::new_err(format!("the index has {rows} rows, and not {row}")));
        }
        self.index.text(row).map_err(from_index)
    }

    /// A copy of the vectors.
    fn vectors<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        Ok(self.index.vectors().map_err(from_index)?.to_pyarray(py))
    }

    /// Verifies every part of the file.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.index.check()).map_err(from_index)
    }

    /// The number of rows.
    fn __len__(&self) -> usize {
        self.index.len()
    }

    /// Values of a vector.
    #[getter]
    fn dimensions(&self) -> usize {
        self.index.dimensions()
    }

    /// The model's name and fingerprint.
    #[getter]
    fn space(&self) -> String {
        self.index.space().to_string()
    }
}

//! The class `Encoder`: `minilm::SentenceEncoder` for Python.

use crate::{
    arguments::{named, options, windows},
    errors::from_encoder,
    texts::{Characters, borrowed},
    watch::watched,
};
use minilm::{EncodeOptions, Encoded, Error, Hub, Level, Precision, Progress, SentenceEncoder};
use numpy::{IntoPyArray, PyArray1, PyArray2};
use pyo3::{exceptions::PyValueError, prelude::*, pybacked::PyBackedStr, types::PyList};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Bytes of text that are encoded in some tens of milliseconds, without a look for signals.
const SHORT: usize = 8 << 10;

/// Tokens, ids, vectors and dropped tokens of a text.
type TokenEmbeddings<'py> = (Vec<String>, Vec<u32>, Bound<'py, PyArray2<f32>>, usize);

/// First character, end, tokens and embedding of a window.
type Window<'py> = (usize, usize, usize, Bound<'py, PyArray1<f32>>);

/// A model, ready to use from any number of threads.
#[pyclass(frozen, module = "minilm._minilm")]
pub(crate) struct Encoder {
    pub(crate) encoder: SentenceEncoder,
}

/// The directory of a model in the cache of Hugging Face at `cache`, or in that of the environment.
#[pyfunction]
#[pyo3(signature = (name, revision=None, cache=None))]
pub(crate) fn cached_model(
    name: &str,
    revision: Option<&str>,
    cache: Option<PathBuf>,
) -> PyResult<PathBuf> {
    let hub = cache.map_or_else(Hub::from_env, Hub::new);
    hub.snapshot(name, revision.unwrap_or("main")).map_err(from_encoder)
}

/// The tokens of both texts, and what each pair adds to the cosine.
type Explained<'py> = (Vec<String>, Vec<String>, Bound<'py, PyArray2<f64>>);

#[pymethods]
impl Encoder {
    /// Loads a model from a directory as sentence-transformers writes it.
    #[staticmethod]
    #[pyo3(signature = (directory, threads=None, level=None, precision=None))]
    fn load(
        py: Python<'_>,
        directory: PathBuf,
        threads: Option<usize>,
        level: Option<&str>,
        precision: Option<&str>,
    ) -> PyResult<Encoder> {
        let mut builder = SentenceEncoder::builder();
        if let Some(threads) = threads {
            builder = builder.threads(threads);
        }
        if let Some(level) = level {
            builder = builder.level(named::<Level>(level)?);
        }
        if let Some(precision) = precision {
            builder = builder.precision(named::<Precision>(precision)?);
        }
        let encoder = py.detach(|| builder.load(directory)).map_err(from_encoder)?;
        Ok(Encoder { encoder })
    }

    /// The embeddings of texts, `[texts, dimension]`. `progress` is called now and then with the
    /// number of texts that are done.
    #[pyo3(signature = (texts, prompt=None, normalize=None, truncate_dim=None, progress=None))]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyList>,
        prompt: Option<String>,
        normalize: Option<bool>,
        truncate_dim: Option<usize>,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArray2<f32>>> {
        let texts = borrowed(texts)?;
        let options = options(prompt, normalize, truncate_dim);
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let encoded = if bytes <= SHORT && progress.is_none() {
            py.detach(|| self.encoder.encode_with(&texts, &options))
        } else {
            self.encode_watched(py, &texts, &options, progress)?
        };
        Ok(encoded.map_err(from_encoder)?.embeddings.into_pyarray(py))
    }

    /// The last hidden state of each text, before pooling.
    #[pyo3(signature = (texts, prompt=None))]
    fn encode_tokens<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyList>,
        prompt: Option<String>,
    ) -> PyResult<Vec<TokenEmbeddings<'py>>> {
        let texts = borrowed(texts)?;
        let encoder = self.with_prompt(prompt)?;
        let mut all = Vec::with_capacity(texts.len());
        for some in short_parts(&texts) {
            let found = py.detach(|| encoder.encode_tokens(some)).map_err(|error| {
                let (done, error) = (all.len(), from_encoder(error));
                match done {
                    0 => error,
                    _ => PyValueError::new_err(format!("from text {done} on: {error}")),
                }
            })?;
            py.check_signals()?;
            all.extend(found.into_iter().map(|text| {
                (text.tokens, text.ids, text.embeddings.into_pyarray(py), text.dropped)
            }));
        }
        Ok(all)
    }

    /// The token ids of each text, and the tokens beyond the limit.
    #[pyo3(signature = (texts, prompt=None))]
    fn tokenize(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyList>,
        prompt: Option<String>,
    ) -> PyResult<Vec<(Vec<u32>, usize)>> {
        let texts = borrowed(texts)?;
        let encoder = self.with_prompt(prompt)?;
        let tokenize = |text: &PyBackedStr| encoder.tokenize(text).map(|t| (t.ids, t.dropped));
        let mut all = Vec::with_capacity(texts.len());
        for some in short_parts(&texts) {
            let found: Result<Vec<_>, Error> = py.detach(|| some.iter().map(tokenize).collect());
            all.extend(found.map_err(from_encoder)?);
            py.check_signals()?;
        }
        Ok(all)
    }

    /// The windows of a document, as places in it, numbers of tokens and embeddings.
    #[pyo3(signature = (
        document, tokens=None, stride=None, prompt=None, normalize=None, truncate_dim=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn encode_windows<'py>(
        &self,
        py: Python<'py>,
        document: PyBackedStr,
        tokens: Option<usize>,
        stride: Option<usize>,
        prompt: Option<String>,
        normalize: Option<bool>,
        truncate_dim: Option<usize>,
    ) -> PyResult<Vec<Window<'py>>> {
        let encoder = self.with(&options(prompt, normalize, truncate_dim))?;
        let windows = windows(tokens, stride);
        let work = |stop: &AtomicBool| {
            encoder.encode_windows(&document, windows).until(stop).collect::<Result<Vec<_>, _>>()
        };
        let found = watched(py, work, || Ok(()))?.map_err(from_encoder)?;
        let mut place = Characters::new(&document);
        Ok(found
            .into_iter()
            .map(|window| {
                let start = place.at(window.range.start);
                let end = start + document[window.range].chars().count();
                (start, end, window.tokens, window.embedding.into_pyarray(py))
            })
            .collect())
    }

    /// One embedding for a document of any length.
    #[pyo3(signature = (
        document, tokens=None, stride=None, prompt=None, normalize=None, truncate_dim=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords in Python")]
    fn encode_long<'py>(
        &self,
        py: Python<'py>,
        document: PyBackedStr,
        tokens: Option<usize>,
        stride: Option<usize>,
        prompt: Option<String>,
        normalize: Option<bool>,
        truncate_dim: Option<usize>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let encoder = self.with(&options(prompt, normalize, truncate_dim))?;
        let windows = windows(tokens, stride);
        let work = |stop: &AtomicBool| encoder.encode_long_until(&document, windows, stop);
        let embedding = watched(py, work, || Ok(()))?;
        Ok(embedding.map_err(from_encoder)?.into_pyarray(py))
    }

    /// The tokens of two texts, and what each pair of them adds to the cosine.
    fn explain<'py>(
        &self,
        py: Python<'py>,
        a: PyBackedStr,
        b: PyBackedStr,
    ) -> PyResult<Explained<'py>> {
        let found = py.detach(|| self.encoder.explain(&a, &b)).map_err(from_encoder)?;
        Ok((found.a, found.b, found.pairs.into_pyarray(py)))
    }

    /// The same model for texts of up to `tokens` tokens.
    fn with_max_tokens(&self, tokens: usize) -> PyResult<Encoder> {
        let encoder = self.encoder.with_max_tokens(tokens).map_err(from_encoder)?;
        Ok(Encoder { encoder })
    }

    /// Values of an embedding.
    #[getter]
    fn dimension(&self) -> usize {
        self.encoder.dimension()
    }

    /// Values of an embedding that is not cut.
    #[getter]
    fn max_dimension(&self) -> usize {
        self.encoder.max_dimension()
    }

    /// The longest text that is read whole, in tokens.
    #[getter]
    fn max_tokens(&self) -> usize {
        self.encoder.max_tokens()
    }

    /// The name of the instruction set.
    #[getter]
    fn level(&self) -> &'static str {
        self.encoder.level().name()
    }

    /// The numbers that the linear layers compute with.
    #[getter]
    fn precision(&self) -> &'static str {
        self.encoder.precision().name()
    }

    /// The model's prompts by name.
    #[getter]
    fn prompts(&self) -> std::collections::BTreeMap<&str, &str> {
        self.encoder.prompts().collect()
    }

    /// The prompt of a call that asks for no other.
    #[getter]
    fn default_prompt(&self) -> &str {
        self.encoder.default_prompt()
    }

    /// The name and the fingerprint of the model.
    fn space(&self, py: Python<'_>) -> String {
        py.detach(|| self.encoder.space().to_string())
    }
}

impl Encoder {
    fn with(&self, options: &EncodeOptions) -> PyResult<SentenceEncoder> {
        self.encoder.with_options(options).map_err(from_encoder)
    }

    fn with_prompt(&self, prompt: Option<String>) -> PyResult<SentenceEncoder> {
        self.with(&options(prompt, None, None))
    }

    /// As the library's `encode_with`, but Ctrl-C stops it, and `report` sees its progress.
    fn encode_watched(
        &self,
        py: Python<'_>,
        texts: &[PyBackedStr],
        options: &EncodeOptions,
        report: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Result<Encoded, Error>> {
        let done = AtomicUsize::new(0);
        let work = |stop: &AtomicBool| {
            self.encoder.encode_with_progress(texts, options, |progress: Progress| {
                done.fetch_max(progress.done, Ordering::Relaxed);
                match stop.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            })
        };
        watched(py, work, || match report {
            None => Ok(()),
            Some(report) => report.call1((done.load(Ordering::Relaxed),)).map(drop),
        })
    }
}

/// Parts of a list that are short, or a single text.
fn short_parts(mut texts: &[PyBackedStr]) -> impl Iterator<Item = &[PyBackedStr]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let is_short = |text: &&PyBackedStr| {
            bytes += text.len();
            bytes <= SHORT
        };
        let count = texts.iter().take_while(is_short).count().max(1).min(texts.len());
        let (part, rest) = texts.split_at(count);
        texts = rest;
        (!part.is_empty()).then_some(part)
    })
}

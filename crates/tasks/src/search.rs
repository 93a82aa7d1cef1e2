//! Semantic search: the rows of a corpus that are nearest to each query, exactly
//! (`sentence_transformers.util.semantic_search`).
//!
//! ```text
//! queries [Q, d] ─ chunks of 1024 ──────────────┐
//! corpus [n, d] ─ a part for each thread ───────┤
//!                                               ▼
//!    few queries   for each block of rows, for each query: dot products          (kernels::dot)
//!    many          for each block of rows, rounded to 16 bits:
//!                  scores [128, 384] = block · queriesᵀ                         (kernels::gemm)
//!                  for each score that may belong to the best: the dot product   (kernels::dot)
//!                                               ▼
//!                  a bounded heap for each query; the heaps of the parts are merged
//! ```
//!
//! The GEMM packs the queries and not the corpus: there are few queries, and the corpus is then
//! read from memory once, in place. The score matrix never exists as a whole: 128 × 384 scores at a
//! time live in the second-level cache.
//!
//! # One arithmetic
//!
//! A GEMM adds in another order than a dot product does, so its scores have other bits, and the
//! order of two close rows would depend on the number of queries in the call. So the GEMM only
//! finds candidates, and may then be one of rounded values, which is faster. A bound of its error
//! is known for each pair of a row and a query (`search/rounded.rs`, about 0.002 · |q|·|c|). Every
//! row whose score plus this bound might reach the worst of the best k is scored again by the dot
//! product, and that score counts. There are about k·ln(n/k) such rows per query, and a few more
//! that are almost as good. A query thus gets the same bits alone, in any batch, on any number of
//! threads, on every level.
//!
//! - Dot: the dot product, as [`minilm_kernels::dot`] defines it.
//! - Cosine: the same, divided in `f64` by the lengths (below 1e-12 they count as 1e-12), rounded
//!   to `f32`, kept within −1 … 1. The cosine of equal rows is exactly 1.
//!
//! Equal scores are ordered by the row's number. `f32` scores of sentence-transformers differ from
//! these in their last bits, and where scores are equal it may give any order.
//!
//! Reference: N. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, section 3.1
//! (the bound).
//!
//! In the book: `docs/11-tasks.md`.

mod candidates;
mod corpus;
mod metric;
mod rounded;
mod scan;
mod stream;
mod top_k;

pub(crate) use corpus::Corpus;
pub use metric::Metric;
pub use stream::Stream;
pub use top_k::{Hit, TopK};

use crate::{Error, stop::NEVER};
use minilm_kernels::Level;
use ndarray::ArrayView2;
use std::{fmt, sync::atomic::AtomicBool};

/// Whether a query (its row) may find a row of the corpus.
type Filter<'f> = &'f (dyn Fn(usize, usize) -> bool + Sync);

/// A search and its options.
///
/// ```
/// use minilm_tasks::search::{Metric, Search};
/// use ndarray::array;
///
/// let corpus = array![[1.0, 0.0], [0.6, 0.8], [0.0, 2.0]];
/// let queries = array![[0.0, 1.0], [1.0, 0.1]];
/// let found = |search: Search| -> Result<Vec<Vec<usize>>, minilm_tasks::Error> {
///     let hits = search.run(queries.view(), corpus.view())?;
///     Ok(hits.iter().map(|hits| hits.iter().map(|hit| hit.corpus_id).collect()).collect())
/// };
/// assert_eq!(found(Search::new())?, [[2, 1, 0], [0, 1, 2]]);
/// assert_eq!(found(Search::new().top_k(1).metric(Metric::Dot))?, [[2], [0]]);
/// assert_eq!(found(Search::new().min_score(0.5))?, [[2, 1], [0, 1]]);
/// assert_eq!(found(Search::new().filter(&|query, row| query != row))?, [vec![2, 1], vec![0, 2]]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy)]
pub struct Search<'f> {
    top_k: usize,
    metric: Metric,
    min_score: f32,
    level: Level,
    filter: Option<Filter<'f>>,
    stop: &'f AtomicBool,
}

impl Default for Search<'_> {
    fn default() -> Self {
        Search {
            top_k: 10,
            metric: Metric::Cosine,
            min_score: f32::NEG_INFINITY,
            level: Level::detect(),
            filter: None,
            stop: &NEVER,
        }
    }
}

impl<'f> Search<'f> {
    /// The ten best by cosine, as in sentence-transformers.
    pub fn new() -> Search<'f> {
        Search::default()
    }

    /// The most hits of a query; `usize::MAX` is all rows. 10 if not set.
    #[must_use]
    pub fn top_k(self, top_k: usize) -> Search<'f> {
        Search { top_k, ..self }
    }

    /// The metric of the scores. Cosine if not set.
    #[must_use]
    pub fn metric(self, metric: Metric) -> Search<'f> {
        Search { metric, ..self }
    }

    /// Only hits with at least this score.
    #[must_use]
    pub fn min_score(self, min_score: f32) -> Search<'f> {
        Search { min_score, ..self }
    }

    /// The instruction set. The fastest if not set; the hits are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> Search<'f> {
        Search { level, ..self }
    }

    /// Only pairs (row of the queries, row of the corpus) for which `filter` is true.
    ///
    /// It is asked from several threads, and only about rows that are good enough, so a slow one
    /// costs little.
    #[must_use]
    pub fn filter(self, filter: &'f (dyn Fn(usize, usize) -> bool + Sync)) -> Search<'f> {
        Search { filter: Some(filter), ..self }
    }

    /// Once `stop` is true, the search ends with [`Error::Stopped`].
    ///
    /// Every thread looks at it before each block of the corpus, which takes some milliseconds.
    ///
    /// ```
    /// use minilm_tasks::{Error, search::Search};
    /// use std::sync::atomic::AtomicBool;
    /// let rows = ndarray::array![[1.0, 0.0], [0.6, 0.8]];
    /// let stop = AtomicBool::new(true); // another thread sets it
    /// let stopped = Search::new().stop(&stop).run(rows.view(), rows.view());
    /// assert_eq!(stopped, Err(Error::Stopped));
    /// ```
    #[must_use]
    pub fn stop(self, stop: &'f AtomicBool) -> Search<'f> {
        Search { stop, ..self }
    }

    /// For each row of `queries` `[Q, d]` its hits among the rows of `corpus` `[n, d]`, best first:
    /// at most n of them.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::Columns`], [`Error::NotFinite`], [`Error::TooLong`],
    /// [`Error::Option`] for a minimum of NaN, or [`Error::Stopped`].
    pub fn run(
        &self,
        queries: ArrayView2<f32>,
        corpus: ArrayView2<f32>,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        let mut stream = self.start(queries)?;
        stream.feed(corpus)?;
        Ok(stream.finish())
    }

    /// Begins a search through a corpus that comes in blocks, for one that is larger than memory.
    /// It has the hits of [`Search::run`].
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn start<'a>(&self, queries: ArrayView2<'a, f32>) -> Result<Stream<'a>, Error>
    where
        'f: 'a,
    {
        Stream::new(*self, queries)
    }
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Search { top_k, metric, min_score, level, filter, stop } = self;
        let mut fields = f.debug_struct("Search");
        fields
            .field("top_k", top_k)
            .field("metric", metric)
            .field("min_score", min_score)
            .field("level", level);
        fields.field("filter", &filter.is_some()).field("stop", stop).finish()
    }
}

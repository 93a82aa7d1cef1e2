//! Search among quantised rows, with queries that are not quantised.
//!
//! ```text
//! bytes:  rows are restored to f32 as they are read, and searched exactly
//! bits:   the rows whose bits differ least from the query's        (Hamming distance)
//! then:   if f32 rows are given, or for bits: the multiplier · top_k best are scored again,
//!         the top_k best of these are the hits
//! ```
//!
//! Bits that are scored again without `f32` rows count as ±1.

use super::{
    Byte, Ranges,
    bits::{packed, signs},
};
use crate::{
    Error,
    matrix::{Matrix, length},
    search::{Hit, Metric, Search, TopK},
};
use minilm_kernels::{
    Level, Rows,
    dot::{ByteRows, Product, products},
};
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::borrow::Cow;

/// A search among quantised rows, and its options.
///
/// ```
/// use minilm_tasks::quantize::{QuantizedSearch, to_binary};
/// use ndarray::array;
/// let corpus = array![[1.0, -1.0, 1.0], [-1.0, -1.0, 1.0], [1.0, 1.0, 1.0]];
/// let bits = to_binary(corpus.view())?;
/// let hits = QuantizedSearch::new().top_k(1).binary(
///     array![[0.5, 0.4, 0.1]].view(),
///     bits.view(),
///     None,
/// )?;
/// assert_eq!(hits[0][0].corpus_id, 2);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QuantizedSearch {
    top_k: usize,
    multiplier: usize,
    metric: Metric,
    level: Level,
}

impl Default for QuantizedSearch {
    fn default() -> Self {
        QuantizedSearch { top_k: 10, multiplier: 2, metric: Metric::Cosine, level: Level::detect() }
    }
}

impl QuantizedSearch {
    /// The ten best of twenty by cosine.
    pub fn new() -> QuantizedSearch {
        QuantizedSearch::default()
    }

    /// The most hits of a query.
    #[must_use]
    pub fn top_k(self, top_k: usize) -> QuantizedSearch {
        QuantizedSearch { top_k, ..self }
    }

    /// The rows that are scored again, as a multiple of `top_k` (`rescore_multiplier` of the
    /// original, 2 as there).
    #[must_use]
    pub fn multiplier(self, multiplier: usize) -> QuantizedSearch {
        QuantizedSearch { multiplier, ..self }
    }

    /// The metric of the scores.
    #[must_use]
    pub fn metric(self, metric: Metric) -> QuantizedSearch {
        QuantizedSearch { metric, ..self }
    }

    /// The instruction set; the hits are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> QuantizedSearch {
        QuantizedSearch { level, ..self }
    }

    /// Searches the rows of `bytes` `[n, d]`, made with `ranges`, for `queries` `[Q, d]`.
    ///
    /// `embeddings` `[n, d]` are the rows before they were quantised, for scoring again: perhaps in
    /// a file that is mapped.
    ///
    /// # Errors
    /// As [`Search::run`], [`Error::Columns`] or [`Error::Count`] for matrices that do not belong
    /// together, and [`Error::Option`] for a multiplier of 0.
    pub fn scalar<B: Byte>(
        &self,
        queries: ArrayView2<f32>,
        bytes: ArrayView2<B>,
        ranges: &Ranges,
        embeddings: Option<ArrayView2<f32>>,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        ranges.check_columns("quantised rows", bytes.ncols())?;
        let wanted = if embeddings.is_some() { self.candidates()? } else { self.top_k };
        let mut stream =
            Search::new().top_k(wanted).metric(self.metric).level(self.level).start(queries)?;
        let (found, expected) = (bytes.ncols(), queries.ncols());
        if found != expected {
            return Err(Error::Columns { what: "quantised rows", found, expected });
        }
        let rows: Cow<[B]> = match bytes.to_slice() {
            Some(rows) => Cow::Borrowed(rows),
            None => Cow::Owned(bytes.iter().copied().collect()),
        };
        stream.feed_rows(&ByteRows::new(B::rows(&rows), ranges.steps()))?;
        let hits = stream.finish();
        match embeddings {
            None => Ok(hits),
            Some(embeddings) => self.again(queries, hits, embeddings, bytes.nrows()),
        }
    }

    /// Searches the rows of `bits` `[n, ⌈d / 8⌉]` for `queries` `[Q, d]`.
    ///
    /// `embeddings` `[n, d]` are the rows before they were quantised, for scoring again.
    ///
    /// # Errors
    /// As [`QuantizedSearch::scalar`].
    pub fn binary<B: Byte>(
        &self,
        queries: ArrayView2<f32>,
        bits: ArrayView2<B>,
        embeddings: Option<ArrayView2<f32>>,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        let matrix = Matrix::new("queries", queries)?;
        let lengths = matrix.lengths(self.level)?;
        if bits.ncols() != matrix.columns().div_ceil(8) {
            return Err(Error::Columns {
                what: "bits",
                found: bits.ncols(),
                expected: matrix.columns().div_ceil(8),
            });
        }
        let candidates = self.candidates()?;
        let rows =
            words(bits.rows().into_iter().map(|row| row.into_iter().map(|byte| byte.unsigned())));
        let asked = words((0..matrix.rows()).map(|i| packed(matrix.row(i))));
        let width = matrix.columns().div_ceil(64);
        let hits: Vec<Vec<Hit>> =
            asked.par_chunks(width).map(|query| nearest(query, &rows, candidates)).collect();
        match embeddings {
            Some(embeddings) => self.again(queries, hits, embeddings, bits.nrows()),
            None => {
                let row = |i: usize, to: &mut [f32]| {
                    signs(bits.row(i).iter().map(|byte| byte.unsigned()), to)
                };
                Ok(self.score_again(&matrix, &lengths, hits, row))
            }
        }
    }

    fn candidates(&self) -> Result<usize, Error> {
        if self.multiplier == 0 {
            return Err(Error::Option {
                option: "multiplier",
                reason: "it is at least 1".to_owned(),
            });
        }
        Ok(self.top_k.saturating_mul(self.multiplier))
    }

    /// The best hits by their `f32` rows.
    fn again(
        &self,
        queries: ArrayView2<f32>,
        hits: Vec<Vec<Hit>>,
        embeddings: ArrayView2<f32>,
        n: usize,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        let queries = Matrix::new("queries", queries)?;
        let lengths = queries.lengths(self.level)?;
        let rows =
            Matrix::new("embeddings", embeddings)?.with_columns_of(&queries)?.with_rows(n)?;
        // Only rows that are looked at are checked: the others need not be read at all.
        let used = hits.iter().flatten().map(|hit| hit.corpus_id);
        let bad = used.filter(|&row| rows.row(row).iter().any(|value| !value.is_finite())).min();
        bad.map_or(Ok(()), |row| Err(rows.bad_row(row, 0)))?;
        Ok(self.score_again(&queries, &lengths, hits, |i, to| to.copy_from_slice(rows.row(i))))
    }

    fn score_again(
        &self,
        queries: &Matrix,
        lengths: &[f64],
        hits: Vec<Vec<Hit>>,
        row: impl Fn(usize, &mut [f32]) + Sync,
    ) -> Vec<Vec<Hit>> {
        let one = |(query, hits): (usize, Vec<Hit>)| {
            let mut best = TopK::new(self.top_k);
            let mut values = vec![0.0; queries.columns()];
            let mut found = [Product::default()];
            for hit in hits {
                row(hit.corpus_id, &mut values);
                products(
                    self.level,
                    Rows::new(&values, values.len()),
                    queries.row(query),
                    &mut found,
                );
                let score =
                    self.metric.score(found[0].dot, lengths[query], length(found[0].square));
                best.push(Hit { score, ..hit });
            }
            best.into_sorted()
        };
        hits.into_par_iter().enumerate().map(one).collect()
    }
}

/// Rows of bytes as rows of words, the last filled up with zeros.
fn words<R: Iterator<Item = u8>>(rows: impl Iterator<Item = R>) -> Vec<u64> {
    let mut words = Vec::new();
    for row in rows {
        let bytes: Vec<u8> = row.collect();
        words.extend(
            bytes
                .chunks(8)
                .map(|chunk| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))),
        );
    }
    words
}

/// The rows whose bits differ least. Their score is minus the number of differing bits.
fn nearest(query: &[u64], rows: &[u64], top_k: usize) -> Vec<Hit> {
    let mut best = TopK::new(top_k);
    for (corpus_id, row) in rows.chunks_exact(query.len()).enumerate() {
        let differ: u32 = row.iter().zip(query).map(|(a, b)| (a ^ b).count_ones()).sum();
        best.push(Hit { corpus_id, score: -(differ as f32) });
    }
    best.into_sorted()
}

//! A search whose corpus comes in blocks.

use super::{
    Corpus, Hit, Search, TopK,
    scan::{Failure, Scan},
};
use crate::{Error, matrix::Matrix};
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::ops::Range;

/// Queries that go through the corpus together: it is read once for each chunk.
const CHUNK: usize = 1024;

/// A part of the corpus has at least this many rows, so that its heaps are worth filling.
const PART: usize = 1024;

/// A search that has begun: [`Search::start`].
///
/// ```
/// use minilm_tasks::search::Search;
/// use ndarray::array;
///
/// let queries = array![[0.0, 1.0]];
/// let mut stream = Search::new().top_k(2).start(queries.view())?;
/// stream.feed(array![[0.0, 1.0], [1.0, 0.0]].view())?;
/// stream.feed(array![[1.0, 1.0]].view())?; // row 2
/// let hits = stream.finish();
/// assert_eq!(hits[0].iter().map(|hit| hit.corpus_id).collect::<Vec<_>>(), [0, 2]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Debug)]
pub struct Stream<'a> {
    search: Search<'a>,
    queries: Matrix<'a>,
    lengths: Vec<f64>, // [Q]
    tops: Vec<TopK>,   // [Q]
    fed: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn new(
        search: Search<'a>,
        queries: ArrayView2<'a, f32>,
    ) -> Result<Stream<'a>, Error> {
        if search.min_score.is_nan() {
            return Err(Error::Option { option: "min_score", reason: "it is NaN".to_owned() });
        }
        let queries = Matrix::new("queries", queries)?;
        let lengths = queries.lengths(search.level)?;
        let tops = vec![TopK::at_least(search.top_k, search.min_score); queries.rows()];
        Ok(Stream { search, queries, lengths, tops, fed: 0 })
    }

    /// The next rows of the corpus `[m, d]`. After an error the rows count as not fed.
    ///
    /// # Errors
    /// As [`Search::run`]; rows are counted from the first that was fed.
    pub fn feed(&mut self, corpus: ArrayView2<f32>) -> Result<(), Error> {
        self.feed_rows(&Matrix::new("corpus", corpus)?.with_columns_of(&self.queries)?)
    }

    /// The same for rows of any kind, with as many columns as the queries.
    pub(crate) fn feed_rows(&mut self, corpus: &impl Corpus) -> Result<(), Error> {
        let parts = parts(corpus.rows(), self.tops.len());
        let chunks: Vec<Range<usize>> = cut(self.tops.len(), CHUNK).collect();
        let found = chunks.par_iter().map(|chunk| self.search_parts(chunk.clone(), corpus, &parts));
        let found: Vec<Vec<Result<Vec<TopK>, Failure>>> = found.collect();
        match found.iter().flatten().filter_map(|part| part.as_ref().err()).min() {
            Some(Failure::Stopped) => return Err(Error::Stopped),
            Some(Failure::BadRow(row)) => return Err(corpus.bad_row(*row, self.fed)),
            None => (),
        }
        for (chunk, parts) in chunks.into_iter().zip(found) {
            for tops in parts.into_iter().flatten() {
                self.tops[chunk.clone()]
                    .iter_mut()
                    .zip(tops)
                    .for_each(|(all, some)| all.merge(some));
            }
        }
        self.fed += corpus.rows();
        Ok(())
    }

    fn search_parts<C: Corpus>(
        &self,
        chunk: Range<usize>,
        corpus: &C,
        parts: &[Range<usize>],
    ) -> Vec<Result<Vec<TopK>, Failure>> {
        let floors: Vec<f32> = self.tops[chunk.clone()].iter().map(TopK::limit).collect();
        let scan = |part: &Range<usize>| {
            Scan {
                search: &self.search,
                queries: &self.queries,
                chunk: chunk.clone(),
                lengths: &self.lengths[chunk.clone()],
                floors: &floors,
                corpus,
                part: part.clone(),
                fed: self.fed,
            }
            .run()
        };
        parts.par_iter().map(scan).collect()
    }

    /// The hits of each query, best first.
    pub fn finish(self) -> Vec<Vec<Hit>> {
        self.tops.into_iter().map(TopK::into_sorted).collect()
    }
}

/// Enough parts of the corpus, of nearly the same size, that each thread has work.
fn parts(rows: usize, queries: usize) -> Vec<Range<usize>> {
    let wanted = rayon::current_num_threads().div_ceil(queries.div_ceil(CHUNK).max(1));
    let parts = wanted.min(rows / PART).max(1);
    (0..parts).map(|i| rows * i / parts..rows * (i + 1) / parts).collect()
}

/// 0..n in pieces of `size`.
fn cut(n: usize, size: usize) -> impl Iterator<Item = Range<usize>> {
    (0..n).step_by(size).map(move |start| start..n.min(start + size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_corpus_once() {
        for rows in [0, 1, PART, 10 * PART + 7] {
            for queries in [1, CHUNK + 1, 50 * CHUNK] {
                let parts = parts(rows, queries);
                let ends = parts.iter().map(|part| part.end);
                assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, rows));
                assert!(parts.iter().skip(1).map(|part| part.start).eq(ends.take(parts.len() - 1)));
            }
        }
    }
}

//! Duplicates: the rows, or texts, to keep and to drop.
//!
//! ```text
//! in the order of the rows: a row is dropped if it is alike enough to one that was kept
//! ```
//!
//! So the first of several duplicates stays, every dropped row is alike to a kept one, and no two
//! kept rows are alike. (`cluster::Agglomerative` with single linkage joins all rows that are
//! linked by a chain of similar rows.)

use crate::{
    Error,
    matrix::Matrix,
    search::{Hit, Search},
    stop::NEVER,
};
use minilm_kernels::Level;
use ndarray::ArrayView2;
use std::{collections::HashMap, hash::Hash, sync::atomic::AtomicBool};

/// Rows that search together.
const CHUNK: usize = 1024;

/// Every row is either kept or dropped.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Duplicates {
    /// The rows to keep, ascending.
    pub keep: Vec<usize>,
    /// The rows to drop, ascending.
    pub drop: Vec<Dropped>,
}

/// A row that repeats another.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Dropped {
    /// The row to drop.
    pub row: usize,
    /// The row that is kept in its place: of several the one most alike, of equally alike ones the
    /// first.
    pub kept: usize,
    /// Their cosine, or 1 for equal items.
    pub score: f32,
}

/// Items that are equal to an earlier one.
///
/// ```
/// let found = minilm_tasks::duplicates::exact(&["a", "b", "a"]);
/// assert_eq!(found.keep, [0, 1]);
/// assert_eq!((found.drop[0].row, found.drop[0].kept), (2, 0));
/// ```
pub fn exact<T: Eq + Hash>(items: &[T]) -> Duplicates {
    let mut first = HashMap::new();
    let mut found = Duplicates::default();
    for (row, item) in items.iter().enumerate() {
        match *first.entry(item).or_insert(row) {
            kept if kept == row => found.keep.push(row),
            kept => found.drop.push(Dropped { row, kept, score: 1.0 }),
        }
    }
    found
}

/// Rows of `embeddings` `[n, d]` whose cosine with a kept earlier row is at least `threshold`.
///
/// # Errors
/// As [`Search::run`], and [`Error::Option`] for a threshold of NaN.
///
/// ```
/// use ndarray::array;
/// let rows = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.01]];
/// let found = minilm_tasks::duplicates::near(rows.view(), 0.95)?;
/// assert_eq!(found.keep, [0, 1]);
/// assert_eq!((found.drop[0].row, found.drop[0].kept), (2, 0));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn near(embeddings: ArrayView2<f32>, threshold: f32) -> Result<Duplicates, Error> {
    near_until(embeddings, threshold, &NEVER)
}

/// As [`near`], but it ends soon after another thread has set `stop`.
///
/// # Errors
/// As [`near`], and [`Error::Stopped`].
pub fn near_until(
    embeddings: ArrayView2<f32>,
    threshold: f32,
    stop: &AtomicBool,
) -> Result<Duplicates, Error> {
    if threshold.is_nan() {
        return Err(Error::Option { option: "threshold", reason: "it is NaN".to_owned() });
    }
    let matrix = Matrix::new("embeddings", embeddings)?;
    matrix.lengths(Level::detect())?;
    let n = matrix.rows();
    let mut found = Duplicates::default();
    let mut is_kept = vec![false; n];
    for start in (0..n).step_by(CHUNK) {
        let chunk = matrix.part(start..n.min(start + CHUNK));
        // The best kept row before the chunk, then all rows of the chunk before the row: which of
        // these are kept is not yet known.
        let kept = |_: usize, row: usize| is_kept[row];
        let search = Search::new().min_score(threshold).stop(stop);
        let before = search.top_k(1).filter(&kept).run(chunk, matrix.part(0..start))?;
        let earlier = |query: usize, row: usize| row < query;
        let within = search.top_k(usize::MAX).filter(&earlier).run(chunk, chunk)?;
        for ((row, before), within) in (start..).zip(before).zip(within) {
            let within = within
                .iter()
                .map(|hit| Hit { corpus_id: start + hit.corpus_id, ..*hit })
                .find(|hit| is_kept[hit.corpus_id]);
            // Of equal scores the first row's, which is the one before the chunk.
            let best = match (before.first().copied(), within) {
                (Some(before), Some(within)) if within.score > before.score => Some(within),
                (before, within) => before.or(within),
            };
            match best {
                Some(hit) => {
                    found.drop.push(Dropped { row, kept: hit.corpus_id, score: hit.score })
                }
                None => {
                    is_kept[row] = true;
                    found.keep.push(row);
                }
            }
        }
    }
    Ok(found)
}

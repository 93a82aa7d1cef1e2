//! Fast community detection (`sentence_transformers.util.community_detection`).
//!
//! ```text
//! for each row: how many rows have a cosine with it of at least the threshold;
//!               it may be a centre if there are enough of them
//! those with the most first: if no larger community has taken the centre, and enough of its rows,
//!                            what is left is a community
//! ```
//!
//! Only the counts of such rows are kept, and the rows themselves are searched again when it is a
//! centre's turn. Most corpora hold some text thousands of times; each copy is near to all others,
//! and all these pairs would fill any memory. Most centres are taken before their turn, or have too
//! few rows, so the second search is the smaller one.

use crate::{
    Error,
    matrix::Matrix,
    search::{Hit, Search},
    stop::NEVER,
};
use minilm_kernels::Level;
use ndarray::ArrayView2;
use std::{cmp::Reverse, sync::atomic::AtomicBool};

/// Rows that search together.
const CHUNK: usize = 256;

/// Pairs of rows that are held at a time: 2²² hits of 16 bytes are 64 MiB.
const PAIRS: usize = 1 << 22;

/// Community detection and its options.
///
/// ```
/// use minilm_tasks::cluster::Communities;
/// use ndarray::array;
/// let rows = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [1.0, -0.1]];
/// let found = Communities::new().threshold(0.9).min_size(2).run(rows.view())?;
/// assert_eq!(found, [[0, 2, 3]]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Communities {
    threshold: f32,
    min_size: usize,
    level: Level,
}

impl Default for Communities {
    fn default() -> Self {
        Communities { threshold: 0.75, min_size: 10, level: Level::detect() }
    }
}

impl Communities {
    /// The defaults of sentence-transformers: a cosine of 0.75, ten rows.
    pub fn new() -> Communities {
        Communities::default()
    }

    /// The least cosine between a centre and a member.
    #[must_use]
    pub fn threshold(self, threshold: f32) -> Communities {
        Communities { threshold, ..self }
    }

    /// The smallest community, centre included.
    #[must_use]
    pub fn min_size(self, min_size: usize) -> Communities {
        Communities { min_size, ..self }
    }

    /// The instruction set; the communities are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> Communities {
        Communities { level, ..self }
    }

    /// The communities among the rows of `embeddings` `[n, d]`, largest first.
    ///
    /// The first row of each is its centre; the others follow by falling cosine with it. No row is
    /// in two. Memory grows with the rows, not with the pairs that are alike.
    ///
    /// # Errors
    /// As [`Search::run`], and [`Error::Option`] for a size of 0 or a threshold of NaN.
    pub fn run(&self, embeddings: ArrayView2<f32>) -> Result<Vec<Vec<usize>>, Error> {
        self.run_until(embeddings, &NEVER)
    }

    /// As [`Communities::run`], but it ends soon after another thread has set `stop`.
    ///
    /// # Errors
    /// As [`Communities::run`], and [`Error::Stopped`].
    pub fn run_until(
        &self,
        embeddings: ArrayView2<f32>,
        stop: &AtomicBool,
    ) -> Result<Vec<Vec<usize>>, Error> {
        if self.min_size == 0 {
            return Err(Error::Option {
                option: "min_size",
                reason: "a community has at least one row".to_owned(),
            });
        }
        let matrix = Matrix::new("embeddings", embeddings)?;
        matrix.lengths(self.level)?;
        let search = self.search(stop);
        let mut centres = self.centres(&search, &matrix, PAIRS / CHUNK)?;
        centres.sort_by_key(|&(_, near)| Reverse(near)); // stable
        self.without_overlap(&search, &matrix, centres, PAIRS)
    }

    fn search<'s>(&self, stop: &'s AtomicBool) -> Search<'s> {
        let search = Search::new().top_k(usize::MAX).min_score(self.threshold);
        search.level(self.level).stop(stop)
    }

    /// Each row that has enough rows near it, and their number. They are counted in blocks of so
    /// many rows.
    fn centres(
        &self,
        search: &Search,
        embeddings: &Matrix,
        block: usize,
    ) -> Result<Vec<(usize, usize)>, Error> {
        let n = embeddings.rows();
        let mut centres = Vec::new();
        for start in (0..n).step_by(CHUNK) {
            let chunk = embeddings.part(start..n.min(start + CHUNK));
            let mut near = vec![0; chunk.nrows()];
            for first in (0..n).step_by(block) {
                let hits = search.run(chunk, embeddings.part(first..n.min(first + block)))?;
                near.iter_mut().zip(hits).for_each(|(near, hits)| *near += hits.len());
            }
            centres.extend((start..).zip(near).filter(|&(_, near)| near >= self.min_size));
        }
        Ok(centres)
    }

    /// The communities of the centres, in their order. Up to `pairs` pairs are held at a time, and
    /// those of one centre.
    fn without_overlap(
        &self,
        search: &Search,
        embeddings: &Matrix,
        centres: Vec<(usize, usize)>,
        pairs: usize,
    ) -> Result<Vec<Vec<usize>>, Error> {
        let mut taken = vec![false; embeddings.rows()];
        let mut communities = Vec::new();
        let mut centres = centres.into_iter().peekable();
        while centres.peek().is_some() {
            let (mut some, mut held) = (Vec::new(), 0);
            while let Some((centre, near)) = centres.next_if(|(_, near)| {
                some.is_empty() || (some.len() < CHUNK && held + near <= pairs)
            }) {
                if !taken[centre] {
                    some.push(centre);
                    held += near;
                }
            }
            let free = |_: usize, row: usize| !taken[row];
            let search = search.filter(&free);
            let found = search.run(embeddings.rows_at(&some).view(), embeddings.view())?;
            for (centre, hits) in some.into_iter().zip(found) {
                if let Some(community) = self.community(centre, hits, &taken) {
                    community.iter().for_each(|&row| taken[row] = true);
                    communities.push(community);
                }
            }
        }
        communities.sort_by_key(|community| Reverse(community.len())); // stable
        Ok(communities)
    }

    /// The centre and those of its rows that are in no other community, if they are enough.
    fn community(&self, centre: usize, hits: Vec<Hit>, taken: &[bool]) -> Option<Vec<usize>> {
        let free = hits.iter().map(|hit| hit.corpus_id).filter(|&row| !taken[row]);
        if taken[centre] || free.clone().count() < self.min_size {
            return None;
        }
        Some(std::iter::once(centre).chain(free.filter(|&row| row != centre)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Every row's list, and then the rows that the greedy choice leaves of it.
    fn by_lists(detection: &Communities, rows: &Array2<f32>) -> Vec<Vec<usize>> {
        let hits = detection.search(&NEVER).run(rows.view(), rows.view()).unwrap();
        let mut lists: Vec<(usize, Vec<Hit>)> =
            (0..).zip(hits).filter(|(_, hits)| hits.len() >= detection.min_size).collect();
        lists.sort_by_key(|(_, hits)| Reverse(hits.len()));
        let mut taken = vec![false; rows.nrows()];
        let mut found = Vec::new();
        for (centre, hits) in lists {
            if let Some(community) = detection.community(centre, hits, &taken) {
                community.iter().for_each(|&row| taken[row] = true);
                found.push(community);
            }
        }
        found.sort_by_key(|community| Reverse(community.len()));
        found
    }

    #[test]
    fn however_few_pairs_are_held_the_communities_are_the_same() {
        let n = 2 * CHUNK + 188;
        let angle = |i: usize| ((i * i) % 977) as f32 * 0.01;
        let rows =
            Array2::from_shape_fn(
                (n, 2),
                |(i, j)| if j == 0 { angle(i).cos() } else { angle(i).sin() },
            );
        let matrix = Matrix::new("embeddings", rows.view()).unwrap();
        for (threshold, size) in [(0.9999, 3), (0.99, 5), (0.5, 1)] {
            let detection = Communities::new().threshold(threshold).min_size(size);
            let search = detection.search(&NEVER);
            let want = by_lists(&detection, &rows);
            assert!(want.len() > 1, "{threshold}");
            assert_eq!(detection.run(rows.view()).unwrap(), want);
            for (block, pairs) in [(64, 1), (700, 300), (n, 100_000)] {
                let mut centres = detection.centres(&search, &matrix, block).unwrap();
                centres.sort_by_key(|&(_, near)| Reverse(near));
                assert_eq!(
                    detection.without_overlap(&search, &matrix, centres, pairs).unwrap(),
                    want,
                    "{threshold}, {block}, {pairs}"
                );
            }
        }
    }
}

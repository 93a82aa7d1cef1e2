//! Fast community detection (`sentence_transformers.util.community_detection`).
//!
//! ```text
//! for each row: all rows whose cosine with it is at least the threshold; a community if there are enough of them
//! largest first: what a larger one has taken is taken out; if enough are left, and the centre is among them, they are a community
//! ```

use crate::{Error, matrix::Matrix, search::Search};
use minilm_kernels::Level;
use ndarray::ArrayView2;

/// Rows that search together.
const CHUNK: usize = 1024;

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
    pub fn threshold(self, threshold: f32) -> Communities {
        Communities { threshold, ..self }
    }

    /// The smallest community, centre included.
    pub fn min_size(self, min_size: usize) -> Communities {
        Communities { min_size, ..self }
    }

    /// The instruction set; the communities are the same on each.
    pub fn level(self, level: Level) -> Communities {
        Communities { level, ..self }
    }

    /// The communities among the rows of `embeddings` `[n, d]`, largest first.
    ///
    /// The first row of each is its centre; the others follow by falling cosine with it. No row is in two. Memory is four bytes for
    /// each pair of rows that is alike enough.
    ///
    /// # Errors
    /// As [`Search::run`], and [`Error::Option`] for a size of 0 or a threshold of NaN.
    pub fn run(&self, embeddings: ArrayView2<f32>) -> Result<Vec<Vec<usize>>, Error> {
        if self.min_size == 0 {
            return Err(Error::Option { option: "min_size", reason: "a community has at least one row".to_owned() });
        }
        let matrix = Matrix::new("embeddings", embeddings)?;
        matrix.lengths(self.level)?;
        let mut candidates = self.candidates(&matrix)?;
        candidates.sort_by_key(|(_, rows)| std::cmp::Reverse(rows.len())); // stable
        Ok(self.without_overlap(candidates, matrix.rows()))
    }

    /// Each row with enough neighbours, and these, by falling cosine.
    fn candidates(&self, embeddings: &Matrix) -> Result<Vec<(usize, Vec<u32>)>, Error> {
        let n = embeddings.rows();
        let narrow = |row: usize| u32::try_from(row).expect("a matrix of 2³² rows does not fit in memory beside its pairs");
        let search = Search::new().top_k(usize::MAX).min_score(self.threshold).level(self.level);
        let mut candidates = Vec::new();
        for start in (0..n).step_by(CHUNK) {
            let hits = search.run(embeddings.part(start..n.min(start + CHUNK)), embeddings.view())?;
            let large = hits.into_iter().zip(start..).filter(|(hits, _)| hits.len() >= self.min_size);
            candidates.extend(large.map(|(hits, row)| (row, hits.iter().map(|hit| narrow(hit.corpus_id)).collect())));
        }
        Ok(candidates)
    }

    fn without_overlap(&self, candidates: Vec<(usize, Vec<u32>)>, n: usize) -> Vec<Vec<usize>> {
        let mut taken = vec![false; n];
        let mut communities = Vec::new();
        for (centre, rows) in candidates {
            if taken[centre] {
                continue;
            }
            let free: Vec<usize> = rows.into_iter().map(|row| row as usize).filter(|&row| !taken[row]).collect();
            if free.len() >= self.min_size {
                let others = free.into_iter().filter(|&row| row != centre);
                let community: Vec<usize> = std::iter::once(centre).chain(others).collect();
                community.iter().for_each(|&row| taken[row] = true);
                communities.push(community);
            }
        }
        communities.sort_by_key(|community| std::cmp::Reverse(community.len())); // stable
        communities
    }
}

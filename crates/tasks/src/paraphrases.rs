//! Paraphrase mining: the most alike pairs among all rows
//! (`sentence_transformers.util.paraphrase_mining_embeddings`).
//!
//! ```text
//! for each row: the top_k most alike other rows                  (search)
//! of all these pairs, each counted once: the max_pairs best      (a bounded heap)
//! ```
//!
//! The heap's worst score is a minimum for the searches still to come, which makes them faster.
//! Memory is for `max_pairs` and 4096 · `top_k` hits. Pairs of equal score are ordered by their
//! rows; the original keeps any of them where it has to choose.

use crate::{
    Error,
    falling::Falling,
    matrix::Matrix,
    search::{Metric, Search},
    stop::NEVER,
};
use minilm_kernels::Level;
use ndarray::ArrayView2;
use std::{
    collections::{BinaryHeap, HashSet},
    sync::atomic::AtomicBool,
};

/// Rows that search together.
const CHUNK: usize = 4096;

/// Two different rows and their score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Pair {
    /// The higher, the more alike.
    pub score: f32,
    /// The lower of the rows.
    pub first: usize,
    /// The higher.
    pub second: usize,
}

/// Paraphrase mining and its options.
///
/// ```
/// use minilm_tasks::paraphrases::Mining;
/// use ndarray::array;
/// let rows = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]];
/// let pairs = Mining::new().max_pairs(2).run(rows.view())?;
/// let found: Vec<_> = pairs.iter().map(|pair| (pair.first, pair.second)).collect();
/// assert_eq!(found, [(0, 2), (1, 3)]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mining {
    max_pairs: usize,
    top_k: usize,
    metric: Metric,
    min_score: f32,
    level: Level,
}

impl Default for Mining {
    fn default() -> Self {
        Mining {
            max_pairs: 500_000,
            top_k: 100,
            metric: Metric::Cosine,
            min_score: f32::NEG_INFINITY,
            level: Level::detect(),
        }
    }
}

impl Mining {
    /// The defaults of sentence-transformers: half a million pairs, a hundred for each row, by
    /// cosine.
    pub fn new() -> Mining {
        Mining::default()
    }

    /// The most pairs to keep.
    #[must_use]
    pub fn max_pairs(self, max_pairs: usize) -> Mining {
        Mining { max_pairs, ..self }
    }

    /// The most pairs that a row brings in. (It may be in more: those that other rows bring in.)
    #[must_use]
    pub fn top_k(self, top_k: usize) -> Mining {
        Mining { top_k, ..self }
    }

    /// The metric of the scores.
    #[must_use]
    pub fn metric(self, metric: Metric) -> Mining {
        Mining { metric, ..self }
    }

    /// Only pairs with at least this score.
    #[must_use]
    pub fn min_score(self, min_score: f32) -> Mining {
        Mining { min_score, ..self }
    }

    /// The instruction set; the pairs are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> Mining {
        Mining { level, ..self }
    }

    /// The best pairs of rows of `embeddings` `[n, d]`, best first.
    ///
    /// # Errors
    /// As [`Search::run`].
    pub fn run(&self, embeddings: ArrayView2<f32>) -> Result<Vec<Pair>, Error> {
        self.run_until(embeddings, &NEVER)
    }

    /// As [`Mining::run`], but it ends soon after another thread has set `stop`.
    ///
    /// # Errors
    /// As [`Mining::run`], and [`Error::Stopped`].
    pub fn run_until(
        &self,
        embeddings: ArrayView2<f32>,
        stop: &AtomicBool,
    ) -> Result<Vec<Pair>, Error> {
        let matrix = Matrix::new("embeddings", embeddings)?;
        matrix.lengths(self.level)?;
        let mut best = Pairs { max: self.max_pairs, heap: BinaryHeap::new(), kept: HashSet::new() };
        for start in (0..matrix.rows()).step_by(CHUNK) {
            let queries = matrix.part(start..matrix.rows().min(start + CHUNK));
            let other = |query: usize, row: usize| start + query != row;
            let search = Search::new()
                .top_k(self.top_k)
                .metric(self.metric)
                .level(self.level)
                .filter(&other)
                .stop(stop);
            let search = search.min_score(best.limit().max(self.min_score));
            for (query, hits) in search.run(queries, matrix.view())?.iter().enumerate() {
                for hit in hits {
                    let (a, b) = (start + query, hit.corpus_id);
                    best.push(hit.score, a.min(b), a.max(b));
                }
            }
        }
        let pair = |(Falling(score), first, second)| Pair { score, first, second };
        Ok(best.heap.into_sorted_vec().into_iter().map(pair).collect())
    }
}

/// The best pairs so far, each once.
struct Pairs {
    max: usize,
    /// Scores and rows; the worst is on top.
    heap: BinaryHeap<(Falling, usize, usize)>,
    kept: HashSet<(usize, usize)>,
}

impl Pairs {
    /// The lowest score that can still be kept.
    fn limit(&self) -> f32 {
        match self.heap.peek() {
            Some((Falling(worst), ..)) if self.heap.len() >= self.max => *worst,
            _ => f32::NEG_INFINITY,
        }
    }

    fn push(&mut self, score: f32, first: usize, second: usize) {
        let pair = (Falling(score), first, second);
        let full = self.heap.len() >= self.max;
        if full && self.heap.peek().is_none_or(|worst| pair >= *worst) {
            return;
        }
        if self.kept.insert((first, second)) {
            self.heap.push(pair);
            if full && let Some((_, first, second)) = self.heap.pop() {
                self.kept.remove(&(first, second));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn no_row_is_a_paraphrase_of_itself_in_any_chunk() {
        let n = CHUNK + 50;
        let angle = |i: usize| i as f32 * 0.001;
        let rows =
            Array2::from_shape_fn(
                (n, 2),
                |(i, j)| if j == 0 { angle(i).cos() } else { angle(i).sin() },
            );
        let pairs = Mining::new().top_k(2).run(rows.view()).unwrap();
        assert!(pairs.iter().all(|pair| pair.first < pair.second), "{pairs:?}");
        assert!(pairs.iter().any(|pair| pair.first >= CHUNK));
    }
}

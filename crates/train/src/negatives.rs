//! Hard negatives: texts that are near to an anchor and are not its positive.
//!
//! The parameters and their meaning are those of `sentence_transformers.util.mine_hard_negatives`:
//!
//! ```text
//! the nearest range_max + (most positives of an anchor) texts of the corpus
//!   − the anchor's positives
//!   − scores above positive − absolute_margin, or above positive − |positive|·relative_margin
//!   − scores above max_score or below min_score
//!   − the first range_min of those that are left, and all behind the first range_max
//! → the first num_negatives, or a random choice
//! ```
//!
//! Of several positives of an anchor, the one with the lowest score counts for the margins.

use crate::{Error, Random};
use minilm_tasks::{Similarity, search::Search};
use ndarray::ArrayView2;
use std::collections::HashSet;

/// How negatives are chosen (`mine_hard_negatives`).
///
/// ```
/// use minilm_train::negatives::Mining;
/// use ndarray::array;
/// let corpus = array![[1.0, 0.0], [0.9, 0.1], [0.5, 0.5], [0.0, 1.0]];
/// let anchors = array![[1.0, 0.0]];
/// let mining = Mining { num_negatives: 1, relative_margin: Some(0.05), ..Mining::default() };
/// let mined = mining.run(anchors.view(), corpus.view(), &[vec![0]], &[vec![]])?;
/// assert_eq!(mined.negatives[0][0].0, 2); // row 1 is within the margin of the positive
/// # Ok::<(), minilm_train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Mining {
    /// Nearest candidates that are passed over: they may be right.
    pub range_min: usize,
    /// The last rank that is looked at. By default as many as are needed: more if there are
    /// margins.
    pub range_max: Option<usize>,
    /// The highest score of a negative.
    pub max_score: Option<f32>,
    /// The lowest score of a negative.
    pub min_score: Option<f32>,
    /// How far a negative's score has to be below that of the positive.
    pub absolute_margin: Option<f32>,
    /// The same as a share of the positive's score.
    pub relative_margin: Option<f32>,
    /// Negatives of each anchor.
    pub num_negatives: usize,
    /// Random ones with this seed, instead of the first.
    pub random: Option<u64>,
}

impl Default for Mining {
    /// Three negatives, the nearest of all.
    fn default() -> Mining {
        Mining {
            range_min: 0,
            range_max: None,
            max_score: None,
            min_score: None,
            absolute_margin: None,
            relative_margin: None,
            num_negatives: 3,
            random: None,
        }
    }
}

/// Negatives, and why candidates were passed over.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Mined {
    /// For each anchor rows of the corpus with their scores, best first.
    pub negatives: Vec<Vec<(usize, f32)>>,
    /// Candidates within a margin of the positive.
    pub within_margin: usize,
    /// Candidates above the highest or below the lowest score.
    pub out_of_range: usize,
}

impl Mining {
    /// Looks for negatives of each anchor in the corpus; `positives` are the rows of the corpus
    /// that belong to each anchor, and `right` has others that are no negatives of it, such as
    /// those of the same label. The original knows positives alone: there `right` is empty.
    ///
    /// # Errors
    /// [`Error::Option`] if the ranks leave no room for the negatives, or [`Error::Evaluation`] for
    /// vectors that cannot be compared.
    ///
    /// # Panics
    /// If there is not one list of positives, with one entry or more, and one of right rows for
    /// each anchor.
    pub fn run(
        &self,
        anchors: ArrayView2<f32>,
        corpus: ArrayView2<f32>,
        positives: &[Vec<usize>],
        right: &[Vec<usize>],
    ) -> Result<Mined, Error> {
        assert_eq!(anchors.nrows(), positives.len(), "positives of each anchor");
        assert_eq!(anchors.nrows(), right.len(), "right rows of each anchor");
        assert!(positives.iter().all(|rows| !rows.is_empty()), "a positive of each anchor");
        let most = positives.iter().map(Vec::len).max().unwrap_or(0);
        let range_max = self.ranks(most)?;
        let most_right = right.iter().map(Vec::len).max().unwrap_or(0);
        let hits = Search::new().top_k(range_max + most + most_right).run(anchors, corpus)?;
        let mut mined = Mined::default();
        for (i, (hits, positives)) in hits.iter().zip(positives).enumerate() {
            let own: HashSet<usize> = positives.iter().chain(&right[i]).copied().collect();
            let score = |&row: &usize| {
                let [a, b] = [anchors.row(i), corpus.row(row)].map(|row| row.to_vec());
                Similarity::Cosine.of(&a, &b) as f32
            };
            let positive = positives.iter().map(score).fold(f32::INFINITY, f32::min);
            let mut left = Vec::new();
            let seen = range_max + positives.len(); // as if right rows were not in the corpus
            let hits = hits.iter().filter(|hit| !own.contains(&hit.corpus_id));
            for hit in hits.take(seen) {
                if self.is_within_margin(hit.score, positive) {
                    mined.within_margin += 1;
                } else if self.is_out_of_range(hit.score) {
                    mined.out_of_range += 1;
                } else {
                    left.push((hit.corpus_id, hit.score));
                }
            }
            left.truncate(range_max);
            left.drain(..self.range_min.min(left.len()));
            mined.negatives.push(self.choose(left, i));
        }
        Ok(mined)
    }

    /// The last rank, if it leaves room for the negatives.
    fn ranks(&self, most_positives: usize) -> Result<usize, Error> {
        if self.num_negatives == 0 {
            return Error::option("num_negatives", "it has to be at least 1");
        }
        let limits = self.absolute_margin.or(self.relative_margin).or(self.max_score);
        let times = if limits.is_some() { 10 } else { 1 };
        let usual = self.range_min + times * self.num_negatives + most_positives;
        let range_max = self.range_max.unwrap_or(usual);
        if self.range_min + self.num_negatives > range_max {
            return Error::option(
                "range_max",
                format!(
                    "ranks {} to {range_max} have no room for {} negatives",
                    self.range_min, self.num_negatives
                ),
            );
        }
        Ok(range_max)
    }

    fn is_within_margin(&self, score: f32, positive: f32) -> bool {
        self.absolute_margin.is_some_and(|margin| score + margin > positive)
            || self.relative_margin.is_some_and(|margin| score > positive - positive.abs() * margin)
    }

    fn is_out_of_range(&self, score: f32) -> bool {
        self.max_score.is_some_and(|most| score > most)
            || self.min_score.is_some_and(|least| score < least)
    }

    fn choose(&self, mut left: Vec<(usize, f32)>, anchor: usize) -> Vec<(usize, f32)> {
        if let Some(seed) = self.random {
            Random::new(seed, anchor as u64).shuffle(&mut left);
            left.truncate(self.num_negatives);
            left.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        }
        left.truncate(self.num_negatives);
        left
    }
}

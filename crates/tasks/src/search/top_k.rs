//! The best k of a stream, in memory for k.

use crate::falling::Falling;
use std::collections::BinaryHeap;

/// A row that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// The row in the corpus.
    pub corpus_id: usize,
    /// Its score; the higher, the nearer.
    pub score: f32,
}

impl Hit {
    /// Row `corpus_id` of the corpus, with its score.
    ///
    /// ```
    /// assert_eq!(minilm_tasks::search::Hit::new(3, 0.5).corpus_id, 3);
    /// ```
    pub fn new(corpus_id: usize, score: f32) -> Hit {
        Hit { corpus_id, score }
    }
}

/// Keeps the `k` best of any number of hits: the highest scores, and of equal scores the lowest
/// rows. The order in which they come does not matter.
///
/// ```
/// use minilm_tasks::search::{Hit, TopK};
/// let mut best = TopK::new(2);
/// for (corpus_id, score) in [0.5, 0.9, 0.1, 0.9].into_iter().enumerate() {
///     best.push(Hit::new(corpus_id, score));
/// }
/// assert_eq!(best.into_sorted(), [Hit::new(1, 0.9), Hit::new(3, 0.9)]);
/// ```
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    floor: f32,
    /// Scores and rows; the worst is on top.
    heap: BinaryHeap<(Falling, usize)>,
}

impl TopK {
    /// Nothing yet, at most `k` in the end.
    pub fn new(k: usize) -> TopK {
        TopK::at_least(k, f32::NEG_INFINITY)
    }

    /// Like [`TopK::new`], for scores of at least `floor`.
    pub fn at_least(k: usize, floor: f32) -> TopK {
        let floor = if k == 0 { f32::INFINITY } else { floor };
        TopK { k, floor, heap: BinaryHeap::new() }
    }

    /// The lowest score that can still be kept.
    ///
    /// ```
    /// use minilm_tasks::search::{Hit, TopK};
    /// let mut best = TopK::new(1);
    /// assert_eq!(best.limit(), f32::NEG_INFINITY);
    /// best.push(Hit::new(0, 0.5));
    /// assert_eq!(best.limit(), 0.5);
    /// ```
    pub fn limit(&self) -> f32 {
        match self.heap.peek() {
            Some((Falling(worst), _)) if self.heap.len() >= self.k => *worst,
            _ => self.floor,
        }
    }

    /// Keeps the hit if it is one of the best. A score that is NaN never is.
    pub fn push(&mut self, hit: Hit) {
        if self.k == 0 || hit.score.is_nan() || hit.score < self.floor {
            return;
        }
        let hit = (Falling(hit.score), hit.corpus_id);
        if self.heap.len() < self.k {
            self.heap.push(hit);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && hit < *worst
        {
            *worst = hit;
        }
    }

    /// Pushes all that `other` has kept.
    pub fn merge(&mut self, other: TopK) {
        other.heap.into_iter().for_each(|kept| self.push(hit_of(kept)));
    }

    /// The hits that were kept, best first.
    pub fn into_sorted(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(hit_of).collect()
    }
}

fn hit_of((Falling(score), corpus_id): (Falling, usize)) -> Hit {
    Hit { corpus_id, score }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(k: usize, floor: f32, scores: &[f32]) -> Vec<usize> {
        let mut best = TopK::at_least(k, floor);
        for (corpus_id, &score) in scores.iter().enumerate() {
            best.push(Hit::new(corpus_id, score));
        }
        best.into_sorted().iter().map(|hit| hit.corpus_id).collect()
    }

    #[test]
    fn it_is_the_head_of_the_sorted_list() {
        let scores: Vec<f32> =
            (0..200_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 27) as f32).collect();
        let mut sorted: Vec<usize> = (0..200).collect();
        // The sort is stable: equal scores stay in order.
        sorted.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        for k in [0, 1, 2, 7, 199, 200, 201, usize::MAX] {
            assert_eq!(kept(k, f32::NEG_INFINITY, &scores), sorted[..k.min(200)]);
        }
    }

    #[test]
    fn ties_go_to_the_lower_row_in_whatever_order_they_come() {
        let mut best = TopK::new(2);
        for corpus_id in [4, 2, 9, 0] {
            best.push(Hit { corpus_id, score: if corpus_id == 2 { -0.0 } else { 0.0 } });
        }
        assert_eq!(best.into_sorted().iter().map(|hit| hit.corpus_id).collect::<Vec<_>>(), [0, 2]);
    }

    #[test]
    fn the_floor_itself_is_kept_and_nan_is_not() {
        assert_eq!(kept(9, 0.5, &[0.4, 0.5, f32::NAN, 0.6]), [3, 1]);
    }

    #[test]
    fn merging_is_pushing() {
        let (mut a, mut b) = (TopK::new(2), TopK::new(2));
        a.push(Hit { corpus_id: 3, score: 1.0 });
        b.push(Hit { corpus_id: 1, score: 1.0 });
        b.push(Hit { corpus_id: 2, score: 2.0 });
        a.merge(b);
        assert_eq!(a.into_sorted().iter().map(|hit| hit.corpus_id).collect::<Vec<_>>(), [2, 1]);
    }
}

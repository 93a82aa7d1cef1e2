//! Binary classification: similarities that separate pairs which belong together from other pairs.
//!
//! ```text
//! sort the pairs by score, highest first; a threshold may lie after each group of equal scores:
//!     pairs above it are called alike;  accuracy, precision, recall, F1 follow from counts so far
//! the best accuracy and the best F1 win, the highest threshold where several are best
//! ```
//!
//! A threshold is halfway between two neighbouring scores, so that it holds for other pairs too.

use super::{all_finite, descending, same_length};
use crate::{Error, Similarity};
use ndarray::ArrayView2;

/// The best results of a threshold on the score. Thresholds of distances are distances: pairs *up
/// to* them are alike.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// The best accuracy of any threshold.
    pub accuracy: f64,
    /// That threshold.
    pub accuracy_threshold: f64,
    /// The best F1 of any threshold, 2·precision·recall / (precision + recall).
    pub f1: f64,
    /// That threshold.
    pub f1_threshold: f64,
    /// The precision there.
    pub precision: f64,
    /// The recall there.
    pub recall: f64,
    /// Average precision over all thresholds.
    pub average_precision: f64,
    /// Matthews' correlation coefficient at the threshold of F1.
    pub matthews: f64,
}

/// Classifies the pairs of rows of `a` and `b` `[n, d]` by their similarity
/// (`BinaryClassificationEvaluator`); `alike` `[n]` is the truth.
///
/// # Errors
/// As [`Similarity::pairs`] and [`classify`].
///
/// ```
/// use minilm_tasks::{Similarity, evaluate::binary_classification};
/// use ndarray::array;
/// let a = array![[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]];
/// let b = array![[0.0, 1.0], [0.0, 2.0], [0.0, 4.0]];
/// let found = binary_classification(
///     a.view(),
///     b.view(),
///     &[true, true, false],
///     Similarity::Euclidean,
/// )?;
/// assert_eq!((found.accuracy, found.accuracy_threshold), (1.0, 3.0));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn binary_classification(
    a: ArrayView2<f32>,
    b: ArrayView2<f32>,
    alike: &[bool],
    similarity: Similarity,
) -> Result<Classification, Error> {
    let mut found = classify(&similarity.pairs(a, b)?, alike)?;
    if similarity.is_distance() {
        // 0 − x, because −x would make −0 of a threshold of 0.
        found.accuracy_threshold = 0.0 - found.accuracy_threshold;
        found.f1_threshold = 0.0 - found.f1_threshold;
    }
    Ok(found)
}

/// Classifies pairs by their scores, the higher the more alike; `alike` is the truth.
///
/// # Errors
/// [`Error::Count`], [`Error::TooFew`] if there are no pairs, or [`Error::BadValue`].
///
/// ```
/// let found = minilm_tasks::evaluate::classify(
///     &[0.9, 0.75, 0.25, 0.1],
///     &[true, true, false, false],
/// )?;
/// assert_eq!((found.f1, found.f1_threshold, found.matthews), (1.0, 0.5, 1.0));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn classify(scores: &[f64], alike: &[bool]) -> Result<Classification, Error> {
    same_length("labels", alike.len(), scores.len(), 1)?;
    all_finite("scores", scores)?;
    let pairs = Pairs::new(scores, alike);
    let (accuracy, accuracy_threshold) = pairs.best_accuracy();
    let best = pairs.best_f1();
    Ok(Classification {
        accuracy,
        accuracy_threshold,
        f1: best.f1,
        f1_threshold: best.threshold,
        precision: best.precision,
        recall: best.recall,
        average_precision: pairs.average_precision(),
        matthews: pairs.matthews(best.threshold),
    })
}

/// Σ (recallₙ − recallₙ₋₁)·precisionₙ over the thresholds, from the highest
/// (`sklearn.metrics.average_precision_score`).
///
/// It is 0 if nothing is relevant.
///
/// # Errors
/// As [`classify`].
///
/// ```
/// let found =
///     minilm_tasks::evaluate::average_precision(&[0.9, 0.8, 0.7], &[true, false, true])?;
/// assert_eq!(found, 0.5 * 1.0 + 0.5 * 2.0 / 3.0);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
pub fn average_precision(scores: &[f64], relevant: &[bool]) -> Result<f64, Error> {
    same_length("labels", relevant.len(), scores.len(), 1)?;
    all_finite("scores", scores)?;
    Ok(Pairs::new(scores, relevant).average_precision())
}

/// Pairs by falling score, as the counts after each group of equal scores.
struct Pairs {
    groups: Vec<Group>,
    total: Counts,
}

/// Pairs with at least a score: how many of them are alike, how many are not.
#[derive(Clone, Copy, Default)]
struct Counts {
    alike: usize,
    other: usize,
}

struct Group {
    score: f64,
    counts: Counts, // of this group and all higher ones
}

struct BestF1 {
    f1: f64,
    precision: f64,
    recall: f64,
    threshold: f64,
}

impl Pairs {
    fn new(scores: &[f64], alike: &[bool]) -> Pairs {
        let order = descending(scores);
        let mut total = Counts::default();
        let mut groups = Vec::new();
        for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
            let found = equal.iter().filter(|&&i| alike[i]).count();
            total.alike += found;
            total.other += equal.len() - found;
            groups.push(Group { score: scores[equal[0]], counts: total });
        }
        Pairs { groups, total }
    }

    /// A threshold below the group and above the next.
    fn threshold(&self, group: usize) -> f64 {
        let score = self.groups[group].score;
        match self.groups.get(group + 1) {
            None => score,
            Some(next) => {
                let middle = (score + next.score) / 2.0;
                // Neighbouring floats have no middle.
                if middle == next.score { score } else { middle }
            }
        }
    }

    fn best_accuracy(&self) -> (f64, f64) {
        let pairs = (self.total.alike + self.total.other) as f64;
        // A threshold above all scores calls nothing alike.
        let mut best = (self.total.other as f64 / pairs, self.groups[0].score.next_up());
        for (i, group) in self.groups.iter().enumerate() {
            let accuracy =
                (group.counts.alike + self.total.other - group.counts.other) as f64 / pairs;
            if accuracy > best.0 {
                best = (accuracy, self.threshold(i));
            }
        }
        best
    }

    fn best_f1(&self) -> BestF1 {
        let mut best = BestF1 { f1: 0.0, precision: 0.0, recall: 0.0, threshold: 0.0 };
        for (i, Group { counts, .. }) in
            self.groups.iter().enumerate().filter(|(_, group)| group.counts.alike > 0)
        {
            let precision = counts.alike as f64 / (counts.alike + counts.other) as f64;
            let recall = counts.alike as f64 / self.total.alike as f64;
            let f1 = 2.0 * precision * recall / (precision + recall);
            if f1 > best.f1 {
                best = BestF1 { f1, precision, recall, threshold: self.threshold(i) };
            }
        }
        best
    }

    fn average_precision(&self) -> f64 {
        let mut sum = 0.0;
        let mut before = 0;
        for Group { counts, .. } in &self.groups {
            let precision = counts.alike as f64 / (counts.alike + counts.other) as f64;
            sum += (counts.alike - before) as f64 / self.total.alike.max(1) as f64 * precision;
            before = counts.alike;
        }
        sum
    }

    /// (TP·TN − FP·FN) / √((TP + FP)·(TP + FN)·(TN + FP)·(TN + FN)), or 0 if that is 0 / 0.
    fn matthews(&self, threshold: f64) -> f64 {
        let called = self.groups.iter().take_while(|group| group.score >= threshold).last();
        let called = called.map_or(Counts::default(), |group| group.counts);
        // Called alike and alike, called alike and not, and the same for those not called alike.
        let [right, wrong] = [called.alike, called.other].map(|n| n as f64);
        let [missed, refused] =
            [self.total.alike - called.alike, self.total.other - called.other].map(|n| n as f64);
        let product = (right + wrong) * (right + missed) * (refused + wrong) * (refused + missed);
        if product == 0.0 { 0.0 } else { (right * refused - wrong * missed) / product.sqrt() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_scores_have_a_threshold_between_them() {
        let high = 0.5_f64.next_up();
        let found = classify(&[high, 0.5], &[true, false]).unwrap();
        assert_eq!(
            (found.accuracy, found.accuracy_threshold, found.f1_threshold),
            (1.0, high, high)
        );
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(classify(&[], &[]), Err(Error::TooFew { what: "labels", found: 0, least: 1 }));
        let error = classify(&[f64::INFINITY], &[true]).unwrap_err().to_string();
        assert_eq!(error, "number 0 of the scores is inf");
    }
}

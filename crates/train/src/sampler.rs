//! The batches of an epoch, from a seed.

use crate::{Random, Row};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// How rows become batches (`batch_sampler`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sampler {
    /// A random order, cut into batches; the last one may be smaller (`BATCH_SAMPLER`).
    #[default]
    Batch,
    /// The same, but no text is in a batch twice, in whatever column: a row that has one of the
    /// batch's texts waits for the next batch (`NO_DUPLICATES`).
    NoDuplicates,
    /// Two rows of each label in turn, so that every row of a batch has another one of its label
    /// (`GROUP_BY_LABEL`). A label's odd row and labels with one row are left out of the epoch.
    GroupByLabel,
}

impl Sampler {
    /// The batches of `epoch`: numbers of rows. The same seed gives the same batches.
    ///
    /// ```
    /// use minilm_train::{Row, Sampler};
    /// let row = |i| Row { texts: vec![i, 9], score: 0.0, label: None };
    /// let rows: Vec<Row> = (0..5).map(row).collect();
    /// assert_eq!(Sampler::Batch.batches(&rows, 2, 42, 0).len(), 3);
    /// // All rows share the text 9, so that no two of them go into one batch.
    /// assert_eq!(Sampler::NoDuplicates.batches(&rows, 2, 42, 0).len(), 5);
    /// ```
    ///
    /// # Panics
    /// If `size` is 0.
    pub fn batches(self, rows: &[Row], size: usize, seed: u64, epoch: u64) -> Vec<Vec<usize>> {
        assert!(size > 0, "a batch has a row");
        let mut random = Random::new(seed, epoch);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        random.shuffle(&mut order);
        match self {
            Sampler::Batch => order.chunks(size).map(<[usize]>::to_vec).collect(),
            Sampler::NoDuplicates => no_duplicates(rows, order, size),
            Sampler::GroupByLabel => {
                grouped(rows, order, &mut random).chunks(size).map(<[usize]>::to_vec).collect()
            }
        }
    }
}

/// Walks through the rows and takes those whose texts are not in the batch yet; the others stay in
/// their order.
fn no_duplicates(rows: &[Row], mut waiting: Vec<usize>, size: usize) -> Vec<Vec<usize>> {
    let mut batches = Vec::new();
    while !waiting.is_empty() {
        let (mut batch, mut texts, mut left) = (Vec::new(), HashSet::<u32>::new(), Vec::new());
        let mut next = waiting.iter();
        for &row in next.by_ref() {
            if rows[row].texts.iter().any(|text| texts.contains(text)) {
                left.push(row);
                continue;
            }
            texts.extend(&rows[row].texts);
            batch.push(row);
            if batch.len() == size {
                break;
            }
        }
        left.extend(next);
        (waiting, _) = (left, batches.push(batch));
    }
    batches
}

/// Pairs of rows with one label: each round takes two of every label that has them, in a new random
/// order of labels.
fn grouped(rows: &[Row], order: Vec<usize>, random: &mut Random) -> Vec<usize> {
    let mut by_label: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for row in order {
        if let Some(label) = rows[row].label {
            by_label.entry(label).or_default().push(row);
        }
    }
    let mut groups: Vec<Vec<usize>> = by_label.into_values().collect();
    let mut sequence = Vec::new();
    loop {
        groups.retain(|group| group.len() >= 2);
        if groups.is_empty() {
            return sequence;
        }
        random.shuffle(&mut groups);
        for group in &mut groups {
            sequence.extend(group.drain(..2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row =
            |i: u32| Row { texts: vec![i % 40, 100 + i % 13], score: 0.0, label: Some(i % 7) };
        (0..100).map(row).collect()
    }

    #[test]
    fn an_epoch_has_every_row_once_and_another_one_another_order() {
        for sampler in [Sampler::Batch, Sampler::NoDuplicates] {
            let batches = sampler.batches(&rows(), 8, 42, 0);
            let mut all = batches.concat();
            assert_eq!(batches, sampler.batches(&rows(), 8, 42, 0));
            assert_ne!(all, sampler.batches(&rows(), 8, 42, 1).concat());
            assert_ne!(all, sampler.batches(&rows(), 8, 43, 0).concat());
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<_>>(), "{sampler:?}");
        }
    }

    #[test]
    fn no_text_is_in_a_batch_twice() {
        let rows = rows();
        for batch in Sampler::NoDuplicates.batches(&rows, 8, 1, 0) {
            let texts: Vec<u32> = batch.iter().flat_map(|&row| rows[row].texts.clone()).collect();
            assert_eq!(texts.iter().collect::<HashSet<_>>().len(), texts.len(), "{texts:?}");
        }
    }

    #[test]
    fn rows_that_wait_keep_their_order() {
        let row = |texts: [u32; 2]| Row { texts: texts.to_vec(), score: 0.0, label: None };
        let rows = [row([0, 1]), row([0, 2]), row([3, 4]), row([1, 5]), row([6, 7])];
        let batches = no_duplicates(&rows, vec![0, 1, 2, 3, 4], 2);
        assert_eq!(batches, [vec![0, 2], vec![1, 3], vec![4]]);
    }

    #[test]
    fn every_row_of_a_grouped_batch_has_company() {
        let rows = rows();
        for batch in Sampler::GroupByLabel.batches(&rows, 8, 3, 0) {
            for &row in &batch {
                let same = batch.iter().filter(|&&other| rows[other].label == rows[row].label);
                assert!(same.count() >= 2, "{batch:?}");
            }
        }
    }
}

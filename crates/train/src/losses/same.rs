//! False negatives: rows of a batch that mean the same.
//!
//! In-batch negatives take every text of the other rows for a wrong answer. It is a right one if
//! the other row has the same label, the same anchor or the same positive: training would push
//! apart what belongs together. Such candidates are left out of the sum:
//!
//! ```text
//! rows i and j are alike      equal labels, or a text of i's pair is a text of j's pair
//! a text of j's pair          is no negative of i if i and j are alike
//! a hard negative of j        is no negative of i if its text is of a pair that is alike to i
//! ```
//!
//! A row's own positive is never left out. The sampler [`NoDuplicates`](crate::Sampler) keeps such
//! rows out of one batch instead, and cannot do so if there are fewer labels than rows.
//!
//! In the book: `docs/14-training.md`.

use std::collections::HashMap;

/// The texts and labels of a batch's rows, by number.
///
/// ```
/// use minilm_train::Same;
/// // Three rows (anchor, positive); the first and the last have the same label.
/// let same = Same::new(vec![vec![0, 2, 4], vec![1, 3, 5]], vec![Some(7), Some(8), Some(7)]);
/// assert!(same.are_alike(0, 2) && !same.are_alike(0, 1));
/// ```
#[derive(Clone, Debug)]
pub struct Same {
    columns: Vec<Vec<u32>>,
    labels: Vec<Option<u32>>,
    /// The rows whose anchor or positive is the text.
    rows_of: HashMap<u32, Vec<usize>>,
}

impl Same {
    /// `columns` has the number of the text of each row, for anchors, positives and negatives;
    /// `labels` has one entry for each row.
    ///
    /// # Panics
    /// If there are fewer than two columns, or if they differ in length from the labels.
    pub fn new(columns: Vec<Vec<u32>>, labels: Vec<Option<u32>>) -> Same {
        assert!(columns.len() >= 2, "an anchor and a positive");
        assert!(
            columns.iter().all(|column| column.len() == labels.len()),
            "one entry for each row"
        );
        let mut rows_of: HashMap<u32, Vec<usize>> = HashMap::new();
        for column in &columns[..2] {
            for (row, &text) in column.iter().enumerate() {
                rows_of.entry(text).or_default().push(row);
            }
        }
        Same { columns, labels, rows_of }
    }

    /// Whether the pairs of two rows mean the same.
    pub fn are_alike(&self, i: usize, j: usize) -> bool {
        let same_label = self.labels[i].is_some() && self.labels[i] == self.labels[j];
        let pair = |row: usize| [self.columns[0][row], self.columns[1][row]];
        same_label || pair(i).iter().any(|text| pair(j).contains(text))
    }

    /// Whether the text of row `j` in a column is no negative for row `i`. A row's own anchor and
    /// positive are no negatives either.
    pub fn is_right(&self, i: usize, column: usize, j: usize) -> bool {
        if column < 2 {
            return self.are_alike(i, j);
        }
        let rows = self.rows_of.get(&self.columns[column][j]);
        rows.is_some_and(|rows| rows.iter().any(|&row| self.are_alike(i, row)))
    }

    /// How many negatives of the batch are left out, of how many.
    pub fn left_out(&self) -> (usize, usize) {
        let rows = self.labels.len();
        let (mut out, mut all) = (0, 0);
        for column in 1..self.columns.len() {
            for i in 0..rows {
                for j in (0..rows).filter(|&j| column > 1 || j != i) {
                    all += 1;
                    out += usize::from(self.is_right(i, column, j));
                }
            }
        }
        (out, all)
    }
}

#[cfg(test)]
mod tests {
    use super::Same;

    #[test]
    fn equal_texts_and_labels_are_no_negatives() {
        // anchors, positives, negatives: text 1 is a positive of row 0 and the negative of row 2.
        let columns = vec![vec![0, 2, 4, 6], vec![1, 3, 5, 0], vec![9, 8, 1, 7]];
        let same = Same::new(columns, vec![None, Some(3), Some(3), None]);
        let alike = [(0, 1, false), (0, 3, true), (1, 2, true), (2, 3, false), (2, 2, true)];
        for (i, j, expected) in alike {
            assert_eq!(same.are_alike(i, j), expected, "{i}, {j}");
            assert_eq!(same.are_alike(j, i), expected, "{j}, {i}");
        }
        assert!(same.is_right(0, 2, 2) && same.is_right(3, 2, 2), "row 3 has the anchor of row 0");
        assert!(!same.is_right(1, 2, 2) && !same.is_right(0, 2, 0));
        assert_eq!(same.left_out(), (4 + 2, 12 + 16));
    }
}

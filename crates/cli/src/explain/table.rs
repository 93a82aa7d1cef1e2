//! The pairs of tokens, perhaps fewer than there are.

use minilm::{
    Explanation,
    ndarray::{Array1, Array2},
};

/// Tokens down the side and along the top, and the part that each pair adds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub rows: Vec<String>,
    pub columns: Vec<String>,
    /// `[rows, columns]`
    pub pairs: Array2<f64>,
    /// The number of rows and columns that stand for one token each; one more may stand for the
    /// rest.
    pub single: (usize, usize),
}

impl Table {
    pub(super) fn new(why: &Explanation) -> Table {
        Table {
            rows: why.a.clone(),
            columns: why.b.clone(),
            pairs: why.pairs.clone(),
            single: why.pairs.dim(),
        }
    }

    /// The same sum with at most `tokens` tokens on each side and one that stands for all others; 0
    /// leaves all.
    pub(super) fn condensed(self, tokens: usize) -> Table {
        let rows = Groups::new(&self.rows, &self.pairs.sum_axis(minilm::ndarray::Axis(1)), tokens);
        let columns =
            Groups::new(&self.columns, &self.pairs.sum_axis(minilm::ndarray::Axis(0)), tokens);
        let mut pairs = Array2::zeros((rows.names.len(), columns.names.len()));
        for ((i, j), pair) in self.pairs.indexed_iter() {
            pairs[[rows.of[i], columns.of[j]]] += pair;
        }
        Table {
            rows: rows.names,
            columns: columns.names,
            pairs,
            single: (rows.single, columns.single),
        }
    }

    /// The parts that the pairs of single tokens add.
    pub(super) fn single_pairs(&self) -> impl Iterator<Item = f64> {
        let single = self
            .pairs
            .indexed_iter()
            .filter(|((i, j), _)| *i < self.single.0 && *j < self.single.1);
        single.map(|(_, &pair)| pair)
    }
}

/// The tokens that stand alone.
struct Groups {
    names: Vec<String>,
    /// The place of each token among the names.
    of: Vec<usize>,
    /// The number of names that are tokens.
    single: usize,
}

impl Groups {
    fn new(tokens: &[String], sums: &Array1<f64>, most: usize) -> Groups {
        if most == 0 || tokens.len() <= most + 1 {
            return Groups {
                names: tokens.to_vec(),
                of: (0..tokens.len()).collect(),
                single: tokens.len(),
            };
        }
        let mut by_size: Vec<usize> = (0..tokens.len()).collect();
        by_size.sort_by(|&i, &j| sums[j].abs().total_cmp(&sums[i].abs()));
        let mut kept = by_size[..most].to_vec();
        kept.sort_unstable();
        let names = kept.iter().map(|&i| tokens[i].clone());
        let others = format!("({} others)", tokens.len() - most);
        let of = (0..tokens.len()).map(|i| kept.binary_search(&i).unwrap_or(most)).collect();
        Groups { names: names.chain([others]).collect(), of, single: most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let names = |n: usize| (0..n).map(|i| format!("t{i}")).collect();
        let pairs = Array2::from_shape_fn((5, 3), |(i, j)| (i * 3 + j) as f64 - 6.0);
        Table { rows: names(5), columns: names(3), pairs, single: (5, 3) }
    }

    #[test]
    fn a_condensed_table_adds_up_to_the_same() {
        let condensed = table().condensed(2);
        assert_eq!(condensed.rows, ["t0", "t4", "(3 others)"]); // sums -15, -6, 3, 12, 21
        assert_eq!(condensed.columns, ["t0", "t1", "t2"], "one other would be no shorter");
        assert_eq!(condensed.pairs.sum(), table().pairs.sum());
        assert_eq!(condensed.pairs.row(1), table().pairs.row(4));
        assert_eq!(condensed.single_pairs().collect::<Vec<_>>(), [-6.0, -5.0, -4.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn a_table_that_is_small_enough_stays_as_it_is() {
        for tokens in [0, 4, 5, 9] {
            assert_eq!(table().condensed(tokens), table());
        }
    }
}

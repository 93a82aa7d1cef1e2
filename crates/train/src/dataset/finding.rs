//! What is wrong with a dataset, or unusual about it.

use super::{Dataset, Kind, Row};
use crate::Error;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

/// Something about a dataset that its owner may not know. It does not hinder training.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Finding {
    /// Rows that repeat an earlier one.
    Duplicates(usize),
    /// Rows whose first two texts are the same.
    EqualTexts(usize),
    /// Labels with one text, which has no partner.
    SingleLabels(usize),
    /// Texts that have two labels or more.
    TwoLabels(usize),
    /// A batch has more rows than there are labels.
    FewLabels {
        /// Different labels.
        labels: usize,
        /// Rows of a batch.
        batch: usize,
    },
    /// Texts that are longer than the model reads.
    Truncated {
        /// Texts.
        texts: usize,
        /// Tokens that the model reads.
        limit: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |n: &usize, what: &str| format!("{n} {what}{}", if *n == 1 { "" } else { "s" });
        match self {
            Finding::Duplicates(n) => write!(f, "rows that repeat an earlier row: {n}"),
            Finding::EqualTexts(n) => write!(f, "rows whose two texts are equal: {n}"),
            Finding::SingleLabels(n) => {
                write!(
                    f,
                    "{} with one text, which is left out: it has no partner",
                    count(n, "label")
                )
            }
            Finding::TwoLabels(n) => write!(f, "texts with more than one label: {n}"),
            Finding::FewLabels { labels, batch } => write!(
                f,
                "a batch of {batch} rows has more rows than the {} of the data; rows of one label \
                 are no negatives of each other",
                count(labels, "label")
            ),
            Finding::Truncated { texts, limit } => {
                write!(f, "{} longer than {limit} tokens, read to there", count(texts, "text"))
            }
        }
    }
}

pub(super) fn check(data: &Dataset, batch: usize) -> Result<Vec<Finding>, Error> {
    let rows = data.rows();
    if rows.len() < 2 {
        let reason = format!("{} row is too few to learn from: there have to be two", rows.len());
        return Err(Error::Data(reason));
    }
    let distinct: HashSet<(&[u32], u64, Option<u32>)> = rows.iter().map(key).collect();
    let equal = rows.iter().filter(|row| row.texts.len() > 1 && row.texts[0] == row.texts[1]);
    let equal = equal.count();
    if distinct.len() == 1 {
        return Err(Error::Data("all rows are equal: there is nothing to tell apart".to_owned()));
    }
    if equal == rows.len() {
        return Err(Error::Data(
            "the two texts of every row are equal: there is nothing to learn".to_owned(),
        ));
    }
    check_values(data)?;
    let mut findings = Vec::new();
    let mut report = |n: usize, finding: fn(usize) -> Finding| {
        findings.extend((n > 0).then(|| finding(n)));
    };
    report(rows.len() - distinct.len(), Finding::Duplicates);
    report(equal, Finding::EqualTexts);
    if data.kind() == Kind::LabelledTexts {
        let groups = data.by_label();
        report(groups.values().filter(|texts| texts.len() == 1).count(), Finding::SingleLabels);
        report(texts_with_two_labels(rows), Finding::TwoLabels);
        if groups.values().all(|texts| texts.len() == 1) {
            return Err(Error::Data("no label has two texts: there are no pairs".to_owned()));
        }
    }
    let labels = rows.iter().filter_map(|row| row.label).collect::<BTreeSet<_>>().len();
    if labels > 0 && labels < batch.min(rows.len()) {
        findings.push(Finding::FewLabels { labels, batch: batch.min(rows.len()) });
    }
    Ok(findings)
}

fn key(row: &Row) -> (&[u32], u64, Option<u32>) {
    (&row.texts, row.score.to_bits(), row.label)
}

/// Scores and labels have to differ.
fn check_values(data: &Dataset) -> Result<(), Error> {
    let rows = data.rows();
    let score = rows[0].score;
    match data.kind() {
        Kind::ScoredPairs if rows.iter().all(|row| row.score == score) => Err(Error::Data(
            format!("every score is {score}: nothing says which pairs are more alike than others"),
        )),
        Kind::LabelledPairs if rows.iter().all(|row| row.score == score) => Err(Error::Data(
            format!("every pair has the label {score}: pairs of both labels are needed"),
        )),
        Kind::LabelledTexts if data.labels().len() == 1 => Err(Error::Data(format!(
            "every text has the label {:?}: there have to be two labels or more",
            data.labels()[0]
        ))),
        _ => Ok(()),
    }
}

fn texts_with_two_labels(rows: &[Row]) -> usize {
    let mut first: HashMap<u32, Option<u32>> = HashMap::new();
    let mut double = HashSet::new();
    for row in rows {
        if *first.entry(row.texts[0]).or_insert(row.label) != row.label {
            double.insert(row.texts[0]);
        }
    }
    double.len()
}

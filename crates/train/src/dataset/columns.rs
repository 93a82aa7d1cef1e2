//! What the columns of a table are, by their names and values.
//!
//! ```text
//! anchor, positive[, negative…]      by the names in use, in any order, among any others
//! text, label                        the same
//! at most three other columns        texts in their order, as in sentence-transformers
//! ```

use super::{Kind, is_truth};
use crate::Error;

const ANCHOR: &[&str] = &[
    "anchor",
    "query",
    "question",
    "sentence1",
    "sentence_1",
    "sentence_a",
    "text1",
    "text_1",
    "text_a",
    "question1",
    "premise",
    "source",
];
const POSITIVE: &[&str] = &[
    "positive",
    "pos",
    "answer",
    "document",
    "passage",
    "response",
    "sentence2",
    "sentence_2",
    "sentence_b",
    "text2",
    "text_2",
    "text_b",
    "question2",
    "hypothesis",
    "target",
];
const NEGATIVE: &[&str] = &["negative", "neg", "hard_negative"];
const TEXT: &[&str] = &["text", "sentence", "utterance", "content"];
const SCORE: &[&str] = &["score", "scores", "similarity", "similarity_score", "relatedness_score"];
const LABEL: &[&str] =
    &["label", "labels", "class", "category", "intent", "topic", "is_duplicate", "target_label"];

/// The most columns that are taken for texts because of their order.
const BY_ORDER: usize = 3;

/// The columns that are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The texts of a row.
    pub texts: Vec<String>,
    /// The score or label.
    pub value: Option<String>,
    /// Whether the texts were found by their names, not by their order.
    pub named: bool,
}

/// Finds texts, and a score or label, among the columns of a table.
///
/// ```
/// use minilm_train::columns::infer;
/// let found = infer(&["score", "genre", "sentence1", "sentence2"])?;
/// assert_eq!(found.texts, ["sentence1", "sentence2"]);
/// assert_eq!(found.value.as_deref(), Some("score"));
/// # Ok::<(), minilm_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] if the names tell nothing and there are too many of them.
pub fn infer(names: &[&str]) -> Result<Columns, Error> {
    let find = |known: &[&str]| {
        let is_known = |name: &&&str| known.contains(&name.trim().to_lowercase().as_str());
        names.iter().find(is_known).map(|name| (*name).to_owned())
    };
    let negatives = || names.iter().filter(|name| is_negative(name)).map(|name| (*name).to_owned());
    let value = find(SCORE).or_else(|| find(LABEL));
    if let (Some(anchor), Some(positive)) = (find(ANCHOR), find(POSITIVE)) {
        let texts = [anchor, positive].into_iter().chain(negatives()).collect();
        return Ok(Columns { texts, value, named: true });
    }
    if let (Some(text), Some(value)) = (find(TEXT), &value) {
        return Ok(Columns { texts: vec![text], value: Some(value.clone()), named: true });
    }
    let others = names.iter().filter(|name| Some(**name) != value.as_deref());
    let texts: Vec<String> = others.map(|name| (*name).to_owned()).collect();
    if texts.is_empty() || texts.len() > BY_ORDER || (texts.len() == 1 && value.is_none()) {
        return Err(Error::Data(format!(
            "the columns {} tell neither pairs (anchor, positive), triplets (and negative), scored \
             pairs (sentence1, sentence2, score) nor labelled texts (text, label)",
            names.join(", ")
        )));
    }
    Ok(Columns { texts, value, named: false })
}

fn is_negative(name: &str) -> bool {
    let name = name.trim().to_lowercase();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['_', ' ']);
    NEGATIVE.contains(&stem)
}

/// What rows with these columns and values are.
///
/// ```
/// use minilm_train::{Kind, columns::{infer, kind}};
/// let columns = infer(&["sentence1", "sentence2", "label"])?;
/// assert_eq!(kind(&columns, ["1", "0"].into_iter())?, Kind::LabelledPairs);
/// assert_eq!(kind(&columns, ["1", "0.4"].into_iter())?, Kind::ScoredPairs);
/// # Ok::<(), minilm_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::Data`] for a score of triplets, or a text alone without a label.
pub fn kind<'v>(
    columns: &Columns,
    mut values: impl Iterator<Item = &'v str> + Clone,
) -> Result<Kind, Error> {
    let is_score =
        columns.value.as_ref().is_some_and(|name| SCORE.contains(&name.to_lowercase().as_str()));
    let are_positives = columns
        .texts
        .get(1)
        .is_some_and(|name| matches!(name.to_lowercase().as_str(), "positive" | "pos"));
    let are_numbers = values.clone().all(|value| value.trim().parse::<f64>().is_ok());
    match (columns.texts.len(), &columns.value) {
        (1, Some(_)) => Ok(Kind::LabelledTexts),
        (1, None) => Err(Error::Data("a text alone says nothing: a label is needed".to_owned())),
        (2, None) => Ok(Kind::Pairs),
        (2, Some(_)) if is_score => Ok(Kind::ScoredPairs),
        (2, Some(_)) if are_positives => Ok(Kind::Pairs),
        (2, Some(_)) if values.all(is_truth) => Ok(Kind::LabelledPairs),
        (2, Some(_)) if are_numbers => Ok(Kind::ScoredPairs),
        (2, Some(_)) => Ok(Kind::Pairs),
        (_, Some(name)) if is_score => {
            Err(Error::Data(format!("triplets have no score, but there is a column {name:?}")))
        }
        _ => Ok(Kind::Triplets),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names_in_any_order() {
        for (names, texts, value) in [
            (&["label", "anchor", "positive"][..], &["anchor", "positive"][..], Some("label")),
            (
                &["Query", "Passage", "neg_1", "neg_2"],
                &["Query", "Passage", "neg_1", "neg_2"],
                None,
            ),
            (&["label", "text"], &["text"], Some("label")),
            (&["q", "a"], &["q", "a"], None),
            (
                &["id", "sentence_A", "sentence_B", "x", "similarity"],
                &["sentence_A", "sentence_B"],
                Some("similarity"),
            ),
            (&["a", "b", "c"], &["a", "b", "c"], None),
        ] {
            let found = infer(names).expect("columns");
            assert_eq!(
                (found.texts, found.value.as_deref()),
                (texts.iter().map(|&name| name.to_owned()).collect(), value)
            );
        }
        assert!(infer(&["a", "b", "c", "d"]).is_err() && infer(&["text"]).is_err());
    }

    #[test]
    fn values_tell_labels_from_scores() {
        let of = |texts: &[&str], value: &str, values: &[&'static str]| {
            let names: Vec<&str> = texts.iter().copied().chain([value]).collect();
            kind(&infer(&names).expect("columns"), values.iter().copied())
        };
        let pair = ["sentence1", "sentence2"];
        assert_eq!(of(&pair, "label", &["true", "False", "1"]).ok(), Some(Kind::LabelledPairs));
        assert_eq!(of(&pair, "label", &["3", "5"]).ok(), Some(Kind::ScoredPairs));
        assert_eq!(of(&pair, "label", &["card", "pin"]).ok(), Some(Kind::Pairs));
        assert_eq!(of(&["anchor", "positive"], "label", &["1", "0"]).ok(), Some(Kind::Pairs));
        assert!(of(&["anchor", "positive", "negative"], "score", &["1"]).is_err());
    }
}

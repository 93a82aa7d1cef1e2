//! Data to learn from: rows of texts, with a score or a label.
//!
//! | kind | texts of a row | its score or label | default loss |
//! |---|---|---|---|
//! | pairs | anchor, positive | a label, if there is one: equal labels are no negatives | multiple negatives ranking |
//! | triplets | anchor, positive, negatives | the same | multiple negatives ranking |
//! | scored pairs | two | a number | CoSENT |
//! | labelled pairs | two | 1 if they belong together, else 0 | contrastive |
//! | labelled texts | one | a label: texts with the same label become pairs, others in each epoch | multiple negatives ranking |
//!
//! Texts are kept once each, by number, so equal texts are known without comparing them.

pub mod columns;
mod finding;

pub use finding::Finding;

use crate::{Error, Loss, Random};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

/// What the rows of a dataset are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Anchor and positive.
    Pairs,
    /// Anchor, positive and one or more negatives.
    Triplets,
    /// Two texts and how alike they are.
    ScoredPairs,
    /// Two texts, and whether they belong together.
    LabelledPairs,
    /// One text and its label.
    LabelledTexts,
}

impl Kind {
    /// In words: `pairs`, `scored pairs`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pairs => "pairs",
            Kind::Triplets => "triplets",
            Kind::ScoredPairs => "scored pairs",
            Kind::LabelledPairs => "labelled pairs",
            Kind::LabelledTexts => "labelled texts",
        }
    }

    /// The loss that suits such rows if nothing else is asked for.
    ///
    /// ```
    /// use minilm_train::{Kind, Loss};
    /// assert_eq!(Kind::Pairs.loss(), Loss::default());
    /// ```
    pub fn loss(self) -> Loss {
        match self {
            Kind::Pairs | Kind::Triplets | Kind::LabelledTexts => Loss::default(),
            Kind::ScoredPairs => Loss::CoSent { scale: 20.0 },
            Kind::LabelledPairs => Loss::Contrastive { margin: 0.5 },
        }
    }

    /// Whether rows of this kind are what a loss needs.
    ///
    /// # Errors
    /// [`Error::Option`] with what the loss needs instead.
    pub fn check(self, loss: &Loss) -> Result<(), Error> {
        let needs = match loss.inner() {
            Loss::MultipleNegativesRanking { .. } => (
                "pairs, triplets or labelled texts",
                [Kind::Pairs, Kind::Triplets, Kind::LabelledTexts],
            ),
            Loss::CoSent { .. } | Loss::CosineSimilarity => (
                "scored or labelled pairs",
                [Kind::ScoredPairs, Kind::LabelledPairs, Kind::LabelledPairs],
            ),
            Loss::Contrastive { .. } => ("labelled pairs", [Kind::LabelledPairs; 3]),
            Loss::Triplet { .. } => ("triplets", [Kind::Triplets; 3]),
            Loss::Distillation { .. } | Loss::Matryoshka { .. } => return Ok(()),
        };
        if needs.1.contains(&self) {
            return Ok(());
        }
        let reason =
            format!("{} needs {}, but the data are {}", loss.inner().name(), needs.0, self.name());
        Error::option("loss", reason)
    }
}

/// A row of a dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The numbers of its texts, in the order of the columns.
    pub texts: Vec<u32>,
    /// Of scored and labelled pairs.
    pub score: f64,
    /// The number of its label.
    pub label: Option<u32>,
}

/// Rows of one kind.
///
/// ```
/// use minilm_train::{Dataset, Kind};
/// let mut data = Dataset::new(Kind::Pairs, 2);
/// data.push("row 1", &["How do I pay?", "Paying with a card"], None)?;
/// data.push("row 2", &["Where is my parcel?", "Tracking a delivery"], None)?;
/// assert_eq!((data.rows().len(), data.texts().len()), (2, 4));
/// assert!(data.check(64)?.is_empty());
/// # Ok::<(), minilm_train::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dataset {
    kind: Kind,
    columns: usize,
    texts: Vec<String>,
    numbers: HashMap<String, u32>,
    rows: Vec<Row>,
    labels: Vec<String>,
    label_numbers: HashMap<String, u32>,
}

impl Dataset {
    /// No rows yet, of `columns` texts each.
    pub fn new(kind: Kind, columns: usize) -> Dataset {
        Dataset {
            kind,
            columns,
            texts: Vec::new(),
            numbers: HashMap::new(),
            rows: Vec::new(),
            labels: Vec::new(),
            label_numbers: HashMap::new(),
        }
    }

    /// Adds a row. `value` is its score or label; errors name the row by `place`.
    ///
    /// # Errors
    /// [`Error::Row`] for an empty text, a score that is no finite number, a label of a pair other
    /// than 0, 1, true and false, or a label that is missing.
    pub fn push(&mut self, place: &str, texts: &[&str], value: Option<&str>) -> Result<(), Error> {
        let wrong = |reason: String| Error::Row { place: place.to_owned(), reason };
        if texts.len() != self.columns {
            return Err(wrong(format!("{} texts instead of {}", texts.len(), self.columns)));
        }
        if let Some(column) = texts.iter().position(|text| text.trim().is_empty()) {
            return Err(wrong(format!("text {} of the row is empty", column + 1)));
        }
        let (score, label) = match (self.kind, value) {
            (Kind::ScoredPairs, Some(score)) => (number(score).map_err(wrong)?, None),
            (Kind::LabelledPairs, Some(label)) => (truth(label).map_err(wrong)?, None),
            (Kind::Pairs | Kind::Triplets, None) => (0.0, None),
            (_, Some(label)) if !label.trim().is_empty() => {
                (0.0, Some(intern(&mut self.labels, &mut self.label_numbers, label)))
            }
            _ => return Err(wrong("there is no label or score".to_owned())),
        };
        let texts =
            texts.iter().map(|text| intern(&mut self.texts, &mut self.numbers, text)).collect();
        self.rows.push(Row { texts, score, label });
        Ok(())
    }

    /// What the rows are.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Texts of a row as it is trained on: labelled texts are trained on as pairs.
    pub fn columns(&self) -> usize {
        self.columns.max(2)
    }

    /// The rows as they were added.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The texts, each once; rows hold their numbers.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The labels, each once, in the order in which they came.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The rows of an epoch: those that were added, or for labelled texts pairs. Every text of a
    /// label with two texts or more is an anchor once, and its positive is the next text of the
    /// label in a random order.
    pub fn epoch(&self, seed: u64, epoch: u64) -> Cow<'_, [Row]> {
        if self.kind != Kind::LabelledTexts {
            return Cow::Borrowed(&self.rows);
        }
        let mut random = Random::new(seed ^ 0x6c61_6265_6c73, epoch); // another stream than batches
        let mut rows = Vec::new();
        for (label, mut texts) in self.by_label() {
            random.shuffle(&mut texts);
            for (i, &anchor) in texts.iter().enumerate().filter(|_| texts.len() > 1) {
                let texts = vec![anchor, texts[(i + 1) % texts.len()]];
                rows.push(Row { texts, score: 0.0, label: Some(label) });
            }
        }
        Cow::Owned(rows)
    }

    /// The different texts of each label.
    fn by_label(&self) -> BTreeMap<u32, Vec<u32>> {
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for row in &self.rows {
            let group = groups.entry(row.label.unwrap_or_default()).or_default();
            if !group.contains(&row.texts[0]) {
                group.push(row.texts[0]);
            }
        }
        groups
    }

    /// Whether something can be learned from the rows, and what is unusual about them for batches
    /// of `batch` rows.
    ///
    /// # Errors
    /// [`Error::Data`] if there are fewer than two rows, if all scores or labels are the same, or
    /// if all rows are.
    pub fn check(&self, batch: usize) -> Result<Vec<Finding>, Error> {
        finding::check(self, batch)
    }

    /// SHA-256 of the rows, in their order, and of the vectors that their texts are to have: equal
    /// for equal data, whatever file they came from.
    pub fn digest(&self, vectors: Option<&Array2<f32>>) -> String {
        let mut hash = Sha256::new();
        hash.update(self.kind.name());
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        for row in &self.rows {
            row.texts.iter().for_each(|&number| text(&self.texts[number as usize]));
            text(&row.score.to_bits().to_string());
            text(row.label.map_or("", |label| &self.labels[label as usize]));
        }
        for x in vectors.into_iter().flatten() {
            hash.update(x.to_le_bytes());
        }
        hex(&hash.finalize())
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn intern(all: &mut Vec<String>, numbers: &mut HashMap<String, u32>, text: &str) -> u32 {
    if let Some(&number) = numbers.get(text) {
        return number;
    }
    let number = all.len() as u32;
    all.push(text.to_owned());
    numbers.insert(text.to_owned(), number);
    number
}

fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(score) if score.is_finite() => Ok(score),
        Ok(score) => Err(format!("the score is {score}")),
        Err(_) => Err(format!("the score {text:?} is no number")),
    }
}

/// 1 or 0.
fn truth(text: &str) -> Result<f64, String> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" => Ok(1.0),
        "0" | "0.0" | "false" => Ok(0.0),
        _ => Err(format!("the label {text:?} is none of 0, 1, true and false")),
    }
}

/// Whether a label says that a pair belongs together, or that it does not.
pub(crate) fn is_truth(text: &str) -> bool {
    truth(text).is_ok()
}

//! What is measured: sets of texts with their token ids, and how many operations each takes.

use crate::{
    args::{Only, Options},
    error::Error,
    texts,
};
use minilm::SentenceEncoder;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fs, path::Path};

/// Length of an embedding.
pub const DIMENSION: usize = 384;

/// The longest text in tokens, as sentence-transformers reads it; other engines have to be told.
pub const LIMIT: usize = 256;

/// Fixed token ids: texts × tokens.
const SHAPES: [(usize, usize); 6] = [(1, 8), (1, 16), (1, 128), (32, 16), (32, 128), (8, 256)];

/// One text after the other, as a search query comes.
const ONE: [usize; 2] = [8, 16];

/// How an engine gets a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Many texts in one call.
    Texts,
    /// One text a call.
    One,
    /// Token ids, all of the same length, in one call.
    Ids,
}

/// Texts that are measured together.
#[derive(Debug, Serialize, Deserialize)]
pub struct Set {
    pub name: String,
    pub kind: Kind,
    pub texts: Vec<String>,
    /// `[CLS]` first and `[SEP]` last, at most [`LIMIT`] for each text.
    pub ids: Vec<Vec<u32>>,
}

impl Set {
    fn new(encoder: &SentenceEncoder, name: String, kind: Kind, texts: Vec<String>) -> Result<Set, Error> {
        let ids = texts.iter().map(|text| encoder.tokenize(text).map(|text| text.ids)).collect::<Result<_, _>>()?;
        Ok(Set { name, kind, texts, ids })
    }

    pub fn tokens(&self) -> usize {
        self.ids.iter().map(Vec::len).sum()
    }

    /// Floating-point operations of the linear layers and of attention: a multiply-add is two. See the map in `docs`.
    pub fn flops(&self) -> f64 {
        let multiply_adds = |tokens: usize| (10_616_832 + 4_608 * tokens) * tokens;
        2.0 * self.ids.iter().map(|ids| multiply_adds(ids.len()) as f64).sum::<f64>()
    }
}

/// Every set that the options ask for.
pub fn all(options: &Options, model: &Path) -> Result<Vec<Set>, Error> {
    let encoder = SentenceEncoder::builder().threads(1).load(model)?;
    let set = |name: String, kind, texts| Set::new(&encoder, name, kind, texts);
    let mut sets = Vec::new();
    if options.only != Some(Only::Ids) {
        match &options.texts {
            Some(path) => sets.push(set("file".to_owned(), Kind::Texts, lines(path)?)?),
            None => {
                sets.push(set("short".to_owned(), Kind::Texts, texts::short())?);
                sets.push(set("mixed".to_owned(), Kind::Texts, texts::mixed())?);
            }
        }
        for tokens in ONE {
            sets.push(set(format!("one text of {tokens} tokens"), Kind::One, texts::exactly(1, tokens))?);
        }
    }
    if options.only != Some(Only::Texts) {
        for (count, tokens) in SHAPES {
            sets.push(set(format!("{count}×{tokens}"), Kind::Ids, texts::exactly(count, tokens))?);
        }
    }
    Ok(sets)
}

/// The different lines of a file: minilm computes a repeated text once, which would be no comparison.
fn lines(path: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(path).map_err(Error::at(path))?;
    let mut seen = HashSet::new();
    let lines: Vec<String> = text.lines().filter(|line| seen.insert(*line)).map(str::to_owned).collect();
    let repeated = text.lines().count() - lines.len();
    if repeated > 0 {
        eprintln!("{repeated} repeated lines are left out");
    }
    if lines.is_empty() { Err(Error::Usage(format!("{} is empty", path.display()))) } else { Ok(lines) }
}

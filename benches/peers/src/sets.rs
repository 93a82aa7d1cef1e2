//! The sets that are measured: texts with their token ids, searches, and lessons; and the number
//! of operations of each.

use crate::{
    args::{Only, Options},
    error::Error,
    lessons::{self, Lesson},
    texts,
    vectors::{self, DIMENSION},
};
use minilm::SentenceEncoder;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

/// The longest text in tokens, as sentence-transformers reads it; other engines have to be told.
#[cfg(feature = "rivals")]
pub const LIMIT: usize = 256;

/// Fixed token ids: texts × tokens.
const SHAPES: [(usize, usize); 6] = [(1, 8), (1, 16), (1, 128), (32, 16), (32, 128), (8, 256)];

/// One text after the other, as a search query comes.
const ONE: [usize; 2] = [8, 16];

/// Searches: queries × rows.
const SEARCHES: [(usize, usize); 2] = [(1, 1_000_000), (1000, 100_000)];

/// The form in which an engine gets a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Many texts in one call.
    Texts,
    /// One text a call.
    One,
    /// Token ids, all of the same length, in one call.
    Ids,
    /// Vectors, for each the nearest of others in one call.
    Search,
    /// Token ids of pairs: one step of training.
    Step,
    /// Texts of pairs: steps of training.
    Pairs,
}

impl Kind {
    pub fn is_training(self) -> bool {
        matches!(self, Kind::Step | Kind::Pairs)
    }
}

/// The queries of a search, and its rows.
#[derive(Debug, Serialize, Deserialize)]
pub struct Lookup {
    /// The folder of the vectors.
    pub folder: PathBuf,
    pub queries: usize,
    pub rows: usize,
    /// Rows that each query finds.
    pub top_k: usize,
}

impl Lookup {
    /// Of the rows: what a search reads at least.
    pub fn bytes(&self) -> f64 {
        (self.rows * DIMENSION * size_of::<f32>()) as f64
    }
}

/// Texts that are measured together, or a search.
#[derive(Debug, Serialize, Deserialize)]
pub struct Set {
    pub name: String,
    pub kind: Kind,
    pub texts: Vec<String>,
    /// `[CLS]` first and `[SEP]` last, at most [`LIMIT`] for each text.
    pub ids: Vec<Vec<u32>>,
    pub search: Option<Lookup>,
    /// How it is trained on; its texts are the anchors, and then their positives.
    pub lesson: Option<Lesson>,
    /// Floating-point operations of the linear layers and of attention, or of the dot products: a
    /// multiply-add is two.
    pub flop: f64,
}

impl Set {
    pub fn new(
        encoder: &SentenceEncoder,
        name: String,
        kind: Kind,
        texts: Vec<String>,
    ) -> Result<Set, Error> {
        let ids: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| encoder.tokenize(text).map(|text| text.ids))
            .collect::<Result<_, _>>()?;
        let config = encoder.model().config();
        let flop = ids.iter().map(|ids| config.flop(ids.len()) as f64).sum();
        Ok(Set { name, kind, texts, ids, search: None, lesson: None, flop })
    }

    pub fn search(lookup: Lookup) -> Set {
        let name = format!("{}×{}", lookup.queries, lookup.rows);
        let flop = 2.0 * (lookup.queries * lookup.rows * DIMENSION) as f64;
        Set {
            name,
            kind: Kind::Search,
            texts: Vec::new(),
            ids: Vec::new(),
            search: Some(lookup),
            lesson: None,
            flop,
        }
    }

    pub fn tokens(&self) -> usize {
        self.ids.iter().map(Vec::len).sum()
    }
}

/// Every set that the options ask for.
///
/// Searches get the vectors in the folder `vectors`, which are made if there are searches.
pub fn all(options: &Options, model: &Path, vectors: &Path) -> Result<Vec<Set>, Error> {
    let encoder = SentenceEncoder::builder().threads(1).load(model)?;
    let set = |name: String, kind, texts| Set::new(&encoder, name, kind, texts);
    let mut sets = Vec::new();
    let wants = |only| options.only.map_or(only != Only::Training, |wanted| wanted == only);
    if wants(Only::Texts) {
        match &options.texts {
            Some(path) => sets.push(set("file".to_owned(), Kind::Texts, lines(path)?)?),
            None => {
                sets.push(set("short".to_owned(), Kind::Texts, texts::short())?);
                sets.push(set("mixed".to_owned(), Kind::Texts, texts::mixed())?);
            }
        }
        for tokens in ONE {
            sets.push(set(
                format!("one text of {tokens} tokens"),
                Kind::One,
                texts::exactly(1, tokens),
            )?);
        }
    }
    if wants(Only::Ids) {
        for (count, tokens) in SHAPES {
            sets.push(set(format!("{count}×{tokens}"), Kind::Ids, texts::exactly(count, tokens))?);
        }
    }
    if wants(Only::Search) {
        eprintln!("making vectors to search in");
        vectors::write(
            vectors,
            SEARCHES
                .iter()
                .fold([0, 0], |most, &(queries, rows)| [most[0].max(queries), most[1].max(rows)]),
        )?;
        let lookup =
            |(queries, rows)| Lookup { folder: vectors.to_owned(), queries, rows, top_k: 10 };
        sets.extend(SEARCHES.map(lookup).map(Set::search));
    }
    if wants(Only::Training) {
        sets.extend(lessons::all(&encoder)?);
    }
    named(sets, options.sets.as_deref())
}

/// The sets with the names that are asked for.
fn named(sets: Vec<Set>, names: Option<&[String]>) -> Result<Vec<Set>, Error> {
    let Some(names) = names else { return Ok(sets) };
    if let Some(unknown) = names.iter().find(|&name| sets.iter().all(|set| set.name != *name)) {
        let known: Vec<&str> = sets.iter().map(|set| set.name.as_str()).collect();
        let known = known.join(", ");
        return Err(Error::Usage(format!("no set is called {unknown:?}; there are: {known}")));
    }
    Ok(sets.into_iter().filter(|set| names.contains(&set.name)).collect())
}

/// The different lines of a file: minilm computes a repeated text once, which would be no
/// comparison.
fn lines(path: &Path) -> Result<Vec<String>, Error> {
    let text = fs::read_to_string(path).map_err(Error::at(path))?;
    let mut seen = HashSet::new();
    let lines: Vec<String> =
        text.lines().filter(|line| seen.insert(*line)).map(str::to_owned).collect();
    let repeated = text.lines().count() - lines.len();
    if repeated > 0 {
        eprintln!("{repeated} repeated lines are left out");
    }
    if lines.is_empty() {
        Err(Error::Usage(format!("{} is empty", path.display())))
    } else {
        Ok(lines)
    }
}

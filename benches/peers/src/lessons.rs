//! The sets of training: pairs of made-up sentences as token ids, and pairs of questions to a bank
//! as texts.

use crate::{
    error::Error,
    sets::{Kind, Set},
    texts,
};
use minilm::SentenceEncoder;
use minilm_testing::Random;
use serde::{Deserialize, Serialize};
use std::{io, path::Path};

/// BANKING77, cut, as the book has it: the pairs, and labelled texts that are made pairs.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/data/banking77");

/// How pairs are trained on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Lesson {
    /// Pairs of a step.
    pub batch: usize,
    /// The texts that an engine takes at a time if it has to be told, so that its memory suffices:
    /// the original's default for its cached loss. None is the whole batch.
    pub mini_batch: Option<usize>,
}

/// All lessons.
pub fn all(encoder: &SentenceEncoder) -> Result<Vec<Set>, Error> {
    let pairs = shuffled(pairs()?);
    let lesson = |name: &str, kind, texts, batch, mini_batch| -> Result<Set, Error> {
        let mut set = Set::new(encoder, name.to_owned(), kind, texts)?;
        set.lesson = Some(Lesson { batch, mini_batch });
        set.flop *= 3.0; // the backward pass has two products for each of the forward pass
        Ok(set)
    };
    Ok(vec![
        lesson("step of 32×16", Kind::Step, texts::exactly(32, 16), 16, None)?,
        lesson("step of 64×32", Kind::Step, texts::exactly(64, 32), 32, None)?,
        lesson("step of 128×8–64", Kind::Step, texts::between(128, 8..=64), 64, None)?,
        lesson("pairs 64", Kind::Pairs, columns(&pairs[..256]), 64, None)?,
        lesson("pairs 1024", Kind::Pairs, columns(&pairs[..1024]), 1024, Some(32))?,
    ])
}

/// The anchors, then the positives.
fn columns(pairs: &[[String; 2]]) -> Vec<String> {
    [0, 1].into_iter().flat_map(|i| pairs.iter().map(move |pair| pair[i].clone())).collect()
}

/// The pairs of the training texts, and of each two test texts that follow each other: those of an
/// intent do.
fn pairs() -> Result<Vec<[String; 2]>, Error> {
    let column = |file: &str, name: &str| {
        let path = Path::new(FOLDER).join(file);
        let error = |error: csv::Error| Error::at(&path)(io::Error::other(error));
        let mut table = csv::Reader::from_path(&path).map_err(error)?;
        let header = table.headers().map_err(error)?.clone();
        let place = header.iter().position(|column| column == name);
        let place = place.ok_or_else(|| Error::Usage(format!("{file} has no {name:?}")))?;
        let texts: Result<Vec<String>, _> =
            table.records().map(|record| Ok(record?[place].to_owned())).collect();
        texts.map_err(error)
    };
    let positives = column("train.csv", "positive")?;
    let mut pairs: Vec<[String; 2]> =
        column("train.csv", "anchor")?.into_iter().zip(positives).map(<[_; 2]>::from).collect();
    pairs.extend(column("test.csv", "text")?.as_chunks::<2>().0.iter().cloned());
    Ok(pairs)
}

/// In random order: those of an intent stand together in the file.
fn shuffled<T>(mut items: Vec<T>) -> Vec<T> {
    let mut random = Random(5);
    for i in (1..items.len()).rev() {
        items.swap(i, random.below(i + 1));
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn there_are_enough_pairs_and_each_is_of_two_texts() {
        let pairs = shuffled(pairs().unwrap());
        assert_eq!(pairs.len(), 1155);
        assert!(pairs.iter().flatten().all(|text| !text.trim().is_empty()));
        assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), 1155);
    }
}

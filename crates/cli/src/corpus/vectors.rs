//! All texts of a file and their vectors, as an index.

use super::{Corpus, Opening, Scratch, Source, Text, values};
use crate::{
    error::Error,
    fields::{self, Fields},
    interrupt::Interrupt,
    model,
    options::Common,
    progress::Progress,
    show::count,
    vectors::Part,
};
use minilm::{
    SentenceEmbedding,
    model::Mapped,
    ndarray::ArrayView2,
    tasks::{
        Error as TaskError,
        index::{Index, IndexError},
    },
};
use minilm_readers::vectors::is_index;
use std::{fs::File, path::Path};

/// Takes a text and its vector.
type Take<'a> = dyn FnMut(&Text, &[f32]) -> Result<(), Error> + 'a;

/// Vectors and texts, all of them at once.
pub(crate) struct Vectors {
    pub index: Index<Mapped>,
    /// Names rows in errors.
    pub name: String,
    /// The header of a table, if the texts are whole records.
    pub header: Option<String>,
    /// A temporary index, which some systems remove when it is closed.
    _scratch: Option<File>,
    left_out: LeftOut,
}

/// Where in a file records were left out.
#[derive(Debug, Default)]
struct LeftOut {
    /// A row, and how many records were left out before it and not before the row before.
    gaps: Vec<(usize, usize)>,
    rows: usize,
    records: usize,
}

impl LeftOut {
    /// The next row is the record of this number.
    fn push(&mut self, record: usize) {
        if record > self.records {
            self.gaps.push((self.rows, record - self.records));
        }
        (self.rows, self.records) = (self.rows + 1, record + 1);
    }

    /// The number of the record that a row is.
    fn record(&self, row: usize) -> usize {
        let before = self.gaps.iter().take_while(|(from, _)| *from <= row);
        row + before.map(|(_, records)| records).sum::<usize>()
    }
}

impl Vectors {
    /// Embeds the texts of a source, or takes the index that it is. With `records` the texts of the
    /// index are whole records.
    pub(crate) fn open(common: &Common, source: &Source, records: bool) -> Result<Vectors, Error> {
        if is_index(&source.file) {
            source.check_index()?;
            return Vectors::of(&source.file, source.opening);
        }
        Vectors::collect(source, records, |corpus, take| match &source.vectors {
            None => {
                let encoder = model::load(common, &source.encoding)?;
                let take =
                    |sentence: SentenceEmbedding<Text>| take(&sentence.text, values(&sentence));
                corpus.embed(&encoder, common.quiet, take)
            }
            Some(file) => {
                source.check_vectors()?;
                let part = Part { opening: source.opening, ..Part::default() };
                corpus.pair(part.open(file)?, common.quiet, take)
            }
        })
    }

    /// An index.
    pub(crate) fn of(path: &Path, opening: Opening) -> Result<Vectors, Error> {
        let (index, name) = (opening.index(path)?, path.display().to_string());
        let left_out = LeftOut::default();
        Ok(Vectors { index, name, header: None, _scratch: None, left_out })
    }

    /// The texts of a file alone: their vectors have one dimension and mean nothing.
    pub(crate) fn texts(source: &Source, quiet: bool) -> Result<Vectors, Error> {
        Vectors::collect(source, false, |mut corpus, take| {
            for text in corpus.by_ref() {
                take(&text, &[1.0])?;
            }
            corpus.finish(quiet)
        })
    }

    /// The texts of a file, with the vectors that `give` gives them.
    fn collect(
        source: &Source,
        records: bool,
        give: impl FnOnce(Corpus, &mut Take) -> Result<usize, Error>,
    ) -> Result<Vectors, Error> {
        let name = source.file.display().to_string();
        let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
        let kept = source.keep.names();
        let corpus = Corpus::new(source.input.open_with(&source.file, &kept)?, &interrupt);
        let header = corpus.header().filter(|_| records);
        let mut left_out = LeftOut::default();
        let mut scratch = None;
        let texts = give(corpus, &mut |of, vector| {
            if scratch.is_none() {
                scratch = Some(Scratch::create(vector.len(), &kept)?);
            }
            left_out.push(of.row);
            let text = if records { &of.raw } else { &of.text };
            scratch.as_mut().map_or(Ok(()), |scratch| scratch.push(vector, text, &of.values))
        })?;
        if interrupt.asked() {
            let remedy = "to keep what is done, embed with `minilm index`, and give the index here";
            return Err(Error::Interrupted(format!("stopped after {texts} texts; {remedy}")));
        }
        let scratch = scratch.expect("where there are no texts there was an error");
        let (index, scratch) = scratch.finish(source.opening)?;
        interrupt.stop_at_once();
        Ok(Vectors { index, name, header, _scratch: Some(scratch), left_out })
    }

    /// Runs what compares all rows with all, and shows meanwhile that something goes on.
    pub(crate) fn compare<T>(
        &self,
        common: &Common,
        compare: impl FnOnce(ArrayView2<f32>) -> Result<T, minilm::tasks::Error>,
    ) -> Result<T, Error> {
        let vectors = self.index.vectors()?;
        let progress =
            Progress::busy(!common.quiet, format!("comparing {}", count(self.index.len(), "text")));
        let found = compare(vectors.view());
        progress.finish();
        found.map_err(failed(&self.name))
    }

    /// The number of the record that a row is, among those of the file, from 0.
    pub(crate) fn record(&self, row: usize) -> usize {
        self.left_out.record(row)
    }

    /// The fields of a row.
    pub(crate) fn fields(&self, row: usize) -> Result<Fields, Error> {
        fields::fields(&self.index, row)
    }

    /// The fields of a row, for people.
    pub(crate) fn label(&self, row: usize) -> Result<String, Error> {
        fields::label(&self.index, row)
    }

    /// The text of a row.
    pub(crate) fn text(&self, row: usize) -> Result<&str, Error> {
        Ok(self.index.text(row)?)
    }
}

/// As an error of an index is told when the vectors are those of `name`.
pub(crate) fn failed(name: &str) -> impl Fn(minilm::tasks::Error) -> Error {
    move |source| match source {
        TaskError::TooFew { what: "embeddings", found, least } => {
            let (texts, clusters) = (count(found, "text"), count(least, "cluster"));
            Error::Input(format!("{name} has {texts}, too few for {clusters}"))
        }
        source => Error::from(IndexError::Vectors { path: name.into(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::LeftOut;

    #[test]
    fn rows_know_their_records() {
        let mut left_out = LeftOut::default();
        let records = [0, 2, 3, 7, 8];
        records.into_iter().for_each(|record| left_out.push(record));
        let found: Vec<usize> = (0..records.len()).map(|row| left_out.record(row)).collect();
        assert_eq!(found, records);
    }
}

//! Texts of files, and their embeddings.
//!
//! Commands that compare all texts with all get them as an index: in a temporary file that is
//! mapped, so that memory need not hold them. A file that is an index already is taken as it is.

mod scratch;
mod source;
mod vectors;

pub(crate) use scratch::{Scratch, directory as temporary};
pub(crate) use source::{Opening, Source};
pub(crate) use vectors::{Vectors, failed};

use crate::{
    error::Error,
    interrupt::Interrupt,
    notes::note_truncated,
    progress::Progress,
    progress::Size,
    records::{self, Places, Record, Records},
    show::count,
};
use minilm::{SentenceEmbedding, SentenceEncoder};
use std::collections::VecDeque;

/// A text that is to be embedded, and the record it is of.
pub(crate) struct Text {
    pub text: String,
    /// The record as it stands in the file.
    pub raw: String,
    /// Its number among the records of the file, from 0.
    pub row: usize,
    /// Its fields that are kept.
    pub values: Vec<String>,
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Takes the fields of a record and leaves the texts, or finds something wrong.
type Look<'a> = Box<dyn FnMut(&mut Vec<String>) -> Result<(), String> + 'a>;

/// The texts of some records. A record that cannot be read, and a request to stop, end them.
pub(crate) struct Corpus<'a> {
    records: Records,
    interrupt: Interrupt,
    look: Look<'a>,
    ready: VecDeque<Text>,
    /// Whether the fields behind the first belong to its text, and are no texts.
    keeps: bool,
    /// Whether the receiver of the texts also reads the part that the encoder drops.
    pub reads_all: bool,
    taken: usize,
    skipped: usize,
    places: Places,
    error: Option<Error>,
}

impl<'a> Corpus<'a> {
    /// The first field of each record is its text, and the others stay with it.
    pub(crate) fn new(records: Records, interrupt: &Interrupt) -> Corpus<'a> {
        Corpus { keeps: true, ..Corpus::with(records, interrupt, |_| Ok(())) }
    }

    /// The texts are the fields that `look` leaves of each record.
    pub(crate) fn with(
        records: Records,
        interrupt: &Interrupt,
        look: impl FnMut(&mut Vec<String>) -> Result<(), String> + 'a,
    ) -> Corpus<'a> {
        let (look, interrupt) = (Box::new(look), interrupt.clone());
        let (ready, places) = (VecDeque::new(), Places::default());
        Corpus {
            records,
            interrupt,
            look,
            ready,
            keeps: false,
            reads_all: false,
            taken: 0,
            skipped: 0,
            places,
            error: None,
        }
    }

    /// The header of a table, as a line of the file.
    pub(crate) fn header(&self) -> Option<String> {
        self.records.header().map(str::to_owned)
    }

    /// Leaves out the first texts, and returns how many there were.
    pub(crate) fn leave_out(&mut self, texts: usize) -> usize {
        self.skipped = self.by_ref().take(texts).count();
        self.taken = 0;
        self.skipped
    }

    /// Embeds the texts, and calls `take` with each in turn. Returns how many there were.
    pub(crate) fn embed(
        mut self,
        encoder: &SentenceEncoder,
        quiet: bool,
        mut take: impl FnMut(SentenceEmbedding<Text>) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let mut progress =
            Progress::new(!quiet, self.records.bytes().map_or(Size::Unknown, Size::Bytes));
        let (mut truncated, mut failure) = (0, None);
        for result in encoder.encode_iter(self.by_ref()) {
            match result {
                Ok(sentence) => {
                    truncated += usize::from(sentence.dropped > 0);
                    progress.advance(sentence.text.raw.len(), sentence.tokens);
                    take(sentence)?;
                }
                Err(error) => failure = Some(error),
            }
        }
        progress.finish();
        if let Some(error) = failure {
            return Err(Error::in_text(error, |index| self.places.name(&self.records, index)));
        }
        note_truncated(quiet || self.reads_all, truncated, encoder.max_tokens());
        self.finish(quiet)
    }

    /// Calls `take` with each text and its vector, which is the next row of `vectors`. Returns how
    /// many there were.
    pub(crate) fn pair(
        mut self,
        mut vectors: minilm_readers::vectors::Reader,
        quiet: bool,
        mut take: impl FnMut(&Text, &[f32]) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        while let Some(text) = self.next() {
            let Some(row) = vectors.advance()? else {
                let (texts, vectors) = (self.records.name(), vectors.name());
                let rows = count(self.taken - 1, "row");
                return Err(Error::Input(format!("{texts} has more texts than {vectors} {rows}")));
            };
            take(&text, &row.values)?;
        }
        let taken = self.taken;
        let (name, interrupt) = (self.records.name().to_owned(), self.interrupt.clone());
        self.finish(quiet)?;
        if !interrupt.asked() && vectors.advance()?.is_some() {
            let texts = count(taken, "text");
            return Err(Error::Input(format!(
                "{name} has {texts}, but {} has more rows",
                vectors.name()
            )));
        }
        Ok(taken)
    }

    /// After the last text: how many there were, or why there are no more.
    fn finish(self, quiet: bool) -> Result<usize, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.taken + self.skipped == 0 && !self.interrupt.asked() {
            return Err(Error::Input(format!("{} holds no texts", self.records.name())));
        }
        records::note(&self.records, quiet);
        Ok(self.taken)
    }

    /// The texts of the next record.
    fn refill(&mut self) -> Result<(), Error> {
        let Some(record) = self.records.next() else { return Ok(()) };
        let Record { line, row, mut fields, raw, .. } = record?;
        let wrong = |reason| Error::Input(format!("{}: {reason}", self.records.place(line)));
        (self.look)(&mut fields).map_err(wrong)?;
        let values = if self.keeps { fields.split_off(1) } else { Vec::new() };
        for (i, text) in fields.into_iter().enumerate() {
            // Bytes of a record are counted once.
            let raw = if i == 0 { raw.clone() } else { String::new() };
            self.ready.push_back(Text { text, raw, row, values: values.clone() });
            self.places.push(line);
        }
        Ok(())
    }
}

impl Iterator for Corpus<'_> {
    type Item = Text;

    fn next(&mut self) -> Option<Text> {
        if self.ready.is_empty() && self.error.is_none() && !self.interrupt.asked() {
            // A request to stop ends the waiting for a record: that is no error of the input.
            self.error = self.refill().err().filter(|_| !self.interrupt.asked());
        }
        let text = self.ready.pop_front()?;
        self.taken += 1;
        Some(text)
    }
}

/// The values of an embedding.
pub(crate) fn values<T>(sentence: &SentenceEmbedding<T>) -> &[f32] {
    sentence.embedding.as_slice().expect("an owned vector is contiguous")
}

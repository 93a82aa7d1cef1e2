//! Texts of files, and their embeddings.
//!
//! Commands that compare all texts with all get them as an index: in a temporary file that is
//! mapped, so that memory need not hold them. A file that is an index already is taken as it is.

mod scratch;

use crate::{
    error::Error,
    fields::{self, Fields, Keep},
    interrupt::Interrupt,
    model,
    notes::note_truncated,
    options::{Common, Encoding},
    progress::Progress,
    progress::Size,
    records::{self, Input, Places, Record, Records},
    show::count,
    vectors::Part,
};
use clap::Args;
use minilm::{
    SentenceEmbedding, SentenceEncoder,
    model::Mapped,
    ndarray::ArrayView2,
    tasks::{
        Error as TaskError,
        index::{Index, IndexError},
    },
};
use minilm_readers::vectors::is_index;
pub(crate) use scratch::Scratch;
use std::{
    collections::VecDeque,
    fs::File,
    io,
    path::{Path, PathBuf},
};

/// A file of texts.
#[derive(Debug, Clone, Args)]
pub(crate) struct Source {
    #[arg(value_name = "FILE", help = file_help())]
    pub file: PathBuf,

    /// Take the vectors of the texts from this file, row by row, instead of embedding them: *.npy
    /// and the other files that `convert` reads
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub keep: Keep,

    #[command(flatten)]
    pub opening: Opening,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// How an index is opened.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Opening {
    /// Read the vectors into memory, instead of mapping a file of more than 64 MiB
    ///
    /// A program that makes a mapped index shorter ends this one with a bus error. minilm itself
    /// never changes an index, but replaces it, which does no harm.
    #[arg(long)]
    pub no_map: bool,
}

impl Source {
    /// Options of reading and embedding texts have no meaning for an index.
    fn check_index(&self) -> Result<(), Error> {
        let Source { file, vectors, input, keep, .. } = self;
        let options = [
            ("vectors", vectors.is_some()),
            ("id", keep.id.is_some()),
            ("keep", !keep.keep.is_empty()),
        ];
        let given = options.iter().filter_map(|&(option, is_given)| is_given.then_some(option));
        match input.given().chain(given).chain(self.encoding.given()).next() {
            Some(option) => Err(Error::Usage(format!(
                "--{option}: {} is an index, with texts and vectors as they are",
                file.display()
            ))),
            None => Ok(()),
        }
    }

    /// Options of embedding have no meaning for vectors that are there.
    fn check_vectors(&self) -> Result<(), Error> {
        match self.encoding.given().next() {
            Some(option) => {
                Err(Error::Usage(format!("--{option}: with --vectors nothing is embedded")))
            }
            None => Ok(()),
        }
    }
}

impl Encoding {
    /// The options that were given, as they are spelt.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let encoding = self;
        let options = [
            ("truncate-dim", encoding.truncate_dim.is_some()),
            ("max-tokens", encoding.max_tokens.is_some()),
            ("normalize", encoding.normalize),
            ("no-normalize", encoding.no_normalize),
            ("prompt", encoding.prompt.is_some()),
            ("prompt-name", encoding.prompt_name.is_some()),
            ("strict", encoding.strict),
        ];
        options.into_iter().filter_map(|(option, is_given)| is_given.then_some(option))
    }
}

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

/// Takes a text and its vector.
type Take<'a> = dyn FnMut(&Text, &[f32]) -> Result<(), Error> + 'a;

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

/// The values of an embedding.
pub(crate) fn values<T>(sentence: &SentenceEmbedding<T>) -> &[f32] {
    sentence.embedding.as_slice().expect("an owned vector is contiguous")
}

impl Opening {
    /// Opens an index. Its name may be another kind of file's, but it must be an index.
    pub(crate) fn index(self, path: &Path) -> Result<Index<Mapped>, Error> {
        let open = || {
            let file = File::open(path)?;
            match path.metadata()? {
                found if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
                found if !found.is_file() => {
                    Err(io::Error::other("an index has to be a regular file"))
                }
                _ => self.bytes(&file),
            }
        };
        let bytes = open();
        let bytes =
            bytes.map_err(|source| Error::Read { name: path.display().to_string(), source })?;
        Ok(Index::new(path, bytes)?)
    }

    pub(crate) fn bytes(self, file: &File) -> io::Result<Mapped> {
        if self.no_map { Mapped::read(file) } else { Mapped::of(file) }
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

fn file_help() -> String {
    format!("A file of texts, or an index: {}", crate::records::FILES)
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

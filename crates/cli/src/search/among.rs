//! What is searched: the vectors of an index, or of a file beside one of texts, perhaps quantised.

use super::{Search, quantized::Quantized};
use crate::{
    corpus::{Source, Vectors},
    error::Error,
    model,
    options::{Common, Encoding, check_cosine},
    sample::{self, Sample},
};
use minilm::{
    Level, SentenceEncoder,
    model::Mapped,
    ndarray::ArrayView2,
    tasks::{
        index::Index,
        quantize::QuantizedSearch,
        search::{self, Hit},
    },
};
use minilm_readers::vectors::is_index;
use std::path::Path;

/// Texts, and the vectors that are compared.
pub(super) struct Among<'a> {
    command: &'a Search,
    /// With the vectors, where these are not quantised.
    texts: Vectors,
    /// Whether the texts are in an index, and not in a file of their own.
    is_index: bool,
    quantized: Option<Quantized>,
    /// Where no encoder has one.
    level: Level,
}

impl<'a> Among<'a> {
    pub(super) fn open(common: &Common, command: &'a Search) -> Result<Among<'a>, Error> {
        if let Some(bound) = command.min_score {
            check_cosine("min-score", bound)?;
        }
        let is_index = command.vectors.is_none() || is_index(&command.index);
        let source = Source {
            file: command.index.clone(),
            vectors: command.vectors.clone().filter(|_| command.quantized.is_none()),
            input: command.input.clone(),
            keep: command.keep.clone(),
            opening: command.opening,
            encoding: Encoding::default(), // of the queries
        };
        let texts = match (is_index, command.quantized) {
            (true, _) => {
                check_index(command)?;
                no_texts(&command.index)?;
                Vectors::of(&command.index, command.opening)?
            }
            (false, Some(_)) => Vectors::texts(&source, common.quiet)?,
            (false, None) => Vectors::open(common, &source, false)?,
        };
        let quantized = match (&command.vectors, command.quantized) {
            (Some(file), Some(precision)) => {
                let of = is_index.then_some(&texts.index);
                Some(Quantized::read(command, file, precision, texts.index.len(), of)?)
            }
            _ => None,
        };
        let level = model::level(common)?.unwrap_or_default();
        Ok(Among { command, texts, is_index, quantized, level })
    }

    pub(super) fn index(&self) -> &Index<Mapped> {
        &self.texts.index
    }

    pub(super) fn texts(&self) -> &Vectors {
        &self.texts
    }

    /// Vectors from elsewhere are those of the encoder, as far as some of them tell.
    pub(super) fn check(&self, encoder: &SentenceEncoder) -> Result<(), Error> {
        let Some(file) = &self.command.vectors else { return Ok(()) };
        if self.is_index {
            return Ok(()); // its space tells, and the bytes were compared with its vectors
        }
        let name = file.display().to_string();
        let remedy = "; with --query-vectors nothing is embedded";
        match &self.quantized {
            Some(quantized) => {
                quantized.check_dimensions(encoder.dimension())?;
                let row = |row| Ok(quantized.restored(row, encoder.dimension()));
                self.sample(row)?.check(&name, encoder, quantized.least(), remedy)
            }
            None => {
                sample::check_columns(&name, self.index().dimensions(), encoder)?;
                let vectors = self.index().vectors()?;
                let row = |row| Ok(vectors.row(row).to_vec());
                self.sample(row)?.check(&name, encoder, sample::NEAR, remedy)
            }
        }
    }

    /// The first texts, with vectors that `row` gives.
    fn sample(&self, row: impl Fn(usize) -> Result<Vec<f32>, Error>) -> Result<Sample, Error> {
        let mut sample = Sample::default();
        for at in 0..self.index().len() {
            if sample.is_full() {
                break;
            }
            sample.push(self.texts.text(at)?, &row(at)?);
        }
        Ok(sample)
    }

    /// The hits of queries that the encoder has embedded, or that are of the same space by the word
    /// of the command line.
    pub(super) fn search(
        &self,
        queries: ArrayView2<f32>,
        encoder: Option<&SentenceEncoder>,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        let level = encoder.map_or(self.level, SentenceEncoder::level);
        let space = encoder.filter(|_| self.is_index).map(SentenceEncoder::space);
        let space = space.unwrap_or_else(|| self.index().space().clone());
        let top_k = self.command.top_k.get();
        let Some(quantized) = &self.quantized else {
            let search = search::Search::new().top_k(top_k).level(level);
            let search = self.command.min_score.map_or(search, |least| search.min_score(least));
            return Ok(self.index().search(&space, queries, &search)?);
        };
        if !self.index().space().is_same(&space) {
            // Its error says what differs.
            return Ok(self.index().search(&space, queries, &search::Search::new())?);
        }
        quantized.check_dimensions(queries.ncols())?;
        let options = QuantizedSearch::new()
            .top_k(top_k)
            .multiplier(self.command.rescore_multiplier.get())
            .level(level);
        let vectors = if self.is_index { Some(self.index().vectors()?) } else { None };
        let vectors = vectors.as_ref().map(|vectors| vectors.view());
        let mut found = quantized.search(queries, options, vectors)?;
        let least = self.command.min_score.unwrap_or(-1.0);
        found.iter_mut().for_each(|hits| hits.retain(|hit| hit.score >= least));
        Ok(found)
    }
}

/// A file of texts is no index yet.
fn no_texts(path: &Path) -> Result<(), Error> {
    match path.is_file() && !is_index(path) {
        true => Err(Error::Input(format!(
            "{0} is not an index; `minilm index {0} -o NAME.index` makes one of the texts in it",
            path.display()
        ))),
        false => Ok(()),
    }
}

/// Options of a file of texts have no meaning for an index.
fn check_index(command: &Search) -> Result<(), Error> {
    let name = command.index.display();
    if command.vectors.is_some() && command.quantized.is_none() {
        return Err(Error::Usage(format!(
            "--vectors: {name} is an index, which has vectors; --quantized searches among \
             quantised ones first"
        )));
    }
    match command.keep.names().is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "--id, --keep: {name} is an index, which shows the fields that it was written with"
        ))),
    }
}

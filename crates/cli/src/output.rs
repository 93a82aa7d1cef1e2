//! Embeddings to standard output or a file, in one of four formats; pages and folders of arrays.

mod csv;
mod folder;
mod jsonl;
mod npy;
mod page;
mod staged;
mod target;
mod text;

use crate::{error::Error, options};
pub(crate) use folder::Folder;
use minilm::SentenceEmbedding;
pub(crate) use npy::header as npy_header;
pub(crate) use page::Page;
pub(crate) use staged::Staged;
use std::{
    io::{self, IsTerminal},
    path::Path,
};
pub(crate) use target::Target;

/// Where the embeddings of a command go.
pub(crate) struct Output {
    format: Box<dyn Format>,
    name: Option<String>,
}

/// One way to write embeddings.
trait Format {
    fn row(&mut self, sentence: &SentenceEmbedding<String>) -> io::Result<()>;

    /// Writes what can only be written at the end, and makes the output appear.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A place to write to, and how.
pub(crate) struct Plan {
    target: Target,
    format: options::Format,
    name: Option<String>,
}

impl Plan {
    /// Opens `file`, or standard output, so that a place that cannot be written to is known before
    /// the model is loaded.
    pub(crate) fn open(format: options::Format, file: Option<&Path>) -> Result<Plan, Error> {
        let name = file.map(|path| path.display().to_string());
        let target = match file {
            None if format == options::Format::Npy && io::stdout().is_terminal() => {
                let remedy = "pass --output FILE, or redirect standard output to a file";
                return Err(Error::Usage(format!(
                    "npy is binary and a terminal cannot show it; {remedy}"
                )));
            }
            None => Ok(Target::stdout()),
            Some(path) => Target::file(path),
        };
        match target {
            Ok(target) => Ok(Plan { target, format, name }),
            Err(source) => Err(failed(&name, source)),
        }
    }

    /// Writes what comes before the first of the embeddings, which have `dimension` values.
    pub(crate) fn begin(self, dimension: usize) -> Result<Output, Error> {
        let Plan { target, format, name } = self;
        let opened = || -> io::Result<Box<dyn Format>> {
            Ok(match format {
                options::Format::Text => Box::new(text::Text(target)),
                options::Format::Jsonl => Box::new(jsonl::Jsonl(target)),
                options::Format::Csv => Box::new(csv::Csv::begin(target, dimension)?),
                options::Format::Npy => Box::new(npy::Npy::begin(target, dimension)?),
            })
        };
        match opened() {
            Ok(format) => Ok(Output { format, name }),
            Err(source) => Err(failed(&name, source)),
        }
    }
}

impl Output {
    pub(crate) fn row(&mut self, sentence: &SentenceEmbedding<String>) -> Result<(), Error> {
        self.format.row(sentence).map_err(|source| failed(&self.name, source))
    }

    pub(crate) fn finish(self) -> Result<(), Error> {
        let Output { format, name } = self;
        format.finish().map_err(|source| failed(&name, source))
    }
}

/// The error of an output with this name; `None` is standard output.
fn failed(name: &Option<String>, source: io::Error) -> Error {
    match name {
        Some(name) => Error::Write { name: name.clone(), source },
        None => Error::Stdout(source),
    }
}

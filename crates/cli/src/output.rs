//! Embeddings to standard output or a file, in one of four formats; pages and folders of arrays.

mod csv;
mod folder;
mod jsonl;
mod npy;
mod page;
mod target;
mod text;

use crate::{
    args::{self, Embed},
    error::Error,
};
pub(crate) use folder::Folder;
use minilm::SentenceEmbedding;
pub(crate) use npy::header as npy_header;
pub(crate) use page::Page;
use std::io::{self, IsTerminal};
pub(crate) use target::{Target, without_path};

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
pub(crate) struct Plan<'a> {
    target: Target,
    command: &'a Embed,
}

impl<'a> Plan<'a> {
    /// Opens the output of `command`, so that a place that cannot be written to is known before the
    /// model is loaded.
    pub(crate) fn open(command: &'a Embed) -> Result<Plan<'a>, Error> {
        let target = match &command.output {
            None if command.format == args::Format::Npy && io::stdout().is_terminal() => {
                let remedy = "pass --output FILE, or redirect standard output to a file";
                return Err(Error::Usage(format!(
                    "npy is binary and a terminal cannot show it; {remedy}"
                )));
            }
            None => Ok(Target::stdout()),
            Some(path) => Target::file(path),
        };
        let target = target
            .map_err(|source| Error::Write { name: name(command).unwrap_or_default(), source })?;
        Ok(Plan { target, command })
    }

    /// Writes what comes before the first of the embeddings, which have `dimension` values.
    pub(crate) fn begin(self, dimension: usize) -> Result<Output, Error> {
        let (format, target) = (self.command.format, self.target);
        let name = name(self.command);
        let opened = || -> io::Result<Box<dyn Format>> {
            Ok(match format {
                args::Format::Text => Box::new(text::Text(target)),
                args::Format::Jsonl => Box::new(jsonl::Jsonl(target)),
                args::Format::Csv => Box::new(csv::Csv::begin(target, dimension)?),
                args::Format::Npy => Box::new(npy::Npy::begin(target, dimension)?),
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

/// The output's name; `None` is standard output.
fn name(command: &Embed) -> Option<String> {
    command.output.as_ref().map(|path| path.display().to_string())
}

fn failed(name: &Option<String>, source: io::Error) -> Error {
    match name {
        Some(name) => Error::Write { name: name.clone(), source },
        None => Error::Stdout(source),
    }
}

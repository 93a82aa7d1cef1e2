//! Options that name a file of texts or an index, and say how it is read.

use crate::{error::Error, fields::Keep, options::Encoding, records::Input};
use clap::Args;
use minilm::{model::Mapped, tasks::index::Index};
use std::{
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
    pub(super) fn check_index(&self) -> Result<(), Error> {
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
    pub(super) fn check_vectors(&self) -> Result<(), Error> {
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

fn file_help() -> String {
    format!("A file of texts, or an index: {}", crate::records::FILES)
}

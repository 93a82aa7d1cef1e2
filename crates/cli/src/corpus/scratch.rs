//! An index for the time that a command runs: memory need not hold its vectors.

use super::map;
use crate::{error::Error, output::without_path};
use minilm::{
    model::Mapped,
    tasks::index::{Index, IndexError, Space, Writer},
};
use std::{env, io, path::PathBuf};
use tempfile::TempDir;

/// Vectors and texts that are written to a temporary file.
pub(crate) struct Scratch {
    directory: TempDir,
    writer: Writer,
}

impl Scratch {
    /// For vectors with this many columns.
    pub(crate) fn create(columns: usize) -> Result<Scratch, Error> {
        let directory = tempfile::tempdir().map_err(|error| unwritten(without_path(error)))?;
        let writer =
            Writer::create(&path(&directory), &Space::new("", ""), columns).map_err(failed)?;
        Ok(Scratch { directory, writer })
    }

    pub(crate) fn push(&mut self, vector: &[f32], text: &str) -> Result<(), Error> {
        self.writer.push(vector, text).map_err(failed)
    }

    /// Maps what was written. Where a file that is mapped cannot be removed before the end, its
    /// directory comes along.
    pub(crate) fn finish(self) -> Result<(Index<Mapped>, Option<TempDir>), Error> {
        let Scratch { directory, writer } = self;
        writer.finish().map_err(failed)?;
        let index = map(&path(&directory))?;
        // What is mapped needs no name, and without one nothing is left behind, however this ends.
        let directory = if cfg!(unix) { directory.close().ok().and(None) } else { Some(directory) };
        Ok((index, directory))
    }
}

fn path(directory: &TempDir) -> PathBuf {
    directory.path().join("vectors.index")
}

fn failed(error: IndexError) -> Error {
    match error {
        IndexError::Write { source, .. } => unwritten(source),
        other => other.into(),
    }
}

/// Nobody asked for the file, so an error tells where it would be, and how to have it elsewhere.
fn unwritten(source: io::Error) -> Error {
    Error::Write {
        name: format!("the vectors to {} (TMPDIR names another place)", env::temp_dir().display()),
        source,
    }
}

//! An index for the time that a command runs: memory need not hold its vectors.

use super::Opening;
use crate::error::Error;
use minilm::{
    model::Mapped,
    tasks::index::{Index, IndexError, Space, Unnamed},
};
use std::{
    env,
    fs::File,
    path::{Path, PathBuf},
};

/// Vectors and texts that are written to a file without a name.
pub(crate) struct Scratch(Unnamed);

impl Scratch {
    /// For vectors with this many columns, and rows with these fields.
    pub(crate) fn create(columns: usize, fields: &[String]) -> Result<Scratch, Error> {
        let space = Space::new("", "");
        let writer = Unnamed::create_with(&directory(), &space, columns, fields);
        writer.map(Scratch).map_err(failed)
    }

    pub(crate) fn push(
        &mut self,
        vector: &[f32],
        text: &str,
        values: &[String],
    ) -> Result<(), Error> {
        self.0.push_with(vector, text, values).map_err(failed)
    }

    /// The index that was written, and its file, which some systems remove when it is closed.
    pub(crate) fn finish(self, opening: Opening) -> Result<(Index<Mapped>, File), Error> {
        let directory = directory();
        let file = self.0.finish().map_err(failed)?;
        let bytes = opening.bytes(&file);
        let name = || format!("the vectors in {}", directory.display());
        let bytes = bytes.map_err(|source| Error::Read { name: name(), source })?;
        Ok((Index::new(&directory, bytes)?, file))
    }
}

/// The place of temporary files. Where there is none, as in an empty container, and `TMPDIR` names
/// none either, it is the directory in which the command runs.
pub(crate) fn directory() -> PathBuf {
    let usual = env::temp_dir();
    match env::var_os("TMPDIR") {
        None if !usual.is_dir() => Path::new(".").to_owned(),
        _ => usual,
    }
}

/// Users have not named the file, so an error tells where it is, and how to have it elsewhere.
fn failed(error: IndexError) -> Error {
    match error {
        IndexError::Write { source, .. } => Error::Write {
            name: format!("the vectors to {} (TMPDIR names another place)", directory().display()),
            source,
        },
        other => other.into(),
    }
}

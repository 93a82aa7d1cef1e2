//! An index without a name.

use super::{
    IndexError, Space,
    body::{self, Body},
};
use std::{
    fs::File,
    io::Seek,
    path::{Path, PathBuf},
};

/// An index in a file without a name, for as long as that file is open: however the process ends,
/// nothing is left of it.
///
/// ```
/// use minilm_tasks::index::{Index, Space, Unnamed};
/// use std::io::Read;
///
/// let directory = std::env::temp_dir();
/// let mut writer = Unnamed::create(&directory, &Space::new("model", "0"), 2)?;
/// writer.push(&[1.0, 0.0], "east")?;
/// let mut bytes = Vec::new();
/// writer.finish()?.read_to_end(&mut bytes)?;
/// assert_eq!(Index::new(&directory, bytes)?.text(0)?, "east");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Unnamed {
    directory: PathBuf,
    body: Body<File>,
}

impl Unnamed {
    /// Begins an index of vectors with this many columns, on the file system of `directory`.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for no columns, [`IndexError::Write`]; errors name the directory.
    pub fn create(directory: &Path, space: &Space, columns: usize) -> Result<Unnamed, IndexError> {
        Unnamed::create_with(directory, space, columns, &[])
    }

    /// Begins an index whose rows have these fields.
    ///
    /// # Errors
    /// Those of [`Unnamed::create`].
    pub fn create_with(
        directory: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
    ) -> Result<Unnamed, IndexError> {
        if columns == 0 {
            return Err(body::no_columns(directory));
        }
        let body = tempfile::tempfile_in(directory)
            .and_then(|file| Body::begin(file, directory, space, columns, fields));
        match body {
            Ok(body) => Ok(Unnamed { directory: directory.to_owned(), body }),
            Err(source) => Err(IndexError::Write { path: directory.to_owned(), source }),
        }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Those of [`Writer::push`](super::Writer::push).
    pub fn push(&mut self, vector: &[f32], text: &str) -> Result<(), IndexError> {
        self.push_with(vector, text, &[])
    }

    /// Adds a row with the values of its fields.
    ///
    /// # Errors
    /// Those of [`Writer::push_with`](super::Writer::push_with).
    pub fn push_with(
        &mut self,
        vector: &[f32],
        text: &str,
        values: &[String],
    ) -> Result<(), IndexError> {
        self.body.push_row(&self.directory, vector, text, values)
    }

    /// The file, at its beginning.
    ///
    /// # Errors
    /// [`IndexError::Write`].
    pub fn finish(self) -> Result<File, IndexError> {
        let Unnamed { directory, body } = self;
        let finish = || {
            let (mut file, _) = body.complete()?;
            file.rewind()?;
            Ok(file)
        };
        finish().map_err(|source| IndexError::Write { path: directory, source })
    }
}

//! Arrays as files of a folder.

use super::npy;
use crate::{error::Error, interrupt::listen};
use minilm::tasks::replace::{TemporaryFolder, sync_name};
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

/// Files that appear in `path` when all are written: a new folder at once, an old one file by file.
pub(crate) struct Folder {
    temporary: TemporaryFolder,
    path: PathBuf,
    is_new: bool,
    name: String,
}

impl Folder {
    /// Finds out at once whether `path` can be written to.
    pub(crate) fn open(path: &Path) -> Result<Folder, Error> {
        let name = path.display().to_string();
        let open = || {
            let is_new = match fs::metadata(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) => return Err(error),
                Ok(found) if found.is_dir() => false,
                Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            };
            listen()?;
            // A rename needs both names on the same file system.
            let temporary = if is_new {
                TemporaryFolder::beside(path)?
            } else {
                TemporaryFolder::beside(&path.join("npy"))?
            };
            Ok(Folder { temporary, path: path.to_owned(), is_new, name: name.clone() })
        };
        open().map_err(|source| Error::Write { name: name.clone(), source })
    }

    /// Adds the file `name.npy`.
    pub(crate) fn array(
        &mut self,
        name: &str,
        shape: &[usize],
        values: impl Iterator<Item = f32>,
    ) -> Result<(), Error> {
        let file = self.temporary.path().join(format!("{name}.npy"));
        let shape: Vec<u64> = shape.iter().map(|&size| size as u64).collect();
        let write = || {
            let mut file = BufWriter::new(File::create_new(&file)?);
            file.write_all(&npy::header("<f4", &shape))?;
            for x in values {
                file.write_all(&x.to_le_bytes())?;
            }
            file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        };
        let written = write();
        written.map_err(|source| Error::Write { name: format!("{}/{name}.npy", self.name), source })
    }

    /// All are written.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let Folder { temporary, path, is_new, name } = self;
        let appear = || {
            if is_new {
                sync_name(&temporary.path().join("npy"));
                fs::rename(temporary.path(), &path)?;
                sync_name(&path);
                return Ok(());
            }
            for entry in fs::read_dir(temporary.path())? {
                let file = entry?;
                fs::rename(file.path(), path.join(file.file_name()))?;
            }
            sync_name(&path.join("npy"));
            Ok(())
        };
        appear().map_err(|source| Error::Write { name, source })
    }
}

//! A folder that appears when all of it is written.

use crate::{error::Error, interrupt::listen};
use minilm::tasks::replace::{TemporaryFolder, sync_name};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// A new folder under a temporary name.
pub(crate) struct Staged {
    temporary: TemporaryFolder,
    path: PathBuf,
}

impl Staged {
    /// Finds out at once whether there can be a new folder `path`. An empty one may be there
    /// already if `may_be_empty`.
    pub(crate) fn open(path: &Path, may_be_empty: bool) -> Result<Staged, Error> {
        let open = || {
            let is_free = match fs::read_dir(path) {
                Ok(mut entries) => may_be_empty && entries.next().is_none(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => true,
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
                Err(error) => return Err(error),
            };
            if !is_free {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            listen()?;
            Ok(Staged { temporary: TemporaryFolder::beside(path)?, path: path.to_owned() })
        };
        open().map_err(|source| Error::Write { name: path.display().to_string(), source })
    }

    /// Where the folder is to be made. It is not there yet.
    pub(crate) fn folder(&self) -> PathBuf {
        self.temporary.path().join(self.path.file_name().unwrap_or("new".as_ref()))
    }

    /// All of the folder is written: it is brought to the disk, and gets its name.
    pub(crate) fn finish(self) -> Result<(), Error> {
        let folder = self.folder();
        sync_below(&folder).map_err(|(path, source)| self.failed(&path, source))?;
        let failed = |source| self.failed(&folder, source);
        if cfg!(not(unix)) {
            let _ = fs::remove_dir(&self.path); // an empty one, which is not replaced there
        }
        fs::rename(&folder, &self.path).map_err(failed)?;
        sync_name(&self.path);
        // It is empty, and can be removed without being read.
        let _ = fs::remove_dir(self.temporary.path());
        Ok(())
    }

    /// An error of writing a file of the folder, with the name that the file would have had.
    pub(crate) fn named(&self, error: Error) -> Error {
        let (path, source) = match error {
            Error::Encoder(minilm::Error::Write { path, source, .. }) => (path, source),
            Error::Train(minilm_train::Error::Write { path, source, .. }) => (path, source),
            other => return other,
        };
        self.failed(&path, source)
    }

    /// The error of a file of the folder.
    fn failed(&self, path: &Path, source: io::Error) -> Error {
        let inside = path.strip_prefix(self.folder()).unwrap_or(Path::new(""));
        let path = if inside.as_os_str().is_empty() { &self.path } else { &self.path.join(inside) };
        Error::Write { name: path.display().to_string(), source }
    }
}

/// Waits until all files of a folder are on the disk. The error comes with the file.
fn sync_below(folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let failed = |error| (folder.to_owned(), error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            sync_below(&path)?;
        } else if cfg!(unix) {
            // Elsewhere a file that is open for reading cannot be brought to the disk.
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|error| (path, error))?;
        }
    }
    sync_name(&folder.join("file"));
    Ok(())
}

//! Files that take the name of another one when they are complete.
//!
//! ```text
//! .NAME.XXXXXX.tmp   is written beside NAME, which is as it was
//! fsync              its bytes are on the disk
//! rename             a reader of NAME sees the old file or the new one, never a part of it
//! fsync              of the directory: the new name is on the disk
//! ```
//!
//! - A process that is killed cannot remove its temporary file. The file is locked, though, and the
//!   lock ends with the process: the next [`Replacement`] of that name removes the files of this
//!   kind that no process has locked. A program that a signal ends calls [`remove_unfinished`].
//! - A file that replaces another one has its permissions, and its owner and group where the system
//!   allows that. Until the file is complete, only its owner can read it.
//! - A link stays a link: the file that it leads to is replaced. Of several hard links, the one
//!   that is named leads to the new file, and the others keep the old one.

mod attributes;
mod temporary;

pub use temporary::{TemporaryFolder, remove_abandoned_folders, remove_unfinished};
pub(crate) use temporary::{identity, is_still};

use attributes::Attributes;
use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use temporary::TemporaryFile;

/// Links that are followed before they are said to run in a circle, as Linux does.
const LINKS: usize = 40;

/// A file under a temporary name that will replace another one, or be new.
///
/// ```
/// use minilm_tasks::replace::Replacement;
/// use std::{fs, io::Write};
///
/// let path = std::env::temp_dir().join(format!("replaced-{}", std::process::id()));
/// fs::write(&path, "old")?;
/// let mut file = Replacement::of(&path)?;
/// file.write_all(b"new")?;
/// assert_eq!(fs::read(&path)?, b"old");
/// file.finish()?;
/// assert_eq!(fs::read(&path)?, b"new");
/// # fs::remove_file(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Replacement {
    file: TemporaryFile,
    target: PathBuf,
    old: Option<Attributes>,
}

impl Replacement {
    /// Begins a file that will have the name `path`. Dropped before [`Replacement::finish`], it is
    /// removed.
    ///
    /// # Errors
    /// The directory cannot be written to, or `path` is a directory, a device or a pipe.
    pub fn of(path: &Path) -> io::Result<Replacement> {
        let target = resolved(path)?;
        let old = match fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // A new file would take the place of a device or a pipe.
            Ok(found) if !found.is_file() => {
                let reason = "it is not a regular file";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
            Ok(found) => Some(Attributes::of(&found)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let file = TemporaryFile::beside(&target, old.is_some())?;
        Ok(Replacement { file, target, old })
    }

    /// The file that is replaced, behind all links.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The same file, opened again for reading, from `start` on.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn reader(&self, start: u64) -> io::Result<File> {
        let mut file = self.file.reopen()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }

    /// Gives the file its name when it is on the disk. A file of that name is replaced.
    ///
    /// # Errors
    /// Those of the operating system. The old file is then as it was.
    pub fn finish(self) -> io::Result<()> {
        self.settle()?;
        self.file.rename(&self.target)?;
        sync_name(&self.target);
        Ok(())
    }

    /// [`Replacement::finish`] if no file has the name by now, and the replacement back if one has.
    ///
    /// # Errors
    /// Those of the operating system.
    pub fn finish_new(self) -> io::Result<Option<Replacement>> {
        self.settle()?;
        let Replacement { file, target, old } = self;
        match file.rename_new(&target)? {
            Some(file) => Ok(Some(Replacement { file, target, old })),
            None => {
                sync_name(&target);
                Ok(None)
            }
        }
    }

    /// The file has its attributes, and is on the disk.
    fn settle(&self) -> io::Result<()> {
        let file = self.file.as_file();
        if let Some(old) = &self.old {
            old.apply(file)?;
        }
        file.sync_all()
    }
}

impl Read for Replacement {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.file.as_file_mut().read(bytes)
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file_mut().flush()
    }
}

impl Seek for Replacement {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.as_file_mut().seek(to)
    }
}

/// Where `path` leads to, also if there is no file yet.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(link) => path = parent(&path).join(link),
            Err(_) => return Ok(path), // not a link, or there is no file
        }
    }
    Err(io::Error::other("too many links"))
}

/// The directory of `path`.
pub(crate) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the name of a file, and all names in its directory, are on the disk. The file has
/// its name already, so a failure here is not one of the write.
pub fn sync_name(path: &Path) {
    if cfg!(unix) {
        let _ = File::open(parent(path)).and_then(|directory| directory.sync_all());
    }
}

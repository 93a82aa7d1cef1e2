//! The new file that takes the name of an index when it is complete: `.NAME.XXXXXX.tmp`, beside it.
//!
//! A writer that is killed cannot remove its file. It has locked it, though, and the lock ends with
//! it: the next writer of that index removes the files of this kind that nobody holds.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};
use tempfile::{Builder, NamedTempFile};

/// What a temporary file's name ends in.
const SUFFIX: &str = ".tmp";

/// Letters and digits of its name that are random.
const RANDOM: usize = 6;

/// A temporary file whose errors do not name it: nobody asked for it.
#[derive(Debug)]
pub(super) struct Temporary(NamedTempFile);

impl Temporary {
    /// A new file with the permissions of `path`, or those of any new file.
    pub(super) fn beside(path: &Path) -> io::Result<Temporary> {
        let directory = parent(path);
        fs::metadata(directory)?;
        let permissions = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // A new file would take the place of a device or a pipe.
            Ok(found) if !found.is_file() => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "it is not a regular file",
                ));
            }
            Ok(found) => Some(found.permissions()),
            Err(_) => None,
        };
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
        let prefix = format!(".{name}.");
        remove_abandoned(directory, &prefix);
        let file = locked(directory, &prefix).map_err(without_path)?;
        if let Some(permissions) = permissions {
            file.as_file().set_permissions(permissions)?;
        }
        Ok(Temporary(file))
    }

    /// Gives the file its name when it is on the disk.
    pub(super) fn rename(self, target: &Path) -> io::Result<()> {
        self.0.as_file().sync_all()?;
        self.0.persist(target).map(|_| ()).map_err(|error| error.error)
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_file_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_file_mut().flush()
    }
}

impl Seek for Temporary {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.as_file_mut().seek(to)
    }
}

/// A new file that is locked, where files can be.
fn locked(directory: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less what the umask forbids
    loop {
        let file = builder.tempfile_in(directory)?;
        let _ = file.as_file().lock();
        // Before it was locked, another writer may have taken it for an abandoned one.
        if is_still(file.path(), file.as_file()).unwrap_or(false) {
            return Ok(file);
        }
    }
}

/// Removes the files that writers who were killed have left behind.
fn remove_abandoned(directory: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(SUFFIX));
        let is_ours = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|c| c.is_ascii_alphanumeric())
        });
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file()); // to open a pipe would wait for a writer
        if is_ours && is_file && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok())
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether the file still has this name.
#[cfg(unix)]
pub(super) fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (now, opened) = (fs::metadata(path)?, file.metadata()?);
    Ok((now.dev(), now.ino()) == (opened.dev(), opened.ino()))
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
pub(super) fn is_still(_path: &Path, _file: &File) -> io::Result<bool> {
    Ok(true)
}

/// The directory of `path`.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The error without the name that the temporary file would have had.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    text.split_once(" at path ")
        .map(|(reason, _)| io::Error::new(error.kind(), reason))
        .unwrap_or(error)
}

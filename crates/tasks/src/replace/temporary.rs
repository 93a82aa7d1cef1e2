//! `.NAME.XXXXXX.tmp`: locked while it is written, removed when its process is gone.

use super::parent;
use std::{
    fs::{self, File, FileType},
    io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};
use tempfile::{Builder, NamedTempFile, TempDir};

/// The end of a temporary name.
const SUFFIX: &str = ".tmp";

/// Letters and digits of it that are random.
const RANDOM: usize = 6;

/// Bytes of NAME that are in it: most file systems have at most 255 for all.
const NAME: usize = 200;

/// The temporary files and folders of this process.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes the temporary files and folders of this process, which a signal is about to end.
pub fn remove_unfinished() {
    for path in unfinished().drain(..) {
        remove(&path);
    }
}

fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir_all(path));
}

/// A path that is among the unfinished ones as long as this lives.
#[derive(Debug)]
struct Listed(PathBuf);

impl Listed {
    fn new(path: &Path) -> Listed {
        unfinished().push(path.to_owned());
        Listed(path.to_owned())
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

/// A temporary file. Errors do not name it: users know only the file that it will be.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    file: NamedTempFile,
    _listed: Listed,
}

impl TemporaryFile {
    /// A new file beside `path`; a `private` one cannot be read by other users.
    pub(super) fn beside(path: &Path, private: bool) -> io::Result<TemporaryFile> {
        let mode = if private { 0o600 } else { 0o666 };
        let lock = |file: &NamedTempFile| {
            let _ = file.as_file().lock();
            is_still(file.path(), file.as_file())
        };
        let file = beside(
            path,
            mode,
            FileType::is_file,
            |builder, parent| builder.tempfile_in(parent),
            lock,
        )?;
        let _listed = Listed::new(file.path());
        Ok(TemporaryFile { file, _listed })
    }

    pub(super) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    pub(super) fn as_file_mut(&mut self) -> &mut File {
        self.file.as_file_mut()
    }

    pub(super) fn reopen(&self) -> io::Result<File> {
        self.file.reopen()
    }

    /// Gives the file the name `target`.
    pub(super) fn rename(self, target: &Path) -> io::Result<()> {
        self.file.persist(target).map(|_| ()).map_err(|error| error.error)
    }

    /// Gives the file the name `target`, or returns it if there is a file of that name.
    pub(super) fn rename_new(self, target: &Path) -> io::Result<Option<TemporaryFile>> {
        let TemporaryFile { file, _listed } = self;
        match file.persist_noclobber(target) {
            Ok(_) => Ok(None),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(Some(TemporaryFile { file: error.file, _listed }))
            }
            Err(error) => Err(error.error),
        }
    }
}

/// A folder `.NAME.XXXXXX.tmp` for files that belong together, removed when it is dropped, or by
/// the next folder for that name if its process is killed.
///
/// ```
/// use minilm_tasks::replace::TemporaryFolder;
/// let path = std::env::temp_dir().join(format!("arrays-{}", std::process::id()));
/// let folder = TemporaryFolder::beside(&path)?;
/// std::fs::write(folder.path().join("a"), "1")?;
/// std::fs::rename(folder.path(), &path)?;
/// drop(folder);
/// assert!(path.join("a").exists());
/// # std::fs::remove_dir_all(&path)?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: TempDir,
    _lock: Option<File>,
    _listed: Listed,
}

impl TemporaryFolder {
    /// A new folder beside `path`.
    ///
    /// # Errors
    /// The directory of `path` cannot be written to.
    pub fn beside(path: &Path) -> io::Result<TemporaryFolder> {
        let mut handle = None;
        let lock = |folder: &TempDir| {
            // Where a directory cannot be opened as a file, it stays unlocked.
            let Ok(file) = File::open(folder.path()) else { return Ok(true) };
            let _ = file.lock();
            let is_still = is_still(folder.path(), &file);
            handle = Some(file);
            is_still
        };
        let folder = beside(
            path,
            0o777,
            FileType::is_dir,
            |builder, parent| builder.tempdir_in(parent),
            lock,
        )?;
        let _listed = Listed::new(folder.path());
        Ok(TemporaryFolder { folder, _lock: handle, _listed })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Something new beside `path`, with the permissions `mode` less those that the umask forbids, and
/// locked. First, those of its kind that killed processes have left behind are removed.
fn beside<T>(
    path: &Path,
    mode: u32,
    is_kind: fn(&FileType) -> bool,
    make: impl Fn(&Builder, &Path) -> io::Result<T>,
    mut lock: impl FnMut(&T) -> io::Result<bool>,
) -> io::Result<T> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let end = (0..=NAME.min(name.len())).rev().find(|&end| name.is_char_boundary(end));
    let prefix = format!(".{}.", &name[..end.unwrap_or_default()]);
    let directory = parent(path);
    fs::metadata(directory)?;
    remove_abandoned(directory, &prefix, is_kind);
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    loop {
        let new = make(&builder, directory).map_err(without_path)?;
        // Before it was locked, another process may have taken it for an abandoned one.
        if lock(&new).unwrap_or(false) {
            return Ok(new);
        }
    }
}

/// Removes the folders `.NAME.XXXXXX.tmp` in `directory` that killed processes have left behind,
/// for every NAME that begins with `start`.
///
/// A [`TemporaryFolder`] does so for its own name.
///
/// ```
/// use minilm_tasks::replace::{TemporaryFolder, remove_abandoned_folders};
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let abandoned = directory.join(".step-1.AbC123.tmp");
/// std::fs::create_dir(&abandoned)?;
/// let used = TemporaryFolder::beside(&directory.join("step-2"))?;
/// remove_abandoned_folders(directory, "step-");
/// assert!(!abandoned.exists() && used.path().exists());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn remove_abandoned_folders(directory: &Path, start: &str) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_str().and_then(|name| {
            let name = name.strip_prefix('.')?.strip_suffix(SUFFIX)?.rsplit_once('.')?.0;
            name.starts_with(start).then_some(name)
        });
        if let Some(name) = name {
            remove_abandoned(directory, &format!(".{name}."), FileType::is_dir);
        }
    }
}

/// Removes what no process has locked.
fn remove_abandoned(directory: &Path, prefix: &str, is_kind: fn(&FileType) -> bool) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = name.to_str().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(SUFFIX));
        let is_ours = random.is_some_and(|random| {
            random.len() == RANDOM && random.bytes().all(|c| c.is_ascii_alphanumeric())
        });
        // To open a pipe would wait for a writer.
        let is_kind = entry.file_type().is_ok_and(|kind| is_kind(&kind));
        let is_free = || File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok());
        if is_ours && is_kind && is_free() {
            remove(&entry.path());
        }
    }
}

/// Whether the file still has this name.
pub(crate) fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    Ok(identity(&fs::metadata(path)?) == identity(&file.metadata()?))
}

/// Equal for two files only if they are one.
#[cfg(unix)]
pub(crate) fn identity(file: &fs::Metadata) -> impl PartialEq + use<> {
    use std::os::unix::fs::MetadataExt;
    (file.dev(), file.ino())
}

/// Equal for one file, and hardly for two.
#[cfg(not(unix))]
pub(crate) fn identity(file: &fs::Metadata) -> impl PartialEq + use<> {
    (file.len(), file.created().ok(), file.modified().ok())
}

/// The error without the name that the temporary file would have had.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    text.split_once(" at path ")
        .map(|(reason, _)| io::Error::new(error.kind(), reason))
        .unwrap_or(error)
}

//! Where the bytes go: standard output, or a file that appears when it is complete.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, BufWriter, Seek, SeekFrom, StdoutLock, Write},
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile, SpooledTempFile, TempDir, TempPath};

/// Bytes of an array for standard output that stay in memory.
const IN_MEMORY: usize = 16 << 20;

/// Something to write to.
pub(crate) enum Target {
    /// Read while it is written, by a person or the next program of a pipe.
    Live(BufWriter<Live>),
    /// Bytes for a [`Live`] target that are collected first.
    Spool { bytes: BufWriter<SpooledTempFile>, then: BufWriter<Live> },
    /// A temporary file in the directory of `path`, and renamed to it at the end. The errors of a
    /// [`File`] do not name it: nobody asked for it.
    File { file: BufWriter<File>, temporary: TempPath, path: PathBuf },
}

/// What can only be written forwards.
pub(crate) enum Live {
    Stdout(StdoutLock<'static>),
    /// A device or a named pipe.
    Special(File),
}

impl Target {
    pub(crate) fn stdout() -> Target {
        Target::Live(BufWriter::new(Live::Stdout(io::stdout().lock())))
    }

    pub(crate) fn file(path: &Path) -> io::Result<Target> {
        let (path, permissions) = match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (path.to_owned(), None),
            Err(error) => return Err(error),
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            // What replaces a file keeps its permissions, and a link to a file stays one.
            Ok(found) if found.is_file() => (path.canonicalize()?, Some(found.permissions())),
            Ok(_) => {
                let file = OpenOptions::new().write(true).open(path)?;
                return Ok(Target::Live(BufWriter::new(Live::Special(file))));
            }
        };
        let (file, temporary) = temporary_beside(&path, permissions)?.into_parts();
        remove_when_interrupted(&temporary)?;
        Ok(Target::File { file: BufWriter::new(file), temporary, path })
    }

    /// The same place, for a format that goes back to write again what it has written.
    pub(crate) fn seekable(self) -> io::Result<Target> {
        Ok(match self {
            Target::Live(then) => {
                Target::Spool { bytes: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), then }
            }
            other => other,
        })
    }

    /// Whether somebody may be waiting for what is written.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Target::Live(_))
    }

    /// A whole row is written: whoever waits for it gets it.
    pub(crate) fn end_of_row(&mut self) -> io::Result<()> {
        if self.is_live() { self.flush() } else { Ok(()) }
    }

    /// All is written: a file appears under its name.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Target::Live(mut live) => live.flush(),
            Target::Spool { bytes, mut then } => {
                let mut bytes = bytes.into_inner().map_err(io::IntoInnerError::into_error)?;
                bytes.seek(SeekFrom::Start(0))?;
                io::copy(&mut bytes, &mut then)?;
                then.flush()
            }
            Target::File { mut file, temporary, path } => {
                file.flush()?;
                temporary.persist(path).map_err(|error| error.error)
            }
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Target::Live(live) => live,
            Target::Spool { bytes, .. } => bytes,
            Target::File { file, .. } => file,
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer().flush()
    }
}

impl Seek for Target {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Target::Live(_) => Err(io::ErrorKind::NotSeekable.into()),
            Target::Spool { bytes, .. } => bytes.seek(to),
            Target::File { file, .. } => file.seek(to),
        }
    }
}

impl Write for Live {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Live::Stdout(stdout) => stdout.write(bytes),
            Live::Special(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Live::Stdout(stdout) => stdout.flush(),
            Live::Special(file) => file.flush(),
        }
    }
}

/// A new file `.NAME.XXXXXX.tmp` in the directory of `path`, with `permissions` or those of any new
/// file.
fn temporary_beside(path: &Path, permissions: Option<Permissions>) -> io::Result<NamedTempFile> {
    let temporary = beside(path, 0o666, |builder, directory| builder.tempfile_in(directory))?;
    if let Some(permissions) = permissions {
        temporary.as_file().set_permissions(permissions)?;
    }
    Ok(temporary)
}

/// A new folder `.NAME.XXXXXX.tmp` in the directory of `path`.
pub(super) fn folder_beside(path: &Path) -> io::Result<TempDir> {
    beside(path, 0o777, |builder, directory| builder.tempdir_in(directory))
}

/// Something new beside `path`, with the permissions `mode` less what the umask forbids.
fn beside<T>(
    path: &Path,
    mode: u32,
    make: impl FnOnce(&mut Builder, &Path) -> io::Result<T>,
) -> io::Result<T> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let directory =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let prefix = format!(".{name}.");
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    fs::metadata(directory)?;
    make(&mut builder, directory).map_err(without_path)
}

/// The error without the name of a temporary file, which nobody asked for.
fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    text.split_once(" at path ")
        .map(|(reason, _)| io::Error::new(error.kind(), reason))
        .unwrap_or(error)
}

/// Removes `path`, and all paths named before, when the program is asked to stop (Ctrl-C, `kill`),
/// and then stops it as that signal does.
#[cfg(unix)]
pub(super) fn remove_when_interrupted(path: &Path) -> io::Result<()> {
    use signal_hook::{consts, iterator::Signals, low_level::emulate_default_handler};
    use std::sync::{Mutex, PoisonError};
    static PATHS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
    let paths = || PATHS.lock().unwrap_or_else(PoisonError::into_inner);

    paths().push(path.to_owned());
    if paths().len() > 1 {
        return Ok(()); // somebody listens already
    }
    let mut signals = Signals::new([consts::SIGINT, consts::SIGTERM])?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            for path in paths().drain(..) {
                let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
            }
            let _ = emulate_default_handler(signal);
        }
    });
    Ok(())
}

/// Elsewhere the temporary file of an interrupted run stays behind, under its own name.
#[cfg(not(unix))]
pub(super) fn remove_when_interrupted(_path: &Path) -> io::Result<()> {
    Ok(())
}

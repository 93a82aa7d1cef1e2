//! Where the bytes go: standard output, or a file that appears when it is complete.

use crate::interrupt::listen;
use minilm::tasks::replace::Replacement;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, StdoutLock, Write},
    path::Path,
};
use tempfile::SpooledTempFile;

/// Bytes of an array for standard output that stay in memory.
const IN_MEMORY: usize = 16 << 20;

/// Something to write to.
pub(crate) enum Target {
    /// Read while it is written, by a person or the next program of a pipe.
    Live(BufWriter<Live>),
    /// Bytes for a [`Live`] target that are collected first.
    Spool { bytes: BufWriter<SpooledTempFile>, then: BufWriter<Live> },
    /// A temporary file that is renamed at the end.
    File(BufWriter<Replacement>),
}

/// An output that can only be written forwards.
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
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                let file = OpenOptions::new().write(true).open(path)?;
                Ok(Target::Live(BufWriter::new(Live::Special(file))))
            }
            _ => {
                listen()?;
                Replacement::of(path).map(BufWriter::new).map(Target::File)
            }
        }
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

    /// Whether a reader may be waiting for the output.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Target::Live(_))
    }

    /// Ends a row, and passes it on if a reader may be waiting for it.
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
            Target::File(file) => {
                file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
            }
        }
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Target::Live(live) => live,
            Target::Spool { bytes, .. } => bytes,
            Target::File(file) => file,
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
            Target::File(file) => file.seek(to),
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

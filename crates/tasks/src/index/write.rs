//! Writing: always a whole new file beside the old one, and then a rename.

use super::{IndexError, Space, layout::Layout};
use crate::{Error, matrix::Matrix};
use ndarray::ArrayView2;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};
use tempfile::NamedTempFile;

/// Writes an index of `vectors` `[n, d]`, made by `space`, and a text for each. A file of that name is replaced.
///
/// # Errors
/// [`IndexError::Vectors`] if the vectors are not finite, have no columns, or are not as many as the texts; [`IndexError::Write`].
pub fn write<T: AsRef<str>>(path: &Path, space: &Space, vectors: ArrayView2<f32>, texts: &[T]) -> Result<(), IndexError> {
    let new = Rows::new(path, vectors, texts)?;
    let layout = Layout::new(texts.len(), new.vectors.columns(), new.text_bytes(), space.clone());
    replace(path, |to| {
        to.write_all(&layout.header())?;
        new.write_vectors(to)?;
        to.write_all(&0_u64.to_le_bytes())?;
        new.write_offsets(to, 0)?;
        new.write_texts(to)
    })
}

/// Adds `vectors` `[m, d]` and a text for each behind the rows of an index. Returns how many rows it then has.
///
/// Who appends at the same time waits, and adds his rows behind these.
///
/// # Errors
/// [`IndexError::Read`], [`IndexError::Format`], [`IndexError::Space`] if the index holds vectors of another space, and those of [`write()`].
pub fn append<T: AsRef<str>>(path: &Path, space: &Space, vectors: ArrayView2<f32>, texts: &[T]) -> Result<usize, IndexError> {
    let new = Rows::new(path, vectors, texts)?;
    let mut old = open_locked(path).map_err(|source| IndexError::Read { path: path.to_owned(), source })?;
    let before = read_layout(path, &mut old)?;
    before.check_space(path, space)?;
    if new.vectors.columns() != before.columns {
        let source = Error::Columns { what: "vectors", found: new.vectors.columns(), expected: before.columns };
        return Err(IndexError::Vectors { path: path.to_owned(), source });
    }
    let rows = before.rows + texts.len();
    let layout = Layout::new(rows, before.columns, before.text_bytes + new.text_bytes(), before.space.clone());
    replace(path, |to| {
        to.write_all(&layout.header())?;
        copy(&mut old, before.vectors(), to)?;
        new.write_vectors(to)?;
        copy(&mut old, before.offsets(), to)?;
        new.write_offsets(to, before.text_bytes as u64)?;
        copy(&mut old, before.texts(), to)?;
        new.write_texts(to)
    })?;
    Ok(rows)
}

/// Rows to be written.
struct Rows<'a, T> {
    vectors: Matrix<'a>,
    texts: &'a [T],
}

impl<'a, T: AsRef<str>> Rows<'a, T> {
    fn new(path: &Path, vectors: ArrayView2<'a, f32>, texts: &'a [T]) -> Result<Rows<'a, T>, IndexError> {
        let vectors = Matrix::new("vectors", vectors).and_then(|vectors| {
            vectors.check_finite()?;
            vectors.with_rows(texts.len())
        });
        let vectors = vectors.map_err(|source| IndexError::Vectors { path: path.to_owned(), source })?;
        Ok(Rows { vectors, texts })
    }

    fn text_bytes(&self) -> usize {
        self.texts.iter().map(|text| text.as_ref().len()).sum()
    }

    fn write_vectors(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(bytemuck::cast_slice(self.vectors.values(0..self.vectors.rows())))
    }

    /// Where each text ends, if the first starts at `end`.
    fn write_offsets(&self, to: &mut impl Write, mut end: u64) -> io::Result<()> {
        self.texts.iter().try_for_each(|text| {
            end += text.as_ref().len() as u64;
            to.write_all(&end.to_le_bytes())
        })
    }

    fn write_texts(&self, to: &mut impl Write) -> io::Result<()> {
        self.texts.iter().try_for_each(|text| to.write_all(text.as_ref().as_bytes()))
    }
}

/// Opens the file that has this name now, and keeps others who ask for it waiting until it is closed.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        // While this waited, another may have put a new file in the place of the one that is now locked.
        if is_still(path, &file)? {
            return Ok(file);
        }
    }
}

#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (now, opened) = (fs::metadata(path)?, file.metadata()?);
    Ok((now.dev(), now.ino()) == (opened.dev(), opened.ino()))
}

/// Elsewhere a file that is open keeps its name.
#[cfg(not(unix))]
fn is_still(_path: &Path, _file: &File) -> io::Result<bool> {
    Ok(true)
}

fn read_layout(path: &Path, file: &mut File) -> Result<Layout, IndexError> {
    let read = |source| IndexError::Read { path: path.to_owned(), source };
    let format = |reason| IndexError::Format { path: path.to_owned(), reason };
    let size = file.metadata().map_err(read)?.len();
    let mut start = Vec::new();
    file.take(8).read_to_end(&mut start).map_err(read)?;
    let needed = Layout::needed(&start).map_err(format)?;
    file.take((needed - start.len()) as u64).read_to_end(&mut start).map_err(read)?;
    Layout::parse(&start, size).map_err(format)
}

/// A part of a file, all of it.
fn copy(from: &mut File, part: Range<usize>, to: &mut impl Write) -> io::Result<()> {
    from.seek(SeekFrom::Start(part.start as u64))?;
    let copied = io::copy(&mut from.take(part.len() as u64), to)?;
    if copied == part.len() as u64 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Writes a temporary file in the same directory and gives it the name `path` when it is on the disk.
fn replace(path: &Path, write: impl FnOnce(&mut BufWriter<NamedTempFile>) -> io::Result<()>) -> Result<(), IndexError> {
    let replaced = (|| {
        let path = if path.exists() { path.canonicalize()? } else { path.to_owned() }; // a link stays one
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut to = BufWriter::with_capacity(1 << 20, temporary(&path, directory)?);
        write(&mut to)?;
        let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(&path).map_err(|error| error.error)?;
        sync_directory(directory);
        Ok(())
    })();
    replaced.map_err(|source| IndexError::Write { path: path.to_owned(), source })
}

/// A new file `.NAME.XXXXXX.tmp` with the permissions of `path`, or those of any new file.
fn temporary(path: &Path, directory: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?.to_string_lossy();
    let prefix = format!(".{name}.");
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less what the umask forbids
    let file = builder.tempfile_in(directory)?;
    if let Ok(found) = fs::metadata(path) {
        file.as_file().set_permissions(found.permissions())?;
    }
    Ok(file)
}

/// A rename is on the disk when its directory is. The new file has its name already, so a failure here is none of the write.
#[cfg(unix)]
fn sync_directory(directory: &Path) {
    File::open(directory).and_then(|directory| directory.sync_all()).ok();
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) {}

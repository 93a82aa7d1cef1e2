//! Writing: always a whole new file beside the old one, and then a rename.
//!
//! ```text
//! notes.index's new file   room for the header │ vectors, as they come │ offsets │ texts
//! two files without names  offsets, texts: as they come, copied behind the vectors at the end
//! ```

use super::{
    IndexError, Space,
    layout::Layout,
    temporary::{Temporary, is_still, parent},
};
use crate::{Error, matrix::Matrix};
use ndarray::ArrayView2;
use std::{
    fs::File,
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::{Path, PathBuf},
};
use tempfile::SpooledTempFile;

/// Bytes of offsets, and of texts, that stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// Writes an index of `vectors` `[n, d]`, made by `space`, and a text for each. A file of that name
/// is replaced.
///
/// # Errors
/// [`IndexError::Vectors`] if the vectors are not finite, have no columns, or are not as many as
/// the texts; [`IndexError::Write`].
pub fn write<T: AsRef<str>>(
    path: &Path,
    space: &Space,
    vectors: ArrayView2<f32>,
    texts: &[T],
) -> Result<(), IndexError> {
    let rows = checked(path, vectors, texts.len())?;
    push_all(Writer::create(path, space, rows.columns())?, &rows, texts).map(|_| ())
}

/// Adds `vectors` `[m, d]` and a text for each behind the rows of an index. Returns how many rows
/// it then has.
///
/// Who appends at the same time waits, and adds his rows behind these.
///
/// # Errors
/// [`IndexError::Read`], [`IndexError::Format`], [`IndexError::Space`] if the index holds vectors
/// of another space, [`IndexError::Prompt`] if its texts have another prompt, and those of
/// [`write()`].
pub fn append<T: AsRef<str>>(
    path: &Path,
    space: &Space,
    vectors: ArrayView2<f32>,
    texts: &[T],
) -> Result<usize, IndexError> {
    let rows = checked(path, vectors, texts.len())?;
    push_all(Writer::append(path, space, rows.columns())?, &rows, texts)
}

fn checked<'a>(
    path: &Path,
    vectors: ArrayView2<'a, f32>,
    texts: usize,
) -> Result<Matrix<'a>, IndexError> {
    let rows = Matrix::new("vectors", vectors).and_then(|vectors| {
        vectors.check_finite()?;
        vectors.with_rows(texts)
    });
    rows.map_err(|source| IndexError::Vectors { path: path.to_owned(), source })
}

fn push_all<T: AsRef<str>>(
    mut writer: Writer,
    rows: &Matrix,
    texts: &[T],
) -> Result<usize, IndexError> {
    for (row, text) in texts.iter().enumerate() {
        writer.push(rows.row(row), text.as_ref())?;
    }
    writer.finish()
}

/// An index that is written row by row, in memory that does not grow with it. Nothing appears
/// before [`Writer::finish`].
///
/// ```
/// use minilm_tasks::index::{Index, Space, Writer};
/// let file = std::env::temp_dir().join(format!("rows-{}.index", std::process::id()));
/// let mut writer = Writer::create(&file, &Space::new("model", "0"), 2)?;
/// writer.push(&[1.0, 0.0], "east")?;
/// writer.push(&[0.0, 1.0], "north")?;
/// assert_eq!(writer.finish()?, 2);
/// assert_eq!(Index::read(&file)?.text(1)?, "north");
/// # std::fs::remove_file(&file)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,   // as it was given
    target: PathBuf, // where it leads to
    layout: Layout,
    file: BufWriter<Temporary>,
    offsets: BufWriter<SpooledTempFile>,
    texts: BufWriter<SpooledTempFile>,
    /// The index that is added to; others who want to add wait while it is open.
    _old: Option<File>,
}

impl Writer {
    /// Begins an index of vectors with this many columns. It will replace a file of that name.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for no columns, [`IndexError::Write`].
    pub fn create(path: &Path, space: &Space, columns: usize) -> Result<Writer, IndexError> {
        if columns == 0 {
            return Err(IndexError::Vectors {
                path: path.to_owned(),
                source: Error::NoColumns { what: "vectors" },
            });
        }
        Writer::new(path, Layout::new(0, columns, 0, space.clone()), None)
    }

    /// Begins the index that has the rows of the one at `path`, and more.
    ///
    /// # Errors
    /// [`IndexError::Read`], [`IndexError::Format`], [`IndexError::Space`], [`IndexError::Prompt`],
    /// [`IndexError::Vectors`] if the index has other columns, [`IndexError::Write`].
    pub fn append(path: &Path, space: &Space, columns: usize) -> Result<Writer, IndexError> {
        let mut old = open_locked(path)
            .map_err(|source| IndexError::Read { path: path.to_owned(), source })?;
        let layout = read_layout(path, &mut old)?;
        layout.check_space(path, space)?;
        layout.check_prompt(path, space)?;
        if columns != layout.columns {
            let source =
                Error::Columns { what: "vectors", found: columns, expected: layout.columns };
            return Err(IndexError::Vectors { path: path.to_owned(), source });
        }
        Writer::new(path, layout, Some(old))
    }

    fn new(path: &Path, layout: Layout, old: Option<File>) -> Result<Writer, IndexError> {
        let begin = || {
            let target = if path.exists() { path.canonicalize()? } else { path.to_owned() }; // a link stays one
            let directory = parent(&target);
            let spool = || tempfile::spooled_tempfile_in(IN_MEMORY, directory);
            let mut file = BufWriter::with_capacity(1 << 20, Temporary::beside(&target)?);
            let (mut offsets, mut texts) = (BufWriter::new(spool()), BufWriter::new(spool()));
            file.write_all(&layout.header())?;
            match &old {
                None => offsets.write_all(&0_u64.to_le_bytes())?,
                Some(old) => {
                    copy(old, layout.vectors(), &mut file)?;
                    copy(old, layout.offsets(), &mut offsets)?;
                    copy(old, layout.texts(), &mut texts)?;
                }
            }
            Ok(Writer { path: path.to_owned(), target, layout, file, offsets, texts, _old: old })
        };
        begin().map_err(|source| IndexError::Write { path: path.to_owned(), source })
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`IndexError::Vectors`] for a vector of another length, or one that is not finite;
    /// [`IndexError::Write`].
    pub fn push(&mut self, vector: &[f32], text: &str) -> Result<(), IndexError> {
        let (row, columns) = (self.layout.rows, self.layout.columns);
        let wrong = match vector.iter().position(|value| !value.is_finite()) {
            Some(column) => {
                Some(Error::NotFinite { what: "vectors", row, column, value: vector[column] })
            }
            None if vector.len() != columns => {
                Some(Error::Columns { what: "vectors", found: vector.len(), expected: columns })
            }
            None => None,
        };
        if let Some(source) = wrong {
            return Err(IndexError::Vectors { path: self.path.clone(), source });
        }
        self.layout.rows += 1;
        self.layout.text_bytes += text.len();
        let end = self.layout.text_bytes as u64;
        let mut write = || {
            self.file.write_all(bytemuck::cast_slice(vector))?;
            self.offsets.write_all(&end.to_le_bytes())?;
            self.texts.write_all(text.as_bytes())
        };
        write().map_err(|source| IndexError::Write { path: self.path.clone(), source })
    }

    /// Gives the file its name when it is on the disk. Returns how many rows it has.
    ///
    /// # Errors
    /// [`IndexError::Write`].
    pub fn finish(self) -> Result<usize, IndexError> {
        let Writer { path, target, layout, mut file, offsets, texts, _old } = self;
        let finish = || {
            for spool in [offsets, texts] {
                let mut spool = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
                spool.seek(SeekFrom::Start(0))?;
                io::copy(&mut spool, &mut file)?;
            }
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&layout.header())?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.rename(&target)?;
            sync_directory(parent(&target));
            Ok(layout.rows)
        };
        finish().map_err(|source| IndexError::Write { path, source })
    }
}

/// Opens the file that has this name now, and keeps others who ask for it waiting until it is
/// closed.
fn open_locked(path: &Path) -> io::Result<File> {
    loop {
        let file = File::open(path)?;
        file.lock()?;
        // While this waited, another may have put a new file in the place of the one that is now
        // locked.
        if is_still(path, &file)? {
            return Ok(file);
        }
    }
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
fn copy(mut from: &File, part: Range<usize>, to: &mut impl Write) -> io::Result<()> {
    from.seek(SeekFrom::Start(part.start as u64))?;
    let copied = io::copy(&mut from.take(part.len() as u64), to)?;
    if copied == part.len() as u64 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// A rename is on the disk when its directory is. The new file has its name already, so a failure
/// here is none of the write.
#[cfg(unix)]
fn sync_directory(directory: &Path) {
    File::open(directory).and_then(|directory| directory.sync_all()).ok();
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) {}

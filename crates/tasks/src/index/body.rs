//! Rows on their way to the disk, and the file that they become.
//!
//! ```text
//! the new file            room for the header │ vectors as they come │ offsets │ checksums │ texts
//! two files without names offsets, texts: as they come, copied behind the vectors at the end
//! ```

use super::{
    IndexError, Part, Space,
    checksum::{Ascent, Checksums, Summed, checksum},
    layout::{Layout, Wrong},
};
use crate::{Error, replace::Replacement};
use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    ops::Range,
    path::Path,
};
use tempfile::SpooledTempFile;

/// Bytes of offsets, and of texts, that stay in memory.
const IN_MEMORY: usize = 4 << 20;

/// An index that is written row by row into `F`.
#[derive(Debug)]
pub(super) struct Body<F: Write> {
    layout: Layout,
    vectors: Summed<BufWriter<F>>, // behind the room for the header
    offsets: Summed<BufWriter<SpooledTempFile>>,
    texts: Summed<BufWriter<SpooledTempFile>>,
}

impl<F: Write + Seek> Body<F> {
    /// A body without rows. Rows that do not fit in memory go to files in `directory`.
    pub(super) fn begin(
        file: F,
        directory: &Path,
        space: &Space,
        columns: usize,
        fields: &[String],
    ) -> io::Result<Body<F>> {
        let layout = Layout::new(columns, space.clone(), fields.to_vec());
        let spool =
            || Summed::new(BufWriter::new(tempfile::spooled_tempfile_in(IN_MEMORY, directory)));
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&layout.header())?;
        let (vectors, mut offsets, texts) = (Summed::new(file), spool(), spool());
        offsets.write_all(&0_u64.to_le_bytes())?;
        Ok(Body { layout, vectors, offsets, texts })
    }

    pub(super) fn rows(&self) -> usize {
        self.layout.rows
    }

    /// Adds the rows of `old`, an index with as many columns, if they are as they were written.
    pub(super) fn push_index(&mut self, path: &Path, old: &File) -> Result<(), IndexError> {
        let (layout, sums) = read_layout(path, old)?;
        let copied = self.copy(old, &layout);
        let ascent =
            copied.map_err(|source| IndexError::Write { path: path.to_owned(), source })?;
        let wrong = [
            (Part::Vectors, self.vectors.checksum() == sums.vectors),
            (Part::Offsets, self.offsets.checksum() == sums.offsets),
            (Part::Texts, self.texts.checksum() == sums.texts),
        ];
        let wrong = wrong.into_iter().find(|(_, is_right)| !is_right);
        let wrong = match wrong {
            Some((part, _)) => Wrong::Damaged(part),
            None if !ascent.ends_at(layout.text_bytes) => Wrong::contradiction(),
            None => return Ok(()),
        };
        Err(IndexError::wrong(path, wrong))
    }

    /// Copies the parts of an index; these are the first rows.
    fn copy(&mut self, old: &File, layout: &Layout) -> io::Result<Ascent> {
        copy(old, layout.vectors(), &mut self.vectors)?;
        copy(old, layout.texts(), &mut self.texts)?;
        let mut ascent = Ascent::default();
        let mut offsets = BufReader::new(part(old, layout.offsets())?);
        for piece in 0..=layout.rows * layout.pieces() {
            let offset = read_u64(&mut offsets)?;
            ascent.next(offset);
            match piece {
                0 => self.offsets.restart(&offset.to_le_bytes()), // a 0 is written already
                _ => self.offsets.write_all(&offset.to_le_bytes())?,
            }
        }
        self.layout.rows = layout.rows;
        self.layout.text_bytes = layout.text_bytes;
        Ok(ascent)
    }

    /// Adds a row with as many pieces of text as each has. The vector is little-endian.
    pub(super) fn push(&mut self, vector: &[u8], pieces: &[&[u8]]) -> io::Result<()> {
        self.layout.rows += 1;
        self.vectors.write_all(vector)?;
        pieces.iter().try_for_each(|piece| {
            self.layout.text_bytes += piece.len();
            self.offsets.write_all(&(self.layout.text_bytes as u64).to_le_bytes())?;
            self.texts.write_all(piece)
        })
    }

    /// Adds a row of the index `path`, if it can be one.
    pub(super) fn push_row(
        &mut self,
        path: &Path,
        vector: &[f32],
        text: &str,
        values: &[String],
    ) -> Result<(), IndexError> {
        let path = || path.to_owned();
        self.check(vector).map_err(|source| IndexError::Vectors { path: path(), source })?;
        let fields = &self.layout.fields;
        if fields.len() != values.len() {
            let (index, other) = (fields.clone(), values.to_vec());
            return Err(IndexError::Fields { path: path(), index, other });
        }
        let json = serde_json::to_vec(values).expect("a list is plain data");
        let pieces = [text.as_bytes(), &json];
        self.push(bytemuck::cast_slice(vector), &pieces[..self.layout.pieces()])
            .map_err(|source| IndexError::Write { path: path(), source })
    }

    fn check(&self, vector: &[f32]) -> Result<(), Error> {
        let (row, columns) = (self.layout.rows, self.layout.columns);
        if vector.len() != columns {
            return Err(Error::Columns { what: "vectors", found: vector.len(), expected: columns });
        }
        match vector.iter().position(|value| !value.is_finite()) {
            Some(column) => {
                Err(Error::NotFinite { what: "vectors", row, column, value: vector[column] })
            }
            None => Ok(()),
        }
    }

    /// The whole file, and what is where in it.
    pub(super) fn complete(self) -> io::Result<(F, Layout)> {
        let Body { layout, vectors, offsets, texts } = self;
        let header = layout.header();
        let sums = Checksums {
            header: checksum(&header),
            vectors: vectors.checksum(),
            offsets: offsets.checksum(),
            texts: texts.checksum(),
        };
        let mut file = vectors.to;
        copy_spool(offsets.to, &mut file)?;
        file.write_all(&sums.to_bytes())?;
        copy_spool(texts.to, &mut file)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        Ok((file.into_inner().map_err(io::IntoInnerError::into_error)?, layout))
    }
}

/// Vectors without columns are no index.
pub(super) fn no_columns(path: &Path) -> IndexError {
    let source = Error::NoColumns { what: "vectors" };
    IndexError::Vectors { path: path.to_owned(), source }
}

/// The layout of an index, and its checksums.
pub(super) fn read_layout(path: &Path, file: &File) -> Result<(Layout, Checksums), IndexError> {
    let read = |source| IndexError::Read { path: path.to_owned(), source };
    let wrong = |wrong| IndexError::wrong(path, wrong);
    let size = file.metadata().map_err(read)?.len();
    let bytes = |range: Range<usize>| {
        let mut bytes = Vec::new();
        part(file, range).and_then(|mut part| part.read_to_end(&mut bytes)).map_err(read)?;
        Ok(bytes)
    };
    let needed = Layout::needed(&bytes(0..8)?).map_err(wrong)?;
    let header = bytes(0..needed)?;
    let layout = Layout::parse(&header, size).map_err(wrong)?;
    let sums = layout.checksums(&header, &bytes(layout.sums())?).map_err(wrong)?;
    Ok((layout, sums))
}

/// A part of a file, for reading.
fn part(mut file: &File, range: Range<usize>) -> io::Result<io::Take<&File>> {
    file.seek(SeekFrom::Start(range.start as u64))?;
    Ok(file.take(range.len() as u64))
}

/// All of a part of a file.
fn copy(file: &File, range: Range<usize>, to: &mut impl Write) -> io::Result<()> {
    let copied = io::copy(&mut part(file, range.clone())?, to)?;
    if copied == range.len() as u64 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn copy_spool(spool: BufWriter<SpooledTempFile>, to: &mut impl Write) -> io::Result<()> {
    let mut spool = spool.into_inner().map_err(io::IntoInnerError::into_error)?;
    spool.seek(SeekFrom::Start(0))?;
    io::copy(&mut spool, to).map(|_| ())
}

pub(super) fn read_u64(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The rows from `first` on of an index that is complete but for its name.
pub fn copy_rows(
    from: &Replacement,
    layout: &Layout,
    first: usize,
    to: &mut Body<Replacement>,
) -> io::Result<()> {
    let reader = |start: usize| from.reader(start as u64).map(BufReader::new);
    let size = layout.columns * size_of::<f32>();
    let mut vectors = reader(layout.vectors().start + first * size)?;
    let pieces = layout.pieces();
    let mut offsets = reader(layout.offsets().start + first * pieces * size_of::<u64>())?;
    let mut start = read_u64(&mut offsets)?;
    let mut texts = reader(layout.texts().start + start as usize)?;
    let mut vector = vec![0; size];
    for _ in first..layout.rows {
        vectors.read_exact(&mut vector)?;
        let mut row = vec![Vec::new(); pieces];
        for piece in &mut row {
            let end = read_u64(&mut offsets)?;
            piece.resize((end - start) as usize, 0);
            texts.read_exact(piece)?;
            start = end;
        }
        to.push(&vector, &row.iter().map(Vec::as_slice).collect::<Vec<_>>())?;
    }
    Ok(())
}

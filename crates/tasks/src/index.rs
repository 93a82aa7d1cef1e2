//! Vectors and their texts in one file, and what made them.
//!
//! ```text
//! a safetensors file:   __metadata__              format, and the embedding space
//!                       vectors    F32 [n, d]
//!                       offsets    U64 [n + 1]    text i is texts[offsets[i] .. offsets[i + 1]]
//!                       checksums  U32 [5]        CRC-32 of the header, vectors, offsets, texts,
//!                                                 and of these four checksums
//!                       texts      U8  [bytes]    texts or ids, in UTF-8
//! ```
//!
//! Rows may have fields besides their text ([`Writer::create_with`]). The metadata then has their
//! names, there are `2n + 1` offsets, and behind each text are the values, a list of JSON.
//!
//!
//! - Vectors of different models cannot be compared, but nothing in the numbers shows it: a search
//!   among the vectors of another model answers, and wrongly. So the file says what made its
//!   vectors, a [`Space`], and a query of another one is refused with both names.
//! - A flipped bit is an error that names the part it is in. [`Index::new`] verifies the header, in
//!   microseconds; each other part is verified when it is read for the first time, so no wrong
//!   vector and no wrong text leaves an [`Index`]. [`Index::check`] verifies all of it at once.
//! - A file is written under another name, flushed to the disk, and renamed
//!   ([`replace`](crate::replace)). A reader sees the old file or the new one, and a writer that is
//!   killed, or runs out of disk, leaves the old one as it was; what it has begun is removed by the
//!   next writer.
//! - [`append`] writes the file anew, old rows first, without holding them in memory. Several
//!   programs that append at once, also to an index that is not there yet, all add their rows.
//! - A [`Writer`] takes rows one by one, for more of them than fit in memory.
//! - [`Index`] reads from any bytes: those of a file in memory, or of one that is mapped.
//!
//! ```
//! use minilm_tasks::{index::{self, Index, Space}, search::Search};
//! use ndarray::array;
//!
//! let file = std::env::temp_dir().join(format!("example-{}.index", std::process::id()));
//! let space = Space::new("all-MiniLM-L6-v2", "mean, normalised, f32");
//! index::write(&file, &space, array![[1.0, 0.0], [0.0, 1.0]].view(), &["east", "north"])?;
//! index::append(&file, &space, array![[-1.0, 0.0]].view(), &["west"])?;
//!
//! let index = Index::read(&file)?;
//! let hits = index.search(&space, array![[-0.9, 0.1]].view(), &Search::new().top_k(1))?;
//! assert_eq!(index.text(hits[0][0].corpus_id)?, "west");
//!
//! let other = Space::new("paraphrase-MiniLM-L3-v2", "mean, f32");
//! let error = index.search(&other, array![[-0.9, 0.1]].view(), &Search::new()).unwrap_err();
//! assert!(error.to_string().contains("paraphrase-MiniLM-L3-v2"));
//! # std::fs::remove_file(&file)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod body;
mod checksum;
mod error;
mod layout;
mod space;
mod unnamed;
mod write;
mod writer;

pub use error::{IndexError, Part};
pub use space::Space;
pub use unnamed::Unnamed;
pub use write::{append, write};
pub use writer::Writer;

use crate::{
    matrix::Matrix,
    search::{Hit, Search},
};
use checksum::{Ascent, Checksums, checksum};
use layout::{Layout, Wrong};
use ndarray::{ArrayView2, CowArray, Ix2};
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::OnceLock,
};

#[cfg(target_endian = "big")]
compile_error!("safetensors are little-endian, and vectors are read in place");

/// An index in the bytes of a file.
#[derive(Clone, Debug)]
pub struct Index<B> {
    bytes: B,
    path: PathBuf,
    layout: Layout,
    checksums: Checksums,
    vectors: OnceLock<Result<(), Wrong>>, // what their verification has found
    texts: OnceLock<Result<(), Wrong>>,   // the same, with the offsets
}

impl Index<Vec<u8>> {
    /// Reads a file into memory.
    ///
    /// # Errors
    /// [`IndexError::Read`], and those of [`Index::new`].
    pub fn read(path: &Path) -> Result<Index<Vec<u8>>, IndexError> {
        let bytes =
            fs::read(path).map_err(|source| IndexError::Read { path: path.to_owned(), source })?;
        Index::new(path, bytes)
    }
}

impl<B: AsRef<[u8]>> Index<B> {
    /// An index in `bytes`, the contents of the file `path`, which is only named in errors.
    ///
    /// Only the header is read and verified.
    ///
    /// # Errors
    /// [`IndexError::Format`] if the header is not that of an index, or contradicts the number of
    /// bytes; [`IndexError::Version`]; [`IndexError::Damaged`] for the header and the checksums.
    pub fn new(path: &Path, bytes: B) -> Result<Index<B>, IndexError> {
        let parse = || {
            let bytes = bytes.as_ref();
            let layout = Layout::parse(bytes, bytes.len() as u64)?;
            let checksums = layout.checksums(&bytes[layout.start()], &bytes[layout.sums()])?;
            Ok((layout, checksums))
        };
        let (layout, checksums) = parse().map_err(|wrong| IndexError::wrong(path, wrong))?;
        let (vectors, texts) = (OnceLock::new(), OnceLock::new());
        Ok(Index { bytes, path: path.to_owned(), layout, checksums, vectors, texts })
    }

    /// Verifies every part: its checksum, that all vectors are finite, and that all texts are
    /// UTF-8.
    ///
    /// ```
    /// # use minilm_tasks::index::{Index, IndexError, Part, Space, write};
    /// # let file = std::env::temp_dir().join(format!("checked-{}.index", std::process::id()));
    /// write(&file, &Space::new("m", "0"), ndarray::array![[1.0]].view(), &["a text"])?;
    /// let mut bytes = std::fs::read(&file)?;
    /// assert!(Index::new(&file, &bytes[..])?.check().is_ok());
    /// *bytes.last_mut().unwrap() ^= 1;
    /// let error = Index::new(&file, bytes)?.check().unwrap_err();
    /// assert!(matches!(error, IndexError::Damaged { part: Part::Texts, .. }));
    /// # std::fs::remove_file(&file)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`IndexError::Damaged`]; [`IndexError::Format`], [`IndexError::Vectors`] and
    /// [`IndexError::Text`] for what was written wrongly.
    pub fn check(&self) -> Result<(), IndexError> {
        let vectors = self.vectors()?;
        Matrix::new("vectors", vectors.view())
            .and_then(|matrix| matrix.check_finite())
            .map_err(|source| IndexError::Vectors { path: self.path.clone(), source })?;
        self.check_texts()?;
        (0..self.len()).try_for_each(|row| self.text(row).and(self.values(row)).map(|_| ()))
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.layout.rows
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Columns.
    pub fn dimensions(&self) -> usize {
        self.layout.columns
    }

    /// The model and the settings that made the vectors.
    pub fn space(&self) -> &Space {
        &self.layout.space
    }

    /// The vectors `[n, d]`: where they are in the bytes, or a copy if these start on an odd
    /// address. The first call verifies their checksum, by a pass over all of them.
    ///
    /// # Errors
    /// [`IndexError::Damaged`].
    pub fn vectors(&self) -> Result<CowArray<'_, f32, Ix2>, IndexError> {
        let range = self.layout.vectors();
        let verify = || self.verify(Part::Vectors, range.clone(), self.checksums.vectors);
        self.once(&self.vectors, verify)?;
        let bytes = &self.bytes.as_ref()[range];
        let shape = (self.layout.rows, self.layout.columns);
        let vectors = match bytemuck::try_cast_slice(bytes) {
            Ok(values) => {
                ArrayView2::from_shape(shape, values).expect("the layout was checked").into()
            }
            Err(_) => {
                let values =
                    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
                ndarray::Array2::from_shape_vec(shape, values)
                    .expect("the layout was checked")
                    .into()
            }
        };
        Ok(vectors)
    }

    /// The text of a row. The first call verifies the checksums of all texts and of their offsets.
    ///
    /// # Errors
    /// [`IndexError::Text`] if there is no such row, or its text is not UTF-8;
    /// [`IndexError::Damaged`]; [`IndexError::Format`] if the texts are not where the offsets say.
    pub fn text(&self, row: usize) -> Result<&str, IndexError> {
        self.check_texts()?;
        let text = self.piece(row, 0).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.ok_or_else(|| IndexError::Text { path: self.path.clone(), row, rows: self.len() })
    }

    /// The names of the fields that each row has besides its text.
    pub fn fields(&self) -> &[String] {
        &self.layout.fields
    }

    /// The values of a row's fields, one for each of [`Index::fields`].
    ///
    /// # Errors
    /// Those of [`Index::text`].
    pub fn values(&self, row: usize) -> Result<Vec<String>, IndexError> {
        if self.layout.fields.is_empty() && row < self.len() {
            return Ok(Vec::new());
        }
        self.check_texts()?;
        let values: Option<Vec<String>> =
            self.piece(row, 1).and_then(|bytes| serde_json::from_slice(bytes).ok());
        values
            .filter(|values| values.len() == self.layout.fields.len())
            .ok_or_else(|| IndexError::Text { path: self.path.clone(), row, rows: self.len() })
    }

    fn check_texts(&self) -> Result<(), IndexError> {
        let Checksums { offsets, texts, .. } = self.checksums;
        self.once(&self.texts, || {
            self.verify(Part::Offsets, self.layout.offsets(), offsets)?;
            self.verify(Part::Texts, self.layout.texts(), texts)?;
            let mut ascent = Ascent::default();
            let offsets = self.bytes.as_ref()[self.layout.offsets()].as_chunks().0;
            offsets.iter().for_each(|offset| ascent.next(u64::from_le_bytes(*offset)));
            match ascent.ends_at(self.layout.text_bytes) {
                true => Ok(()),
                false => Err(Wrong::contradiction()),
            }
        })
    }

    fn verify(&self, part: Part, range: Range<usize>, sum: u32) -> Result<(), Wrong> {
        match checksum(&self.bytes.as_ref()[range]) == sum {
            true => Ok(()),
            false => Err(Wrong::Damaged(part)),
        }
    }

    /// The value of `cell`, which comes from `verify` if the cell is empty.
    ///
    /// Unlike [`OnceLock::get_or_init`] this never waits for another thread: `verify` uses the
    /// rayon pool, whose threads may come back here with other work while it runs.
    fn once(
        &self,
        cell: &OnceLock<Result<(), Wrong>>,
        verify: impl FnOnce() -> Result<(), Wrong>,
    ) -> Result<(), IndexError> {
        let found = match cell.get() {
            Some(found) => found,
            None => {
                let found = verify();
                cell.get_or_init(|| found)
            }
        };
        found.clone().map_err(|wrong| IndexError::wrong(&self.path, wrong))
    }

    /// A row's piece of text: its text, or its fields.
    fn piece(&self, row: usize, piece: usize) -> Option<&[u8]> {
        let bytes = self.bytes.as_ref();
        let offsets = bytes[self.layout.offsets()].as_chunks::<8>().0;
        let at = row.checked_mul(self.layout.pieces())?.checked_add(piece)?;
        let [start, end] = [offsets.get(at)?, offsets.get(at.checked_add(1)?)?]
            .map(|offset| u64::from_le_bytes(*offset));
        bytes[self.layout.texts()].get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Searches the vectors for queries that were made by `space`.
    ///
    /// # Errors
    /// [`IndexError::Space`] if the vectors were made by another one, [`IndexError::Damaged`], and
    /// those of [`Search::run`].
    pub fn search(
        &self,
        space: &Space,
        queries: ArrayView2<f32>,
        search: &Search,
    ) -> Result<Vec<Vec<Hit>>, IndexError> {
        self.layout.space.check(&self.path, space)?;
        let vectors = self.vectors()?;
        search
            .run(queries, vectors.view())
            .map_err(|source| IndexError::Vectors { path: self.path.clone(), source })
    }
}

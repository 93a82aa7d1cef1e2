//! Vectors and their texts in one file, and what made them.
//!
//! ```text
//! a safetensors file:   vectors  F32 [n, d]
//!                       offsets  U64 [n + 1]      text i is texts[offsets[i] .. offsets[i + 1]], UTF-8
//!                       texts    U8  [bytes]      texts, or ids: whatever a hit should be called
//!                       __metadata__              format, and the embedding space
//! ```
//!
//! - Vectors of different models cannot be compared, but nothing in the numbers shows it: a search
//!   among the vectors of another model answers, and wrongly. So the file says what made its
//!   vectors, a [`Space`], and a query of another one is refused with both names.
//! - A file is written under another name, flushed to the disk, and renamed. A reader sees the old
//!   file or the new one, and a writer that is killed, or runs out of disk, leaves the old one as
//!   it was; what it has begun is removed by the next writer.
//! - [`append`] writes the file anew, old rows first, without holding them in memory. Two programs
//!   that append at once wait for each other.
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

mod error;
mod layout;
mod space;
mod temporary;
mod write;

pub use error::IndexError;
pub use space::Space;
pub use write::{Writer, append, write};

use crate::search::{Hit, Search};
use layout::Layout;
use ndarray::{ArrayView2, CowArray, Ix2};
use std::{
    fs,
    path::{Path, PathBuf},
};

#[cfg(target_endian = "big")]
compile_error!("safetensors are little-endian, and vectors are read in place");

/// An index in the bytes of a file.
#[derive(Clone, Debug)]
pub struct Index<B> {
    bytes: B,
    path: PathBuf,
    layout: Layout,
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
    /// # Errors
    /// [`IndexError::Format`] if the header is not that of an index, or contradicts the number of
    /// bytes.
    pub fn new(path: &Path, bytes: B) -> Result<Index<B>, IndexError> {
        let layout = Layout::parse(bytes.as_ref(), bytes.as_ref().len() as u64);
        let layout =
            layout.map_err(|reason| IndexError::Format { path: path.to_owned(), reason })?;
        Ok(Index { bytes, path: path.to_owned(), layout })
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

    /// What made the vectors.
    pub fn space(&self) -> &Space {
        &self.layout.space
    }

    /// The vectors `[n, d]`: where they are in the bytes, or a copy if these start on an odd
    /// address.
    pub fn vectors(&self) -> CowArray<'_, f32, Ix2> {
        let bytes = &self.bytes.as_ref()[self.layout.vectors()];
        let shape = (self.layout.rows, self.layout.columns);
        match bytemuck::try_cast_slice(bytes) {
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
        }
    }

    /// The text of a row.
    ///
    /// # Errors
    /// [`IndexError::Text`] if there is no such row, or its text is not where the file says, or not
    /// UTF-8.
    pub fn text(&self, row: usize) -> Result<&str, IndexError> {
        let text = self.bytes_of(row).and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.ok_or_else(|| IndexError::Text { path: self.path.clone(), row, rows: self.len() })
    }

    fn bytes_of(&self, row: usize) -> Option<&[u8]> {
        let bytes = self.bytes.as_ref();
        let offsets = bytes[self.layout.offsets()].as_chunks::<8>().0;
        let [start, end] = [offsets.get(row)?, offsets.get(row.checked_add(1)?)?]
            .map(|offset| u64::from_le_bytes(*offset));
        bytes[self.layout.texts()].get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }

    /// Searches the vectors for queries that were made by `space`.
    ///
    /// # Errors
    /// [`IndexError::Space`] if the vectors were made by another one, and those of [`Search::run`].
    pub fn search(
        &self,
        space: &Space,
        queries: ArrayView2<f32>,
        search: &Search,
    ) -> Result<Vec<Vec<Hit>>, IndexError> {
        self.layout.check_space(&self.path, space)?;
        let vectors = self.vectors();
        search
            .run(queries, vectors.view())
            .map_err(|source| IndexError::Vectors { path: self.path.clone(), source })
    }
}

//! The bytes of a file in memory, and the one `unsafe` of this crate: the file's mapping.
//!
//! In the book: `docs/02-memory.md`.

use memmap2::Mmap;
use std::{fs::File, io, path::Path, sync::Arc};

/// A file that is mapped into memory, for reading. Clones share the mapping.
///
/// The file must not be modified while it is mapped. Replacing it by renaming another file over it
/// is safe: the mapping keeps the old contents.
///
/// ```
/// let file = minilm_model::Mapped::open("Cargo.toml".as_ref())?;
/// assert!(file.as_ref().starts_with(b"[package]"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Mapped(Arc<Mmap>);

impl Mapped {
    /// Maps the file.
    ///
    /// # Errors
    /// The file cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Mapped> {
        let file = File::open(path)?;
        // SAFETY: the bytes are only read. Whether another program modifies the file meanwhile
        // cannot be checked; the documentation of `Mapped` and `Bert::load` forbids it, as every
        // program that maps a file does.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Mapped(Arc::new(map)))
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

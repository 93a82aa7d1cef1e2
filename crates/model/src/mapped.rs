//! The bytes of a file in memory, and the one `unsafe` of this crate: the file's mapping.
//!
//! In the book: `docs/02-memory.md`.

use memmap2::Mmap;
use std::{
    fmt,
    fs::File,
    io::{self, Read, Seek},
    path::Path,
    sync::Arc,
};

/// The bytes of a file, for reading: a large file is mapped into memory, a small one is read.
/// Clones share them.
///
/// # Soundness
///
/// A file that is larger than [`Mapped::SMALL`], or any that [`Mapped::map`] has mapped, must not
/// be modified while it is mapped. Replacing it by renaming another file over it is safe: the
/// mapping keeps the old contents. A program that writes into the file changes bytes behind a
/// shared reference, which Rust forbids, and one that makes it shorter ends this process with the
/// signal `SIGBUS` when the missing bytes are read. No program can check that, and every program
/// that maps a file asks for it. [`Mapped::read`] does not.
///
/// ```
/// let file = minilm_model::Mapped::open("Cargo.toml".as_ref())?;
/// assert!(file.as_ref().starts_with(b"[package]"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct Mapped(Bytes);

#[derive(Clone)]
enum Bytes {
    File(Arc<Mmap>),
    Memory(Arc<Vec<u8>>),
}

impl Mapped {
    /// Bytes of the largest file that is read and not mapped: 64 MiB, the vectors of 43 000 texts.
    pub const SMALL: u64 = 64 << 20;

    /// Maps the file, or reads it if it is small.
    ///
    /// # Errors
    /// The file cannot be opened, mapped or read.
    pub fn open(path: &Path) -> io::Result<Mapped> {
        Mapped::of(&File::open(path)?)
    }

    /// Maps an open file, or reads it if it is small.
    ///
    /// # Errors
    /// Those of [`Mapped::open`].
    pub fn of(file: &File) -> io::Result<Mapped> {
        match file.metadata()?.len() {
            0..=Mapped::SMALL => Mapped::read(file),
            _ => Mapped::map(file),
        }
    }

    /// Maps an open file, however small it is: nothing is copied, and pages that are not read take
    /// no memory.
    ///
    /// # Errors
    /// The file cannot be mapped.
    pub fn map(file: &File) -> io::Result<Mapped> {
        // SAFETY: the bytes are only read. Whether another program modifies the file meanwhile
        // cannot be checked; the documentation of `Mapped` and `Bert::load` forbids it, as every
        // program that maps a file does.
        let map = unsafe { Mmap::map(file) }?;
        Ok(Mapped(Bytes::File(Arc::new(map))))
    }

    /// Reads an open file from its beginning, however large it is.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(mut file: &File) -> io::Result<Mapped> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX))?;
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(Mapped(Bytes::Memory(Arc::new(bytes))))
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        match &self.0 {
            Bytes::File(map) => map,
            Bytes::Memory(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match &self.0 {
            Bytes::File(_) => "a mapped file",
            Bytes::Memory(_) => "memory",
        };
        write!(f, "{} bytes in {place}", self.as_ref().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_a_large_file_is_mapped() {
        let path = std::env::temp_dir().join(format!("minilm-mapped-{}", std::process::id()));
        let file = File::create_new(&path).unwrap();
        for (length, place) in
            [(0, "memory"), (Mapped::SMALL, "memory"), (Mapped::SMALL + 1, "file")]
        {
            file.set_len(length).unwrap(); // no byte of it is on the disk
            let mapped = Mapped::open(&path).unwrap();
            assert_eq!(mapped.as_ref().len() as u64, length);
            assert!(format!("{mapped:?}").ends_with(place), "{mapped:?}");
        }
        let read = Mapped::read(&File::open(&path).unwrap()).unwrap();
        file.set_len(0).unwrap();
        assert_eq!((read.as_ref().len() as u64, read.as_ref()[1 << 26]), (Mapped::SMALL + 1, 0));
        fs::remove_file(&path).unwrap();
    }
}

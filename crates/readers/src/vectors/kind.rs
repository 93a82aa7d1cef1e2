//! What kind of file holds vectors, by its name or by how it begins.

use crate::Error;
use std::{fs::File, io::Read, path::Path};

/// A kind of file for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// A NumPy array.
    Npy,
    /// Several NumPy arrays.
    Npz,
    /// An object of JSON on each line, or a list of numbers.
    Jsonl,
    /// A table.
    Csv,
    /// Tensors, or an index.
    Safetensors,
    /// A table in columns.
    Parquet,
}

impl Kind {
    /// By the name of the file.
    ///
    /// ```
    /// use minilm_readers::vectors::Kind;
    ///
    /// assert_eq!(Kind::of("it.npy".as_ref())?, Kind::Npy);
    /// assert!(Kind::of("it".as_ref()).is_err());
    /// # Ok::<(), minilm_readers::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Kind`]: the name is that of no file of vectors that this build reads.
    pub fn of(path: &Path) -> Result<Kind, Error> {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        let name = path.display();
        match extension.as_deref().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Kind::Npy),
            Some("npz") => Ok(Kind::Npz),
            Some("jsonl" | "ndjson") => Ok(Kind::Jsonl),
            Some("csv") => Ok(Kind::Csv),
            Some("safetensors" | "index") => Ok(Kind::Safetensors),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Kind::Parquet),
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => Err(crate::records::without_parquet(&name.to_string())),
            _ => {
                let parquet = if cfg!(feature = "parquet") { " .parquet," } else { "" };
                Err(Error::Kind(format!(
                    "{name} does not tell by its name what it holds; it should end in .npy, .npz, \
                     .jsonl, .csv,{parquet} .safetensors or .index"
                )))
            }
        }
    }

    /// Whether vectors are in columns or fields that have names.
    pub(super) fn has_names(self) -> bool {
        matches!(self, Kind::Parquet | Kind::Jsonl)
    }
}

/// Whether a file is an index, also a damaged one or one of another version: by its name, or by how
/// it begins.
///
/// ```
/// assert!(!minilm_readers::vectors::is_index("Cargo.toml".as_ref()));
/// ```
pub fn is_index(path: &Path) -> bool {
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return false; // what is read from a pipe is gone from it
    }
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("index")) {
        return true;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|file| file.take(START).read_to_end(&mut start));
    read.is_ok() && begins_as_index(&start)
}

/// Bytes of a file that tell whether it is an index.
const START: u64 = 1024;

/// With the length of a JSON header and that header.
pub(super) fn begins_as_index(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(START as usize)];
    start.get(8) == Some(&b'{') && start.windows(13).any(|part| part == b"minilm-index-")
}

//! Where in a file vectors are.

use crate::ReadOptions;

/// Where in a file the vectors are, and how it is read.
///
/// ```
/// use minilm_readers::vectors::Part;
///
/// let part = Part::new().column("vector").no_map(true);
/// # let _ = part;
/// ```
#[derive(Debug, Clone)]
pub struct Part {
    pub(super) tensor: Option<String>,
    pub(super) column: Option<String>,
    pub(super) no_map: bool,
    pub(super) longest: usize,
}

impl Part {
    /// The only matrix, or the column or field `embedding`.
    pub fn new() -> Part {
        Part { tensor: None, column: None, no_map: false, longest: ReadOptions::LONGEST }
    }

    /// The tensor of a safetensors file, or the array of an npz file.
    #[must_use]
    pub fn tensor(self, name: impl Into<String>) -> Part {
        Part { tensor: Some(name.into()), ..self }
    }

    /// The field of a JSON lines file, or the column of a Parquet file.
    #[must_use]
    pub fn column(self, name: impl Into<String>) -> Part {
        Part { column: Some(name.into()), ..self }
    }

    /// Reads a large safetensors file into memory, instead of mapping it.
    #[must_use]
    pub fn no_map(self, no_map: bool) -> Part {
        Part { no_map, ..self }
    }

    /// The most bytes of a row in its file, as [`ReadOptions::longest`].
    #[must_use]
    pub fn longest(self, longest: usize) -> Part {
        Part { longest, ..self }
    }
}

impl Default for Part {
    fn default() -> Part {
        Part::new()
    }
}

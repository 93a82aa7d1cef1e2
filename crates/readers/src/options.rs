//! How files of texts are read.

use encoding_rs::Encoding;

/// How files of texts are read.
///
/// ```
/// use minilm_readers::{Missing, ReadOptions};
///
/// let options = ReadOptions::new().missing(Missing::Skip).delimiter(b';').longest(1 << 20);
/// assert!(options.encoding("windows-1252").is_some());
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    pub(crate) missing: Missing,
    pub(crate) delimiter: Option<u8>,
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) longest: usize,
}

/// What becomes of a record without a text: one that is null or NaN, or an empty cell of a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Missing {
    /// It is an error that names the record.
    #[default]
    Fail,
    /// The text is empty.
    Empty,
    /// The record is left out, and counted.
    Skip,
}

impl ReadOptions {
    /// Bytes of the longest record by default: 16 MiB. A tokenizer takes some sixty times as much
    /// memory for a text without a space.
    pub const LONGEST: usize = 16 << 20;

    /// A record without a text is an error; UTF-8, or UTF-16 with a byte order mark.
    pub fn new() -> ReadOptions {
        ReadOptions {
            missing: Missing::Fail,
            delimiter: None,
            encoding: None,
            longest: ReadOptions::LONGEST,
        }
    }

    /// What becomes of a record without a text.
    #[must_use]
    pub fn missing(self, missing: Missing) -> ReadOptions {
        ReadOptions { missing, ..self }
    }

    /// What separates the columns of a csv file, an ASCII letter. By default it is the comma, or
    /// the semicolon, tab or bar if the header has them instead.
    #[must_use]
    pub fn delimiter(self, delimiter: u8) -> ReadOptions {
        ReadOptions { delimiter: Some(delimiter), ..self }
    }

    /// The encoding of the file, by one of the labels of the web (`windows-1252`, `shift_jis`), or
    /// `None` if there is no encoding of that name.
    #[must_use]
    pub fn encoding(self, label: &str) -> Option<ReadOptions> {
        let encoding = Encoding::for_label_no_replacement(label.as_bytes())?;
        Some(ReadOptions { encoding: Some(encoding), ..self })
    }

    /// The most bytes that one line, record or value of a column may have, so that no file takes
    /// all memory. A longer one is an error that names its place.
    #[must_use]
    pub fn longest(self, longest: usize) -> ReadOptions {
        ReadOptions { longest, ..self }
    }
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions::new()
    }
}

//! The header of an index, as text and as places in the file.

use super::{IndexError, Space};
use serde::{Deserialize, Serialize};
use std::{ops::Range, path::Path};

/// The value of `format` in the metadata.
const FORMAT: &str = "minilm-index-1";

/// More than any header of an index has: its only long parts are the space's name and fingerprint.
const LONGEST: u64 = 1 << 20;

/// More than a header has besides the space: less than 300 characters, and ten numbers of at most
/// 20 digits.
const ROOM: usize = 512;

/// Bytes before the header: its length.
const LENGTH: usize = size_of::<u64>();

/// What is where in an index.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub rows: usize,
    pub columns: usize,
    pub text_bytes: usize,
    pub space: Space,
    data: usize, // where the first tensor begins in the file
}

/// The header's JSON.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Metadata,
    vectors: Tensor,
    offsets: Tensor,
    texts: Tensor,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    #[serde(flatten)]
    space: Space,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl Layout {
    pub(super) fn new(rows: usize, columns: usize, text_bytes: usize, space: Space) -> Layout {
        let mut layout = Layout { rows, columns, text_bytes, space, data: 0 };
        layout.data = layout.header().len();
        layout
    }

    /// The length of the header and the header, filled up with spaces: it is as long for any number
    /// of rows, so it can be written again.
    pub(super) fn header(&self) -> Vec<u8> {
        let (_, header) = self.tensors().expect("what is in memory has a size");
        let mut json = serde_json::to_vec(&header).expect("a header is plain data");
        let space = serde_json::to_vec(&self.space).expect("so is a space").len();
        json.resize((ROOM + space).next_multiple_of(64) - LENGTH, b' ');
        [(json.len() as u64).to_le_bytes().as_slice(), &json].concat()
    }

    /// Reads the first bytes of a file of `size` bytes; at least as many as [`Layout::needed`]
    /// says.
    pub(super) fn parse(start: &[u8], size: u64) -> Result<Layout, String> {
        let needed = Layout::needed(start)?;
        let json = start.get(LENGTH..needed).ok_or("it ends within its header")?;
        let header: Header =
            serde_json::from_slice(json).map_err(|error| format!("its header: {error}"))?;
        if header.metadata.format != FORMAT {
            return Err(format!("its format is {:?}, not {FORMAT:?}", header.metadata.format));
        }
        let [rows, columns] = header.vectors.shape[..] else {
            return Err("its vectors are no matrix".to_owned());
        };
        let [text_bytes] = header.texts.shape[..] else {
            return Err("its texts are no list of bytes".to_owned());
        };
        let layout =
            Layout { rows, columns, text_bytes, space: header.metadata.space, data: needed };
        // What the header says must be what this program would have written.
        let (length, expected) = layout.tensors().ok_or("its shapes are too large")?;
        for (name, found, expected) in [
            ("vectors", &header.vectors, &expected.vectors),
            ("offsets", &header.offsets, &expected.offsets),
            ("texts", &header.texts, &expected.texts),
        ] {
            if found != expected {
                return Err(format!("its {name} are {found:?}, not {expected:?}"));
            }
        }
        if Some(size) != (needed as u64).checked_add(length as u64) {
            return Err(format!(
                "it has {size} bytes, but its header tells of {needed} + {length}"
            ));
        }
        Ok(layout)
    }

    /// How many bytes the header takes, its length among them, by the first eight.
    pub(super) fn needed(start: &[u8]) -> Result<usize, String> {
        let length = start.first_chunk().ok_or("it is too short")?;
        match u64::from_le_bytes(*length) {
            length @ 2..=LONGEST => Ok(LENGTH + length as usize),
            _ => Err("it does not begin as one".to_owned()),
        }
    }

    /// The bytes of all tensors, and the header.
    fn tensors(&self) -> Option<(usize, Header)> {
        let mut end = 0_usize;
        let mut tensor = |dtype: &str, size: usize, shape: Vec<usize>| {
            let bytes = shape.iter().try_fold(size, |bytes, n| bytes.checked_mul(*n))?;
            let start = end;
            end = end.checked_add(bytes)?;
            Some(Tensor { dtype: dtype.to_owned(), shape, data_offsets: (start, end) })
        };
        let vectors = tensor("F32", size_of::<f32>(), vec![self.rows, self.columns])?;
        let offsets = tensor("U64", size_of::<u64>(), vec![self.rows.checked_add(1)?])?;
        let texts = tensor("U8", 1, vec![self.text_bytes])?;
        let metadata = Metadata { format: FORMAT.to_owned(), space: self.space.clone() };
        Some((end, Header { metadata, vectors, offsets, texts }))
    }

    /// Where the vectors are in the file.
    pub(super) fn vectors(&self) -> Range<usize> {
        self.data..self.data + self.rows * self.columns * size_of::<f32>()
    }

    /// Where the offsets are.
    pub(super) fn offsets(&self) -> Range<usize> {
        let start = self.vectors().end;
        start..start + (self.rows + 1) * size_of::<u64>()
    }

    /// Where the texts are.
    pub(super) fn texts(&self) -> Range<usize> {
        let start = self.offsets().end;
        start..start + self.text_bytes
    }

    /// Whether texts embedded with the prompt of `space` can be added.
    pub(super) fn check_prompt(&self, path: &Path, space: &Space) -> Result<(), IndexError> {
        let (index, other) = (self.space.prompt(), space.prompt());
        if index == other {
            return Ok(());
        }
        let [index, other] = [index, other].map(str::to_owned);
        Err(IndexError::Prompt { path: path.to_owned(), index, other })
    }

    pub(super) fn check_space(&self, path: &Path, space: &Space) -> Result<(), IndexError> {
        if self.space.is_same(space) {
            return Ok(());
        }
        Err(IndexError::Space {
            path: path.to_owned(),
            index: self.space.to_string(),
            other: space.to_string(),
        })
    }
}

//! The header of an index, as text and as places in the file.

use super::{
    Part, Space,
    checksum::{Checksums, checksum},
};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The beginning of the value of `format` in the metadata.
const FORMAT: &str = "minilm-index-";

/// The version that follows.
pub(super) const VERSION: &str = "2";

/// More columns than any model has dimensions.
const COLUMNS: usize = 1 << 24;

/// More than any header of an index has: its only long parts are the space's name and fingerprint.
const LONGEST: u64 = 1 << 20;

/// More than a header has besides the metadata: less than 300 characters, and twelve numbers of at
/// most 20 digits.
const ROOM: usize = 640;

/// Bytes before the header: its length.
const LENGTH: usize = size_of::<u64>();

/// The places of the parts of an index.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub rows: usize,
    pub columns: usize,
    pub text_bytes: usize,
    pub space: Space,
    pub fields: Vec<String>,
    data: usize, // where the first tensor begins in the file
}

/// The header's JSON.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__")]
    metadata: Metadata,
    vectors: Tensor,
    offsets: Tensor,
    checksums: Tensor,
    texts: Tensor,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: String,
    #[serde(flatten)]
    space: Space,
    /// A list in JSON: the metadata of a safetensors file has strings only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fields: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// Why bytes are not those of an index.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    Format(String),
    Version(String),
    Damaged(Part),
}

impl Wrong {
    /// Offsets that do not rise from 0 to the end of the texts.
    pub(super) fn contradiction() -> Wrong {
        Wrong::from("its offsets contradict its texts")
    }
}

impl From<&str> for Wrong {
    fn from(reason: &str) -> Wrong {
        Wrong::Format(reason.to_owned())
    }
}

impl Layout {
    /// No rows yet.
    pub(super) fn new(columns: usize, space: Space, fields: Vec<String>) -> Layout {
        let mut layout = Layout { rows: 0, columns, text_bytes: 0, space, fields, data: 0 };
        layout.data = layout.header().len();
        layout
    }

    /// Pieces of text that each row has: its text, and its fields if rows have some.
    pub(super) fn pieces(&self) -> usize {
        1 + usize::from(!self.fields.is_empty())
    }

    /// Pieces of text of all rows.
    fn all_pieces(&self) -> Option<usize> {
        self.rows.checked_mul(self.pieces())
    }

    /// The length of the header and the header, filled up with spaces: it is as long for any number
    /// of rows, so it can be written again.
    pub(super) fn header(&self) -> Vec<u8> {
        let (_, header) = self.tensors().expect("what is in memory has a size");
        let mut json = serde_json::to_vec(&header).expect("a header is plain data");
        let named = serde_json::to_vec(&header.metadata).expect("so is the metadata").len();
        json.resize((ROOM + named).next_multiple_of(64) - LENGTH, b' ');
        [(json.len() as u64).to_le_bytes().as_slice(), &json].concat()
    }

    /// Reads the first bytes of a file of `size` bytes; at least as many as [`Layout::needed`]
    /// says. Nothing is compared with a checksum yet.
    pub(super) fn parse(start: &[u8], size: u64) -> Result<Layout, Wrong> {
        let needed = Layout::needed(start)?;
        let json = start.get(LENGTH..needed).ok_or("it ends within its header")?;
        check_version(json)?;
        let header: Header = serde_json::from_slice(json).map_err(in_header)?;
        let [rows, columns] = header.vectors.shape[..] else {
            return Err("its vectors are no matrix".into());
        };
        let [text_bytes] = header.texts.shape[..] else {
            return Err("its texts are no list of bytes".into());
        };
        if !(1..=COLUMNS).contains(&columns) {
            return Err(Wrong::Format(format!("its vectors have {columns} columns")));
        }
        let fields = match &header.metadata.fields {
            Some(fields) => serde_json::from_str(fields).map_err(in_header)?,
            None => Vec::new(),
        };
        let space = header.metadata.space;
        let layout = Layout { rows, columns, text_bytes, space, fields, data: needed };
        // The header must say what this program would have written.
        let (length, expected) = layout.tensors().ok_or("its shapes are too large")?;
        for (name, found, expected) in [
            ("vectors", &header.vectors, &expected.vectors),
            ("offsets", &header.offsets, &expected.offsets),
            ("checksums", &header.checksums, &expected.checksums),
            ("texts", &header.texts, &expected.texts),
        ] {
            if found != expected {
                let reason = format!("its {name} are {found:?}, not {expected:?}");
                return Err(Wrong::Format(reason));
            }
        }
        if Some(size) != (needed as u64).checked_add(length as u64) {
            let reason =
                format!("it has {size} bytes, but its header tells of {needed} + {length}");
            return Err(Wrong::Format(reason));
        }
        Ok(layout)
    }

    /// The checksums, if they and the header are as they were written.
    pub(super) fn checksums(&self, header: &[u8], sums: &[u8]) -> Result<Checksums, Wrong> {
        let damaged = |part| Err(Wrong::Damaged(part));
        match Checksums::from_bytes(sums) {
            None => damaged(Part::Checksums),
            Some(sums) if sums.header != checksum(header) => damaged(Part::Header),
            Some(sums) => Ok(sums),
        }
    }

    /// How many bytes the header takes, its length among them, by the first eight.
    pub(super) fn needed(start: &[u8]) -> Result<usize, Wrong> {
        let length = start.first_chunk().ok_or("it is too short")?;
        match u64::from_le_bytes(*length) {
            length @ 2..=LONGEST => Ok(LENGTH + length as usize),
            _ => Err("it does not begin as one".into()),
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
        let offsets = self.all_pieces()?.checked_add(1)?;
        let offsets = tensor("U64", size_of::<u64>(), vec![offsets])?;
        let checksums = tensor("U32", size_of::<u32>(), vec![Checksums::COUNT])?;
        let texts = tensor("U8", 1, vec![self.text_bytes])?;
        let fields = (!self.fields.is_empty())
            .then(|| serde_json::to_string(&self.fields).expect("a list is plain data"));
        let (format, space) = (format!("{FORMAT}{VERSION}"), self.space.clone());
        let metadata = Metadata { format, space, fields };
        Some((end, Header { metadata, vectors, offsets, checksums, texts }))
    }

    /// Where the header is in the file, its length included.
    pub(super) fn start(&self) -> Range<usize> {
        0..self.data
    }

    /// Where the vectors are.
    pub(super) fn vectors(&self) -> Range<usize> {
        self.data..self.data + self.rows * self.columns * size_of::<f32>()
    }

    /// Where the offsets are.
    pub(super) fn offsets(&self) -> Range<usize> {
        let start = self.vectors().end;
        start..start + (self.rows * self.pieces() + 1) * size_of::<u64>()
    }

    /// Where the checksums are.
    pub(super) fn sums(&self) -> Range<usize> {
        let start = self.offsets().end;
        start..start + Checksums::BYTES
    }

    /// Where the texts are.
    pub(super) fn texts(&self) -> Range<usize> {
        let start = self.sums().end;
        start..start + self.text_bytes
    }
}

/// Whether a header is of this version.
fn check_version(json: &[u8]) -> Result<(), Wrong> {
    #[derive(Deserialize)]
    struct Start {
        #[serde(rename = "__metadata__")]
        metadata: Format,
    }
    #[derive(Deserialize)]
    struct Format {
        format: String,
    }
    let Start { metadata } = serde_json::from_slice(json).map_err(in_header)?;
    match metadata.format.strip_prefix(FORMAT) {
        Some(VERSION) => Ok(()),
        Some(version) => Err(Wrong::Version(version.to_owned())),
        None => Err(Wrong::Format(format!("its format is {:?}", metadata.format))),
    }
}

fn in_header(error: serde_json::Error) -> Wrong {
    Wrong::Format(format!("its header: {error}"))
}

//! Files of vectors: one row after the other, in memory that does not grow with them.
//!
//! ```text
//! npy          any type of number up to 64 bits, [n, d], by row or by column
//! npz          one array of that kind
//! jsonl        {"text": …, "embedding": […]}, or a list of numbers, a line
//! csv          a header; the columns e0, e1, … and perhaps text
//! safetensors  a tensor F32 [n, d]: the only one of two dimensions, or one that is named
//! parquet      a column embedding, a list of numbers, and perhaps text; with the feature `parquet`
//! index        vectors and texts
//! ```
//!
//! ```
//! use minilm_readers::vectors::{Kind, Part, Reader};
//!
//! let lines = b"{\"text\": \"east\", \"embedding\": [1, 0]}\n{\"embedding\": [0, 1]}\n".to_vec();
//! let mut rows = Reader::from_bytes("it.jsonl", lines, Kind::Jsonl, &Part::new())?;
//! assert_eq!(rows.columns()?, 2);
//! let first = rows.advance()?.expect("a row");
//! assert_eq!((first.text.as_deref(), first.values), (Some("east"), vec![1.0, 0.0]));
//! # Ok::<(), minilm_readers::Error>(())
//! ```

mod csv;
mod jsonl;
mod kind;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod safetensors;

pub use kind::{Kind, is_index};
pub use part::Part;

use crate::Error;
use kind::begins_as_index;
use minilm_model::Mapped;
use minilm_tasks::index::IndexError;
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Seek},
    path::Path,
};

/// A vector and perhaps its text.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// Its text, where the file has texts.
    pub text: Option<String>,
    /// Finite, and at least one.
    pub values: Vec<f32>,
}

/// The rows of a file.
pub struct Reader {
    name: String,
    source: Box<dyn Source>,
    rows: usize,
    columns: Option<usize>,
    same_texts: bool,
    has_text: Option<bool>,
    /// A row that was read and not returned yet.
    ahead: Option<Row>,
}

/// One way to read vectors.
trait Source {
    /// The next row, or what is wrong with it.
    fn next(&mut self) -> Result<Option<Row>, Wrong>;

    /// Where row `row`, from 0, is, for a message.
    fn place(&self, row: usize) -> String {
        format!("row {row}")
    }
}

/// Why a row could not be read.
enum Wrong {
    Io(io::Error),
    Content(String),
    Index(IndexError),
}

impl Wrong {
    /// Of the array of this name.
    fn of(self, name: &str) -> Wrong {
        match self {
            Wrong::Content(reason) => Wrong::Content(format!("{name}: {reason}")),
            other => other,
        }
    }
}

impl From<IndexError> for Wrong {
    fn from(error: IndexError) -> Wrong {
        Wrong::Index(error)
    }
}

impl From<io::Error> for Wrong {
    fn from(error: io::Error) -> Wrong {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Wrong::Content("the file ends within it".to_owned()),
            _ => Wrong::Io(error),
        }
    }
}

/// A file that is read from its beginning, or from other places.
trait Bytes: BufRead + Seek {
    /// How many bytes there are.
    fn size(&mut self) -> io::Result<u64> {
        let here = self.stream_position()?;
        let size = self.seek(io::SeekFrom::End(0))?;
        self.seek(io::SeekFrom::Start(here))?;
        Ok(size)
    }
}

impl<R: BufRead + Seek> Bytes for R {}

impl Reader {
    /// Opens a file of vectors; its name tells its kind.
    ///
    /// # Errors
    /// The file cannot be read, or is not what its name says, or `part` does not fit it.
    pub fn open(path: &Path, part: &Part) -> Result<Reader, Error> {
        let kind = Kind::of(path)?;
        let name = path.display().to_string();
        check(&name, kind, part)?;
        let open = || {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(file)
        };
        let file = open().map_err(|source| Error::read(&name, source))?;
        let source = match kind {
            Kind::Safetensors => {
                let bytes = if part.no_map { Mapped::read(&file) } else { Mapped::of(&file) };
                let bytes = bytes.map_err(Wrong::from);
                bytes.and_then(|bytes| safetensors::open(bytes, &name, is_index(path), part))
            }
            #[cfg(feature = "parquet")]
            Kind::Parquet => Ok(parquet::open(path, &name, part)?),
            kind => rows(BufReader::with_capacity(1 << 16, file), kind, part),
        };
        Reader::new(name, source)
    }

    /// The vectors of a file in memory; `name` is for messages.
    ///
    /// # Errors
    /// Those of [`Reader::open`].
    pub fn from_bytes(
        name: &str,
        bytes: Vec<u8>,
        kind: Kind,
        part: &Part,
    ) -> Result<Reader, Error> {
        check(name, kind, part)?;
        let source = match kind {
            Kind::Safetensors => {
                let is_index = begins_as_index(&bytes);
                safetensors::open(bytes, name, is_index, part)
            }
            #[cfg(feature = "parquet")]
            Kind::Parquet => Ok(parquet::from_bytes(bytes, name, part)?),
            kind => rows(Cursor::new(bytes), kind, part),
        };
        Reader::new(name.to_owned(), source)
    }

    fn new(name: String, source: Result<Box<dyn Source>, Wrong>) -> Result<Reader, Error> {
        match source {
            Ok(source) => Ok(Reader {
                name,
                source,
                rows: 0,
                columns: None,
                same_texts: false,
                has_text: None,
                ahead: None,
            }),
            Err(Wrong::Io(source)) => Err(Error::Read { name, source }),
            Err(Wrong::Index(error)) => Err(error.into()),
            Err(Wrong::Content(reason)) => Err(Error::Content(format!("{name}: {reason}"))),
        }
    }

    /// Either every row must have a text, or none.
    #[must_use]
    pub fn same_texts(self, same_texts: bool) -> Reader {
        Reader { same_texts, ..self }
    }

    /// The file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many values each row has. Reads the first row, which stays the next.
    ///
    /// # Errors
    /// Those of [`Reader::advance`].
    pub fn columns(&mut self) -> Result<usize, Error> {
        if self.columns.is_none() {
            self.ahead = self.advance()?;
        }
        Ok(self.columns.unwrap_or(0))
    }

    /// The next row: finite, and as long as those before. `None` comes after the last.
    ///
    /// # Errors
    /// The row cannot be read, or the file has none.
    pub fn advance(&mut self) -> Result<Option<Row>, Error> {
        if let Some(row) = self.ahead.take() {
            return Ok(Some(row));
        }
        let row = match self.source.next() {
            Ok(None) if self.rows == 0 => {
                return Err(Error::Content(format!("{} holds no vectors", self.name)));
            }
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            Err(Wrong::Io(source)) => return Err(Error::read(&self.name, source)),
            Err(Wrong::Index(error)) => return Err(error.into()),
            Err(Wrong::Content(reason)) => return Err(self.wrong(reason)),
        };
        let columns = *self.columns.get_or_insert(row.values.len());
        if row.values.len() != columns {
            return Err(self.wrong(format!(
                "{} values, but the rows before have {columns}",
                row.values.len()
            )));
        }
        let has_text = row.text.is_some();
        if self.same_texts && *self.has_text.get_or_insert(has_text) != has_text {
            let (this, before) = if has_text { ("a", "none") } else { ("no", "one") };
            return Err(
                self.wrong(format!("it has {this} text, but the rows before have {before}"))
            );
        }
        if columns == 0 {
            return Err(self.wrong("no values".to_owned()));
        }
        if let Some(column) = row.values.iter().position(|value| !value.is_finite()) {
            return Err(self.wrong(format!("value {column} is {}", row.values[column])));
        }
        self.rows += 1;
        Ok(Some(row))
    }

    fn wrong(&self, reason: String) -> Error {
        Error::Content(format!("{} of {}: {reason}", self.source.place(self.rows), self.name))
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the vectors of {} from row {} on", self.name, self.rows)
    }
}

/// Whether the options fit the kind.
fn check(name: &str, kind: Kind, part: &Part) -> Result<(), Error> {
    let wrong =
        |option, reason: &str| Err(Error::Option { option, reason: format!("{name} {reason}") });
    if part.tensor.is_some() && !matches!(kind, Kind::Safetensors | Kind::Npz) {
        return wrong("tensor", "is no safetensors or npz file");
    }
    if part.column.is_some() && !kind.has_names() {
        return wrong("column", "has no columns to choose from");
    }
    Ok(())
}

/// The rows of a file that is read from its beginning.
fn rows(file: impl Bytes + 'static, kind: Kind, part: &Part) -> Result<Box<dyn Source>, Wrong> {
    Ok(match kind {
        Kind::Npy => Box::new(npy::Array::open(Box::new(file), part.longest)?),
        Kind::Npz => Box::new(npz::open(file, part.tensor.as_deref(), part.longest)?),
        Kind::Csv => Box::new(csv::Table::open(file, part.longest)?),
        _ => Box::new(jsonl::Objects::new(file, part.column.as_deref(), part.longest)),
    })
}

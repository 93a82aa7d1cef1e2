//! Files of vectors: one row after the other, in and out, in memory that does not grow with them.
//!
//! ```text
//! npy          float32 or float64 [n, d], row by row
//! jsonl        {"text": …, "embedding": […]}, or a list of numbers, a line
//! csv          a header; the columns e0, e1, … and perhaps text
//! safetensors  a tensor F32 [n, d]: the only one of two dimensions, or --tensor
//! parquet      a column embedding, a list of numbers, and perhaps text; with the feature parquet
//! index        vectors and texts; only read
//! ```

mod csv;
mod jsonl;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod safetensors;
mod write;

pub(crate) use write::{Bytes, Writer};

use crate::{corpus::Opening, error::Error};
use clap::{Args, ValueEnum};
use minilm::tasks::index::IndexError;
use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

/// A kind of file for vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A NumPy array
    Npy,
    /// Several NumPy arrays
    Npz,
    /// One JSON object a line
    Jsonl,
    /// A table
    Csv,
    /// Tensors, or an index
    Safetensors,
    /// A table in columns
    #[cfg(feature = "parquet")]
    Parquet,
}

impl Kind {
    /// By the name of the file.
    pub(crate) fn of(path: &Path) -> Result<Kind, Error> {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_deref().and_then(|extension| extension.to_str()) {
            Some("npy") => Ok(Kind::Npy),
            Some("npz") => Ok(Kind::Npz),
            Some("jsonl" | "ndjson") => Ok(Kind::Jsonl),
            Some("csv") => Ok(Kind::Csv),
            Some("safetensors" | "index") => Ok(Kind::Safetensors),
            #[cfg(feature = "parquet")]
            Some("parquet") => Ok(Kind::Parquet),
            #[cfg(not(feature = "parquet"))]
            Some("parquet") => Err(crate::records::without_parquet(&path.display().to_string())),
            _ => {
                let parquet = if cfg!(feature = "parquet") { " .parquet," } else { "" };
                let remedy = format!(
                    "it should end in .npy, .npz, .jsonl, .csv,{parquet} .safetensors or .index"
                );
                Err(Error::Usage(format!(
                    "{} does not tell by its name what it holds; {remedy}",
                    path.display()
                )))
            }
        }
    }
}

impl Kind {
    /// Whether vectors are in columns or fields that have names.
    fn has_names(self) -> bool {
        #[cfg(feature = "parquet")]
        if self == Kind::Parquet {
            return true;
        }
        self == Kind::Jsonl
    }
}

/// What files of vectors may be, for help.
pub(crate) fn files() -> String {
    let parquet = if cfg!(feature = "parquet") { "*.parquet, " } else { "" };
    format!("*.npy, *.npz, *.jsonl, *.csv, {parquet}*.safetensors or *.index")
}

/// Where in a file the vectors are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Part {
    /// Which tensor to read of a safetensors file, or which array of an npz file, with several
    /// matrices
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,

    #[arg(long, value_name = "NAME", visible_alias = "field", help = column_help())]
    pub column: Option<String>,

    #[command(flatten)]
    pub opening: Opening,
}

/// A vector and perhaps its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Row {
    pub text: Option<String>,
    pub values: Vec<f32>,
}

/// The rows of a file.
pub(crate) struct Reader {
    name: String,
    source: Box<dyn Source>,
    rows: usize,
    columns: Option<usize>,
    same_texts: bool,
    has_text: Option<bool>,
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

impl Reader {
    /// Opens a file of vectors; `part` tells where in it they are.
    pub(crate) fn open(path: &Path, part: &Part) -> Result<Reader, Error> {
        let kind = Kind::of(path)?;
        let name = path.display().to_string();
        let (tensor, column) = (part.tensor.as_deref(), part.column.as_deref());
        if tensor.is_some() && !matches!(kind, Kind::Safetensors | Kind::Npz) {
            return Err(Error::Usage(format!("--tensor: {name} is no safetensors or npz file")));
        }
        if column.is_some() && !kind.has_names() {
            return Err(Error::Usage(format!("--column: {name} has no columns to choose from")));
        }
        let open = || {
            let file = File::open(path)?;
            if file.metadata()?.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok(BufReader::with_capacity(1 << 16, file))
        };
        let file = open().map_err(|source| Error::Read { name: name.clone(), source })?;
        let source: Result<Box<dyn Source>, Wrong> = match kind {
            Kind::Npy => npy::Array::open(file).map(|array| Box::new(array) as Box<dyn Source>),
            Kind::Npz => npz::open(file, tensor).map(|array| Box::new(array) as Box<dyn Source>),
            Kind::Jsonl => Ok(Box::new(jsonl::Objects::new(file, column))),
            Kind::Csv => csv::Table::open(file).map(|table| Box::new(table) as Box<dyn Source>),
            Kind::Safetensors => safetensors::Tensor::open(path, tensor, part.opening)
                .map(|tensor| Box::new(tensor) as Box<dyn Source>),
            #[cfg(feature = "parquet")]
            Kind::Parquet => Ok(Box::new(parquet::Table::open(path, column)?)),
        };
        match source {
            Ok(source) => Ok(Reader {
                name,
                source,
                rows: 0,
                columns: None,
                same_texts: false,
                has_text: None,
            }),
            Err(Wrong::Io(source)) => Err(Error::Read { name, source }),
            Err(Wrong::Index(error)) => Err(error.into()),
            Err(Wrong::Content(reason)) => Err(Error::Input(format!("{name}: {reason}"))),
        }
    }

    /// Either every row must have a text, or none.
    pub(crate) fn same_texts(self, same_texts: bool) -> Reader {
        Reader { same_texts, ..self }
    }

    /// The file, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The next row: finite, and as long as those before.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, Error> {
        let row = match self.source.next() {
            Ok(None) if self.rows == 0 => {
                return Err(Error::Input(format!("{} holds no vectors", self.name)));
            }
            Ok(None) => return Ok(None),
            Ok(Some(row)) => row,
            Err(Wrong::Io(source)) => return Err(Error::Read { name: self.name.clone(), source }),
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
        Error::Input(format!("{} of {}: {reason}", self.source.place(self.rows), self.name))
    }
}

fn column_help() -> &'static str {
    if cfg!(feature = "parquet") {
        "Which field of a *.jsonl file, or column of a *.parquet file, holds the vectors [default: \
         embedding, or the only column with lists of numbers]"
    } else {
        "Which field of a *.jsonl file holds the vectors [default: embedding]"
    }
}

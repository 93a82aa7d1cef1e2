//! Files of texts, or of texts and what belongs to them: lines, JSON lines, tables.
//!
//! ```text
//! lines     a line is a text
//! jsonl     a line is an object; some of its fields are read
//! csv       a header, and rows (RFC 4180); some of the columns are read
//! tsv       the same with tabs, and quotes are letters like any other
//! parquet   some of the columns, if the program is built with that feature
//! ```
//!
//! A record comes with the line where it begins, and as it stands in the file. Nothing is held but
//! the current one.

mod json;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
mod quotes;
mod table;

use crate::{
    error::Error,
    input::{Opened, read_line},
};
use clap::Args;
pub(crate) use quotes::Quotes;
use std::{io::BufRead, path::Path};

/// What kind of file the texts are in.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input options")]
pub(crate) struct Input {
    /// Read JSON lines, and the text from this field of each object [default for *.jsonl: text]
    #[arg(long, value_name = "NAME", conflicts_with = "column")]
    pub field: Option<String>,

    /// Read a table with a header, and the text from this column [default for *.csv, *.tsv and
    /// *.parquet: text]
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Lines,
    Jsonl,
    Csv,
    Tsv,
    Parquet,
}

/// A field or column that is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Name<'a> {
    Needed(&'a str),
    /// Where it is missing, it is an empty text.
    Optional(&'a str),
}

/// Some of the fields of a line or row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// Where it begins, from 1.
    pub line: u64,
    /// In the order asked for.
    pub fields: Vec<String>,
    /// As it stands in the file, without the end of its line.
    pub raw: String,
}

/// The records of a file, one after the other. After an error there are no more.
pub(crate) struct Records {
    name: String,
    bytes: Option<u64>,
    source: Source,
    ended: bool,
}

enum Source {
    Lines {
        reader: Box<dyn BufRead>,
        line: u64,
    },
    Jsonl(json::Objects),
    Table(table::Table),
    #[cfg(feature = "parquet")]
    Parquet(parquet::Rows),
}

impl Kind {
    /// By the name of the file.
    pub(crate) fn of(path: &Path) -> Kind {
        let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
        match extension.as_deref().and_then(|extension| extension.to_str()) {
            Some("jsonl" | "ndjson") => Kind::Jsonl,
            Some("csv") => Kind::Csv,
            Some("tsv") => Kind::Tsv,
            Some("parquet") => Kind::Parquet,
            _ => Kind::Lines,
        }
    }
}

impl Input {
    /// Opens a file whose records are single texts; `-` is standard input.
    pub(crate) fn open(&self, path: &Path) -> Result<Records, Error> {
        let (kind, name) = match (&self.field, &self.column, Kind::of(path)) {
            (Some(field), _, _) => (Kind::Jsonl, field.as_str()),
            (_, Some(column), kind @ (Kind::Tsv | Kind::Parquet)) => (kind, column.as_str()),
            (_, Some(column), _) => (Kind::Csv, column.as_str()),
            (None, None, kind) => (kind, "text"),
        };
        Records::open(path, kind, &[Name::Needed(name)])
    }
}

impl<'a> Name<'a> {
    fn text(self) -> &'a str {
        let (Name::Needed(name) | Name::Optional(name)) = self;
        name
    }

    fn is_optional(self) -> bool {
        matches!(self, Name::Optional(_))
    }
}

impl Records {
    /// Opens a file, and looks for these fields or columns where it has names.
    pub(crate) fn open(path: &Path, kind: Kind, names: &[Name]) -> Result<Records, Error> {
        let Opened { name, reader, bytes } = Opened::open(path)?;
        let source = match kind {
            Kind::Lines => Source::Lines { reader, line: 0 },
            Kind::Jsonl => Source::Jsonl(json::Objects::new(reader, names)),
            Kind::Csv => Source::Table(table::Table::open(&name, reader, b',', names)?),
            Kind::Tsv => Source::Table(table::Table::open(&name, reader, b'\t', names)?),
            #[cfg(feature = "parquet")]
            Kind::Parquet => Source::Parquet(parquet::Rows::open(path, names)?),
            #[cfg(not(feature = "parquet"))]
            Kind::Parquet => return Err(without_parquet(&name)),
        };
        Ok(Records { name, bytes, source, ended: false })
    }

    /// The file, for messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where a record is, for messages.
    pub(crate) fn place(&self, line: u64) -> String {
        match self.source {
            #[cfg(feature = "parquet")]
            Source::Parquet(_) => format!("row {line} of {}", self.name),
            _ => format!("line {line} of {}", self.name),
        }
    }

    /// The size of the file, where that is known.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// The header of a table, as a line of the file.
    pub(crate) fn header(&self) -> Option<&str> {
        match &self.source {
            Source::Table(table) => Some(table.header()),
            _ => None,
        }
    }

    fn read(&mut self) -> Result<Option<Record>, Error> {
        let name = &self.name;
        match &mut self.source {
            Source::Lines { reader, line } => {
                *line += 1;
                let text = read_line(reader, name, *line as usize)?;
                Ok(text.map(|text| Record { line: *line, fields: vec![text.clone()], raw: text }))
            }
            Source::Jsonl(objects) => objects.read(name),
            Source::Table(table) => table.read(name),
            #[cfg(feature = "parquet")]
            Source::Parquet(rows) => rows.record(name),
        }
    }
}

impl Iterator for Records {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Result<Record, Error>> {
        if self.ended {
            return None;
        }
        let record = self.read();
        self.ended = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}

/// What a program that was built without Parquet says.
#[cfg(not(feature = "parquet"))]
pub(crate) fn without_parquet(name: &str) -> Error {
    Error::Usage(format!("{name}: this minilm reads no Parquet; build it with --features parquet"))
}

/// `a, b, c`, or the first of many.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let more = names.len() > 12;
    names.truncate(12);
    names.join(", ") + if more { ", …" } else { "" }
}

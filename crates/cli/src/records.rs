//! Files of texts, or of texts and what belongs to them: lines, JSON, tables.
//!
//! ```text
//! lines     a line is a text
//! jsonl     a line is an object; some of its fields are read
//! json      the same, or one list of objects
//! csv       a header, and rows (RFC 4180); some of the columns are read
//! tsv       the same with tabs, and quotes are letters like any other
//! parquet   some of the columns, if the program is built with that feature
//! ```
//!
//! A record comes with the line where it begins, and as it stands in the file. Nothing is held but
//! the current one.

mod array;
pub(crate) mod json;
mod kind;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
mod places;
mod quotes;
mod table;

use crate::{
    error::Error,
    input::{MARK, Opened, read_line},
    notes::message,
    show::count,
};
use clap::{Args, ValueEnum};
use encoding_rs::Encoding;
pub(crate) use kind::Kind;
pub(crate) use places::Places;
pub(crate) use quotes::Quotes;
use std::{cell::RefCell, io::BufRead, path::Path, rc::Rc};

/// What files of texts may be, for help.
pub(crate) const FILES: &str = if cfg!(feature = "parquet") {
    "one text per line, or *.jsonl, *.json, *.csv, *.tsv, *.parquet; gzip and zstd are unpacked; \
     - is standard input"
} else {
    "one text per line, or *.jsonl, *.json, *.csv, *.tsv; gzip and zstd are unpacked; - is \
     standard input"
};

/// What kind of file the texts are in.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input options")]
pub(crate) struct Input {
    /// Read JSON, and the text from this field of each object; a.b is the field b of the object a
    /// [default for *.jsonl and *.json: text]
    #[arg(long, value_name = "NAME", conflicts_with = "column")]
    pub field: Option<String>,

    #[arg(long, value_name = "NAME", help = column_help())]
    pub column: Option<String>,

    #[command(flatten)]
    pub reading: Reading,
}

/// How files of texts are read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reading {
    /// What becomes of a record without a text, which is null or NaN, or an empty cell of a table
    /// [default: fail]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub missing: Option<Missing>,

    /// What separates the columns of a *.csv file: a letter, or tab [default: the comma, or the
    /// semicolon, tab or bar if the header has them instead]
    #[arg(long, value_name = "LETTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// The encoding of the file, such as windows-1252 or shift_jis [default: UTF-8, or UTF-16 by
    /// its byte order mark]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub encoding: Option<&'static Encoding>,
}

/// What becomes of a record without a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missing {
    /// The command ends with an error that names the record
    Fail,
    /// The text is empty
    Empty,
    /// The record is left out, and counted
    Skip,
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
    /// As it stands in the file, with the end of its line.
    pub raw: String,
}

/// A record before it is decided what becomes of missing texts.
struct Draft {
    line: u64,
    /// Texts, or why there is none.
    fields: Vec<Result<String, String>>,
    raw: String,
}

/// The records of a file, one after the other. After an error there are no more.
pub(crate) struct Records {
    name: String,
    bytes: Option<u64>,
    found: Rc<RefCell<Vec<String>>>,
    source: Source,
    optional: Vec<bool>,
    missing: Option<Missing>,
    left_out: usize,
    ended: bool,
}

enum Source {
    Lines {
        reader: Box<dyn BufRead>,
        line: u64,
    },
    Json(json::Objects),
    Table(Box<table::Table>),
    #[cfg(feature = "parquet")]
    Parquet(parquet::Rows),
}

impl Input {
    /// Opens a file whose records are single texts; `-` is standard input.
    pub(crate) fn open(&self, path: &Path) -> Result<Records, Error> {
        let kind = match (Kind::of(path), &self.field, &self.column) {
            (Kind::Lines, Some(_), _) => Kind::Json,
            (Kind::Lines, _, Some(_)) => Kind::Csv,
            (kind, ..) => kind,
        };
        let name = self.field.as_deref().or(self.column.as_deref()).unwrap_or("text");
        Records::open(path, kind, &[Name::Needed(name)], &self.reading)
    }

    /// The options that were given, as they are spelt.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Input { field, column, reading: Reading { missing, delimiter, encoding } } = self;
        let options = [
            ("field", field.is_some()),
            ("column", column.is_some()),
            ("missing", missing.is_some()),
            ("delimiter", delimiter.is_some()),
            ("encoding", encoding.is_some()),
        ];
        options.into_iter().filter_map(|(option, is_given)| is_given.then_some(option))
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
    pub(crate) fn open(
        path: &Path,
        kind: Kind,
        names: &[Name],
        reading: &Reading,
    ) -> Result<Records, Error> {
        if reading.delimiter.is_some() && kind != Kind::Csv {
            let name = path.display();
            return Err(Error::Usage(format!("--delimiter: {name} is not read as csv")));
        }
        let optional = names.iter().map(|name| name.is_optional()).collect();
        let missing = reading.missing;
        let (left_out, ended) = (0, false);
        if kind == Kind::Parquet {
            let (name, source) = (path.display().to_string(), columns(path, names)?);
            let bytes = path.metadata().ok().map(|found| found.len());
            let found = Rc::default();
            return Ok(Records { name, bytes, found, source, optional, missing, left_out, ended });
        }
        let Opened { name, reader, bytes, found } = Opened::open(path, reading.encoding)?;
        let source = match kind {
            Kind::Json | Kind::Jsonl => {
                Source::Json(json::Objects::new(reader, names, kind == Kind::Json))
            }
            Kind::Csv | Kind::Tsv => {
                let table = table::Table::open(&name, reader, kind, reading.delimiter, names)?;
                found.borrow_mut().extend(table.is_unusual());
                Source::Table(Box::new(table))
            }
            _ => Source::Lines { reader, line: 0 },
        };
        Ok(Records { name, bytes, found, source, optional, missing, left_out, ended })
    }

    /// The names of a file's columns, or of the fields of its first object; lines have none.
    pub(crate) fn names(path: &Path, kind: Kind, reading: &Reading) -> Result<Vec<String>, Error> {
        if kind == Kind::Parquet {
            return column_names(path);
        }
        let mut records = Records::open(path, kind, &[], reading)?;
        if let Source::Table(table) = &records.source {
            return Ok(table.names().to_vec());
        }
        let first = records.next().transpose()?;
        let Some(record) = first.filter(|_| matches!(records.source, Source::Json(_))) else {
            return Ok(Vec::new());
        };
        let json = json::plain(record.raw.trim_start_matches(MARK)).into_owned();
        let fields = json::fields(json.trim_end_matches(['\r', '\n']));
        Ok(fields.map_err(Error::Input)?.into_keys().collect())
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

    /// The header of a table, as it stands in the file.
    pub(crate) fn header(&self) -> Option<&str> {
        match &self.source {
            Source::Table(table) => Some(table.header()),
            _ => None,
        }
    }

    /// After the last record: says what the file is beyond its name, and what was left out.
    pub(crate) fn note(&self, quiet: bool) {
        if quiet {
            return;
        }
        let found = self.found.borrow();
        if !found.is_empty() {
            message(&format!("{} is {}", self.name, found.join(", ")));
        }
        if self.left_out > 0 {
            let records = count(self.left_out, "record");
            message(&format!("{records} of {} without a text left out", self.name));
        }
    }

    fn read(&mut self) -> Result<Option<Record>, Error> {
        while let Some(draft) = self.draft()? {
            if let Some(record) = self.decide(draft)? {
                return Ok(Some(record));
            }
            self.left_out += 1;
        }
        Ok(None)
    }

    fn draft(&mut self) -> Result<Option<Draft>, Error> {
        let name = &self.name;
        match &mut self.source {
            Source::Lines { reader, line } => {
                *line += 1;
                let found = read_line(reader, name, *line)?;
                Ok(found.map(|found| Draft {
                    line: *line,
                    fields: vec![Ok(found.text().to_owned())],
                    raw: found.raw,
                }))
            }
            Source::Json(objects) => objects.read(name),
            Source::Table(table) => table.read(name),
            #[cfg(feature = "parquet")]
            Source::Parquet(rows) => rows.record(name),
        }
    }

    /// The record, or none if it is left out because a text is missing.
    fn decide(&self, draft: Draft) -> Result<Option<Record>, Error> {
        let Draft { line, fields, raw } = draft;
        let mut texts = Vec::with_capacity(fields.len());
        for (field, is_optional) in fields.into_iter().zip(&self.optional) {
            match (field, self.missing) {
                (Ok(text), _) => texts.push(text),
                (Err(_), _) if *is_optional => texts.push(String::new()),
                (Err(_), Some(Missing::Empty)) => texts.push(String::new()),
                (Err(_), Some(Missing::Skip)) => return Ok(None),
                (Err(reason), _) => {
                    let place = self.place(line);
                    return Err(Error::Input(format!(
                        "{place}: {reason}; --missing skip leaves such records out, \
                         --missing empty reads an empty text"
                    )));
                }
            }
        }
        Ok(Some(Record { line, fields: texts, raw }))
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

#[cfg(feature = "parquet")]
fn columns(path: &Path, names: &[Name]) -> Result<Source, Error> {
    Ok(Source::Parquet(parquet::Rows::open(path, names)?))
}

#[cfg(not(feature = "parquet"))]
fn columns(path: &Path, _names: &[Name]) -> Result<Source, Error> {
    Err(without_parquet(&path.display().to_string()))
}

#[cfg(feature = "parquet")]
fn column_names(path: &Path) -> Result<Vec<String>, Error> {
    parquet::names(path)
}

#[cfg(not(feature = "parquet"))]
fn column_names(path: &Path) -> Result<Vec<String>, Error> {
    Err(without_parquet(&path.display().to_string()))
}

/// What a program that was built without Parquet says.
#[cfg(not(feature = "parquet"))]
pub(crate) fn without_parquet(name: &str) -> Error {
    Error::Usage(format!("{name}: this minilm reads no Parquet; build it with --features parquet"))
}

/// `a, b, c`, or the first of many.
pub(crate) fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let more = names.len() > 12;
    names.truncate(12);
    names.join(", ") + if more { ", …" } else { "" }
}

fn column_help() -> &'static str {
    if cfg!(feature = "parquet") {
        "Read a table with a header, and the text from this column [default for *.csv, *.tsv and \
         *.parquet: text]"
    } else {
        "Read a table with a header, and the text from this column [default for *.csv and *.tsv: \
         text]"
    }
}

fn delimiter(letter: &str) -> Result<u8, String> {
    match letter.as_bytes() {
        _ if letter == "tab" || letter == "\\t" => Ok(b'\t'),
        [b'"' | b'\r' | b'\n'] => {
            Err("a quote or the end of a line separates no columns".to_owned())
        }
        &[letter] => Ok(letter),
        _ => Err("it has to be one ASCII letter, or tab".to_owned()),
    }
}

fn encoding(name: &str) -> Result<&'static Encoding, String> {
    let unknown = || "no encoding of that name; UTF-8, UTF-16LE, windows-1252 are some".to_owned();
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(unknown)
}

//! Files of texts, or of texts and what belongs to them: lines, JSON, tables.
//!
//! ```text
//! lines     a line is a text
//! jsonl     a line is an object; some of its fields are read
//! json      the same, or one list of objects
//! csv       a header, and rows (RFC 4180); some of the columns are read
//! tsv       the same with tabs, and quotes are letters like any other
//! parquet   some of the columns, with the feature `parquet`
//! ```
//!
//! A record comes with the line where it begins, with its number among all records, and as it
//! stands in the file. Nothing is held but the current one.
//!
//! ```
//! use minilm_readers::{Missing, ReadOptions, records::{Kind, Name, Records}};
//!
//! let lines = br#"{"id": 7, "text": "A man eats."}
//! {"id": 8, "text": null}
//! {"id": 9, "text": "A dog runs."}"#.to_vec();
//! let names = [Name::Needed("text"), Name::Optional("id")];
//! let options = ReadOptions::new().missing(Missing::Skip);
//! let mut records = Records::from_bytes("it.jsonl", lines, Kind::Jsonl, &names, &options)?;
//! let last = records.by_ref().last().expect("a record")?;
//! assert_eq!((last.line, last.row), (3, 2));
//! assert_eq!(last.fields, ["A dog runs.", "9"]);
//! assert_eq!(records.left_out(), 1);
//! # Ok::<(), minilm_readers::Error>(())
//! ```

mod array;
mod columns;
pub(crate) mod json;
mod kind;
#[cfg(feature = "parquet")]
pub(crate) mod parquet;
mod places;
mod quotes;
mod record;
mod table;

use crate::{
    Error, Missing, ReadOptions,
    text::{MARK, Text, read_line},
};
#[cfg(not(feature = "parquet"))]
pub(crate) use columns::without_parquet;
use columns::{columns_of_bytes, columns_of_file, names_of_columns};
pub use kind::Kind;
pub use places::Places;
pub(crate) use quotes::Quotes;
use record::Draft;
pub use record::{Name, Record};
use std::{fmt, io::Cursor, path::Path};

/// The records of a file, one after the other. After an error there are no more.
pub struct Records {
    name: String,
    bytes: Option<u64>,
    source: Source,
    optional: Vec<bool>,
    missing: Missing,
    longest: usize,
    row: usize, // of the next record
    left_out: usize,
    ended: bool,
}

enum Source {
    Lines {
        text: Text,
        line: u64,
    },
    Json(json::Objects),
    Table(Box<table::Table>),
    #[cfg(feature = "parquet")]
    Parquet(parquet::Rows),
}

/// The names of a file's columns, or of the fields of its first object; lines have none.
///
/// ```
/// use minilm_readers::{ReadOptions, records::{Kind, names}};
/// let file = std::env::temp_dir().join("minilm-readers-names.csv");
/// std::fs::write(&file, "text,label\nA man eats.,food\n")?;
/// assert_eq!(names(&file, Kind::Csv, &ReadOptions::new())?, ["text", "label"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Those of [`Records::open`], and of its first record.
pub fn names(path: &Path, kind: Kind, options: &ReadOptions) -> Result<Vec<String>, Error> {
    if kind == Kind::Parquet {
        return names_of_columns(path, options);
    }
    let mut records = Records::open(path, kind, &[], options)?;
    if let Source::Table(table) = &records.source {
        return Ok(table.names().to_vec());
    }
    let first = records.next().transpose()?;
    let Some(record) = first.filter(|_| matches!(records.source, Source::Json(_))) else {
        return Ok(Vec::new());
    };
    let json = json::plain(record.raw.trim_start_matches(MARK)).into_owned();
    let fields = json::fields(json.trim_end_matches(['\r', '\n']));
    Ok(fields.map_err(Error::Content)?.into_keys().collect())
}

impl Records {
    /// Opens a file, and looks for these fields or columns where it has names.
    ///
    /// # Errors
    /// The file cannot be read, is not of this kind, or lacks a column that is needed.
    pub fn open(
        path: &Path,
        kind: Kind,
        names: &[Name],
        options: &ReadOptions,
    ) -> Result<Records, Error> {
        let name = path.display().to_string();
        check(&name, kind, options)?;
        if kind == Kind::Parquet {
            let source = columns_of_file(path, &name, names, options)?;
            let bytes = path.metadata().ok().map(|found| found.len());
            return Ok(Records::new(name, bytes, source, names, options));
        }
        Records::read(Text::open(path, options)?, kind, names, options)
    }

    /// The records of a text.
    ///
    /// # Errors
    /// Those of [`Records::open`]. A Parquet file is no text.
    pub fn read(
        text: Text,
        kind: Kind,
        names: &[Name],
        options: &ReadOptions,
    ) -> Result<Records, Error> {
        let (name, bytes) = (text.name().to_owned(), text.bytes());
        check(&name, kind, options)?;
        let source = match kind {
            Kind::Lines => Source::Lines { text, line: 0 },
            Kind::Json | Kind::Jsonl => {
                let may_be_list = kind == Kind::Json;
                Source::Json(json::Objects::new(text, names, may_be_list, options.longest))
            }
            Kind::Csv | Kind::Tsv => {
                Source::Table(Box::new(table::Table::open(text, kind, options, names)?))
            }
            Kind::Parquet => {
                let reason = "it is read as Parquet, which has to be a regular file";
                return Err(Error::Content(format!("{name}: {reason}")));
            }
        };
        Ok(Records::new(name, bytes, source, names, options))
    }

    /// The records of a file that is in memory; `name` is for messages.
    ///
    /// # Errors
    /// Those of [`Records::open`].
    pub fn from_bytes(
        name: &str,
        bytes: Vec<u8>,
        kind: Kind,
        names: &[Name],
        options: &ReadOptions,
    ) -> Result<Records, Error> {
        check(name, kind, options)?;
        if kind == Kind::Parquet {
            let size = Some(bytes.len() as u64);
            let source = columns_of_bytes(bytes, name, names, options)?;
            return Ok(Records::new(name.to_owned(), size, source, names, options));
        }
        Records::read(Text::new(name, Cursor::new(bytes), options), kind, names, options)
    }

    fn new(
        name: String,
        bytes: Option<u64>,
        source: Source,
        names: &[Name],
        options: &ReadOptions,
    ) -> Records {
        Records {
            name,
            bytes,
            source,
            optional: names.iter().map(|name| !matches!(name, Name::Needed(_))).collect(),
            missing: options.missing,
            longest: options.longest,
            row: 0,
            left_out: 0,
            ended: false,
        }
    }

    /// The file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where a record is, for messages.
    pub fn place(&self, line: u64) -> String {
        match self.source {
            #[cfg(feature = "parquet")]
            Source::Parquet(_) => format!("row {line} of {}", self.name),
            _ => format!("line {line} of {}", self.name),
        }
    }

    /// The size of the file, where that is known.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// The header of a table, as it stands in the file.
    pub fn header(&self) -> Option<&str> {
        match &self.source {
            Source::Table(table) => Some(table.header()),
            _ => None,
        }
    }

    /// What the file is beyond what its name tells, in words: `compressed with gzip`.
    pub fn found(&self) -> Vec<String> {
        match &self.source {
            Source::Lines { text, .. } => text.found(),
            Source::Json(objects) => objects.found(),
            Source::Table(table) => table.found(),
            #[cfg(feature = "parquet")]
            Source::Parquet(_) => Vec::new(),
        }
    }

    /// How many of the records so far were left out, because they have no text.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    fn advance(&mut self) -> Result<Option<Record>, Error> {
        while let Some(draft) = self.draft()? {
            let row = self.row;
            self.row += 1;
            if let Some(record) = self.decide(draft, row)? {
                return Ok(Some(record));
            }
            self.left_out += 1;
        }
        Ok(None)
    }

    fn draft(&mut self) -> Result<Option<Draft>, Error> {
        let name = &self.name;
        match &mut self.source {
            Source::Lines { text, line } => {
                *line += 1;
                let found = read_line(text, name, *line, self.longest)?;
                Ok(found.map(|found| Draft {
                    line: *line,
                    fields: vec![Ok(found.text().to_owned())],
                    raw: found.raw,
                }))
            }
            Source::Json(objects) => objects.read(name),
            Source::Table(table) => table.read(),
            #[cfg(feature = "parquet")]
            Source::Parquet(rows) => rows.record(name),
        }
    }

    /// The record, or none if it is left out because a text is missing.
    fn decide(&self, draft: Draft, row: usize) -> Result<Option<Record>, Error> {
        let Draft { line, fields, raw } = draft;
        let mut texts = Vec::with_capacity(fields.len());
        for (field, is_optional) in fields.into_iter().zip(&self.optional) {
            match (field, self.missing) {
                (Ok(text), _) => texts.push(text),
                (Err(_), _) if *is_optional => texts.push(String::new()),
                (Err(_), Missing::Empty) => texts.push(String::new()),
                (Err(_), Missing::Skip) => return Ok(None),
                (Err(reason), Missing::Fail) => {
                    let place = self.place(line);
                    return Err(Error::Content(format!(
                        "{place}: {reason}; --missing skip leaves such records out, \
                         --missing empty reads an empty text"
                    )));
                }
            }
        }
        Ok(Some(Record { line, row, fields: texts, raw }))
    }
}

impl Iterator for Records {
    type Item = Result<Record, Error>;

    fn next(&mut self) -> Option<Result<Record, Error>> {
        if self.ended {
            return None;
        }
        let record = self.advance();
        self.ended = !matches!(record, Ok(Some(_)));
        record.transpose()
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the records of {} from record {} on", self.name, self.row)
    }
}

/// Whether the options fit the kind.
fn check(name: &str, kind: Kind, options: &ReadOptions) -> Result<(), Error> {
    if options.delimiter.is_some() && kind != Kind::Csv {
        let reason = format!("{name} is not read as csv");
        return Err(Error::Option { option: "delimiter", reason });
    }
    Ok(())
}

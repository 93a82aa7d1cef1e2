//! Tables with a header.

use super::{Draft, Kind, Name, Quotes};
use crate::{
    Error, ReadOptions, fields, list,
    text::{MARK, Text, too_long},
};
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use std::io::{self, BufRead, Chain, Cursor, Read};

/// What may separate columns, the usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

pub(super) struct Table {
    name: String,
    rows: csv::Reader<Quotes<Chain<Cursor<Vec<u8>>, Text>>>,
    delimiter: u8,
    quoting: bool,
    columns: Vec<(String, Option<usize>)>, // none for one that may be missing, and is
    names: Vec<String>,
    header: String, // as it stands in the file, with what is before it
    row: ByteRecord,
    line: u64,   // of the row
    before: u64, // lines before the header
    is_unusual: bool,
}

impl Table {
    /// Reads the header and finds the columns in it. In a tsv file quotes are letters.
    pub(super) fn open(
        mut text: Text,
        kind: Kind,
        options: &ReadOptions,
        columns: &[Name],
    ) -> Result<Table, Error> {
        let name = text.name().to_owned();
        let first = first_lines(&mut text, options.longest);
        let first = first.map_err(|source| Error::read(&name, source))?;
        if first.len() > options.longest {
            return Err(too_long(&format!("the header of {name}"), options.longest));
        }
        let quoting = kind == Kind::Csv;
        let preamble = if quoting { preamble(&first) } else { None };
        let before = u64::from(preamble.is_some());
        let (length, named) = preamble.unwrap_or((0, b','));
        let (start, first) = (first[..length].to_vec(), first[length..].to_vec());
        let usual = if quoting { b',' } else { b'\t' };
        let delimiter = match options.delimiter {
            Some(delimiter) => delimiter,
            None if before > 0 => named,
            None if quoting => separator(&first, columns),
            None => usual,
        };
        let whole = Cursor::new(first).chain(text);
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter).quoting(quoting).flexible(true).has_headers(false);
        let mut table = Table {
            name,
            rows: builder
                .from_reader(Quotes::new(whole, delimiter, quoting, options.longest).keep()),
            delimiter,
            quoting,
            columns: Vec::new(),
            names: Vec::new(),
            header: String::from_utf8_lossy(&start).into_owned(),
            row: ByteRecord::new(),
            line: 0,
            before,
            is_unusual: delimiter != usual,
        };
        let Some((_, header)) = table.next()? else {
            return Err(Error::Content(format!("{} is empty, not even a header", table.name)));
        };
        let find = |column: &Name| {
            let place = header.iter().position(|name| name == column.text());
            match (place, column) {
                (None, Name::Needed(column) | Name::Kept(column)) => Err(Error::Content(format!(
                    "{} has no column {column:?}; its columns are {}",
                    table.name,
                    list(header.iter())
                ))),
                (place, _) => Ok((column.text().to_owned(), place)),
            }
        };
        table.columns = columns.iter().map(find).collect::<Result<_, _>>()?;
        table.names = header.iter().map(str::to_owned).collect();
        let raw = table.raw();
        table.header += &raw;
        Ok(table)
    }

    /// The header as it stands in the file.
    pub(super) fn header(&self) -> &str {
        &self.header
    }

    /// The names of all columns.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What separates the columns, if it is not what the name of the file promises.
    fn is_unusual(&self) -> Option<String> {
        let delimiter = match self.delimiter {
            b'\t' => "tabs".to_owned(),
            letter => format!("{:?}", char::from(letter)),
        };
        self.is_unusual.then(|| format!("a table with columns separated by {delimiter}"))
    }

    /// What the file is beyond what its name tells.
    pub(super) fn found(&self) -> Vec<String> {
        let (_, text) = self.rows.get_ref().inside().get_ref();
        text.found().into_iter().chain(self.is_unusual()).collect()
    }

    pub(super) fn read(&mut self) -> Result<Option<Draft>, Error> {
        let Some((line, row)) = self.next()? else { return Ok(None) };
        if row.len() != self.names.len() {
            let (name, found, expected) = (&self.name, fields(row.len()), self.names.len());
            return Err(Error::Content(format!(
                "line {line} of {name} has {found}, but the header has {expected}"
            )));
        }
        let field = |(name, column): &(String, Option<usize>)| match column.map(|at| &row[at]) {
            Some("") => Err(format!("the column {name:?} is empty")),
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("there is no column {name:?}")),
        };
        let fields = self.columns.iter().map(field).collect();
        Ok(Some(Draft { line, fields, raw: self.raw() }))
    }

    /// The next row and its line.
    fn next(&mut self) -> Result<Option<(u64, StringRecord)>, Error> {
        let name = &self.name;
        let read = self.rows.read_byte_record(&mut self.row);
        if !read.map_err(|error| Error::read(name, error.into()))? {
            if self.quoting && self.rows.get_ref().is_open() {
                return Err(Error::Content(format!(
                    "line {} of {name} begins a quoted field that has no end",
                    self.line
                )));
            }
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line) + self.before;
        self.line = line;
        let row = StringRecord::from_byte_record(self.row.clone()).map_err(|_| {
            let remedy = "--encoding names another encoding";
            Error::Content(format!("line {line} of {name} is not UTF-8; {remedy}"))
        })?;
        Ok(Some((line, row)))
    }

    /// The row read last, as it stands in the file, without empty lines before it.
    fn raw(&mut self) -> String {
        let end = self.rows.position().byte();
        let raw = self.rows.get_mut().take(end);
        let raw = String::from_utf8_lossy(&raw);
        raw.trim_start_matches(['\r', '\n']).to_owned()
    }
}

/// The first line, and those that its quoted fields go on in; one byte more than `longest` is
/// enough of them.
fn first_lines(text: &mut Text, longest: usize) -> io::Result<Vec<u8>> {
    let (mut lines, mut quotes, mut is_empty) = (Vec::new(), 0_usize, true);
    loop {
        let left = longest.saturating_add(1).saturating_sub(lines.len()) as u64;
        let read = text.take(left).read_until(b'\n', &mut lines)?;
        let line = &lines[lines.len() - read..];
        quotes += line.iter().filter(|&&byte| byte == b'"').count();
        is_empty &= line.trim_ascii().is_empty();
        if read == 0 || (quotes.is_multiple_of(2) && !is_empty) {
            return Ok(lines);
        }
    }
}

/// The length of the line `sep=;` with which some spreadsheets begin, and its letter.
fn preamble(first: &[u8]) -> Option<(usize, u8)> {
    let line = first.strip_prefix(MARK.encode_utf8(&mut [0; 4]).as_bytes()).unwrap_or(first);
    match line.strip_prefix(b"sep=")? {
        [letter, b'\n'] | [letter, b'\r', b'\n'] => Some((first.len(), *letter)),
        _ => None,
    }
}

/// What separates the columns of a header: the first letter with which it has those that are
/// needed.
fn separator(header: &[u8], columns: &[Name]) -> u8 {
    let has_all = |delimiter: &u8| {
        let mut builder = ReaderBuilder::new();
        let mut rows = builder.delimiter(*delimiter).has_headers(false).from_reader(header);
        let mut row = StringRecord::new();
        let is_read = rows.read_record(&mut row).is_ok();
        let mut needed = columns.iter().filter(|column| !column.may_be_absent());
        is_read && needed.all(|column| row.iter().any(|name| name == column.text()))
    };
    DELIMITERS.into_iter().find(has_all).unwrap_or_else(|| {
        // Where a column has another name, its error lists those that there are.
        let times = |delimiter: &u8| header.iter().filter(|byte| *byte == delimiter).count();
        DELIMITERS.into_iter().rev().max_by_key(times).unwrap_or(b',')
    })
}

//! Tables with a header.

use super::{Name, Quotes, Record, list};
use crate::{error::Error, show::count};
use csv::{ByteRecord, ReaderBuilder, StringRecord};
use std::io::BufRead;

pub(super) struct Table {
    rows: csv::Reader<Quotes<Box<dyn BufRead>>>,
    delimiter: u8,
    header: StringRecord,
    raw_header: String,
    columns: Vec<Option<usize>>, // none for one that may be missing, and is
    row: ByteRecord,
    line: u64, // of the row
}

impl Table {
    /// Reads the header and finds the columns in it.
    pub(super) fn open(
        name: &str,
        reader: Box<dyn BufRead>,
        delimiter: u8,
        columns: &[Name],
    ) -> Result<Table, Error> {
        let mut builder = ReaderBuilder::new();
        builder.delimiter(delimiter).quoting(delimiter == b',').flexible(true).has_headers(false);
        let (rows, row) = (builder.from_reader(Quotes::new(reader)), ByteRecord::new());
        let empty = (StringRecord::new(), String::new(), Vec::new());
        let mut table = Table {
            rows,
            delimiter,
            header: empty.0,
            raw_header: empty.1,
            columns: empty.2,
            row,
            line: 0,
        };
        let Some((_, header)) = table.next(name)? else {
            return Err(Error::Input(format!("{name} is empty, not even a header")));
        };
        let find =
            |column: &Name| match (header.iter().position(|name| name == column.text()), column) {
                (None, Name::Needed(column)) => Err(Error::Input(format!(
                    "{name} has no column {column:?}; its columns are {}",
                    list(header.iter())
                ))),
                (place, _) => Ok(place),
            };
        table.columns = columns.iter().map(find).collect::<Result<_, _>>()?;
        table.raw_header = table.raw(&header);
        table.header = header;
        Ok(table)
    }

    /// The header as a line of the file.
    pub(super) fn header(&self) -> &str {
        &self.raw_header
    }

    pub(super) fn read(&mut self, name: &str) -> Result<Option<Record>, Error> {
        let Some((line, row)) = self.next(name)? else { return Ok(None) };
        if row.len() != self.header.len() {
            let (found, expected) = (count(row.len(), "field"), self.header.len());
            return Err(Error::Input(format!(
                "line {line} of {name} has {found}, but the header has {expected}"
            )));
        }
        let field = |column: &Option<usize>| {
            column.map_or_else(String::new, |column| row[column].to_owned())
        };
        let fields = self.columns.iter().map(field).collect();
        Ok(Some(Record { line, fields, raw: self.raw(&row) }))
    }

    /// The next row and its line.
    fn next(&mut self, name: &str) -> Result<Option<(u64, StringRecord)>, Error> {
        let read = self.rows.read_byte_record(&mut self.row);
        if !read.map_err(|error| Error::Read { name: name.to_owned(), source: error.into() })? {
            if self.delimiter == b',' && self.rows.get_ref().is_open() {
                return Err(Error::Input(format!(
                    "line {} of {name} begins a quoted field that has no end",
                    self.line
                )));
            }
            return Ok(None);
        }
        let line = self.row.position().map_or(0, csv::Position::line);
        self.line = line;
        let row = StringRecord::from_byte_record(self.row.clone());
        let row = row.map_err(|_| Error::Input(format!("line {line} of {name} is not UTF-8")))?;
        Ok(Some((line, row)))
    }

    /// The row as a line of a file like this one.
    fn raw(&self, row: &StringRecord) -> String {
        if self.delimiter == b'\t' {
            return row.iter().collect::<Vec<_>>().join("\t");
        }
        let mut writer =
            csv::WriterBuilder::new().delimiter(self.delimiter).from_writer(Vec::new());
        writer.write_record(row).expect("memory takes everything");
        let mut line = writer.into_inner().expect("so it does");
        line.pop();
        String::from_utf8(line).expect("it came from a string")
    }
}

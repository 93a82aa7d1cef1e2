//! Tables with the columns e0, e1, … and perhaps text, as `minilm embed` writes them.

use super::{Row, Source, Wrong};
use crate::{fields, records::Quotes};
use csv::StringRecord;
use std::io::{self, Read};

pub(super) struct Table<R> {
    rows: csv::Reader<Quotes<R>>,
    record: StringRecord,
    text: Option<usize>,
    values: Vec<usize>, // the columns e0, e1, …
    fields: usize,
    line: u64,
}

impl<R: Read> Table<R> {
    pub(super) fn open(from: R, longest: usize) -> Result<Table<R>, Wrong> {
        let quotes = Quotes::new(from, b',', true, longest);
        let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(quotes);
        let header = rows.headers().map_err(wrong)?.clone();
        let place = |name: &str| header.iter().position(|found| found == name);
        let values: Vec<usize> = (0..).map_while(|i| place(&format!("e{i}"))).collect();
        if values.is_empty() {
            return Err(Wrong::Content("there are no columns e0, e1, …".to_owned()));
        }
        Ok(Table {
            rows,
            record: StringRecord::new(),
            text: place("text"),
            values,
            fields: header.len(),
            line: 1,
        })
    }
}

impl<R: Read> Source for Table<R> {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let before = std::mem::replace(&mut self.line, self.rows.position().line());
        if !self.rows.read_record(&mut self.record).map_err(wrong)? {
            if self.rows.get_ref().is_open() {
                self.line = before;
                return Err(Wrong::Content("it begins a quoted field that has no end".to_owned()));
            }
            return Ok(None);
        }
        self.line = self.record.position().map_or(self.line, csv::Position::line);
        if self.record.len() != self.fields {
            let found = fields(self.record.len());
            return Err(Wrong::Content(format!("{found}, but the header has {}", self.fields)));
        }
        let value = |(i, &column): (usize, &usize)| {
            let field = &self.record[column];
            field
                .trim()
                .parse()
                .map_err(|_| Wrong::Content(format!("e{i} is {field:?}, which is no number")))
        };
        let values = self.values.iter().enumerate().map(value).collect::<Result<_, _>>()?;
        Ok(Some(Row { text: self.text.map(|column| self.record[column].to_owned()), values }))
    }

    fn place(&self, _row: usize) -> String {
        format!("line {}", self.line)
    }
}

fn wrong(error: csv::Error) -> Wrong {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => Wrong::Content("it is not UTF-8".to_owned()),
        _ => Wrong::from(io::Error::from(error)),
    }
}

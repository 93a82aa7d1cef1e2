//! Parquet: a column `embedding`, a list of numbers, and perhaps a column `text`.

use super::{Row, Source, Wrong};
use crate::{
    error::Error,
    records::{
        Name,
        parquet::{Rows, text},
    },
};
use parquet::{
    data_type::{ByteArray, ByteArrayType, FloatType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    record::Field,
    schema::parser::parse_message_type,
};
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

/// Rows of a row group.
const GROUP: usize = 8192;

pub(super) struct Table(Rows);

impl Table {
    pub(super) fn open(path: &Path) -> Result<Table, Error> {
        Rows::open(path, &[Name::Needed("embedding"), Name::Optional("text")]).map(Table)
    }
}

impl Source for Table {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let Some(row) = self.0.next().map_err(|error| Wrong::Content(error.to_string()))? else {
            return Ok(None);
        };
        let mut found = Row::default();
        for (name, field) in row.get_column_iter() {
            match (name.as_str(), field) {
                ("text", field) => found.text = text(field),
                (_, Field::ListInternal(list)) => {
                    let values: Option<Vec<f32>> = list.elements().iter().map(number).collect();
                    found.values = values.ok_or_else(|| {
                        Wrong::Content("the embedding holds something else than numbers".to_owned())
                    })?;
                }
                _ => return Err(Wrong::Content("the embedding is no list".to_owned())),
            }
        }
        Ok(Some(found))
    }

    fn place(&self, _row: usize) -> String {
        format!("row {}", self.0.read())
    }
}

fn number(field: &Field) -> Option<f32> {
    match field {
        Field::Float(number) => Some(*number),
        Field::Double(number) => Some(*number as f32),
        _ => None,
    }
}

/// Writes rows, [`GROUP`] at a time.
pub(super) struct Writer {
    to: Option<SerializedFileWriter<File>>, // once there is a row
    rows: Vec<Row>,
}

impl Writer {
    pub(super) fn new() -> Writer {
        Writer { to: None, rows: Vec::new() }
    }

    pub(super) fn push(&mut self, row: &Row) -> io::Result<()> {
        self.rows.push(row.clone());
        if self.rows.len() < GROUP { Ok(()) } else { self.write() }
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(first) = self.rows.first() else { return Ok(()) };
        if self.to.is_none() {
            self.to = Some(begin(first.text.is_some())?);
        }
        let Some(to) = &mut self.to else { return Ok(()) };
        write(to, &self.rows).map_err(io::Error::other)?;
        self.rows.clear();
        Ok(())
    }

    /// Copies the file to where it is wanted.
    pub(super) fn finish(mut self, to: &mut impl Write) -> io::Result<()> {
        self.write()?;
        if let Some(writer) = self.to {
            let mut file = writer.into_inner().map_err(io::Error::other)?;
            file.seek(SeekFrom::Start(0))?;
            io::copy(&mut file, to)?;
        }
        Ok(())
    }
}

/// A file without a name, with or without texts.
fn begin(texts: bool) -> io::Result<SerializedFileWriter<File>> {
    let text = if texts { "required binary text (STRING);" } else { "" };
    let list =
        "required group embedding (LIST) { repeated group list { required float element; } }";
    let schema = parse_message_type(&format!("message vectors {{ {text} {list} }}"))
        .map_err(io::Error::other)?;
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    SerializedFileWriter::new(tempfile::tempfile()?, Arc::new(schema), Arc::new(properties))
        .map_err(io::Error::other)
}

/// A row group.
fn write(to: &mut SerializedFileWriter<File>, rows: &[Row]) -> Result<(), ParquetError> {
    let mut group = to.next_row_group()?;
    let texts: Vec<ByteArray> =
        rows.iter().filter_map(|row| row.text.as_deref().map(ByteArray::from)).collect();
    if !texts.is_empty()
        && let Some(mut column) = group.next_column()?
    {
        column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
        column.close()?;
    }
    if let Some(mut column) = group.next_column()? {
        let values: Vec<f32> = rows.iter().flat_map(|row| row.values.iter().copied()).collect();
        // Every value is there, and continues the list of its row but for the first.
        let (there, continues) = (
            vec![1; values.len()],
            rows.iter().flat_map(|row| (0..row.values.len()).map(|i| i16::from(i > 0))),
        );
        column.typed::<FloatType>().write_batch(
            &values,
            Some(&there),
            Some(&continues.collect::<Vec<i16>>()),
        )?;
        column.close()?;
    }
    group.close().map(|_| ())
}

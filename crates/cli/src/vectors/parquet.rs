//! Parquet: a column with lists of numbers, and perhaps a column `text`.

use super::{Row, Source, Wrong};
use crate::{
    error::Error,
    records::{
        Name, list,
        parquet::{Rows, lists_of_numbers, text, value},
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

pub(super) struct Table {
    rows: Rows,
    column: String,
}

impl Table {
    /// The vectors of this column, or of `embedding`, or of the only one with lists of numbers.
    pub(super) fn open(path: &Path, column: Option<&str>) -> Result<Table, Error> {
        let column = match column {
            Some(column) => column.to_owned(),
            None => the_only(path, lists_of_numbers(path)?)?,
        };
        let rows = Rows::open(path, &[Name::Needed(&column), Name::Optional("text")])?;
        Ok(Table { rows, column })
    }
}

fn the_only(path: &Path, lists: Vec<String>) -> Result<String, Error> {
    let usual = lists.iter().any(|name| name == "embedding") || lists.is_empty();
    match &lists[..] {
        _ if usual => Ok("embedding".to_owned()),
        [one] => Ok(one.clone()),
        several => Err(Error::Input(format!(
            "{} has several columns with lists of numbers, {}; --column names one",
            path.display(),
            list(several.iter().map(String::as_str))
        ))),
    }
}

impl Source for Table {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let Some(row) = self.rows.next().map_err(|error| Wrong::Content(error.to_string()))? else {
            return Ok(None);
        };
        let column = &self.column;
        let wrong = |reason: &str| Wrong::Content(format!("the column {column:?} {reason}"));
        let values = match value(&row, column) {
            None | Some(Field::Null) => return Err(wrong("is null, not a list of numbers")),
            Some(Field::ListInternal(list)) => list.elements().iter().map(number).collect(),
            Some(_) => return Err(wrong("is no list")),
        };
        let values: Option<Vec<f32>> = values;
        let values = values.ok_or_else(|| wrong("holds something else than numbers"))?;
        Ok(Some(Row { text: value(&row, "text").and_then(text), values }))
    }

    fn place(&self, _row: usize) -> String {
        format!("row {}", self.rows.read())
    }
}

fn number(field: &Field) -> Option<f32> {
    Some(match field {
        Field::Float(number) => *number,
        Field::Double(number) => *number as f32,
        Field::Float16(number) => number.to_f32(),
        Field::Byte(number) => f32::from(*number),
        Field::UByte(number) => f32::from(*number),
        Field::Short(number) => f32::from(*number),
        Field::UShort(number) => f32::from(*number),
        Field::Int(number) => *number as f32,
        Field::UInt(number) => *number as f32,
        Field::Long(number) => *number as f32,
        Field::ULong(number) => *number as f32,
        _ => return None,
    })
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

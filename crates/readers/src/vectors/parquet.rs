//! Parquet: a column with lists of numbers, and perhaps a column `text`.

use super::{Part, Row, Source, Wrong};
use crate::{
    Error, list,
    records::{
        Name,
        parquet::{Columns, Rows, text, value},
    },
};
use bytes::Bytes;
use parquet::{file::reader::ChunkReader, record::Field};
use std::path::Path;

struct Table {
    rows: Rows,
    column: String,
}

/// A file.
pub(super) fn open(path: &Path, name: &str, part: &Part) -> Result<Box<dyn Source>, Error> {
    table(Columns::open(path, name, part.longest)?, name, part)
}

/// A file in memory.
pub(super) fn from_bytes(
    bytes: Vec<u8>,
    name: &str,
    part: &Part,
) -> Result<Box<dyn Source>, Error> {
    table(Columns::new(Bytes::from(bytes), name, part.longest)?, name, part)
}

/// The vectors of a column that is named, or of `embedding`, or of the only one with lists of
/// numbers.
fn table<R: ChunkReader + 'static>(
    file: Columns<R>,
    name: &str,
    part: &Part,
) -> Result<Box<dyn Source>, Error> {
    let column = match &part.column {
        Some(column) => column.clone(),
        None => the_only(name, file.lists_of_numbers())?,
    };
    let rows = file.rows(&[Name::Needed(&column), Name::Optional("text")])?;
    Ok(Box::new(Table { rows, column }))
}

fn the_only(name: &str, lists: Vec<String>) -> Result<String, Error> {
    let usual = lists.iter().any(|name| name == "embedding") || lists.is_empty();
    match &lists[..] {
        _ if usual => Ok("embedding".to_owned()),
        [one] => Ok(one.clone()),
        several => Err(Error::Content(format!(
            "{name} has several columns with lists of numbers, {}; --column names one",
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

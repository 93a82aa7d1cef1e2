//! Columns of Parquet files. Values are read page by page.

use super::{Name, Record, list};
use crate::error::Error;
use parquet::{
    errors::ParquetError,
    file::reader::{FileReader, SerializedFileReader},
    record::{Field, Row, reader::RowIter},
    schema::types::Type,
};
use std::{fs::File, path::Path, sync::Arc};

/// The rows of a file with some of its columns.
pub(crate) struct Rows {
    rows: RowIter<'static>,
    names: Vec<(String, bool)>, // and whether the column is there
    read: u64,
}

impl Rows {
    /// Opens a file, and finds the columns in it.
    pub(crate) fn open(path: &Path, columns: &[Name]) -> Result<Rows, Error> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|source| Error::Read { name: name.clone(), source })?;
        let reader = SerializedFileReader::new(file).map_err(|error| wrong(&name, &error))?;
        let schema = reader.metadata().file_metadata().schema();
        let (mut found, mut names) = (Vec::new(), Vec::new());
        for wanted in columns {
            let column = wanted.text();
            let field = schema.get_fields().iter().find(|field| field.name() == column);
            names.push((column.to_owned(), field.is_some()));
            match field {
                Some(field) => found.push(Arc::clone(field)),
                None if wanted.is_optional() => {}
                None => {
                    let names = list(schema.get_fields().iter().map(|field| field.name()));
                    return Err(Error::Input(format!(
                        "{name} has no column {column:?}; its columns are {names}"
                    )));
                }
            }
        }
        let projection = Type::group_type_builder(schema.name()).with_fields(found).build();
        let rows = projection.and_then(|projection| {
            RowIter::from_file_into(Box::new(reader)).project(Some(projection))
        });
        Ok(Rows { rows: rows.map_err(|error| wrong(&name, &error))?, names, read: 0 })
    }

    /// Rows that were read.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, ParquetError> {
        self.read += 1;
        self.rows.next().transpose()
    }

    pub(super) fn record(&mut self, name: &str) -> Result<Option<Record>, Error> {
        let line = self.read + 1;
        let wrong = |reason: String| Error::Input(format!("row {line} of {name}: {reason}"));
        let Some(row) = self.next().map_err(|error| wrong(error.to_string()))? else {
            return Ok(None);
        };
        let column = |(name, is_there): &(String, bool)| {
            if !is_there {
                return Ok(String::new());
            }
            let field = row
                .get_column_iter()
                .find(|(found, _)| *found == name)
                .map_or(&Field::Null, |(_, field)| field);
            text(field).ok_or_else(|| wrong(format!("the column {name:?} holds no text")))
        };
        let fields: Vec<String> = self.names.iter().map(column).collect::<Result<_, _>>()?;
        let raw = fields.join("\t");
        Ok(Some(Record { line, fields, raw }))
    }
}

/// A text, or a number or truth value as a text.
pub(crate) fn text(field: &Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok().map(str::to_owned),
        Field::Bool(value) => Some(value.to_string()),
        Field::Byte(number) => Some(number.to_string()),
        Field::Short(number) => Some(number.to_string()),
        Field::Int(number) => Some(number.to_string()),
        Field::Long(number) => Some(number.to_string()),
        Field::UByte(number) => Some(number.to_string()),
        Field::UShort(number) => Some(number.to_string()),
        Field::UInt(number) => Some(number.to_string()),
        Field::ULong(number) => Some(number.to_string()),
        Field::Float(number) => Some(number.to_string()),
        Field::Double(number) => Some(number.to_string()),
        _ => None,
    }
}

fn wrong(name: &str, error: &ParquetError) -> Error {
    Error::Input(format!("{name} is no Parquet file that can be read: {error}"))
}

//! Columns of Parquet files. Values are read page by page.

mod guard;
mod pages;

use super::{Draft, Name};
use crate::{Error, list, text::too_long};
use bytes::Bytes;
use guard::guard;
use parquet::{
    basic::Compression,
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{ChunkReader, FileReader, SerializedFileReader},
    },
    record::{Field, Row, reader::RowIter},
    schema::types::Type,
};
use std::{fs::File, path::Path, sync::Arc};

/// A file whose metadata is read.
pub(crate) struct Columns<R: ChunkReader> {
    name: String,
    reader: SerializedFileReader<R>,
    again: R,
    longest: usize, // value
}

/// The rows of a file with some of its columns.
pub(crate) struct Rows {
    rows: RowIter<'static>,
    columns: Vec<(String, bool)>, // and whether the column is there
    read: u64,
    longest: usize, // value
}

impl Columns<File> {
    /// Opens a file; `longest` is the most bytes of a value.
    pub(crate) fn open(path: &Path, name: &str, longest: usize) -> Result<Columns<File>, Error> {
        let open = || {
            let file = File::open(path)?;
            Ok((file.try_clone()?, file))
        };
        let (again, file) = open().map_err(|source| Error::read(name, source))?;
        Columns::of(file, again, name, longest)
    }
}

impl Columns<Bytes> {
    /// A file in memory.
    pub(crate) fn new(bytes: Bytes, name: &str, longest: usize) -> Result<Columns<Bytes>, Error> {
        Columns::of(bytes.clone(), bytes, name, longest)
    }
}

impl<R: ChunkReader + 'static> Columns<R> {
    /// A file, twice.
    fn of(file: R, again: R, name: &str, longest: usize) -> Result<Columns<R>, Error> {
        let reader =
            guard(|| SerializedFileReader::new(file)).map_err(|error| wrong(name, &error))?;
        check_columns(reader.metadata(), name)?;
        Ok(Columns { name: name.to_owned(), reader, again, longest })
    }

    /// Finds the columns; `a.b` is the field `b` of the column `a`.
    pub(crate) fn rows(self, columns: &[Name]) -> Result<Rows, Error> {
        let Columns { name, reader, again, longest } = self;
        let schema = reader.metadata().file_metadata().schema();
        let (mut found, mut names): (Vec<Arc<Type>>, _) = (Vec::new(), Vec::new());
        for wanted in columns {
            let column = wanted.text();
            let field = schema.get_fields().iter().find(|field| is_or_holds(field, column));
            names.push((column.to_owned(), field.is_some()));
            match field {
                Some(field) if found.iter().any(|there| there.name() == field.name()) => {}
                Some(field) => found.push(Arc::clone(field)),
                None if wanted.may_be_absent() => {}
                None => {
                    return Err(Error::Content(format!(
                        "{name} has no column {column:?}; its columns are {}",
                        list(schema.get_fields().iter().map(|field| field.name()))
                    )));
                }
            }
        }
        let projection = Type::group_type_builder(schema.name()).with_fields(found).build();
        let rows = projection.and_then(|projection| {
            let file = pages::File::new(reader, again, longest);
            guard(|| RowIter::from_file_into(Box::new(file)).project(Some(projection)))
        });
        let rows = rows.map_err(|error| wrong(&name, &error))?;
        Ok(Rows { rows, columns: names, read: 0, longest })
    }

    /// The names of all columns.
    pub(crate) fn names(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema();
        schema.get_fields().iter().map(|field| field.name().to_owned()).collect()
    }

    /// The names of the columns that hold lists of numbers.
    pub(crate) fn lists_of_numbers(&self) -> Vec<String> {
        let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
        let is_list = |root: &Type| root.is_group() && is_list_of_numbers(root);
        let roots = schema.root_schema().get_fields().iter();
        roots.filter(|root| is_list(root)).map(|root| root.name().to_owned()).collect()
    }
}

impl Rows {
    /// Rows that were read.
    pub(crate) fn read(&self) -> u64 {
        self.read
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row>, ParquetError> {
        self.read += 1;
        guard(|| self.rows.next().transpose())
    }

    /// The next record of the file of this name.
    pub(super) fn record(&mut self, file: &str) -> Result<Option<Draft>, Error> {
        let line = self.read + 1;
        let wrong = |reason: String| Error::Content(format!("row {line} of {file}: {reason}"));
        let Some(row) = self.next().map_err(|error| wrong(error.to_string()))? else {
            return Ok(None);
        };
        let column = |(name, is_there): &(String, bool)| match value(&row, name) {
            _ if !is_there => Ok(Err(format!("there is no column {name:?}"))),
            None | Some(Field::Null) => Ok(Err(format!("the column {name:?} is null"))),
            Some(field) => match text(field) {
                Some(text) if text.len() > self.longest => {
                    let place = format!("row {line} of {file}: the column {name:?}");
                    Err(too_long(&place, self.longest))
                }
                Some(text) => Ok(Ok(text)),
                None => Err(wrong(format!("the column {name:?} holds no text"))),
            },
        };
        let fields: Vec<Result<String, String>> =
            self.columns.iter().map(column).collect::<Result<_, _>>()?;
        let raw: Vec<&str> =
            fields.iter().map(|field| field.as_deref().unwrap_or_default()).collect();
        Ok(Some(Draft { line, raw: raw.join("\t"), fields }))
    }
}

/// Groups down to one value that is repeated, and a number.
fn is_list_of_numbers(of: &Type) -> bool {
    use parquet::basic::Type as Physical;
    match of {
        Type::GroupType { fields, .. } => matches!(&fields[..], [one] if is_list_of_numbers(one)),
        Type::PrimitiveType { physical_type, .. } => {
            matches!(
                physical_type,
                Physical::FLOAT | Physical::DOUBLE | Physical::INT32 | Physical::INT64
            ) || is_half(of)
        }
    }
}

fn is_half(of: &Type) -> bool {
    use parquet::basic::LogicalType;
    matches!(of.get_basic_info().logical_type_ref(), Some(LogicalType::Float16))
}

/// Compressions that cannot be read are known before the first row, and places that are none.
fn check_columns(metadata: &ParquetMetaData, name: &str) -> Result<(), Error> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        if start < 0 || column.data_page_offset() < 0 || column.compressed_size() < 0 {
            return Err(Error::Content(format!(
                "{name} is no Parquet file that can be read: a column is at a negative place"
            )));
        }
        if matches!(column.compression(), Compression::LZO) {
            return Err(Error::Content(format!(
                "{name} is compressed with LZO, which is not read; write it with zstd or snappy"
            )));
        }
    }
    Ok(())
}

/// Whether the column has this name, or is a group that the name leads into.
fn is_or_holds(field: &Type, column: &str) -> bool {
    let inside = column.strip_prefix(field.name()).and_then(|rest| rest.strip_prefix('.'));
    field.name() == column
        || inside.is_some_and(|inside| {
            field.is_group() && field.get_fields().iter().any(|field| is_or_holds(field, inside))
        })
}

/// The field of that name, or where there is none, that to which the name leads.
pub(crate) fn value<'a>(row: &'a Row, name: &str) -> Option<&'a Field> {
    let named = row.get_column_iter().find(|(found, _)| *found == name);
    if let Some((_, field)) = named {
        return Some(field);
    }
    row.get_column_iter().find_map(|(found, field)| match field {
        Field::Group(group) => {
            let inside = name.strip_prefix(found.as_str())?.strip_prefix('.')?;
            value(group, inside)
        }
        _ => None,
    })
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
    Error::Content(format!("{name} is no Parquet file that can be read: {error}"))
}

//! Columns of Parquet files. Values are read page by page.

mod zstd;

use super::{Draft, Name, list};
use crate::error::Error;
use parquet::{
    basic::Compression,
    errors::ParquetError,
    file::{
        metadata::ParquetMetaData,
        reader::{FileReader, SerializedFileReader},
    },
    record::{Field, Row, reader::RowIter},
    schema::types::Type,
};
use std::{fs::File, path::Path, sync::Arc};

/// The rows of a file with some of its columns.
pub(crate) struct Rows {
    rows: RowIter<'static>,
    columns: Vec<(String, bool)>, // and whether the column is there
    read: u64,
}

impl Rows {
    /// Opens a file, and finds the columns in it; `a.b` is the field `b` of the column `a`.
    pub(crate) fn open(path: &Path, columns: &[Name]) -> Result<Rows, Error> {
        let name = path.display().to_string();
        let (reader, file) = open(path, &name)?;
        let schema = reader.metadata().file_metadata().schema();
        let (mut found, mut names): (Vec<Arc<Type>>, _) = (Vec::new(), Vec::new());
        for wanted in columns {
            let column = wanted.text();
            let field = schema.get_fields().iter().find(|field| is_or_holds(field, column));
            names.push((column.to_owned(), field.is_some()));
            match field {
                Some(field) if found.iter().any(|there| there.name() == field.name()) => {}
                Some(field) => found.push(Arc::clone(field)),
                None if wanted.is_optional() => {}
                None => {
                    return Err(Error::Input(format!(
                        "{name} has no column {column:?}; its columns are {}",
                        list(schema.get_fields().iter().map(|field| field.name()))
                    )));
                }
            }
        }
        let projection = Type::group_type_builder(schema.name()).with_fields(found).build();
        let rows = projection.and_then(|projection| {
            RowIter::from_file_into(Box::new(zstd::File::new(reader, file)))
                .project(Some(projection))
        });
        let rows = rows.map_err(|error| wrong(&name, &error))?;
        Ok(Rows { rows, columns: names, read: 0 })
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

    pub(super) fn record(&mut self, name: &str) -> Result<Option<Draft>, Error> {
        let line = self.read + 1;
        let wrong = |reason: String| Error::Input(format!("row {line} of {name}: {reason}"));
        let Some(row) = self.next().map_err(|error| wrong(error.to_string()))? else {
            return Ok(None);
        };
        let column = |(name, is_there): &(String, bool)| match value(&row, name) {
            _ if !is_there => Ok(Err(format!("there is no column {name:?}"))),
            None | Some(Field::Null) => Ok(Err(format!("the column {name:?} is null"))),
            Some(field) => text(field)
                .map(Ok)
                .ok_or_else(|| wrong(format!("the column {name:?} holds no text"))),
        };
        let fields: Vec<Result<String, String>> =
            self.columns.iter().map(column).collect::<Result<_, _>>()?;
        let raw: Vec<&str> =
            fields.iter().map(|field| field.as_deref().unwrap_or_default()).collect();
        Ok(Some(Draft { line, raw: raw.join("\t"), fields }))
    }
}

/// The names of all columns.
pub(crate) fn names(path: &Path) -> Result<Vec<String>, Error> {
    let (reader, _) = open(path, &path.display().to_string())?;
    let schema = reader.metadata().file_metadata().schema();
    Ok(schema.get_fields().iter().map(|field| field.name().to_owned()).collect())
}

/// The names of the columns that hold lists of numbers.
pub(crate) fn lists_of_numbers(path: &Path) -> Result<Vec<String>, Error> {
    let (reader, _) = open(path, &path.display().to_string())?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let is_list = |root: &Type| root.is_group() && is_list_of_numbers(root);
    let roots = schema.root_schema().get_fields().iter();
    Ok(roots.filter(|root| is_list(root)).map(|root| root.name().to_owned()).collect())
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

/// The file as the crate reads it, and once more.
fn open(path: &Path, name: &str) -> Result<(SerializedFileReader<File>, File), Error> {
    let open = || {
        let file = File::open(path)?;
        Ok((file.try_clone()?, file))
    };
    let (again, file) = open().map_err(|source| Error::Read { name: name.to_owned(), source })?;
    let reader = SerializedFileReader::new(file).map_err(|error| wrong(name, &error))?;
    check_columns(reader.metadata(), name)?;
    Ok((reader, again))
}

/// Compressions that cannot be read are known before the first row, and places that are none.
fn check_columns(metadata: &ParquetMetaData, name: &str) -> Result<(), Error> {
    for column in metadata.row_groups().iter().flat_map(|group| group.columns()) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        if start < 0 || column.data_page_offset() < 0 || column.compressed_size() < 0 {
            return Err(Error::Input(format!(
                "{name} is no Parquet file that can be read: a column is at a negative place"
            )));
        }
        if matches!(column.compression(), Compression::LZO) {
            return Err(Error::Input(format!(
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
    Error::Input(format!("{name} is no Parquet file that can be read: {error}"))
}

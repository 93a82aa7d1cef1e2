//! Writing Parquet: a column with lists of numbers, and perhaps a column `text`.

use super::Row;
use parquet::{
    data_type::{ByteArray, ByteArrayType, FloatType},
    errors::ParquetError,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    sync::Arc,
};

/// Rows of a row group.
const GROUP: usize = 8192;

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

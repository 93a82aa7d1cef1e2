//! Pages compressed with zstd, which the parquet crate would read with a library in C.
//!
//! The crate reads such a column as one that is not compressed, and its pages are unpacked here
//! by `ruzstd`:
//!
//! ```text
//! dictionary page, data page of version 1   one zstd frame
//! data page of version 2                    levels as they are, then one zstd frame
//! ```

use parquet::{
    basic::Compression,
    bloom_filter::Sbbf,
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{FileReader, RowGroupReader, SerializedFileReader, SerializedPageReader},
    },
    record::reader::RowIter,
    schema::types::Type,
};
use ruzstd::decoding::StreamingDecoder;
use std::{fs, io::Read, sync::Arc};

/// The most that a page may hold: its size is an `i32` in the format.
const LARGEST: u64 = i32::MAX as u64;

/// A file, some of whose columns may be compressed with zstd.
pub(super) struct File {
    reader: SerializedFileReader<fs::File>,
    file: Arc<fs::File>,
}

impl File {
    /// The same file twice: as the crate reads it, and for the pages that are unpacked here.
    pub(super) fn new(reader: SerializedFileReader<fs::File>, file: fs::File) -> File {
        File { reader, file: Arc::new(file) }
    }
}

impl FileReader for File {
    fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        let reader = self.reader.get_row_group(i)?;
        Ok(Box::new(Group { reader, file: Arc::clone(&self.file) }))
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_file(projection, self)
    }
}

struct Group<'a> {
    reader: Box<dyn RowGroupReader + 'a>,
    file: Arc<fs::File>,
}

impl RowGroupReader for Group<'_> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.reader.metadata()
    }

    fn num_columns(&self) -> usize {
        self.reader.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let column = self.metadata().column(i);
        if !matches!(column.compression(), Compression::ZSTD(_)) {
            return self.reader.get_column_page_reader(i);
        }
        let rows = usize::try_from(self.metadata().num_rows())?;
        let plain =
            column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let pages = SerializedPageReader::new(Arc::clone(&self.file), &plain, rows, None)?;
        Ok(Box::new(Pages(pages)))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.reader.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// The pages of a column, unpacked.
struct Pages(SerializedPageReader<fs::File>);

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(unpacked).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

fn unpacked(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
            *buf = unpack(&[], buf)?.into();
        }
        Page::DataPageV2 { is_compressed: false, .. } => {}
        Page::DataPageV2 {
            buf, is_compressed, def_levels_byte_len, rep_levels_byte_len, ..
        } => {
            let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
            let (levels, values) = buf
                .split_at_checked(levels)
                .ok_or_else(|| broken(&"a page is shorter than its levels"))?;
            *buf = unpack(levels, values)?.into();
            *is_compressed = false;
        }
    }
    Ok(page)
}

/// What is packed in `frame`, behind `start`. No bytes are nothing.
fn unpack(start: &[u8], frame: &[u8]) -> Result<Vec<u8>> {
    let mut page = start.to_vec();
    if !frame.is_empty() {
        let decoder = StreamingDecoder::new(frame).map_err(|error| broken(&error))?;
        decoder.take(LARGEST).read_to_end(&mut page).map_err(|error| broken(&error))?;
    }
    Ok(page)
}

fn broken(reason: &dyn std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("a page's zstd is broken: {reason}"))
}

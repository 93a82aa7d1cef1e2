//! Pages of columns, unpacked within limits.
//!
//! The parquet crate unpacks zstd with a library in C, and unpacks brotli and gzip to their end,
//! however much that is. It is told that such a column is not compressed, and the pages are
//! unpacked here:
//!
//! ```text
//! dictionary page, data page of version 1   one stream
//! data page of version 2                    levels as they are, then one stream
//! ```
//!
//! Snappy and LZ4 make of a page at most 255 times as much as is in the file; they are left to the
//! crate.

use flate2::bufread::MultiGzDecoder;
use parquet::{
    basic::Compression,
    bloom_filter::Sbbf,
    column::page::{Page, PageMetadata, PageReader},
    errors::{ParquetError, Result},
    file::{
        metadata::{ParquetMetaData, RowGroupMetaData},
        reader::{ChunkReader, FileReader, RowGroupReader, SerializedFileReader},
        serialized_reader::SerializedPageReader,
    },
    record::reader::RowIter,
    schema::types::Type,
};
use ruzstd::decoding::StreamingDecoder;
use std::{io::Read, sync::Arc};

/// The most bytes of a page, in longest values.
const PAGE: usize = 32;

/// The least bytes that a value takes in memory when its row is read.
const VALUE: usize = 16;

/// Bytes of the buffer of brotli.
const BUFFER: usize = 1 << 12;

/// A file whose pages have a largest size.
pub(super) struct File<R: ChunkReader> {
    reader: SerializedFileReader<R>,
    again: Arc<R>,
    limit: usize,
}

impl<R: ChunkReader> File<R> {
    /// The same file twice: as the crate reads it, and for the pages that are unpacked here.
    /// `longest` is the most bytes of a value.
    pub(super) fn new(reader: SerializedFileReader<R>, again: R, longest: usize) -> File<R> {
        File { reader, again: Arc::new(again), limit: longest.saturating_mul(PAGE) }
    }
}

impl<R: ChunkReader + 'static> FileReader for File<R> {
    fn metadata(&self) -> &ParquetMetaData {
        self.reader.metadata()
    }

    fn num_row_groups(&self) -> usize {
        self.reader.num_row_groups()
    }

    fn get_row_group(&self, i: usize) -> Result<Box<dyn RowGroupReader + '_>> {
        let reader = self.reader.get_row_group(i)?;
        Ok(Box::new(Group { reader, again: Arc::clone(&self.again), limit: self.limit }))
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_file(projection, self)
    }
}

struct Group<'a, R> {
    reader: Box<dyn RowGroupReader + 'a>,
    again: Arc<R>,
    limit: usize,
}

impl<R: ChunkReader + 'static> RowGroupReader for Group<'_, R> {
    fn metadata(&self) -> &RowGroupMetaData {
        self.reader.metadata()
    }

    fn num_columns(&self) -> usize {
        self.reader.num_columns()
    }

    fn get_column_page_reader(&self, i: usize) -> Result<Box<dyn PageReader>> {
        let (column, limit) = (self.metadata().column(i), self.limit);
        let Some(packing) = Packing::of(column.compression()) else {
            return Ok(Box::new(Pages {
                pages: self.reader.get_column_page_reader(i)?,
                packing: None,
                limit,
            }));
        };
        let rows = usize::try_from(self.metadata().num_rows())?;
        let plain =
            column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        let pages = SerializedPageReader::new(Arc::clone(&self.again), &plain, rows, None)?;
        Ok(Box::new(Pages { pages: Box::new(pages), packing: Some(packing), limit }))
    }

    fn get_column_bloom_filter(&self, i: usize) -> Option<&Sbbf> {
        self.reader.get_column_bloom_filter(i)
    }

    fn get_row_iter(&self, projection: Option<Type>) -> Result<RowIter<'_>> {
        RowIter::from_row_group(projection, self)
    }
}

/// A compression that is unpacked here.
#[derive(Clone, Copy)]
enum Packing {
    Brotli,
    Gzip,
    Zstd,
}

impl Packing {
    fn of(compression: Compression) -> Option<Packing> {
        match compression {
            Compression::BROTLI(_) => Some(Packing::Brotli),
            Compression::GZIP(_) => Some(Packing::Gzip),
            Compression::ZSTD(_) => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// What is packed in `stream`, behind `start`: up to `limit` bytes. No bytes are nothing.
    fn unpack(self, start: &[u8], stream: &[u8], limit: usize) -> Result<Vec<u8>> {
        let mut page = start.to_vec();
        if stream.is_empty() {
            return Ok(page);
        }
        let most = (limit as u64).saturating_add(1);
        let read = match self {
            Packing::Brotli => {
                brotli::Decompressor::new(stream, BUFFER).take(most).read_to_end(&mut page)
            }
            Packing::Gzip => MultiGzDecoder::new(stream).take(most).read_to_end(&mut page),
            Packing::Zstd => {
                let decoder = StreamingDecoder::new(stream).map_err(|error| broken(&error))?;
                decoder.take(most).read_to_end(&mut page)
            }
        };
        read.map_err(|error| broken(&error))?;
        Ok(page)
    }
}

/// The pages of a column.
struct Pages {
    pages: Box<dyn PageReader>,
    packing: Option<Packing>,
    limit: usize,
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
        let page = match self.packing {
            Some(packing) => unpacked(page, packing, self.limit)?,
            None => page,
        };
        let size = page.buffer().len();
        let values = page.num_values() as usize;
        if size > self.limit || values > self.limit / VALUE {
            return Err(ParquetError::General(format!(
                "a page has {values} values in {size} bytes or more, which is too many; \
                 --max-record allows more"
            )));
        }
        Ok(Some(page))
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

fn unpacked(mut page: Page, packing: Packing, limit: usize) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => {
            *buf = packing.unpack(&[], buf, limit)?.into();
        }
        Page::DataPageV2 { is_compressed: false, .. } => {}
        Page::DataPageV2 {
            buf, is_compressed, def_levels_byte_len, rep_levels_byte_len, ..
        } => {
            let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
            let (levels, values) = buf
                .split_at_checked(levels)
                .ok_or_else(|| broken(&"it is shorter than its levels"))?;
            *buf = packing.unpack(levels, values, limit)?.into();
            *is_compressed = false;
        }
    }
    Ok(page)
}

fn broken(reason: &dyn std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("a compressed page is broken: {reason}"))
}

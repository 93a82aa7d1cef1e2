//! NumPy arrays (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).
//!
//! ```text
//! descr            '<' or '>', which end of a number comes first, and b1, i1 … u8, f2, f4 or f8
//! fortran_order    False: row by row; True: column by column
//! ```
//!
//! An array that is stored column by column is read in blocks of rows, a piece of each column at
//! a time.

mod dtype;

use super::{Bytes, Row, Source, Wrong};
use dtype::Dtype;
use std::io::{self, Read, SeekFrom};

/// The longest header that is read.
const LONGEST: usize = 1 << 16;

/// Bytes of a block of rows.
const BLOCK: usize = 1 << 25;

/// The rows of an array.
pub(super) struct Array {
    from: Box<dyn Bytes>,
    header: Header,
    start: u64, // of the values, in the file
    next: u64,  // row
    /// Rows that are read, row by row, the next at `at`.
    block: Vec<u8>,
    at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    dtype: Dtype,
    by_column: bool,
    rows: u64,
    columns: usize,
}

impl Header {
    /// Reads the header, and where the values begin. `longest` is the most bytes of a row.
    fn read(from: &mut dyn Read, longest: usize) -> Result<(Header, u64), Wrong> {
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(|_| no_array("it is too short"))?;
        if &start[..6] != b"\x93NUMPY" {
            return Err(no_array("it begins otherwise"));
        }
        let mut length = [0; 4];
        let digits = if start[6] == 1 { 2 } else { 4 };
        from.read_exact(&mut length[..digits]).map_err(|_| no_array("it is too short"))?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST {
            return Err(no_array("its header is too long"));
        }
        let mut header = vec![0; length];
        from.read_exact(&mut header).map_err(|_| no_array("it ends within its header"))?;
        let header = String::from_utf8_lossy(&header).into_owned();
        let header = parse(&header).map_err(|reason| no_array(&reason))?;
        header
            .columns
            .checked_mul(header.dtype.size())
            .filter(|&bytes| bytes <= longest)
            .ok_or_else(|| no_array("its rows are too long"))?;
        Ok((header, (8 + digits + length) as u64))
    }

    /// Bytes of all values.
    fn size(&self) -> Option<u64> {
        self.rows.checked_mul((self.columns * self.dtype.size()) as u64)
    }
}

fn no_array(reason: &str) -> Wrong {
    Wrong::Content(format!("no NumPy array: {reason}"))
}

/// How many bytes the array has whose beginning is read, its header among them.
pub(super) fn size(from: &mut dyn Read, longest: usize) -> Result<u64, Wrong> {
    let (header, start) = Header::read(from, longest)?;
    let size = header.size().and_then(|size| size.checked_add(start));
    size.ok_or_else(|| no_array("its shape is too large"))
}

impl Array {
    /// `longest` is the most bytes of a row.
    pub(super) fn open(mut from: Box<dyn Bytes>, longest: usize) -> Result<Array, Wrong> {
        let (header, start) = Header::read(&mut from, longest)?;
        if header.by_column && header.size() != Some(from.size()?.saturating_sub(start)) {
            return Err(no_array("its size is not that of its shape"));
        }
        Ok(Array { from, header, start, next: 0, block: Vec::new(), at: 0 })
    }

    /// Reads rows of an array that is stored column by column.
    fn read_block(&mut self) -> io::Result<()> {
        let Header { dtype, rows, columns, .. } = self.header;
        let (size, row) = (dtype.size(), dtype.size() * columns);
        let many = (BLOCK / row.max(1)).max(1) as u64;
        let count = many.min(rows - self.next) as usize;
        (self.block, self.at) = (vec![0; count * row], 0);
        let mut piece = vec![0; count * size]; // of a column
        for column in 0..columns {
            let at = self.start + (column as u64 * rows + self.next) * size as u64;
            self.from.seek(SeekFrom::Start(at))?;
            self.from.read_exact(&mut piece)?;
            for (value, row) in piece.chunks_exact(size).zip(self.block.chunks_exact_mut(row)) {
                row[column * size..][..size].copy_from_slice(value);
            }
        }
        Ok(())
    }
}

/// What the header says, a dictionary of Python.
fn parse(header: &str) -> Result<Header, String> {
    let value = |key: &str| {
        let (_, rest) = header
            .split_once(&format!("'{key}':"))
            .ok_or_else(|| format!("its header has no {key}"))?;
        Ok::<_, String>(rest.trim_start())
    };
    let descr = value("descr")?;
    let name = descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next());
    let dtype = name.and_then(Dtype::of).ok_or_else(|| {
        let name = name.unwrap_or("a record");
        format!("its values are {name:?}, not numbers of up to 64 bits")
    })?;
    let by_column = match value("fortran_order")? {
        order if order.starts_with("False") => false,
        order if order.starts_with("True") => true,
        _ => return Err("its fortran_order is neither True nor False".to_owned()),
    };
    let shape = value("shape")?
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map(|(shape, _)| shape);
    let shape = shape.ok_or("its header has no shape")?;
    let sizes: Result<Vec<u64>, _> =
        shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse).collect();
    match sizes.as_deref() {
        Ok(&[rows, columns]) => {
            let columns = usize::try_from(columns).map_err(|_| "its rows are too long")?;
            Ok(Header { dtype, by_column, rows, columns })
        }
        _ => Err(format!("its shape is ({shape}), not (rows, columns)")),
    }
}

impl Source for Array {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let Header { dtype, by_column, rows, columns } = self.header;
        if self.next == rows {
            return match by_column || self.from.read(&mut [0])? == 0 {
                true => Ok(None),
                false => {
                    Err(Wrong::Content("there are more bytes than the header tells of".to_owned()))
                }
            };
        }
        let row = dtype.size() * columns;
        if by_column && self.at == self.block.len() {
            self.read_block()?;
        }
        if !by_column {
            (self.block, self.at) = (std::mem::take(&mut self.block), 0);
            self.block.resize(row, 0);
            self.from.read_exact(&mut self.block)?;
        }
        self.next += 1;
        self.at += row;
        let bytes = &self.block[self.at - row..self.at];
        Ok(Some(Row { text: None, values: dtype.values(bytes) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_numpy_writes_are_read() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }   \n";
        let read = |header: &str| parse(header).map(|it| (it.dtype.size(), it.by_column, it.rows));
        assert_eq!(read(header), Ok((4, false, 3)));
        assert_eq!(read(&header.replace("<f4", ">f8")), Ok((8, false, 3)));
        assert_eq!(read(&header.replace("<f4", "|i1")), Ok((1, false, 3)));
        assert_eq!(read(&header.replace("False", "True")), Ok((4, true, 3)));
        assert!(parse(&header.replace("<f4", "<c8")).unwrap_err().contains("<c8"));
        assert!(parse(&header.replace("'<f4'", "[('a', '<f4')]")).unwrap_err().contains("record"));
        assert!(parse(&header.replace("(3, 384)", "(3,)")).unwrap_err().contains("(3,)"));
        for broken in [
            "",
            "{}",
            "{'descr': '<f4'",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384",
        ] {
            assert!(parse(broken).is_err(), "{broken}");
        }
    }
}

//! NumPy arrays (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use super::{Row, Source, Wrong};
use std::io::Read;

/// The longest header that is read.
const LONGEST: usize = 1 << 16;

pub(super) struct Array<R> {
    from: R,
    rows: u64,
    bytes: Vec<u8>, // of a row
    double: bool,
}

impl<R: Read> Array<R> {
    pub(super) fn open(mut from: R) -> Result<Array<R>, Wrong> {
        let no_array = |reason: &str| Wrong::Content(format!("no NumPy array: {reason}"));
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
        let (double, rows, columns) = parse(&header).map_err(|reason| no_array(&reason))?;
        let size = if double { 8_usize } else { 4 };
        let bytes = columns
            .checked_mul(size)
            .filter(|&bytes| bytes <= 1 << 28)
            .ok_or_else(|| no_array("its rows are too long"))?;
        Ok(Array { from, rows, bytes: vec![0; bytes], double })
    }
}

/// Whether the values are `f64`, and the shape.
fn parse(header: &str) -> Result<(bool, u64, usize), String> {
    let value = |key: &str| {
        let (_, rest) = header
            .split_once(&format!("'{key}':"))
            .ok_or_else(|| format!("its header has no {key}"))?;
        Ok::<_, String>(rest.trim_start())
    };
    let double = match value("descr")?.split('\'').nth(1) {
        Some("<f4") => false,
        Some("<f8") => true,
        other => {
            return Err(format!(
                "its values are {:?}, not '<f4' or '<f8'",
                other.unwrap_or("unknown")
            ));
        }
    };
    if !value("fortran_order")?.starts_with("False") {
        return Err("it is stored column by column; save numpy.ascontiguousarray of it".to_owned());
    }
    let shape = value("shape")?
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map(|(shape, _)| shape);
    let shape = shape.ok_or("its header has no shape")?;
    let sizes: Result<Vec<u64>, _> =
        shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse).collect();
    match sizes.as_deref() {
        Ok(&[rows, columns]) => {
            Ok((double, rows, usize::try_from(columns).map_err(|_| "its rows are too long")?))
        }
        _ => Err(format!("its shape is ({shape}), not (rows, columns)")),
    }
}

impl<R: Read> Source for Array<R> {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        if self.rows == 0 {
            return match self.from.read(&mut [0])? {
                0 => Ok(None),
                _ => {
                    Err(Wrong::Content("there are more bytes than the header tells of".to_owned()))
                }
            };
        }
        self.rows -= 1;
        self.from.read_exact(&mut self.bytes)?;
        let values = match self.double {
            false => {
                self.bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
            }
            true => self
                .bytes
                .as_chunks()
                .0
                .iter()
                .map(|&bytes| f64::from_le_bytes(bytes) as f32)
                .collect(),
        };
        Ok(Some(Row { text: None, values }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_numpy_writes_are_read() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 384), }   \n";
        assert_eq!(parse(header), Ok((false, 3, 384)));
        assert_eq!(parse(&header.replace("<f4", "<f8")), Ok((true, 3, 384)));
        assert!(parse(&header.replace("<f4", "|i1")).unwrap_err().contains("|i1"));
        assert!(parse(&header.replace("False", "True")).unwrap_err().contains("column by column"));
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

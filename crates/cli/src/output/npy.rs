//! A NumPy array `[n, dimension]` of little-endian `float32`, format version 1.0.
//!
//! ```text
//! 0x93 "NUMPY" 1 0 | length of the header, u16 | header | values
//! header = {'descr': '<f4', …, 'shape': (n, dimension), } spaces \n
//! ```
//!
//! The header comes first and n is known last. So it has a fixed length, enough for any n, and is
//! written again at the end. Standard output cannot go back: its array is collected in a temporary
//! file (in memory while it is small).
//!
//! The format is <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use super::{Format, Target};
use minilm::SentenceEmbedding;
use std::io::{self, Seek, SeekFrom, Write};

/// Bytes of the header, a multiple of 64 so that the values are aligned.
const HEADER: usize = 128;

pub(super) struct Npy {
    target: Target,
    dimension: usize,
    rows: u64,
}

impl Npy {
    pub(super) fn begin(target: Target, dimension: usize) -> io::Result<Npy> {
        let mut target = target.seekable()?;
        target.write_all(&header("<f4", &[0, dimension as u64]))?;
        Ok(Npy { target, dimension, rows: 0 })
    }
}

impl Format for Npy {
    fn row(&mut self, sentence: &SentenceEmbedding<String>) -> io::Result<()> {
        for x in &sentence.embedding {
            self.target.write_all(&x.to_le_bytes())?;
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.target.seek(SeekFrom::Start(0))?;
        self.target.write_all(&header("<f4", &[self.rows, self.dimension as u64]))?;
        self.target.finish()
    }
}

/// The header of an array of values of type `descr`, with up to three dimensions such as fit in
/// memory.
pub(crate) fn header(descr: &str, shape: &[u64]) -> [u8; HEADER] {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    // (3,) but (3, 4)
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let shape = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let mut header = [b' '; HEADER];
    header[..8].copy_from_slice(b"\x93NUMPY\x01\x00");
    header[8..10].copy_from_slice(&(HEADER as u16 - 10).to_le_bytes());
    header[10..10 + shape.len()].copy_from_slice(shape.as_bytes());
    header[HEADER - 1] = b'\n';
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_has_room_for_any_shape() {
        for shape in [&[u64::MAX, u64::MAX][..], &[1 << 20, 1 << 20, 1 << 20]] {
            let header = header("<f4", shape);
            assert!(header.ends_with(b" \n"), "{}", header.escape_ascii());
        }
    }

    #[test]
    fn a_shape_is_a_tuple_of_python() {
        for (shape, tuple) in [
            (&[3][..], "'shape': (3,), }"),
            (&[3, 4], "'shape': (3, 4), }"),
            (&[2, 3, 4], "'shape': (2, 3, 4), }"),
        ] {
            assert!(
                header("<f4", shape).windows(tuple.len()).any(|window| window == tuple.as_bytes()),
                "{tuple}"
            );
        }
    }
}

//! Checksums of the parts of an index: CRC-32 (IEEE 802.3).
//!
//! A CRC finds every flipped bit, every two of them within 512 MiB, and every damage of up to 32
//! neighbouring bits; of other damages it misses one of 2³². Parts of a sum can be computed at once
//! and combined.

use crc32fast::Hasher;
use rayon::prelude::*;
use std::io::{self, Write};

/// Bytes that one thread sums at a time.
const CHUNK: usize = 1 << 20;

/// The checksum of `bytes`.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    let of = |chunk: &[u8]| {
        let mut sum = Hasher::new();
        sum.update(chunk);
        sum
    };
    if bytes.len() <= CHUNK {
        return of(bytes).finalize();
    }
    let sums: Vec<Hasher> = bytes.par_chunks(CHUNK).map(of).collect();
    let mut all = Hasher::new();
    sums.iter().for_each(|sum| all.combine(sum));
    all.finalize()
}

/// Sums what is written through it.
#[derive(Debug)]
pub(super) struct Summed<W> {
    pub to: W,
    sum: Hasher,
}

impl<W> Summed<W> {
    pub(super) fn new(to: W) -> Summed<W> {
        Summed { to, sum: Hasher::new() }
    }

    /// Sums only `bytes`, which stand for those written so far.
    pub(super) fn restart(&mut self, bytes: &[u8]) {
        self.sum = Hasher::new();
        self.sum.update(bytes);
    }

    /// The checksum so far.
    pub(super) fn checksum(&self) -> u32 {
        self.sum.clone().finalize()
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// The checksums of all parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Checksums {
    pub header: u32,
    pub vectors: u32,
    pub offsets: u32,
    pub texts: u32,
}

impl Checksums {
    /// One for each other part, and one for these.
    pub const COUNT: usize = 5;

    /// Bytes of them.
    pub const BYTES: usize = Checksums::COUNT * size_of::<u32>();

    pub(super) fn to_bytes(self) -> [u8; Checksums::BYTES] {
        let parts = [self.header, self.vectors, self.offsets, self.texts].map(u32::to_le_bytes);
        let own = checksum(parts.as_flattened()).to_le_bytes();
        let mut bytes = [0; Checksums::BYTES];
        bytes[..Checksums::BYTES - own.len()].copy_from_slice(parts.as_flattened());
        bytes[Checksums::BYTES - own.len()..].copy_from_slice(&own);
        bytes
    }

    /// `None` if their own one does not match.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Checksums> {
        let (sums, _) = bytes.as_chunks();
        let sums: [u32; Checksums::COUNT] = std::array::from_fn(|i| u32::from_le_bytes(sums[i]));
        let [header, vectors, offsets, texts, own] = sums;
        let checksums = Checksums { header, vectors, offsets, texts };
        (checksum(&bytes[..Checksums::BYTES - size_of_val(&own)]) == own).then_some(checksums)
    }
}

/// Whether each of the offsets is at least as large as the one before, from 0 to the end of the
/// texts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ascent {
    last: Option<u64>,
    broken: bool,
}

impl Ascent {
    pub(super) fn next(&mut self, offset: u64) {
        self.broken |= self.last.map_or(offset != 0, |last| offset < last);
        self.last = Some(offset);
    }

    pub(super) fn ends_at(&self, end: usize) -> bool {
        !self.broken && self.last == Some(end as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_threads_one_and_a_writer_find_the_same_sum() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926); // the check value of CRC-32/ISO-HDLC
        for length in [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5] {
            let bytes: Vec<u8> = (0..length).map(|i| (i * i % 251) as u8).collect();
            let mut summed = Summed::new(Vec::new());
            bytes.chunks(1000).for_each(|chunk| summed.write_all(chunk).unwrap());
            assert_eq!(checksum(&bytes), summed.checksum(), "{length} bytes");
            assert_eq!(checksum(&bytes), crc32fast::hash(&bytes), "{length} bytes");
        }
    }
}

//! Whether a csv file ends within a quoted field.
//!
//! ```text
//! start ──"──► quoted ──"──► after a quote ──"──► quoted
//!   │                              │
//!   └─────── any other ──► bare ◄──┘ any other
//!
//! a delimiter or the end of a line: start, except in quotes
//! ```
//!
//! The csv crate takes all that follows a quote without a partner for one field, to the end of the
//! file.

use crate::text::MARK;
use std::io::{self, Read};

/// Bytes that the csv crate reads ahead of a record, at most.
const AHEAD: usize = 1 << 16;

/// A file that passes by, and where in a field it is.
pub(crate) struct Quotes<R> {
    from: R,
    delimiter: u8,
    place: Place,
    /// What has passed by and was not taken yet, from this byte of the file on.
    kept: Option<(u64, Vec<u8>)>,
    quoting: bool,  // else the end of a line is the end of a record
    longest: usize, // record
    length: usize,  // of the record that passes by
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// After so many bytes of a byte order mark, which is before the first field.
    Mark(usize),
    Start,
    Bare,
    Quoted,
    AfterQuote,
}

impl<R> Quotes<R> {
    /// `longest` is the most bytes of a record.
    pub(crate) fn new(from: R, delimiter: u8, quoting: bool, longest: usize) -> Quotes<R> {
        let (place, kept) = (Place::Mark(0), None);
        Quotes { from, delimiter, place, kept, quoting, longest, length: 0 }
    }

    /// What is read.
    pub(super) fn inside(&self) -> &R {
        &self.from
    }

    /// Keeps what passes by until it is taken.
    pub(super) fn keep(self) -> Quotes<R> {
        Quotes { kept: Some((0, Vec::new())), ..self }
    }

    /// The bytes before byte `end` of the file that were not taken yet, and the end of their line.
    pub(super) fn take(&mut self, end: u64) -> Vec<u8> {
        let Some((start, kept)) = &mut self.kept else { return Vec::new() };
        let mut length = usize::try_from(end.saturating_sub(*start)).unwrap_or(usize::MAX);
        length = length.min(kept.len());
        // The csv crate stops behind the first byte of \r\n.
        if length > 0 && kept[length - 1] == b'\r' && kept.get(length) == Some(&b'\n') {
            length += 1;
        }
        *start += length as u64;
        kept.drain(..length).collect()
    }

    /// Whether what was read so far ends in a quoted field that goes on.
    pub(crate) fn is_open(&self) -> bool {
        self.place == Place::Quoted
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        for &byte in &to[..read] {
            self.place = self.place.after(byte, self.delimiter);
            let ends = !self.quoting || self.place == Place::Start;
            let is_end = ends && matches!(byte, b'\r' | b'\n');
            self.length = if is_end { 0 } else { self.length + 1 };
            if self.length > self.longest {
                return Err(too_long(self.longest));
            }
        }
        if let Some((_, kept)) = &mut self.kept {
            kept.extend_from_slice(&to[..read]);
            // Empty lines before a record are kept with it.
            if kept.len() > self.longest.saturating_add(AHEAD) {
                return Err(too_long(self.longest));
            }
        }
        Ok(read)
    }
}

/// The csv crate knows the line, not the length.
fn too_long(longest: usize) -> io::Error {
    let remedy = "--max-record allows longer ones";
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("a record is longer than {longest} bytes; {remedy}"),
    )
}

impl Place {
    fn after(self, byte: u8, delimiter: u8) -> Place {
        match (self, byte) {
            (Place::Mark(read), _)
                if MARK.encode_utf8(&mut [0; 4]).as_bytes().get(read) == Some(&byte) =>
            {
                Place::Mark(read + 1)
            }
            (Place::Quoted, b'"') => Place::AfterQuote,
            (Place::Quoted, _) | (Place::Mark(_) | Place::Start | Place::AfterQuote, b'"') => {
                Place::Quoted
            }
            (_, b'\r' | b'\n') => Place::Start,
            (_, byte) if byte == delimiter => Place::Start,
            _ => Place::Bare,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quote_without_a_partner_is_open() {
        let is_open = |text: &str| {
            let mut quotes = Quotes::new(text.as_bytes(), b',', true, usize::MAX);
            io::copy(&mut quotes, &mut io::sink()).expect("memory is read");
            quotes.is_open()
        };
        for closed in [
            "",
            "a,b\n",
            "\"a\"",
            "\"a\n,b\",c\n",
            "\"a \"\"b\"\"\"\n",
            "5\" pipe\n",
            "\"a\" b\"\n",
            "a\n\"\"\n",
            "\"a\n\"",
        ] {
            assert!(!is_open(closed) && !is_open(&format!("{MARK}{closed}")), "{closed:?}");
        }
        for open in ["\"", "a,\"b\nc\nd\n", "\"a\"\"\n", "\"a\"\nb,\"", "x\r\n\"y\r\n"] {
            assert!(is_open(open) && is_open(&format!("{MARK}{open}")), "{open:?}");
        }
    }
}

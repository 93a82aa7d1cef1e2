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

use crate::input::MARK;
use std::io::{self, Read};

/// A file that passes by, and where in a field it is.
pub(crate) struct Quotes<R> {
    from: R,
    delimiter: u8,
    place: Place,
    /// What has passed by and was not taken yet, from this byte of the file on.
    kept: Option<(u64, Vec<u8>)>,
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
    pub(crate) fn new(from: R, delimiter: u8) -> Quotes<R> {
        Quotes { from, delimiter, place: Place::Mark(0), kept: None }
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
        let after = |place: Place, &byte: &u8| place.after(byte, self.delimiter);
        self.place = to[..read].iter().fold(self.place, after);
        if let Some((_, kept)) = &mut self.kept {
            kept.extend_from_slice(&to[..read]);
        }
        Ok(read)
    }
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
            let mut quotes = Quotes::new(text.as_bytes(), b',');
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

//! Whether a csv file ends within a quoted field.
//!
//! ```text
//! start ──"──► quoted ──"──► after a quote ──"──► quoted
//!   │                              │
//!   └─────── any other ──► bare ◄──┘ any other
//!
//! a comma or the end of a line: start, except in quotes
//! ```
//!
//! The csv crate takes all that follows a quote without a partner for one field, to the end of the
//! file.

use crate::input::MARK;
use std::io::{self, Read};

/// A file that passes by, and where in a field it is.
pub(crate) struct Quotes<R> {
    from: R,
    place: Place,
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
    pub(crate) fn new(from: R) -> Quotes<R> {
        Quotes { from, place: Place::Mark(0) }
    }

    /// Whether what was read so far ends in a quoted field that goes on.
    pub(crate) fn is_open(&self) -> bool {
        self.place == Place::Quoted
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(to)?;
        self.place = to[..read].iter().fold(self.place, |place, &byte| place.after(byte));
        Ok(read)
    }
}

impl Place {
    fn after(self, byte: u8) -> Place {
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
            (_, b',' | b'\r' | b'\n') => Place::Start,
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
            let mut quotes = Quotes::new(text.as_bytes());
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

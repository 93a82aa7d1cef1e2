//! A list in JSON, value by value, so that memory need not hold it.
//!
//! The values are cut at the commas and brackets that are outside of strings and of other values;
//! whether they are JSON is found out later.

use crate::{Error, text::too_long};
use std::io::BufRead;

/// Where in a list the reading is.
pub(super) struct Array {
    /// Of the next byte.
    next_line: u64,
    /// Of the value read last.
    line: u64,
    longest: usize, // value
    begun: bool,
    ended: bool,
}

impl Array {
    /// A list that begins at this line; `longest` is the most bytes of a value.
    pub(super) fn new(line: u64, longest: usize) -> Array {
        Array { next_line: line, line, longest, begun: false, ended: false }
    }

    /// Where the value read last begins.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next value, in one line.
    pub(super) fn next(
        &mut self,
        reader: &mut dyn BufRead,
        name: &str,
    ) -> Result<Option<String>, Error> {
        if self.ended {
            return Ok(None);
        }
        let is_first = !self.begun;
        if is_first {
            self.begun = true;
            self.byte(reader, name)?; // the bracket
        }
        let value = self.value(reader, name)?;
        if self.ended {
            self.check_rest(reader, name)?;
        }
        if value.is_empty() {
            return match self.ended && is_first {
                true => Ok(None),
                false => Err(self.wrong(name, "a value is missing before a comma or bracket")),
            };
        }
        let text = String::from_utf8(value).map_err(|_| self.wrong(name, "it is not UTF-8"))?;
        Ok(Some(text + "\n"))
    }

    /// The bytes up to the next comma or to the end of the list.
    fn value(&mut self, reader: &mut dyn BufRead, name: &str) -> Result<Vec<u8>, Error> {
        let (mut value, mut depth) = (Vec::new(), 0_usize);
        let (mut in_string, mut escaped) = (false, false);
        loop {
            let Some(byte) = self.byte(reader, name)? else {
                return Err(self.wrong(name, "the list has no end"));
            };
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b',' if depth == 0 => break,
                b']' if depth == 0 => {
                    self.ended = true;
                    break;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            let is_space = !in_string && byte.is_ascii_whitespace();
            if is_space && value.last().is_none_or(|&last| last == b' ') {
                continue;
            }
            if value.is_empty() {
                self.line = self.next_line;
            }
            value.push(if is_space { b' ' } else { byte }); // all in one line
            if value.len() > self.longest {
                return Err(too_long(&format!("line {} of {name}", self.line), self.longest));
            }
        }
        value.truncate(value.trim_ascii_end().len());
        Ok(value)
    }

    fn check_rest(&mut self, reader: &mut dyn BufRead, name: &str) -> Result<(), Error> {
        while let Some(byte) = self.byte(reader, name)? {
            if !byte.is_ascii_whitespace() {
                self.line = self.next_line;
                return Err(self.wrong(name, "there is more behind the end of the list"));
            }
        }
        Ok(())
    }

    fn byte(&mut self, reader: &mut dyn BufRead, name: &str) -> Result<Option<u8>, Error> {
        let bytes = reader.fill_buf();
        let bytes = bytes.map_err(|source| Error::read(name, source))?;
        let Some(&byte) = bytes.first() else { return Ok(None) };
        reader.consume(1);
        self.next_line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }

    fn wrong(&self, name: &str, reason: &str) -> Error {
        Error::Content(format!("line {} of {name}: {reason}", self.line))
    }
}

//! Files and pipes of text, as UTF-8, and their lines.
//!
//! ```text
//! first bytes                  what follows
//! 1f 8b                        gzip, unpacked
//! 28 b5 2f fd                  zstd, unpacked
//! ff fe, fe ff                 UTF-16, little or big end first
//! those of zip, PDF, …         an error that names the format
//! ```

mod decoded;

use crate::{Error, ReadOptions};
use decoded::{Decoded, Found};
use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// The byte order mark, with which some editors begin a file.
pub const MARK: char = '\u{feff}';

/// A file or pipe of text, to be read once.
///
/// ```
/// use minilm_readers::{ReadOptions, text::Text};
/// use std::io::Read;
///
/// let utf_16 = &b"\xff\xfeh\0\xe9\0"[..];
/// let mut text = Text::new("it", utf_16, &ReadOptions::new());
/// let mut read = String::new();
/// text.read_to_string(&mut read)?;
/// assert_eq!((read.as_str(), text.found()), ("hé", vec!["in UTF-16LE".to_owned()]));
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Text {
    name: String,
    reader: Box<dyn BufRead>,
    bytes: Option<u64>,
    found: Found,
}

impl Text {
    /// Opens a file. One that is no text is an error before anything else is done.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Text, Error> {
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            if !metadata.is_file() {
                return Ok(Text::new(&name, file, options));
            }
            let mut text = Text { bytes: Some(metadata.len()), ..Text::new(&name, file, options) };
            text.reader.fill_buf()?;
            if !text.found.borrow().is_empty() {
                text.bytes = None; // those of the text are more, or fewer
            }
            Ok(text)
        };
        open().map_err(|source| Error::read(&name, source))
    }

    /// Text from a pipe, or from memory. `name` is for messages. Nothing is read before the first
    /// byte is asked for.
    pub fn new(name: &str, from: impl Read + 'static, options: &ReadOptions) -> Text {
        let found = Found::default();
        let from = Box::new(BufReader::with_capacity(1 << 16, from));
        let reader = Box::new(Decoded::new(from, options.encoding, Found::clone(&found)));
        Text { name: name.to_owned(), reader, bytes: None, found }
    }

    /// The file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its size, if that is the size of the text.
    pub fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// What the text is beyond UTF-8, in words, once some of it is read.
    pub fn found(&self) -> Vec<String> {
        self.found.borrow().clone()
    }
}

impl Read for Text {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.reader.read(to)
    }
}

impl BufRead for Text {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.reader.consume(bytes);
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the text of {}", self.name)
    }
}

/// The error of a record that is longer than [`ReadOptions::longest`].
pub(crate) fn too_long(place: &str, longest: usize) -> Error {
    Error::Content(format!(
        "{place} is longer than {longest} bytes; --max-record allows longer ones"
    ))
}

/// A line of a file.
pub(crate) struct Line {
    /// With its end (`\n` or `\r\n`), and the byte order mark before the first.
    pub raw: String,
    start: usize,
    end: usize,
}

impl Line {
    /// Without its end and a byte order mark.
    pub(crate) fn text(&self) -> &str {
        &self.raw[self.start..self.end]
    }
}

/// Line `number` of `name`, or `None` after the last.
pub(crate) fn read_line(
    reader: &mut impl BufRead,
    name: &str,
    number: u64,
    longest: usize,
) -> Result<Option<Line>, Error> {
    let mut line = Vec::new();
    let read = reader.take((longest as u64).saturating_add(1)).read_until(b'\n', &mut line);
    if read.map_err(|source| Error::read(name, source))? == 0 {
        return Ok(None);
    }
    if line.len() > longest {
        return Err(too_long(&format!("line {number} of {name}"), longest));
    }
    let raw = String::from_utf8(line).map_err(|error| Error::NotUtf8 {
        name: name.to_owned(),
        line: number,
        byte: error.utf8_error().valid_up_to() + 1,
    })?;
    let start = if number == 1 && raw.starts_with(MARK) { MARK.len_utf8() } else { 0 };
    let text =
        raw.strip_suffix('\n').map_or(&raw[..], |text| text.strip_suffix('\r').unwrap_or(text));
    let end = text.len();
    Ok(Some(Line { raw, start, end }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(mut bytes: &[u8]) -> Result<Vec<String>, Error> {
        let mut texts = Vec::new();
        while let Some(line) = read_line(&mut bytes, "it", texts.len() as u64 + 1, 12)? {
            texts.push(line.text().to_owned());
        }
        Ok(texts)
    }

    #[test]
    fn a_line_is_a_text_without_its_end() {
        let cases: [(&[u8], &[&str]); 9] = [
            (b"", &[]),
            (b"\n", &[""]),
            (b"a", &["a"]),
            (b"a\n", &["a"]),
            (b"a\r\n\r\nb\rc\r\n", &["a", "", "b\rc"]),
            (b"\n\na\n\n", &["", "", "a", ""]),
            ("\u{feff}a\n\u{feff}b".as_bytes(), &["a", "\u{feff}b"]),
            ("\u{feff}\n".as_bytes(), &[""]),
            (b"a\0b\nlast\r", &["a\0b", "last\r"]), // a \r that ends no line is part of the text
        ];
        for (bytes, texts) in cases {
            assert_eq!(lines(bytes).expect("UTF-8"), texts, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_has_a_longest_length() {
        assert_eq!(lines(b"a\nfrom 1 to 12").expect("twelve bytes").len(), 2);
        let error = lines(b"a\nthirteen byte\n").unwrap_err();
        assert!(error.to_string().starts_with("line 2 of it is longer than 12 bytes"), "{error}");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_named() {
        let error = lines(b"fine\nbad \xff\nfine\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 of it is not UTF-8 from byte 5 on; --encoding names another encoding"
        );
    }
}

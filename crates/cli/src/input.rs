//! Files and pipes of text, and their lines.

mod decoded;

use crate::{error::Error, interrupt::Waiting};
use decoded::{Decoded, Found};
use encoding_rs::Encoding;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// The byte order mark, with which some editors begin a file.
pub(crate) const MARK: char = '\u{feff}';

/// A file or standard input, to be read once.
pub(crate) struct Opened {
    /// For messages.
    pub name: String,
    /// Of UTF-8.
    pub reader: Box<dyn BufRead>,
    /// How many there are, where that is known.
    pub bytes: Option<u64>,
    /// What the text is beyond UTF-8, once some of it is read.
    pub found: Found,
}

/// How much there is to do, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Texts(u64),
    /// Of a computation.
    Steps,
    Bytes(u64),
    Unknown,
}

impl Opened {
    /// Opens a file of text in `encoding`, or else in UTF-8 or UTF-16; `-` is standard input.
    pub(crate) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Opened, Error> {
        if path.as_os_str() == "-" {
            return Opened::stdin(encoding);
        }
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            let bytes = metadata.is_file().then_some(metadata.len());
            if bytes.is_none() {
                return Ok(Opened::new(name.clone(), Waiting(file), None, encoding));
            }
            let mut opened = Opened::new(name.clone(), file, bytes, encoding);
            opened.reader.fill_buf()?; // what is no text is known before anything else is done
            if !opened.found.borrow().is_empty() {
                opened.bytes = None; // of the text
            }
            Ok(opened)
        };
        open().map_err(|source| Error::Read { name: name.clone(), source })
    }

    fn new(
        name: String,
        from: impl Read + 'static,
        bytes: Option<u64>,
        encoding: Option<&'static Encoding>,
    ) -> Opened {
        let found = Found::default();
        let from = Box::new(BufReader::with_capacity(1 << 16, from));
        let reader = Box::new(Decoded::new(from, encoding, Found::clone(&found)));
        Opened { name, reader, bytes, found }
    }

    #[cfg(unix)]
    fn stdin(encoding: Option<&'static Encoding>) -> Result<Opened, Error> {
        use std::os::fd::AsFd;
        let name = "standard input".to_owned();
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(pipe) => Ok(Opened::new(name, Waiting(pipe.into()), None, encoding)),
            Err(source) => Err(Error::Read { name, source }),
        }
    }

    #[cfg(not(unix))]
    fn stdin(encoding: Option<&'static Encoding>) -> Result<Opened, Error> {
        Ok(Opened::new("standard input".to_owned(), io::stdin().lock(), None, encoding))
    }
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
) -> Result<Option<Line>, Error> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line);
    if read.map_err(|source| Error::Read { name: name.to_owned(), source })? == 0 {
        return Ok(None);
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
        while let Some(line) = read_line(&mut bytes, "it", texts.len() as u64 + 1)? {
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
    fn bytes_that_are_not_utf8_are_named() {
        let error = lines(b"fine\nbad \xff\nfine\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2 of it is not UTF-8 from byte 5 on; --encoding names another encoding"
        );
    }
}

//! Texts from the command line, a file or a pipe.

use crate::{error::Error, interrupt::Waiting};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, IsTerminal, Read},
    path::Path,
    vec,
};

/// The byte order mark, with which some editors begin a file.
pub(crate) const MARK: char = '\u{feff}';

/// The texts of a command, one after the other.
///
/// A text that cannot be read ends them; [`Texts::finish`] then has the reason.
pub(crate) struct Texts {
    origin: Origin,
    taken: usize,
    /// The end of a pipe is not asked for twice: a terminal would go on.
    ended: bool,
    error: Option<Error>,
}

enum Origin {
    Arguments(vec::IntoIter<String>),
    /// A text a line.
    Lines(Opened),
}

/// A file or standard input, to be read once.
pub(crate) struct Opened {
    /// For messages.
    pub name: String,
    pub reader: Box<dyn BufRead>,
    /// How many there are, where that is known.
    pub bytes: Option<u64>,
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

impl Texts {
    /// The lines of `file`, or else `arguments`, or else the lines of standard input.
    pub(crate) fn open(arguments: Vec<String>, file: Option<&Path>) -> Result<Texts, Error> {
        match file {
            Some(path) => Ok(Texts::new(Origin::Lines(Opened::open(path)?))),
            None if !arguments.is_empty() => {
                Ok(Texts::new(Origin::Arguments(arguments.into_iter())))
            }
            None if io::stdin().is_terminal() => {
                let remedy = "give them as arguments, with --input FILE, or through a pipe \
                    (--input - reads what you type)";
                Err(Error::Usage(format!("there are no texts; {remedy}")))
            }
            None => Ok(Texts::new(Origin::Lines(Opened::stdin()?))),
        }
    }

    fn new(origin: Origin) -> Texts {
        Texts { origin, taken: 0, ended: false, error: None }
    }

    /// What is known of the texts before they are read.
    pub(crate) fn size(&self) -> Size {
        match &self.origin {
            Origin::Arguments(texts) => Size::Texts(texts.len() as u64),
            Origin::Lines(Opened { bytes: Some(bytes), .. }) => Size::Bytes(*bytes),
            Origin::Lines(_) => Size::Unknown,
        }
    }

    /// Where text `index` comes from, for a message.
    pub(crate) fn place(&self, index: usize) -> String {
        match &self.origin {
            Origin::Arguments(_) => format!("text {}", index + 1),
            Origin::Lines(Opened { name, .. }) => format!("line {} of {name}", index + 1),
        }
    }

    /// The error that ended the texts, if one did.
    pub(crate) fn finish(self) -> Result<(), Error> {
        self.error.map_or(Ok(()), Err)
    }
}

impl Iterator for Texts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        self.taken += 1;
        let text = match &mut self.origin {
            Origin::Arguments(texts) => Ok(texts.next()),
            Origin::Lines(Opened { name, reader, .. }) => read_line(reader, name, self.taken),
        };
        let text = text.unwrap_or_else(|error| {
            self.error = Some(error);
            None
        });
        self.ended = text.is_none();
        text
    }
}

impl Opened {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Opened, Error> {
        if path.as_os_str() == "-" {
            return Opened::stdin();
        }
        let name = path.display().to_string();
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if metadata.is_dir() {
                return Err(io::ErrorKind::IsADirectory.into());
            }
            Ok((file, metadata.is_file().then_some(metadata.len())))
        };
        match open() {
            Ok((file, bytes @ Some(_))) => Ok(Opened::new(name, file, bytes)),
            Ok((pipe, None)) => Ok(Opened::new(name, Waiting(pipe), None)),
            Err(source) => Err(Error::Read { name, source }),
        }
    }

    fn new(name: String, from: impl Read + 'static, bytes: Option<u64>) -> Opened {
        Opened { name, reader: Box::new(BufReader::with_capacity(1 << 16, from)), bytes }
    }

    #[cfg(unix)]
    fn stdin() -> Result<Opened, Error> {
        use std::os::fd::AsFd;
        let name = "standard input".to_owned();
        match io::stdin().as_fd().try_clone_to_owned() {
            Ok(pipe) => Ok(Opened::new(name, Waiting(pipe.into()), None)),
            Err(source) => Err(Error::Read { name, source }),
        }
    }

    #[cfg(not(unix))]
    fn stdin() -> Result<Opened, Error> {
        let (name, reader) = ("standard input".to_owned(), Box::new(io::stdin().lock()));
        Ok(Opened { name, reader, bytes: None })
    }
}

/// Line `number` of `name` without its end (`\n` or `\r\n`), or `None` after the last. A byte order
/// mark before the first is no part of it.
pub(crate) fn read_line(
    reader: &mut impl BufRead,
    name: &str,
    number: usize,
) -> Result<Option<String>, Error> {
    let mut line = Vec::new();
    let read = reader.read_until(b'\n', &mut line);
    if read.map_err(|source| Error::Read { name: name.to_owned(), source })? == 0 {
        return Ok(None);
    }
    if line.ends_with(b"\n") {
        line.pop();
        if line.ends_with(b"\r") {
            line.pop();
        }
    }
    match String::from_utf8(line) {
        Ok(text) if number == 1 && text.starts_with(MARK) => {
            Ok(Some(text[MARK.len_utf8()..].to_owned()))
        }
        Ok(text) => Ok(Some(text)),
        Err(error) => Err(Error::NotUtf8 {
            name: name.to_owned(),
            line: number,
            byte: error.utf8_error().valid_up_to() + 1,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &'static [u8]) -> Texts {
        Texts::new(Origin::Lines(Opened {
            name: "it".to_owned(),
            reader: Box::new(bytes),
            bytes: None,
        }))
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
            assert_eq!(lines(bytes).collect::<Vec<_>>(), texts, "{bytes:?}");
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_end_the_texts_and_are_named() {
        let mut texts = lines(b"fine\nbad \xff\nfine\n");
        assert_eq!(texts.by_ref().collect::<Vec<_>>(), ["fine"]);
        assert_eq!(texts.next(), None);
        assert_eq!(
            texts.finish().unwrap_err().to_string(),
            "line 2 of it is not UTF-8 from byte 5 on"
        );
    }
}

//! Texts from the command line, a file or a pipe.

use crate::{
    error::Error,
    notes::message,
    progress::Size,
    records::{self, Input, Places, Records},
};
use std::{
    io::{self, IsTerminal},
    path::Path,
    vec,
};

/// The texts of a command, one after the other.
///
/// A text that cannot be read ends them; [`Texts::finish`] then has the reason.
pub(crate) struct Texts {
    origin: Origin,
    error: Option<Error>,
}

enum Origin {
    /// The texts, and one that is probably meant as a file.
    Arguments(vec::IntoIter<String>, Option<String>),
    Records(Box<Records>, Places),
}

impl Texts {
    /// The texts of `file`, or else `arguments`, or else those of standard input.
    pub(crate) fn open(
        arguments: Vec<String>,
        file: Option<&Path>,
        input: &Input,
    ) -> Result<Texts, Error> {
        let file = match file {
            None if !arguments.is_empty() => {
                let file = arguments.iter().find(|text| is_file(text)).cloned();
                let origin = Origin::Arguments(arguments.into_iter(), file);
                return Ok(Texts { origin, error: None });
            }
            None if io::stdin().is_terminal() => {
                let remedy = "give them as arguments, with --input FILE, or through a pipe \
                    (--input - reads what you type)";
                return Err(Error::Usage(format!("there are no texts; {remedy}")));
            }
            file => file.unwrap_or(Path::new("-")),
        };
        let origin = Origin::Records(Box::new(input.open(file)?), Places::default());
        Ok(Texts { origin, error: None })
    }

    /// The size of the texts, as far as it is known before they are read.
    pub(crate) fn size(&self) -> Size {
        match &self.origin {
            Origin::Arguments(texts, _) => Size::Texts(texts.len() as u64),
            Origin::Records(records, _) => records.bytes().map_or(Size::Unknown, Size::Bytes),
        }
    }

    /// Where text `index` comes from, for a message.
    pub(crate) fn place(&self, index: usize) -> String {
        match &self.origin {
            Origin::Arguments(..) => format!("text {}", index + 1),
            Origin::Records(records, places) => places.name(records, index),
        }
    }

    /// The error that ended the texts, if one did.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The error that ended the texts, if one did; else says what was found in their file, and what
    /// may be a mistake.
    pub(crate) fn finish(self, quiet: bool) -> Result<(), Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        match &self.origin {
            _ if quiet => {}
            Origin::Arguments(_, None) => {}
            Origin::Arguments(_, Some(file)) => message(&format!(
                "{file:?} is embedded as a text; --input {file} reads the texts from there"
            )),
            Origin::Records(records, _) => records::note(records, quiet),
        }
        Ok(())
    }
}

/// Whether a text is the name of a file that is there, or that of standard input.
fn is_file(text: &str) -> bool {
    let path = Path::new(text);
    text == "-" || (path.extension().is_some() && path.is_file())
}

impl Iterator for Texts {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let (records, places) = match &mut self.origin {
            Origin::Arguments(texts, _) => return texts.next(),
            Origin::Records(records, places) => (records, places),
        };
        match records.next()? {
            Ok(record) => {
                places.push(record.line);
                record.fields.into_iter().next()
            }
            Err(error) => {
                self.error = Some(error.into());
                None
            }
        }
    }
}

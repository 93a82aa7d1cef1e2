//! Options of reading files of texts, and the files.

use crate::{error::Error, interrupt::Waiting, notes::message, show::count};
use clap::{Args, ValueEnum};
pub(crate) use minilm_readers::records::{Kind, Name, Places, Record, Records};
use minilm_readers::{ReadOptions, text::Text};
use std::{fs::File, path::Path};

/// What files of texts may be, for help.
pub(crate) const FILES: &str = if cfg!(feature = "parquet") {
    "one text per line, or *.jsonl, *.json, *.csv, *.tsv, *.parquet; gzip and zstd are unpacked; \
     - is standard input"
} else {
    "one text per line, or *.jsonl, *.json, *.csv, *.tsv; gzip and zstd are unpacked; - is \
     standard input"
};

/// What kind of file the texts are in.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Input options")]
pub(crate) struct Input {
    /// Read JSON, and the text from this field of each object; a.b is the field b of the object a
    /// [default for *.jsonl and *.json: text]
    #[arg(long, value_name = "NAME", conflicts_with = "column")]
    pub field: Option<String>,

    #[arg(long, value_name = "NAME", help = column_help())]
    pub column: Option<String>,

    #[command(flatten)]
    pub reading: Reading,
}

/// How files of texts are read.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Reading {
    /// What becomes of a record without a text, which is null or NaN, or an empty cell of a table
    /// [default: fail]
    #[arg(long, value_name = "WHAT", value_enum)]
    pub missing: Option<Missing>,

    /// What separates the columns of a *.csv file: a letter, or tab [default: the comma, or the
    /// semicolon, tab or bar if the header has them instead]
    #[arg(long, value_name = "LETTER", value_parser = delimiter)]
    pub delimiter: Option<u8>,

    /// The encoding of the file, such as windows-1252 or shift_jis [default: UTF-8, or UTF-16 by
    /// its byte order mark]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    pub encoding: Option<String>,

    /// The most bytes that one line, object, row or value may have; K, M and G are 2^10, 2^20 and
    /// 2^30 [default: 16M]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_record: Option<usize>,
}

/// What becomes of a record without a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missing {
    /// The command ends with an error that names the record
    Fail,
    /// The text is empty
    Empty,
    /// The record is left out, and counted
    Skip,
}

impl Input {
    /// Opens a file whose records are single texts; `-` is standard input.
    pub(crate) fn open(&self, path: &Path) -> Result<Records, Error> {
        self.open_with(path, &[])
    }

    /// The same, with these fields behind the text.
    pub(crate) fn open_with(&self, path: &Path, kept: &[String]) -> Result<Records, Error> {
        let kind = match (Kind::of(path), &self.field, &self.column) {
            (Kind::Lines, Some(_), _) => Kind::Json,
            (Kind::Lines, _, Some(_)) => Kind::Csv,
            (kind, ..) => kind,
        };
        let name = self.field.as_deref().or(self.column.as_deref()).unwrap_or("text");
        if kind == Kind::Lines && !kept.is_empty() {
            return Err(Error::Usage(format!(
                "--id, --keep: {} is read as lines, which have no columns; --column and --field \
                 read it as a table or JSON",
                path.display()
            )));
        }
        let kept = kept.iter().map(|name| Name::Kept(name));
        let names: Vec<Name> = [Name::Needed(name)].into_iter().chain(kept).collect();
        self.reading.open(path, kind, &names)
    }

    /// The options that were given, as they are spelt.
    pub(crate) fn given(&self) -> impl Iterator<Item = &'static str> {
        let Input { field, column, reading } = self;
        let Reading { missing, delimiter, encoding, max_record } = reading;
        let options = [
            ("field", field.is_some()),
            ("column", column.is_some()),
            ("missing", missing.is_some()),
            ("delimiter", delimiter.is_some()),
            ("encoding", encoding.is_some()),
            ("max-record", max_record.is_some()),
        ];
        options.into_iter().filter_map(|(option, is_given)| is_given.then_some(option))
    }
}

impl Reading {
    /// Opens a file or pipe, or standard input (`-`), and looks for these fields or columns.
    pub(crate) fn open(&self, path: &Path, kind: Kind, names: &[Name]) -> Result<Records, Error> {
        let options = self.options();
        let failed = |name: &str| {
            let name = name.to_owned();
            |source| Error::Read { name, source }
        };
        if path.as_os_str() == "-" {
            let name = "standard input";
            let text = Text::new(name, stdin().map_err(failed(name))?, &options);
            return Ok(Records::read(text, kind, names, &options)?);
        }
        let is_pipe = path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir());
        if is_pipe && kind != Kind::Parquet {
            let name = path.display().to_string();
            let pipe = File::open(path).map_err(failed(&name))?;
            let text = Text::new(&name, Waiting(pipe), &options);
            return Ok(Records::read(text, kind, names, &options)?);
        }
        Ok(Records::open(path, kind, names, &options)?)
    }

    /// The names of a file's columns, or of the fields of its first object.
    pub(crate) fn names(&self, path: &Path, kind: Kind) -> Result<Vec<String>, Error> {
        Ok(minilm_readers::records::names(path, kind, &self.options())?)
    }

    fn options(&self) -> ReadOptions {
        let missing = match self.missing {
            None | Some(Missing::Fail) => minilm_readers::Missing::Fail,
            Some(Missing::Empty) => minilm_readers::Missing::Empty,
            Some(Missing::Skip) => minilm_readers::Missing::Skip,
        };
        let options = ReadOptions::new().missing(missing);
        let options = self.delimiter.iter().fold(options, |it, &letter| it.delimiter(letter));
        let options = self.max_record.iter().fold(options, |it, &longest| it.longest(longest));
        let encoded = self.encoding.as_deref().and_then(|name| options.clone().encoding(name));
        encoded.unwrap_or(options)
    }
}

#[cfg(unix)]
fn stdin() -> std::io::Result<Waiting> {
    use std::os::fd::AsFd;
    Ok(Waiting(std::io::stdin().as_fd().try_clone_to_owned()?.into()))
}

#[cfg(not(unix))]
fn stdin() -> std::io::Result<std::io::Stdin> {
    Ok(std::io::stdin())
}

/// After the last record: says what the file is beyond its name, and what was left out.
pub(crate) fn note(records: &Records, quiet: bool) {
    if quiet {
        return;
    }
    let found = records.found();
    if !found.is_empty() {
        message(&format!("{} is {}", records.name(), found.join(", ")));
    }
    if records.left_out() > 0 {
        let left_out = count(records.left_out(), "record");
        message(&format!("{left_out} of {} without a text left out", records.name()));
    }
}

fn column_help() -> &'static str {
    if cfg!(feature = "parquet") {
        "Read a table with a header, and the text from this column [default for *.csv, *.tsv and \
         *.parquet: text]"
    } else {
        "Read a table with a header, and the text from this column [default for *.csv and *.tsv: \
         text]"
    }
}

fn delimiter(letter: &str) -> Result<u8, String> {
    match letter.as_bytes() {
        _ if letter == "tab" || letter == "\\t" => Ok(b'\t'),
        [b'"' | b'\r' | b'\n'] => {
            Err("a quote or the end of a line separates no columns".to_owned())
        }
        &[letter] => Ok(letter),
        _ => Err("it has to be one ASCII letter, or tab".to_owned()),
    }
}

fn encoding(name: &str) -> Result<String, String> {
    match ReadOptions::new().encoding(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err("no encoding of that name; UTF-8, UTF-16LE, windows-1252 are some".to_owned()),
    }
}

/// A number of bytes: `1000`, `64K`, `1G`.
pub(crate) fn bytes(size: &str) -> Result<usize, String> {
    let (number, unit) = match size.as_bytes().last().map(u8::to_ascii_uppercase) {
        Some(b'K') => (&size[..size.len() - 1], 1 << 10),
        Some(b'M') => (&size[..size.len() - 1], 1 << 20),
        Some(b'G') => (&size[..size.len() - 1], 1 << 30),
        _ => (size, 1),
    };
    let bytes = number.parse().ok().and_then(|number: usize| number.checked_mul(unit));
    bytes
        .filter(|&bytes| bytes > 0)
        .ok_or_else(|| "it has to be a number of bytes, such as 1000, 64K or 1G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("1000"), Ok(1000));
        assert_eq!(bytes("64k"), Ok(65536));
        assert_eq!(bytes("2G"), Ok(2 << 30));
        for wrong in ["", "K", "0", "-1", "1.5M", "1T", "99999999999999G"] {
            assert!(bytes(wrong).is_err(), "{wrong:?}");
        }
    }
}

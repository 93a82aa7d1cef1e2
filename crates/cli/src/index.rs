//! `minilm index`: vectors and texts in one file, in memory that does not grow with it.

use crate::{
    corpus::{Corpus, values},
    error::Error,
    interrupt::Interrupt,
    model,
    notes::{message, note_prompt},
    options::{Common, Encoding, at_least_one},
    records::{Input, Records},
    show::count,
};
use clap::Args;
use minilm::{Prompt, SentenceEncoder, Windows, tasks::index::Writer};
use std::{num::NonZeroUsize, path::PathBuf};

/// Embed texts into an index file, for search
///
/// The index holds the vectors, the texts, and what made them: a query of another model is refused.
/// A model that has a prompt named document reads each text with it. The index appears when it is
/// complete, and replaces a file of that name then. Ctrl-C keeps the texts that are done.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Index {
    /// Files with one text a line, or *.jsonl, *.csv, *.tsv, *.parquet; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// The index to write
    #[arg(long, short, value_name = "INDEX")]
    pub output: PathBuf,

    /// Add to the index if it is there, instead of replacing it
    #[arg(long)]
    pub append: bool,

    /// Leave out the first N texts, those that an interrupted run has kept
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip: usize,

    /// Cut texts that are longer than the model reads into windows, each with its own vector,
    /// instead of reading only their beginnings
    #[arg(long, conflicts_with = "strict")]
    pub windows: bool,

    /// From the beginning of a window to that of the next, in tokens [default: no overlap]
    #[arg(long, value_name = "N", requires = "windows", value_parser = at_least_one)]
    pub stride: Option<NonZeroUsize>,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm index notes.txt -o notes.index
  minilm index articles.jsonl --field body -o articles.index
  minilm index more-notes.txt -o notes.index --append
  minilm index books.jsonl -o books.index --windows --stride 127
  minilm search notes.index \"a question\"";

pub(crate) fn run(common: &Common, command: &Index) -> Result<(), Error> {
    check_output(command)?;
    let files: Vec<Records> =
        command.files.iter().map(|file| command.input.open(file)).collect::<Result<_, _>>()?;
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let encoder = model::load_for(common, &command.encoding, Some(Prompt::Document))?;
    note_prompt(common.quiet, "each text", encoder.default_prompt());
    let (path, space) = (&command.output, encoder.space());
    let mut writer = match command.append && path.exists() {
        true => Writer::append(path, &space, encoder.dimension())?,
        false => Writer::create(path, &space, encoder.dimension())?,
    };
    let (mut skip, mut done) = (command.skip, command.skip);
    for records in files {
        let mut corpus = Corpus::new(records, &interrupt);
        skip -= corpus.leave_out(skip);
        corpus.reads_all = command.windows;
        done += corpus.embed(&encoder, common.quiet, |sentence| {
            match command.windows && sentence.dropped > 0 {
                false => Ok(writer.push(values(&sentence), &sentence.text.text)?),
                true => push_windows(&mut writer, &encoder, &sentence.text.text, command.stride),
            }
        })?;
        if interrupt.asked() {
            break;
        }
    }
    let name = path.display();
    if interrupt.asked() && done == command.skip {
        return Err(Error::Interrupted(format!(
            "stopped before the first text; {name} was not written"
        )));
    }
    if skip > 0 && !interrupt.asked() {
        return Err(Error::Usage(format!(
            "--skip: there are only {}",
            count(command.skip - skip, "text")
        )));
    }
    let rows = count(writer.finish()?, if command.windows { "window" } else { "text" });
    if interrupt.asked() {
        return Err(Error::Interrupted(format!(
            "stopped; {name} holds {rows}; to go on, add --append --skip {done}"
        )));
    }
    if !common.quiet {
        message(&format!("{name} holds {rows}"));
    }
    Ok(())
}

/// A text file does not become the index of its texts, by a slip of the hand.
fn check_output(command: &Index) -> Result<(), Error> {
    let output = command.output.canonicalize();
    let is_output = |file: &PathBuf| {
        output.as_ref().is_ok_and(|output| file.canonicalize().is_ok_and(|file| file == *output))
    };
    match command.files.iter().any(is_output) && !command.append {
        true => Err(Error::Usage(format!(
            "--output: the index would replace {}, of which it is made",
            command.output.display()
        ))),
        false => Ok(()),
    }
}

/// Adds the windows of a text, each with the part of the text that it reads.
fn push_windows(
    writer: &mut Writer,
    encoder: &SentenceEncoder,
    text: &str,
    stride: Option<NonZeroUsize>,
) -> Result<(), Error> {
    let windows = stride.map_or(Windows::new(), |stride| Windows::new().stride(stride.get()));
    for window in encoder.encode_windows(text, windows) {
        let window = window?;
        let vector = window.embedding.as_slice().expect("an owned vector is contiguous");
        writer.push(vector, &text[window.range.clone()])?;
    }
    Ok(())
}

//! `minilm embed`: texts in, embeddings out, in memory that does not grow with the number of texts.

use crate::{
    error::Error,
    input::Texts,
    model,
    notes::note_truncated,
    options::{Common, Encoding, Format},
    output,
    progress::Progress,
};
use clap::Args;
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

/// Print the embedding of each text
///
/// The texts are arguments, or the lines of a file or a pipe. An empty line is a text too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Embed {
    /// Texts to embed
    #[arg(value_name = "TEXT", conflicts_with = "input")]
    pub texts: Vec<String>,

    /// Read one text per line from FILE; - is standard input
    #[arg(long, short, value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// The format of the embeddings
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Write to FILE, which appears when it is complete, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm embed \"This is an example sentence\" \"Each sentence is converted\"
  minilm embed --input notes.txt --format npy --output notes.npy
  sort notes.txt | minilm embed --format jsonl > notes.jsonl
  minilm embed -- \"-- a text that begins with a dash\"";

pub(crate) fn run(common: &Common, command: &Embed) -> Result<(), Error> {
    let mut texts = Texts::open(command.texts.clone(), command.input.as_deref())?;
    let output = output::Plan::open(command.format, command.output.as_deref())?;
    let encoder = model::load(common, &command.encoding)?;
    let mut output = output.begin(encoder.dimension())?;

    // Rows that scroll by on the same terminal are progress enough.
    let bar_is_alone = command.output.is_some() || !io::stdout().is_terminal();
    let mut progress = Progress::new(bar_is_alone && !common.quiet, texts.size());
    let mut truncated = 0;
    let mut failure = None;
    for result in encoder.encode_iter(texts.by_ref()) {
        match result {
            Ok(sentence) => {
                output.row(&sentence)?;
                truncated += usize::from(sentence.dropped > 0);
                progress.advance(&sentence.text);
            }
            Err(error) => failure = Some(error),
        }
    }
    progress.finish();
    if let Some(error) = failure {
        return Err(Error::in_text(error, |index| texts.place(index)));
    }
    texts.finish()?;
    output.finish()?;
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

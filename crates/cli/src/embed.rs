//! `minilm embed`: texts in, embeddings out, in memory that does not grow with the number of texts.

use crate::{
    error::Error,
    model,
    notes::note_truncated,
    options::{Common, Encoding, Format},
    output,
    progress::Progress,
    records::Input,
    texts::Texts,
};
use clap::Args;
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
};

/// Print the embedding of each text
///
/// The texts are arguments, or those of a file, or one per line of a pipe. An empty line is a text
/// too.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Embed {
    /// Texts to embed
    #[arg(value_name = "TEXT", conflicts_with = "file")]
    pub texts: Vec<String>,

    #[arg(long = "input", short = 'i', value_name = "FILE", help = input_help())]
    pub file: Option<PathBuf>,

    /// How to write the embeddings [default: as the name of the output ends, else text]
    #[arg(long, short, value_enum)]
    pub format: Option<Format>,

    /// Write to FILE, which appears when it is complete, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm embed \"This is an example sentence\" \"Each sentence is converted\"
  minilm embed --input notes.txt --output notes.npy
  minilm embed --input articles.jsonl --field article.body --output articles.npy
  sort notes.txt | minilm embed --format jsonl > notes.jsonl
  minilm embed -- \"-- a text that begins with a dash\"";

pub(crate) fn run(common: &Common, command: &Embed) -> Result<(), Error> {
    let mut texts = Texts::open(command.texts.clone(), command.file.as_deref(), &command.input)?;
    let format = format(command)?;
    let output = output::Plan::open(format, command.output.as_deref())?;
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
                // and the end of its line
                progress.advance(sentence.text.len() + 1, sentence.tokens);
            }
            Err(error) => failure = Some(error),
        }
    }
    progress.finish();
    if let Some(error) = failure {
        return Err(Error::in_text(error, |index| texts.place(index)));
    }
    texts.finish(common.quiet)?;
    output.finish()?;
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

/// The format asked for, or that of the name of the output.
fn format(command: &Embed) -> Result<Format, Error> {
    let Some(path) = &command.output else { return Ok(command.format.unwrap_or(Format::Text)) };
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    let extension = extension.as_deref().and_then(|extension| extension.to_str());
    let (name, wrong) = (path.display(), |reason: String| Err(Error::Usage(reason)));
    let by_name = match extension {
        Some("npy") => Format::Npy,
        Some("csv") => Format::Csv,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        Some("parquet" | "safetensors") => {
            let remedy = "write *.npy or *.jsonl, and convert that with `minilm convert`";
            return wrong(format!("--output: embed does not write {name}; {remedy}"));
        }
        Some("index") => {
            return wrong(format!("--output: `minilm index` writes {name}, embed does not"));
        }
        _ => return Ok(command.format.unwrap_or(Format::Text)),
    };
    match command.format {
        Some(format) if format != by_name => {
            wrong(format!("--format: {name} is the name of another format; leave one of both out"))
        }
        _ => Ok(by_name),
    }
}

fn input_help() -> String {
    format!("Read the texts from FILE: {}", crate::records::FILES)
}

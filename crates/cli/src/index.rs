//! `minilm index`: vectors and texts in one file, in memory that does not grow with it.

mod foreign;

use crate::{
    corpus::{Corpus, Opening, Text, values},
    error::Error,
    fields::Keep,
    interrupt::Interrupt,
    model,
    notes::{message, note_prompt},
    options::{Common, Encoding, at_least_one},
    records::{Input, Records},
    show::count,
};
use clap::Args;
use minilm::{Prompt, SentenceEncoder, Windows, tasks::index::Writer};
use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// Embed texts into an index file, for search
///
/// The index holds the vectors, the texts, and what made them: a query of another model is refused.
/// A model that has a prompt named document reads each text with it. The index appears when it is
/// complete, and replaces a file of that name then. Ctrl-C keeps the texts that are done.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Index {
    #[arg(value_name = "FILE", required_unless_present = "check", help = files_help())]
    pub files: Vec<PathBuf>,

    /// The index to write
    #[arg(long, short, value_name = "INDEX", required_unless_present = "check")]
    pub output: Option<PathBuf>,

    /// Add to the index if it is there, instead of replacing it
    ///
    /// Several runs may add to one index at the same time. Each adds its texts when it ends.
    #[arg(long)]
    pub append: bool,

    /// Read all of an index and compare it with its checksums, instead of writing one; status 1
    /// and the name of the part if a bit is not as it was written
    #[arg(long, value_name = "INDEX", conflicts_with_all = WRITING)]
    pub check: Option<PathBuf>,

    /// Leave out the first N texts, those that an interrupted run has kept
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub skip: usize,

    /// Cut texts that are longer than the model reads into windows, each with its own vector,
    /// instead of reading only their beginnings
    #[arg(long, conflicts_with = "strict")]
    pub windows: bool,

    /// Take the vectors of the texts from this file, row by row, instead of embedding them: *.npy
    /// and the other files that `convert` reads
    ///
    /// The vectors are those of the model that --model names; the first texts are embedded and
    /// compared with them. With --vectors-by they are those of another model.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["windows", "skip"])]
    pub vectors: Option<PathBuf>,

    /// The name of another model that made the vectors of --vectors; a search then takes the
    /// vectors of queries (search --query-vectors)
    #[arg(long, value_name = "NAME", requires = "vectors")]
    pub vectors_by: Option<String>,

    /// From the beginning of a window to that of the next, in tokens [default: no overlap]
    #[arg(long, value_name = "N", requires = "windows", value_parser = at_least_one)]
    pub stride: Option<NonZeroUsize>,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub keep: Keep,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// The options that belong to writing an index, one by one: clap leaves a group empty that holds
/// another.
const WRITING: [&str; 24] = [
    "files",
    "output",
    "append",
    "skip",
    "windows",
    "vectors",
    "vectors_by",
    "stride",
    "field",
    "column",
    "missing",
    "delimiter",
    "encoding",
    "max_record",
    "id",
    "keep",
    "truncate_dim",
    "max_tokens",
    "normalize",
    "no_normalize",
    "prompt",
    "prompt_name",
    "strict",
    "precision",
];

const EXAMPLES: &str = "\
Examples:
  minilm index notes.txt -o notes.index
  minilm index articles.jsonl --field body -o articles.index
  minilm index tickets.csv --column body --id number --keep author,date -o tickets.index
  minilm index more-notes.txt -o notes.index --append
  minilm index books.jsonl -o books.index --windows --stride 127
  minilm index notes.txt --vectors notes.npy -o notes.index
  minilm index --check notes.index
  minilm search notes.index \"a question\"";

pub(crate) fn run(common: &Common, command: &Index) -> Result<(), Error> {
    let Some(output) = &command.output else {
        return command.check.as_deref().map_or(Ok(()), |path| check(common, path));
    };
    check_output(command, output)?;
    if let Some(vectors) = &command.vectors {
        return foreign::run(common, command, vectors, output);
    }
    let kept = command.keep.names();
    let open = |file: &PathBuf| command.input.open_with(file, &kept);
    let files: Vec<Records> = command.files.iter().map(open).collect::<Result<_, _>>()?;
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let encoder = model::load_for(common, &command.encoding, Some(Prompt::Document))?;
    note_prompt(common.quiet, "each text", encoder.default_prompt());
    let space = encoder.space();
    let mut writer = match command.append {
        true => Writer::append_or_create_with(output, &space, encoder.dimension(), &kept)?,
        false => Writer::create_with(output, &space, encoder.dimension(), &kept)?,
    };
    let (mut skip, mut done) = (command.skip, command.skip);
    for records in files {
        let mut corpus = Corpus::new(records, &interrupt);
        skip -= corpus.leave_out(skip);
        corpus.reads_all = command.windows;
        done += corpus.embed(&encoder, common.quiet, |sentence| {
            let Text { text, values: kept, .. } = &sentence.text;
            match command.windows && sentence.dropped > 0 {
                false => Ok(writer.push_with(values(&sentence), text, kept)?),
                true => push_windows(&mut writer, &encoder, &sentence.text, command.stride),
            }
        })?;
        if interrupt.asked() {
            break;
        }
    }
    let name = output.display();
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

/// Reads all of an index.
fn check(common: &Common, path: &Path) -> Result<(), Error> {
    let index = Opening::default().index(path)?;
    index.check()?;
    if !common.quiet {
        let (texts, space) = (count(index.len(), "text"), index.space());
        let (name, dimensions) = (path.display(), index.dimensions());
        message(&format!(
            "{name} is as it was written: {texts}, vectors of {dimensions} dimensions by {space}"
        ));
    }
    Ok(())
}

/// A text file does not become the index of its texts, by a slip of the hand.
fn check_output(command: &Index, path: &Path) -> Result<(), Error> {
    let output = path.canonicalize();
    let is_output = |file: &PathBuf| {
        output.as_ref().is_ok_and(|output| file.canonicalize().is_ok_and(|file| file == *output))
    };
    match command.files.iter().any(is_output) && !command.append {
        true => Err(Error::Usage(format!(
            "--output: the index would replace {}, of which it is made",
            path.display()
        ))),
        false => Ok(()),
    }
}

/// Adds the windows of a text, each with the part of the text that it reads.
fn push_windows(
    writer: &mut Writer,
    encoder: &SentenceEncoder,
    of: &Text,
    stride: Option<NonZeroUsize>,
) -> Result<(), Error> {
    let text = of.text.as_str();
    let windows = stride.map_or(Windows::new(), |stride| Windows::new().stride(stride.get()));
    for window in encoder.encode_windows(text, windows) {
        let window = window?;
        let vector = window.embedding.as_slice().expect("an owned vector is contiguous");
        writer.push_with(vector, &text[window.range.clone()], &of.values)?;
    }
    Ok(())
}

fn files_help() -> String {
    format!("Files of texts: {}", crate::records::FILES)
}

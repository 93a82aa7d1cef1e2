//! `minilm convert`: vectors from one kind of file to another, row by row.

use crate::{
    error::Error,
    notes::message,
    options::Common,
    progress::Progress,
    progress::Size,
    show::count,
    vectors::{self, Kind, Part, Writer},
};
use clap::Args;
use std::path::PathBuf;

/// Convert vectors between files of different formats
///
/// The names of the files tell what they are. Texts go along where both files have room for them.
/// Values of float32 keep all their bits; those of other types become the nearest float32.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    #[arg(value_name = "FROM", help = from_help())]
    pub from: PathBuf,

    #[arg(value_name = "TO", help = to_help())]
    pub to: PathBuf,

    #[command(flatten)]
    pub part: Part,
}

const EXAMPLES: &str = "\
Examples:
  minilm convert vectors.npy vectors.csv
  minilm convert notes.index notes.jsonl";

pub(crate) fn run(common: &Common, command: &Convert) -> Result<(), Error> {
    let to = Kind::of(&command.to)?;
    let takes_texts = !matches!(to, Kind::Npy | Kind::Safetensors);
    let is_table = takes_texts && to != Kind::Jsonl; // with a column for texts, or none
    let mut rows = command.part.open(&command.from)?.same_texts(is_table);
    let mut writer = Writer::create(&command.to)?;
    let progress = Progress::new(!common.quiet, Size::Unknown);
    let (mut texts, mut done) = (false, 0_usize);
    while let Some(row) = rows.advance()? {
        texts |= row.text.is_some();
        writer.push(&row)?;
        done += 1;
        progress.note(|| count(done, "vector"));
    }
    progress.finish();
    let written = writer.finish()?;
    if !common.quiet {
        let lost = if texts && !takes_texts { ", without their texts" } else { "" };
        message(&format!(
            "{} holds {}{lost}",
            command.to.display(),
            count(written as usize, "vector")
        ));
    }
    Ok(())
}

fn from_help() -> String {
    format!("The file to read: {}", vectors::files())
}

fn to_help() -> String {
    let parquet = if cfg!(feature = "parquet") { "*.parquet, " } else { "" };
    format!("The file to write: *.npy, *.jsonl, *.csv, {parquet}or *.safetensors")
}

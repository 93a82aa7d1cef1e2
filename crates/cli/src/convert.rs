//! `minilm convert`: vectors from one kind of file to another, row by row.

use crate::{
    corpus::Opening,
    error::Error,
    input::Size,
    notes::message,
    options::Common,
    progress::Progress,
    show::count,
    vectors::{Kind, Reader, Writer},
};
use clap::Args;
use std::path::PathBuf;

/// Convert vectors between npy, jsonl, csv, parquet and safetensors files
///
/// The names of the files select their formats. An index can be read too. Texts are kept if both
/// files have room for them: jsonl, csv, parquet and index. Values keep all their bits.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    /// The file to read: *.npy, *.jsonl, *.csv, *.parquet, *.safetensors or *.index
    #[arg(value_name = "FROM")]
    pub from: PathBuf,

    /// The file to write: *.npy, *.jsonl, *.csv, *.parquet or *.safetensors
    #[arg(value_name = "TO")]
    pub to: PathBuf,

    /// The tensor to read from a safetensors file with several matrices
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,

    #[command(flatten)]
    pub opening: Opening,
}

const EXAMPLES: &str = "\
Examples:
  minilm convert vectors.npy vectors.csv
  minilm convert notes.index notes.jsonl";

pub(crate) fn run(common: &Common, command: &Convert) -> Result<(), Error> {
    let to = Kind::of(&command.to)?;
    let takes_texts = !matches!(to, Kind::Npy | Kind::Safetensors);
    let is_table = takes_texts && to != Kind::Jsonl; // with a column for texts, or none
    let rows = Reader::open(&command.from, command.tensor.as_deref(), command.opening)?;
    let mut rows = rows.same_texts(is_table);
    let mut writer = Writer::create(&command.to)?;
    let progress = Progress::new(!common.quiet, Size::Unknown);
    let (mut texts, mut done) = (false, 0_usize);
    while let Some(row) = rows.next()? {
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

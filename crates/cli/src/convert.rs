//! `minilm convert`: vectors from one kind of file to another, row by row.

use crate::{
    args::Common,
    error::Error,
    message,
    show::count,
    vectors::{Kind, Reader, Writer},
};
use clap::Args;
use std::path::PathBuf;

/// Convert vectors between npy, jsonl, csv and safetensors files
///
/// The names of the files tell what they are. An index can be read too. Texts go along where both files have room for them: jsonl, csv and
/// index. Values keep all their bits.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Convert {
    /// The file to read: *.npy, *.jsonl, *.csv, *.safetensors or *.index
    #[arg(value_name = "FROM")]
    pub from: PathBuf,

    /// The file to write: *.npy, *.jsonl, *.csv or *.safetensors
    #[arg(value_name = "TO")]
    pub to: PathBuf,

    /// Which tensor to read of a safetensors file with several matrices
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  minilm convert vectors.npy vectors.csv
  minilm convert notes.index notes.jsonl";

pub(crate) fn run(common: &Common, command: &Convert) -> Result<(), Error> {
    Kind::of(&command.to)?;
    let mut rows = Reader::open(&command.from, command.tensor.as_deref())?;
    let mut writer = Writer::create(&command.to)?;
    let mut texts = false;
    while let Some(row) = rows.next()? {
        texts |= row.text.is_some();
        writer.push(&row)?;
    }
    let written = writer.finish()?;
    if !common.quiet {
        let lost = texts && matches!(Kind::of(&command.to)?, Kind::Npy | Kind::Safetensors);
        let lost = if lost { ", without their texts" } else { "" };
        message(&format!("{} holds {}{lost}", command.to.display(), count(written as usize, "vector")));
    }
    Ok(())
}

//! `minilm quantize-model`: a model's directory with weights of eight bits.

use crate::{error::Error, model, notes::message, options::Common, output::Staged};
use clap::Args;
use minilm::{dequantize_model, quantize_model};
use std::path::PathBuf;

/// Write a model's directory with weights of eight bits, a quarter of the size
///
/// It is loaded like any other directory, with --precision int8, and gives the same vectors on
/// every machine. The word embeddings are rounded too, so the vectors differ a little from those of
/// the original with --precision int8; `minilm eval precision` measures either. Python does not
/// read it: --dequantize writes a directory in f32 from it, for other programs.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct QuantizeModel {
    /// The model's directory, or its name in the cache [default: that of --model]
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// The directory to write, which must not be there
    #[arg(long, short, value_name = "DIR")]
    pub output: PathBuf,

    /// Write the weights of a rounded directory in f32
    #[arg(long)]
    pub dequantize: bool,
}

const EXAMPLES: &str = "\
Examples:
  minilm quantize-model weights/all-MiniLM-L6-v2 -o small
  minilm embed --model small \"This is an example sentence\"
  minilm quantize-model small -o wide --dequantize";

pub(crate) fn run(common: &Common, command: &QuantizeModel) -> Result<(), Error> {
    let directory = match &command.directory {
        Some(directory) if directory.exists() => directory.clone(),
        Some(name) => model::named_directory(name.clone(), common.quiet)?,
        None => model::directory(common)?,
    };
    let staged = Staged::open(&command.output, false)?;
    let sizes = match command.dequantize {
        false => quantize_model(&directory, staged.folder()),
        true => dequantize_model(&directory, staged.folder()),
    };
    let sizes = sizes.map_err(|error| staged.named(error.into()))?;
    staged.finish()?;
    if !common.quiet {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let words = sizes.words.map_or_else(String::new, |words| {
            format!(
                "; rounded word embeddings have a cosine of {:.6} to the original's, and of {:.6} \
                 at the least",
                words.mean, words.least
            )
        });
        message(&format!(
            "{}: {:.1} MB of weights instead of {:.1} MB{words}",
            command.output.display(),
            megabytes(sizes.after),
            megabytes(sizes.before)
        ));
    }
    Ok(())
}

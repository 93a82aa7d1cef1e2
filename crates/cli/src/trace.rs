//! `minilm trace`: one text on its way through the model.

mod attention;
mod measure;
mod page;
mod report;
mod svg;

use crate::{
    error::Error,
    model,
    notes::note_truncated,
    options::{Common, Encoding},
    output::{Folder, Page},
    terminal,
};
use clap::Args;
use measure::Measures;
use std::{
    io::{self, Write},
    path::PathBuf,
};

/// Show one text on its way through the model
///
/// It prints the tokens, every intermediate tensor under the name of the PyTorch module whose
/// output it is, the size of the residual stream, and time and FLOP/s of each kernel.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Trace {
    /// The text
    pub text: String,

    /// Write each tensor to DIR/NAME.npy, and the attention of each layer to DIR/attentions.N.npy
    #[arg(long, value_name = "DIR")]
    pub npy: Option<PathBuf>,

    /// Write a page for the browser to FILE, with pictures of attention
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    #[command(flatten)]
    pub encoding: Encoding,
}

pub(crate) fn run(common: &Common, command: &Trace) -> Result<(), Error> {
    let html = command.html.as_deref().map(Page::open).transpose()?;
    let npy = command.npy.as_deref().map(Folder::open).transpose()?;
    let encoder = model::load(common, &command.encoding)?;
    let trace = encoder
        .trace(&command.text)
        .map_err(|error| Error::in_text(error, |_| "the text".to_owned()))?;
    if let Some(npy) = npy {
        write_arrays(npy, &trace)?;
    }
    let measures = Measures::new(&trace, encoder.level());
    if let Some(html) = html {
        html.write(&page::page(&command.text, &trace, &measures))?;
    }
    let report = report::report(&trace, &measures, terminal::width());
    write!(io::stdout(), "{report}").map_err(Error::Stdout)?;
    note_truncated(common.quiet, usize::from(trace.dropped > 0), encoder.max_tokens());
    Ok(())
}

/// Every tensor under its name, and `attentions.n` `[A, T, T]` of each layer, as transformers calls
/// them.
fn write_arrays(mut folder: Folder, trace: &minilm::Trace) -> Result<(), Error> {
    for tensor in &trace.tensors {
        folder.array(&tensor.name, tensor.values.shape(), tensor.values.iter().copied())?;
    }
    for layer in 0..trace.layers {
        let attentions = trace.attentions(layer);
        folder.array(
            &format!("attentions.{layer}"),
            attentions.shape(),
            attentions.iter().map(|&share| share as f32),
        )?;
    }
    folder.finish()
}

const EXAMPLES: &str = "\
Examples:
  minilm trace \"A man is eating food.\"
  minilm trace --html trace.html --npy tensors \"A man is eating food.\"";

//! `minilm model`: which model the options lead to, and what it does.

use crate::{
    error::Error,
    model::{self, Source},
    options::{Common, Encoding},
    show::{Page, Style},
    terminal::printable,
};
use clap::Args;
use serde::Serialize;
use std::collections::BTreeMap;

/// Print which model is loaded, from where, and how it reads and writes
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct About {
    /// Print a JSON object: {"space", "directory", "dimensions", "max_tokens", "prompts",
    /// "default_prompt", "level"}; the directory of a model in the program is null
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm model
  minilm model --model sentence-transformers/all-MiniLM-L12-v2 --json";

#[derive(Serialize)]
struct Facts {
    /// Its name and fingerprint: embeddings with the same fingerprint can be compared.
    space: String,
    /// None if the model is a part of the program.
    directory: Option<String>,
    /// Of an embedding.
    dimensions: usize,
    /// Of a text, with those around it.
    max_tokens: usize,
    prompts: BTreeMap<String, String>,
    default_prompt: String,
    level: String,
}

pub(crate) fn run(common: &Common, command: &About) -> Result<(), Error> {
    let directory = match model::source(common)? {
        Source::Directory(directory) => Some(directory.canonicalize().unwrap_or(directory)),
        Source::BuiltIn(_) => None,
    };
    let encoder = model::load(common, &command.encoding)?;
    let facts = Facts {
        space: encoder.space().to_string(),
        directory: directory.map(|directory| directory.display().to_string()),
        dimensions: encoder.dimension(),
        max_tokens: encoder.max_tokens(),
        prompts: encoder.prompts().map(|(name, text)| (name.into(), text.into())).collect(),
        default_prompt: encoder.default_prompt().to_owned(),
        level: encoder.level().to_string(),
    };
    let mut page = Page::new();
    match command.json {
        true => page.json(&facts)?,
        false => show(&mut page, &facts)?,
    }
    page.finish()
}

fn show(page: &mut Page, facts: &Facts) -> Result<(), Error> {
    let mut line = |name: &str, value: &str| {
        let name = page.style(Style::Dim, &format!("{name:12}"));
        page.line(&format!("{name} {}", printable(value)))
    };
    line("model", &facts.space)?;
    let directory = facts.directory.as_deref();
    line("directory", directory.unwrap_or("none: the model is built into this program"))?;
    line("dimensions", &facts.dimensions.to_string())?;
    line("tokens", &format!("at most {} of a text", facts.max_tokens))?;
    for (name, prompt) in &facts.prompts {
        line("prompt", &format!("{name}: {prompt:?}"))?;
    }
    if !facts.default_prompt.is_empty() {
        line("default", &format!("{:?}", facts.default_prompt))?;
    }
    line("level", &facts.level)
}

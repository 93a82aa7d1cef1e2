//! `minilm model`: which model the options lead to, and what it does.

use crate::{
    error::Error,
    model,
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
    /// "default_prompt", "level"}
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
    directory: String,
    /// Of an embedding.
    dimensions: usize,
    /// Of a text, with those around it.
    max_tokens: usize,
    prompts: BTreeMap<String, String>,
    default_prompt: String,
    level: String,
}

pub(crate) fn run(common: &Common, command: &About) -> Result<(), Error> {
    let directory = model::directory(common)?;
    let encoder = model::load(common, &command.encoding)?;
    let facts = Facts {
        space: encoder.space().to_string(),
        directory: directory.canonicalize().unwrap_or(directory).display().to_string(),
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
    line("directory", &facts.directory)?;
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

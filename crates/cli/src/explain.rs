//! `minilm explain`: the pairs of tokens that make two texts alike.

mod grid;
mod page;
mod table;
mod unit;

use crate::{
    error::Error,
    model,
    notes::note_truncated,
    options::{Color, Common, Encoding},
    output::Page,
    terminal,
};
use clap::Args;
use minilm::Explanation;
use serde_json::json;
use std::{
    io::{self, Write},
    path::PathBuf,
};
use table::Table;

/// Show the pairs of tokens that make two texts alike
///
/// The similarity is a sum over all pairs of a token of the first and a token of the second text.
/// The table shows the part of each pair. The model must pool by the mean of its token vectors.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    /// The first text
    pub a: String,

    /// The second text
    pub b: String,

    /// Also write the whole table to FILE, as a page for the browser
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,

    /// Print JSON instead: {"cosine", "a", "b", "of_a", "of_b", "pairs"}
    #[arg(long)]
    pub json: bool,

    /// Show the N tokens of each text with the largest parts, and all others as one; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 24, conflicts_with = "json")]
    pub tokens: usize,

    /// Colour the table; auto does so on a terminal, unless NO_COLOR is set
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,

    #[command(flatten)]
    pub encoding: Encoding,
}

pub(crate) fn run(common: &Common, command: &Explain) -> Result<(), Error> {
    let html = command.html.as_deref().map(Page::open).transpose()?;
    let encoder = model::load(common, &command.encoding)?;
    let why = encoder.explain(&command.a, &command.b);
    let why = why.map_err(|error| Error::in_text(error, |index| format!("text {}", index + 1)))?;
    if let Some(html) = html {
        html.write(&page::page([&command.a, &command.b], &why))?;
    }
    let result = match command.json {
        true => json(&why),
        false => {
            let table = Table::new(&why).condensed(command.tokens);
            grid::grid(&why, &table, terminal::width(), terminal::is_coloured(command.color))
        }
    };
    write!(io::stdout(), "{result}").map_err(Error::Stdout)?;
    let truncated = why.counts.iter().filter(|count| count.dropped > 0).count();
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

fn json(why: &Explanation) -> String {
    let rows: Vec<Vec<f64>> = why.pairs.rows().into_iter().map(|row| row.to_vec()).collect();
    let all = json!({
        "cosine": why.cosine(),
        "a": why.a,
        "b": why.b,
        "of_a": why.of_a().to_vec(),
        "of_b": why.of_b().to_vec(),
        "pairs": rows,
    });
    format!("{all}\n")
}

const EXAMPLES: &str = "\
Examples:
  minilm explain \"A man is eating food.\" \"Someone has a meal.\"
  minilm explain --html why.html \"A man is eating food.\" \"Someone has a meal.\"";

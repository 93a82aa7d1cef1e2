//! `minilm pairs`: the texts that say the same.

use crate::{
    corpus::{Source, Vectors},
    error::Error,
    model,
    options::{Common, at_least_one},
    show::Page,
    terminal::printable,
};
use clap::Args;
use minilm::tasks::paraphrases::Mining;
use serde::Serialize;
use std::num::NonZeroUsize;

/// Find the pairs of texts that are most alike
///
/// All texts are compared with all (paraphrase mining). Rows count from 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pairs {
    /// How many pairs to show at most
    #[arg(long, short = 'n', value_name = "N", default_value = "100", value_parser = at_least_one)]
    pub max_pairs: NonZeroUsize,

    /// Show only pairs with at least this cosine
    #[arg(long, value_name = "COSINE", default_value_t = 0.5, allow_negative_numbers = true)]
    pub min_score: f32,

    /// How many pairs a text can bring in
    #[arg(long, short = 'k', value_name = "K", default_value = "100", value_parser = at_least_one)]
    pub top_k: NonZeroUsize,

    /// Print a JSON object a line: {"score", "rows", "texts"}
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm pairs questions.txt
  minilm pairs tickets.csv --column subject --min-score 0.8 --json
  minilm pairs notes.index -n 10";

/// A pair, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    score: f32,
    rows: [usize; 2],
    texts: [&'a str; 2],
}

pub(crate) fn run(common: &Common, command: &Pairs) -> Result<(), Error> {
    model::share_threads(common);
    let vectors = Vectors::open(common, &command.source, false)?;
    let mining = Mining::new()
        .max_pairs(command.max_pairs.get())
        .top_k(command.top_k.get())
        .min_score(command.min_score);
    let level = model::level(common)?;
    let mining = level.map_or(mining, |level| mining.level(level));
    let pairs = vectors.compare(common, |rows| mining.run(rows))?;
    let mut page = Page::new();
    for pair in pairs {
        let rows = [pair.first, pair.second];
        let [first, second] = [vectors.text(pair.first)?, vectors.text(pair.second)?];
        if command.json {
            page.json(&Row { score: pair.score, rows, texts: [first, second] })?;
        } else {
            page.line(&format!("{} {}", page.score(pair.score), printable(first)))?;
            page.line(&format!("{:18} {}", "", printable(second)))?;
        }
    }
    page.finish()
}

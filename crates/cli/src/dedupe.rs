//! `minilm dedupe`: which texts to keep, and which repeat another.

use crate::{
    corpus::{Source, Vectors},
    error::Error,
    fields::Fields,
    model,
    notes::message,
    options::{Common, check_cosine},
    show::{Page, count},
    terminal::printable_lines,
};
use clap::Args;
use minilm::tasks::duplicates::{self, Dropped, Duplicates};
use serde::Serialize;
use std::io::{self, IsTerminal};

/// Print the texts without those that repeat an earlier one
///
/// A text repeats another if their cosine is at least the threshold. The first of several stays.
/// Lines and records of *.jsonl, *.csv and *.tsv files are printed as they stand, with the byte
/// order mark, the ends of lines and the quotes of the file, so that the output is such a file
/// again. Objects of a list in JSON are printed one per line, and text of other encodings in UTF-8.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dedupe {
    /// How alike a repetition is at least; 1 is the same words in other capitals
    #[arg(long, value_name = "COSINE", default_value_t = 0.95, allow_negative_numbers = true)]
    pub threshold: f32,

    /// Print what to drop, instead of what to keep
    #[arg(long)]
    pub drop: bool,

    /// Print a JSON object for each text to drop: {"row", "text", "kept", "kept_text", "score"},
    /// and "fields" and "kept_fields" with --id or --keep. Rows are records of the file, from 0
    #[arg(long, conflicts_with = "drop")]
    pub json: bool,

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm dedupe questions.txt > unique.txt
  minilm dedupe reviews.csv --column body --threshold 0.9 > unique.csv
  minilm dedupe questions.txt --drop
  minilm dedupe questions.txt --json";

/// A text to drop, and the one that is kept in its place.
#[derive(Serialize)]
struct Row<'a> {
    row: usize,
    text: &'a str,
    kept: usize,
    kept_text: &'a str,
    score: f32,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    fields: Fields,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    kept_fields: Fields,
}

pub(crate) fn run(common: &Common, command: &Dedupe) -> Result<(), Error> {
    check_cosine("threshold", command.threshold)?;
    model::share_threads(common);
    let vectors = Vectors::open(common, &command.source, !command.json)?;
    let found = vectors.compare(common, |rows| duplicates::near(rows, command.threshold))?;
    let Duplicates { keep, drop, .. } = found;
    let mut page = Page::new();
    // A terminal obeys letters that a file only holds.
    let is_terminal = io::stdout().is_terminal();
    let record = |page: &mut Page, text: &str| match is_terminal {
        true => page.record(&printable_lines(text)),
        false => page.record(text),
    };
    if let Some(header) = &vectors.header {
        record(&mut page, header)?;
    }
    match (command.json, command.drop) {
        (true, _) => drop.iter().try_for_each(|drop| page.json(&row(&vectors, drop)?))?,
        (_, true) => drop.iter().try_for_each(|drop| record(&mut page, vectors.text(drop.row)?))?,
        (_, false) => keep.iter().try_for_each(|&row| record(&mut page, vectors.text(row)?))?,
    }
    page.finish()?;
    if !common.quiet {
        message(&format!("{} to keep, {} to drop", count(keep.len(), "text"), drop.len()));
    }
    Ok(())
}

fn row<'a>(vectors: &'a Vectors, drop: &Dropped) -> Result<Row<'a>, Error> {
    Ok(Row {
        row: vectors.record(drop.row),
        text: vectors.text(drop.row)?,
        kept: vectors.record(drop.kept),
        kept_text: vectors.text(drop.kept)?,
        score: drop.score,
        fields: vectors.fields(drop.row)?,
        kept_fields: vectors.fields(drop.kept)?,
    })
}

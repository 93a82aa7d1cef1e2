//! `minilm pairs`: the texts that say the same.

use crate::{
    corpus::{Source, Vectors},
    error::Error,
    fields::Fields,
    model,
    notes::message,
    options::{Common, at_least_one, check_cosine},
    show::{Page, Style, count},
    terminal::printable,
};
use clap::Args;
use minilm::tasks::paraphrases::{Mining, Pair};
use serde::Serialize;
use std::num::NonZeroUsize;

/// Find the pairs of texts that are most alike
///
/// All texts are compared with all (paraphrase mining). Rows are records of the file, from 0.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Pairs {
    /// How many pairs to show at most
    #[arg(long, short = 'n', value_name = "N", default_value = "100", value_parser = at_least_one)]
    pub max_pairs: NonZeroUsize,

    /// Show only pairs with at least this cosine
    #[arg(long, value_name = "COSINE", default_value_t = 0.5, allow_negative_numbers = true)]
    pub min_score: f32,

    /// Show only pairs with at most this cosine: 0.999 leaves out texts that are the same
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub max_score: Option<f32>,

    /// Leave out pairs of equal texts; of several equal texts the first is compared with others
    #[arg(long)]
    pub distinct: bool,

    /// Pair each text with at most its K nearest texts
    #[arg(long, short = 'k', value_name = "K", default_value = "100", value_parser = at_least_one)]
    pub top_k: NonZeroUsize,

    /// Print a JSON object per line: {"score", "rows", "texts"}, and "fields" with --id or --keep
    #[arg(long)]
    pub json: bool,

    /// Print a table with the columns score, row_1, row_2, those of --id and --keep twice, text_1
    /// and text_2
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    #[command(flatten)]
    pub source: Source,
}

const EXAMPLES: &str = "\
Examples:
  minilm pairs questions.txt
  minilm pairs tickets.csv --column subject --id number --distinct --csv > pairs.csv
  minilm pairs tickets.csv --column subject --min-score 0.8 --json
  minilm pairs notes.index -n 10";

/// A pair, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    score: f32,
    rows: [usize; 2],
    texts: [&'a str; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<[Fields; 2]>,
}

pub(crate) fn run(common: &Common, command: &Pairs) -> Result<(), Error> {
    check_cosine("min-score", command.min_score)?;
    command.max_score.map_or(Ok(()), |most| check_cosine("max-score", most))?;
    model::share_threads(common);
    let vectors = Vectors::open(common, &command.source, false)?;
    let pairs = find(common, command, &vectors)?;
    let mut page = Page::new();
    if command.csv {
        page.csv(header(vectors.index.fields()))?;
    }
    for pair in &pairs {
        show(&mut page, command, &vectors, pair)?;
    }
    page.finish()?;
    if pairs.is_empty() && !common.quiet {
        let texts = count(vectors.index.len(), "text");
        let most = command.max_score.map_or(String::new(), |most| format!(" and at most {most}"));
        let least = command.min_score;
        message(&format!("no pair of {texts} has a cosine of at least {least}{most}"));
    }
    Ok(())
}

/// The pairs that are wanted, best first.
///
/// Pairs that are left out are found before others, so more are looked for until there are enough.
fn find(common: &Common, command: &Pairs, vectors: &Vectors) -> Result<Vec<Pair>, Error> {
    let level = model::level(common)?;
    let wanted = command.max_pairs.get();
    let (mut most, mut near) = (wanted, command.top_k.get());
    loop {
        let mining = Mining::new().max_pairs(most).top_k(near).min_score(command.min_score);
        let mining = level.map_or(mining, |level| mining.level(level));
        let found = vectors.compare(common, |rows| mining.run(rows))?;
        let there_are_more = found.len() == most;
        let mut kept = Vec::new();
        for pair in found {
            if is_wanted(command, vectors, &pair)? {
                kept.push(pair);
            }
        }
        if kept.len() >= wanted || !there_are_more {
            kept.truncate(wanted);
            return Ok(kept);
        }
        (most, near) = (most.saturating_mul(8), near.saturating_mul(2));
    }
}

fn is_wanted(command: &Pairs, vectors: &Vectors, pair: &Pair) -> Result<bool, Error> {
    let is_low = command.max_score.is_none_or(|most| pair.score <= most);
    Ok(is_low && !(command.distinct && vectors.text(pair.first)? == vectors.text(pair.second)?))
}

fn header(fields: &[String]) -> Vec<String> {
    let twice = |name: &str| [format!("{name}_1"), format!("{name}_2")];
    let names = fields.iter().flat_map(|name| twice(name));
    ["score".to_owned()].into_iter().chain(twice("row")).chain(names).chain(twice("text")).collect()
}

fn show(page: &mut Page, command: &Pairs, vectors: &Vectors, pair: &Pair) -> Result<(), Error> {
    let (score, both) = (pair.score, [pair.first, pair.second]);
    let rows = both.map(|row| vectors.record(row));
    let texts = [vectors.text(both[0])?, vectors.text(both[1])?];
    if command.json {
        let has_fields = !vectors.index.fields().is_empty();
        let fields = [vectors.fields(both[0])?, vectors.fields(both[1])?];
        return page.json(&Row { score, rows, texts, fields: has_fields.then_some(fields) });
    }
    if command.csv {
        let [first, second] = [vectors.index.values(both[0])?, vectors.index.values(both[1])?];
        let values = first.into_iter().zip(second).flat_map(|(first, second)| [first, second]);
        let numbers = [score.to_string(), rows[0].to_string(), rows[1].to_string()];
        return page.csv(numbers.into_iter().chain(values).chain(texts.map(str::to_owned)));
    }
    let label =
        |row: usize| Ok::<_, Error>(page.style(Style::Dim, &printable(&vectors.label(row)?)));
    let labels = [label(both[0])?, label(both[1])?];
    page.line(&format!("{} {}{}", page.score(score), printable(texts[0]), labels[0]))?;
    page.line(&format!("{:18} {}{}", "", printable(texts[1]), labels[1]))
}

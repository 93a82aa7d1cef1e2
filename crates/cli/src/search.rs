//! `minilm search`: the texts of an index that are nearest to a query.

use crate::{
    corpus::Opening,
    error::Error,
    fields::{self, Fields},
    model,
    notes::{message, note_prompt, note_truncated},
    options::{Common, Encoding, at_least_one},
    records::{self, Input, Records},
    show::{Page, Style},
    terminal::printable,
};
use clap::Args;
use minilm::{
    EncodeOptions, Prompt, SentenceEncoder,
    model::Mapped,
    tasks::{
        index::{Index, Space},
        search::Hit,
    },
};
use serde::Serialize;
use std::{num::NonZeroUsize, path::PathBuf};

/// Queries that search together.
const TOGETHER: usize = 1024;

/// Find the texts of an index that are nearest to a query
///
/// The index is one that `minilm index` has written, with the same model and encoding options.
/// Every text is compared, so nothing is missed. A model that has a prompt named query reads each
/// query with it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Search {
    /// The index
    pub index: PathBuf,

    /// The query; several queries are answered one after the other
    #[arg(value_name = "QUERY", required_unless_present = "queries", conflicts_with = "queries")]
    pub query: Vec<String>,

    #[arg(long, value_name = "FILE", help = queries_help())]
    pub queries: Option<PathBuf>,

    /// The number of texts to show for each query
    #[arg(long, short = 'k', value_name = "K", default_value = "10", value_parser = at_least_one)]
    pub top_k: NonZeroUsize,

    /// Show only texts with at least this cosine
    #[arg(long, value_name = "COSINE", allow_negative_numbers = true)]
    pub min_score: Option<f32>,

    /// Print one JSON object per line: {"query", "rank", "score", "row", "text"}, and "fields" if
    /// the index has some; rows count from 0
    #[arg(long)]
    pub json: bool,

    /// Print a table with the columns query, rank, score, row, those of the fields, and text
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,

    #[command(flatten)]
    pub opening: Opening,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm search notes.index \"when does the train leave\"
  minilm search notes.index -k 3 --json \"a question\" \"another question\"
  minilm search notes.index --queries questions.txt --min-score 0.5";

/// A hit, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    query: &'a str,
    rank: usize,
    score: f32,
    row: usize,
    text: &'a str,
    #[serde(skip_serializing_if = "Fields::is_empty")]
    fields: Fields,
}

pub(crate) fn run(common: &Common, command: &Search) -> Result<(), Error> {
    model::share_threads(common);
    let index = command.opening.index(&command.index)?;
    let records = command.queries.as_ref().map(|file| command.input.open(file)).transpose()?;
    let encoder = model::load_for(common, &command.encoding, Some(Prompt::Query))?;
    note_prompts(common.quiet, &encoder, index.space())?;
    let mut searcher = Searcher {
        command,
        quiet: common.quiet,
        space: encoder.space(),
        index,
        encoder,
        page: Page::new(),
        answered: 0,
        truncated: 0,
    };
    if command.csv {
        let names = searcher.index.fields().iter().map(String::as_str);
        let columns = ["query", "rank", "score", "row"].into_iter().chain(names).chain(["text"]);
        searcher.page.csv(columns)?;
    }
    match records {
        None => searcher.answer(&command.query, |index| format!("query {}", index + 1))?,
        Some(records) => searcher.answer_all(records)?,
    }
    let Searcher { page, encoder, truncated, .. } = searcher;
    page.finish()?;
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

/// Says which prompt the queries have, and whether the texts lack the prompt that goes with it.
fn note_prompts(quiet: bool, encoder: &SentenceEncoder, texts: &Space) -> Result<(), Error> {
    note_prompt(quiet, "each query", encoder.default_prompt());
    let documents = encoder.space_with(&EncodeOptions::new().prompt(Prompt::Document))?;
    if !quiet && texts.is_same(&documents) && texts.prompt() != documents.prompt() {
        let (texts, documents) = (texts.prompt(), documents.prompt());
        message(&format!(
            "the texts of the index have the prompt {texts:?}; the model's for them is \
             {documents:?}"
        ));
    }
    Ok(())
}

struct Searcher<'a> {
    command: &'a Search,
    quiet: bool,
    index: Index<Mapped>,
    space: Space,
    encoder: SentenceEncoder,
    page: Page,
    answered: usize,
    truncated: usize,
}

impl Searcher<'_> {
    fn answer_all(&mut self, mut records: Records) -> Result<(), Error> {
        let name = records.name().to_owned();
        loop {
            let some: Vec<_> = records.by_ref().take(TOGETHER).collect::<Result<_, _>>()?;
            if some.is_empty() && self.answered == 0 {
                return Err(Error::Input(format!("{name} holds no queries")));
            }
            if some.is_empty() {
                records::note(&records, self.quiet);
                return Ok(());
            }
            let queries: Vec<String> = some.iter().map(|record| record.fields[0].clone()).collect();
            self.answer(&queries, |index| records.place(some[index].line))?;
        }
    }

    fn answer(&mut self, queries: &[String], place: impl Fn(usize) -> String) -> Result<(), Error> {
        let encoded = self
            .encoder
            .encode_with(queries, &EncodeOptions::new())
            .map_err(|error| Error::in_text(error, place))?;
        self.truncated += encoded.counts.iter().filter(|count| count.dropped > 0).count();
        let search = minilm::tasks::search::Search::new()
            .top_k(self.command.top_k.get())
            .level(self.encoder.level());
        let search = self.command.min_score.map_or(search, |least| search.min_score(least));
        let found = self.index.search(&self.space, encoded.embeddings.view(), &search)?;
        for (query, hits) in queries.iter().zip(&found) {
            self.show(query, hits)?;
            self.answered += 1;
        }
        Ok(())
    }

    fn show(&mut self, query: &str, hits: &[Hit]) -> Result<(), Error> {
        let page = &mut self.page;
        let several = self.command.query.len() != 1;
        let for_people = !self.command.json && !self.command.csv;
        if several && for_people {
            let gap = if self.answered > 0 { "\n" } else { "" };
            let title = page.style(Style::Bold, &printable(query));
            page.line(&format!("{gap}{title}"))?;
        }
        for (hit, rank) in hits.iter().zip(1..) {
            let (row, score, text) = (hit.corpus_id, hit.score, self.index.text(hit.corpus_id)?);
            if self.command.json {
                let fields = fields::fields(&self.index, row)?;
                page.json(&Row { query, rank, score, row, text, fields })?;
            } else if self.command.csv {
                let numbers = [rank.to_string(), score.to_string(), row.to_string()];
                let values = self.index.values(row)?;
                let cells = [query.to_owned()].into_iter().chain(numbers).chain(values);
                page.csv(cells.chain([text.to_owned()]))?;
            } else {
                let label = printable(&fields::label(&self.index, row)?);
                let label = page.style(Style::Dim, &label);
                page.line(&format!("{} {}{label}", page.score(score), printable(text)))?;
            }
        }
        if hits.is_empty() && for_people {
            page.line(&page.style(Style::Dim, "nothing found"))?;
        }
        Ok(())
    }
}

fn queries_help() -> String {
    format!("Read the queries from FILE: {}", crate::records::FILES)
}

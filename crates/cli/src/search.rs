//! `minilm search`: the texts of an index that are nearest to a query.

mod among;
mod quantized;

use crate::{
    corpus::Opening,
    error::Error,
    fields::{Fields, Keep},
    model,
    notes::{message, note_prompt, note_truncated},
    options::{Common, Encoding, at_least_one},
    quantize::Precision,
    records::{self, Input, Records},
    show::{Page, Style},
    terminal::printable,
    vectors::{Part, Reader},
};
use among::Among;
use clap::Args;
use minilm::{
    EncodeOptions, Prompt, SentenceEncoder,
    ndarray::Array2,
    tasks::{index::Space, search::Hit},
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
    /// The index; with --vectors it may be a file of texts
    #[arg(value_name = "INDEX")]
    pub index: PathBuf,

    /// The query; several queries are answered one after the other
    #[arg(value_name = "QUERY", required_unless_present_any = ["queries", "query_vectors"])]
    #[arg(conflicts_with_all = ["queries", "query_vectors"])]
    pub query: Vec<String>,

    #[arg(long, value_name = "FILE", help = queries_help())]
    pub queries: Option<PathBuf>,

    /// Take the vectors of the queries from this file, row by row, instead of embedding them
    ///
    /// A query is shown as its row, from 0, or as its text if --queries is given as well.
    #[arg(long, value_name = "FILE")]
    pub query_vectors: Option<PathBuf>,

    /// Take the vectors of the texts from this file, row by row: *.npy and the other files that
    /// `convert` reads
    ///
    /// The vectors are those of the model that --model names; the first texts are embedded and
    /// compared with them. Then --field, --column and the options beside them are those of the file
    /// of texts, and --queries is read without them.
    #[arg(long, value_name = "FILE")]
    pub vectors: Option<PathBuf>,

    /// The vectors of --vectors are quantised: their precision, as `quantize` has written them
    ///
    /// With an index the best hits are scored again with its vectors.
    #[arg(long, value_name = "PRECISION", value_enum, requires = "vectors")]
    pub quantized: Option<Precision>,

    /// The ranges of int8 and uint8, as `quantize --save-ranges` has written them [default: those
    /// of the index's vectors]
    #[arg(long, value_name = "FILE", requires = "quantized")]
    pub ranges: Option<PathBuf>,

    /// Score N times as many texts again as are shown, after a search among quantised vectors
    #[arg(long, value_name = "N", default_value = "4", value_parser = at_least_one)]
    #[arg(requires = "quantized")]
    pub rescore_multiplier: NonZeroUsize,

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
    pub keep: Keep,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm search notes.index \"when does the train leave\"
  minilm search notes.index -k 3 --json \"a question\" \"another question\"
  minilm search notes.index --queries questions.txt --min-score 0.5
  minilm search notes.index --vectors notes.bits.npy --quantized ubinary \"a question\"
  minilm search notes.txt --vectors notes.npy \"a question\"";

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
    let among = Among::open(common, command)?;
    let input = if command.vectors.is_some() { &Input::default() } else { &command.input };
    let records = command.queries.as_ref().map(|file| input.open(file)).transpose()?;
    let (page, quiet) = (Page::new(), common.quiet);
    let mut searcher = Searcher { command, quiet, among, page, answered: 0, truncated: 0 };
    if command.csv {
        let names = searcher.among.index().fields().iter().map(String::as_str);
        let columns = ["query", "rank", "score", "row"].into_iter().chain(names).chain(["text"]);
        searcher.page.csv(columns)?;
    }
    if let Some(file) = &command.query_vectors {
        let part = Part { opening: command.opening, ..Part::default() };
        searcher.answer_vectors(part.open(file)?, records)?;
        return searcher.page.finish();
    }
    let encoder = model::load_for(common, &command.encoding, Some(Prompt::Query))?;
    searcher.among.check(&encoder)?;
    note_prompts(quiet, &encoder, searcher.among.index().space())?;
    match records {
        None => searcher.answer(&encoder, &command.query, |i| format!("query {}", i + 1))?,
        Some(records) => searcher.answer_all(&encoder, records)?,
    }
    let Searcher { page, truncated, .. } = searcher;
    page.finish()?;
    note_truncated(quiet, truncated, encoder.max_tokens());
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
    among: Among<'a>,
    page: Page,
    answered: usize,
    truncated: usize,
}

impl Searcher<'_> {
    fn answer_all(&mut self, encoder: &SentenceEncoder, mut records: Records) -> Result<(), Error> {
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
            self.answer(encoder, &queries, |index| records.place(some[index].line))?;
        }
    }

    fn answer(
        &mut self,
        encoder: &SentenceEncoder,
        queries: &[String],
        place: impl Fn(usize) -> String,
    ) -> Result<(), Error> {
        let encoded = encoder
            .encode_with(queries, &EncodeOptions::new())
            .map_err(|error| Error::in_text(error, place))?;
        self.truncated += encoded.counts.iter().filter(|count| count.dropped > 0).count();
        let found = self.among.search(encoded.embeddings.view(), Some(encoder))?;
        self.show_all(queries, found)
    }

    /// Searches for vectors, of the texts of `records` if there are some.
    fn answer_vectors(
        &mut self,
        mut rows: Reader,
        mut records: Option<Records>,
    ) -> Result<(), Error> {
        let columns = rows.columns()?;
        loop {
            let (mut queries, mut values) = (Vec::new(), Vec::new());
            while queries.len() < TOGETHER
                && let Some(row) = rows.advance()?
            {
                values.extend(row.values);
                let number = self.answered + queries.len();
                let text = records.as_mut().map(|records| next_text(records, &rows));
                queries.push(text.transpose()?.unwrap_or_else(|| number.to_string()));
            }
            if queries.is_empty() {
                break;
            }
            let vectors = Array2::from_shape_vec((queries.len(), columns), values);
            let vectors = vectors.expect("whole rows");
            let found = self.among.search(vectors.view(), None)?;
            self.show_all(&queries, found)?;
        }
        let more = records.and_then(|mut records| records.next().map(|_| records));
        more.map_or(Ok(()), |records| Err(uneven(&records, &rows)))
    }

    fn show_all(&mut self, queries: &[String], found: Vec<Vec<Hit>>) -> Result<(), Error> {
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
            let (vectors, at, score) = (self.among.texts(), hit.corpus_id, hit.score);
            let (row, text) = (vectors.record(at), vectors.text(at)?);
            if self.command.json {
                let fields = vectors.fields(at)?;
                page.json(&Row { query, rank, score, row, text, fields })?;
            } else if self.command.csv {
                let numbers = [rank.to_string(), score.to_string(), row.to_string()];
                let values = vectors.index.values(at)?;
                let cells = [query.to_owned()].into_iter().chain(numbers).chain(values);
                page.csv(cells.chain([text.to_owned()]))?;
            } else {
                let label = printable(&vectors.label(at)?);
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

/// The text of the next query, whose vector is in `rows`.
fn next_text(records: &mut Records, rows: &Reader) -> Result<String, Error> {
    match records.next() {
        Some(record) => Ok(record?.fields.swap_remove(0)),
        None => Err(uneven(records, rows)),
    }
}

fn uneven(records: &Records, rows: &Reader) -> Error {
    Error::Input(format!(
        "{} and {} have different numbers of queries",
        records.name(),
        rows.name()
    ))
}

fn queries_help() -> String {
    format!("Read the queries from FILE: {}", crate::records::FILES)
}

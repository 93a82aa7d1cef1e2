//! `minilm eval`: the quality of the model for the user's own texts, with the numbers of
//! sentence-transformers.

mod labelled;
mod precision;
mod retrieval;

use crate::{
    error::Error,
    options::{Common, Encoding, at_least_one},
    records::{Input, Kind, Name, Reading, Records},
    show::{Page, Style},
};
use clap::{Arg, Args, Subcommand};
use serde::Serialize;
use std::{num::NonZeroUsize, path::PathBuf};

/// Measure the model on texts with known answers
///
/// The numbers are those of the evaluators of sentence-transformers, times 100.
#[derive(Debug, Args)]
pub(crate) struct Eval {
    #[command(subcommand)]
    pub task: Task,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    Sts(Sts),
    Retrieval(Retrieval),
    Pairs(Pairs),
    Triplets(Triplets),
    Clusters(Clusters),
    Precision(Precision),
}

/// Correlate similarities of pairs with scores by people
///
/// Pearson's and Spearman's coefficients of scores with the cosine, the dot product, and the
/// negative distances. The columns are sentence1, sentence2 and score.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  minilm eval sts stsb-dev.tsv")]
#[command(mut_arg("columns", |arg| columns(arg, "sentence1,sentence2,score")))]
pub(crate) struct Sts {
    #[command(flatten)]
    pub table: Table,
}

/// Search a corpus for queries, and measure the rankings
///
/// The folder is laid out as BEIR's: corpus.jsonl with _id, title and text, queries.jsonl with _id
/// and text, and qrels/SPLIT.tsv with the columns query-id, corpus-id and score. Only queries of
/// that split are asked. The corpus need not fit in memory. Queries have the model's prompt named
/// query, or the one that is asked for; documents have the prompt named document.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  minilm eval retrieval scifact --split test")]
pub(crate) struct Retrieval {
    /// The folder with corpus.jsonl, queries.jsonl and qrels/test.tsv, as BEIR's
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,

    /// The file of relevance judgements: qrels/NAME.tsv
    #[arg(long, value_name = "NAME", default_value = "test")]
    pub split: String,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// Separate pairs that belong together from other pairs
///
/// The numbers are the best accuracy and the best F1 of any threshold, average precision and
/// Matthews' correlation. The columns are sentence1, sentence2, and label, which is 1 or true for a
/// pair that belongs together, 0 or false for another.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  minilm eval pairs duplicates.csv --columns \
        question1,question2,is_duplicate")]
#[command(mut_arg("columns", |arg| columns(arg, "sentence1,sentence2,label")))]
pub(crate) struct Pairs {
    #[command(flatten)]
    pub table: Table,
}

/// Count triplets whose anchor is nearer to the positive than to the negative
///
/// The columns are anchor, positive and negative.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  minilm eval triplets triplets.jsonl")]
#[command(mut_arg("columns", |arg| columns(arg, "anchor,positive,negative")))]
pub(crate) struct Triplets {
    #[command(flatten)]
    pub table: Table,
}

/// Cluster labelled texts, and compare the clusters with the labels
///
/// k-means finds as many clusters as there are labels. The numbers are homogeneity, completeness
/// and the V-measure. The columns are text and label.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  minilm eval clusters intents.tsv --columns text,category")]
#[command(mut_arg("columns", |arg| columns(arg, "text,label")))]
pub(crate) struct Clusters {
    /// The number of clusters [default: that of the labels]
    #[arg(long, value_name = "K", value_parser = at_least_one)]
    pub kmeans: Option<NonZeroUsize>,

    /// The seed of k-means: the same number gives the same clusters
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,

    #[command(flatten)]
    pub table: Table,
}

/// Compare the vectors of rounded weights with those of f32
///
/// For int16 and int8, or for --precision alone: the cosines of each text's two vectors, the texts
/// with the least ones, how many of the ten nearest texts stay the same, the speed and the bytes of
/// the weights. Speed is measured on the first 512 texts.
///
/// A directory that `minilm quantize-model` wrote has no weights in f32: --against names the
/// original, and the model is compared with it as it is.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  minilm eval precision notes.txt\n  \
    minilm eval precision notes.txt --model small --against weights/all-MiniLM-L6-v2")]
pub(crate) struct Precision {
    #[arg(value_name = "FILE", help = texts_help())]
    pub file: PathBuf,

    /// The directory of the model in f32 that is compared with [default: that of --model]
    #[arg(long, value_name = "DIR")]
    pub against: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub input: Input,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// The names of the columns, if --columns does not give others, in its order.
fn columns(columns: Arg, names: &str) -> Arg {
    columns.help(format!("The names of the columns or fields, in this order [default: {names}]"))
}

const TABLES: &str = if cfg!(feature = "parquet") {
    "A *.tsv or *.csv file with a header, or *.jsonl or *.parquet; tab-separated if it has another \
     name; - is standard input"
} else {
    "A *.tsv or *.csv file with a header, or *.jsonl; tab-separated if it has another name; - is \
     standard input"
};

/// A file with several texts, or a label, in each record.
#[derive(Debug, Args)]
pub(crate) struct Table {
    #[arg(value_name = "FILE", help = TABLES)]
    pub file: PathBuf,

    /// The names of the columns or fields
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub columns: Vec<String>,

    #[command(flatten)]
    pub reading: Reading,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub encoding: Encoding,
}

fn texts_help() -> String {
    format!("A file of texts: {}", crate::records::FILES)
}

impl Table {
    /// Opens the file; the columns have these names, or those that were given in this order.
    fn open<const N: usize>(&self, names: [&str; N]) -> Result<Records, Error> {
        let given: Vec<Name> = self.columns.iter().map(|name| Name::Needed(name)).collect();
        if !given.is_empty() && given.len() != N {
            let names = names.join(",");
            return Err(Error::Usage(format!(
                "--columns: {} names were given, but {N} are needed: {names}",
                given.len()
            )));
        }
        let usual = names.map(Name::Needed);
        let kind = match Kind::of(&self.file) {
            Kind::Lines => Kind::Tsv,
            kind => kind,
        };
        let names = if given.is_empty() { &usual[..] } else { &given[..] };
        self.reading.open(&self.file, kind, names)
    }
}

pub(crate) fn run(common: &Common, command: &Eval) -> Result<(), Error> {
    crate::model::share_threads(common);
    match &command.task {
        Task::Sts(task) => labelled::sts(common, task),
        Task::Pairs(task) => labelled::pairs(common, task),
        Task::Triplets(task) => labelled::triplets(common, task),
        Task::Clusters(task) => labelled::clusters(common, task),
        Task::Retrieval(task) => retrieval::run(common, task),
        Task::Precision(task) => precision::run(common, task),
    }
}

/// Results: a table of percentages for people, one object for programs.
fn report<T: Serialize>(
    json: bool,
    results: &T,
    title: &str,
    rows: &[(String, Vec<String>)],
) -> Result<(), Error> {
    let mut page = Page::new();
    if json {
        page.json(results)?;
        return page.finish();
    }
    page.line(&page.style(Style::Bold, title))?;
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, values) in rows {
        let values: String = values.iter().map(|value| format!("{value:>14}")).collect();
        page.line(&format!("  {name:width$}{values}"))?;
    }
    page.finish()
}

/// As people write it: times 100, two decimals.
fn percent(value: f64) -> String {
    format!("{:.2}", value * 100.0)
}

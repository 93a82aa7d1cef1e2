//! The command line as clap reads it.

use crate::{
    cluster::Cluster, completions::Completions, convert::Convert, dedupe::Dedupe, eval::Eval,
    explain::Explain, index::Index, man::Man, map::Map, pairs::Pairs, quantize::Quantize,
    search::Search, trace::Trace,
};
use clap::{Args, Parser, Subcommand, ValueEnum, value_parser};
use minilm::Level;
use std::{num::NonZeroUsize, path::PathBuf};

/// Sentence embeddings on the CPU: all-MiniLM-L6-v2 and BERT checkpoints like it.
#[derive(Debug, Parser)]
#[command(name = "minilm", version, propagate_version = true, max_term_width = 100, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command knows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// The model's directory, or its NAME or NAME@REVISION in the cache of Hugging Face [env:
    /// MINILM_MODEL] [default: weights/all-MiniLM-L6-v2, here or further up]
    #[arg(long, global = true, value_name = "MODEL")]
    pub model: Option<PathBuf>,

    /// Threads that work at once; 0 is one for each CPU [default: 0]
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,

    #[arg(long, global = true, value_name = "LEVEL", help = level_help())]
    pub level: Option<String>,

    /// No notes and no progress on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Embed(Embed),
    Similarity(Similarity),
    Index(Index),
    Search(Search),
    Pairs(Pairs),
    Cluster(Cluster),
    Map(Map),
    Dedupe(Dedupe),
    Eval(Eval),
    Quantize(Quantize),
    Convert(Convert),
    Explain(Explain),
    Trace(Trace),
    Verify(Verify),
    Bench(Bench),
    Completions(Completions),
    Man(Man),
}

/// Print the embedding of each text
///
/// The texts are arguments, or one a line from a file or a pipe. An empty line is a text too.
#[derive(Debug, Args)]
#[command(after_help = EMBED_EXAMPLES)]
pub(crate) struct Embed {
    /// Texts to embed
    #[arg(value_name = "TEXT", conflicts_with = "input")]
    pub texts: Vec<String>,

    /// Read one text a line from FILE; - is standard input
    #[arg(long, short, value_name = "FILE")]
    pub input: Option<PathBuf>,

    /// How to write the embeddings
    #[arg(long, short, value_enum, default_value_t = Format::Text)]
    pub format: Format,

    /// Write to FILE, which appears when it is complete, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// Print how alike two texts are
#[derive(Debug, Args)]
#[command(after_help = SIMILARITY_EXAMPLES)]
pub(crate) struct Similarity {
    /// One text
    pub a: String,

    /// The other
    pub b: String,

    /// What to compute from the two embeddings; more is more alike
    #[arg(long, short, value_enum, default_value_t = Score::Cosine)]
    pub score: Score,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// Check this build on this machine against PyTorch
///
/// Runs the texts of tests/golden through the model with each instruction set of this CPU, or only
/// with --level, and compares every step with what PyTorch wrote. Stops with status 1 at the first
/// difference that is too large.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The directory of PyTorch's tensors [default: tests/golden, here or further up]
    #[arg(long, value_name = "DIR")]
    pub golden: Option<PathBuf>,
}

/// Measure this build on this machine
///
/// What the core could do, how much of that GEMM, the other kernels and the whole model reach, how
/// long one text takes, and how many tokens a second a batch. Leave the machine alone while it
/// runs.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Print one JSON document instead of tables
    #[arg(long)]
    pub json: bool,

    /// How long to measure, about; less is rougher
    ///
    /// Texts that would take more than a tenth of it, as long ones do on the level portable, are
    /// left out.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
}

/// How texts become embeddings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Encoding options")]
pub(crate) struct Encoding {
    /// Keep the first N values of each embedding
    #[arg(long, value_name = "N")]
    pub truncate_dim: Option<usize>,

    /// Read at most N tokens of a text, special tokens among them
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<usize>,

    /// Scale each embedding to length 1, also after --truncate-dim
    #[arg(long, conflicts_with = "no_normalize")]
    pub normalize: bool,

    /// Leave each embedding as the pooling gives it, even if the model asks for length 1
    #[arg(long)]
    pub no_normalize: bool,

    /// Fail on a text that is too long, instead of reading only its beginning
    #[arg(long)]
    pub strict: bool,
}

/// How embeddings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line a text: [0.0676569, …], rounded to seven decimals
    Text,
    /// One JSON object a text: {"text", "tokens", "dropped", "embedding"}
    Jsonl,
    /// A table with the columns text, tokens, dropped, e0, e1, …
    Csv,
    /// A NumPy array of float32, one row a text
    Npy,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// A measure of likeness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Score {
    /// The cosine of the angle, from -1 to 1
    Cosine,
    /// The dot product
    Dot,
    /// The negative Euclidean distance
    Euclidean,
    /// The negative Manhattan distance
    Manhattan,
}

/// A number of things that cannot be none.
pub(crate) fn at_least_one(number: &str) -> Result<NonZeroUsize, String> {
    number.parse().map_err(|_| "it has to be a whole number, at least 1".to_owned())
}

fn level_help() -> String {
    format!(
        "The instruction set: auto, {} [env: MINILM_LEVEL] [default: auto]",
        Level::NAMES.join(", ")
    )
}

const EXAMPLES: &str = "\
Examples:
  minilm embed \"This is an example sentence\" \"Each sentence is converted\"
  minilm embed --input notes.txt --format npy --output notes.npy
  minilm similarity \"A man is eating food.\" \"Someone has a meal.\"
  minilm index notes.txt -o notes.index
  minilm search notes.index \"a question\"
  minilm map notes.index --html map.html
  minilm explain \"A man is eating food.\" \"Someone has a meal.\"
  minilm trace \"A man is eating food.\" --html trace.html
  minilm verify
  minilm bench

Results are on standard output, messages on standard error.
Exit status: 0 fine, 1 failed, 2 misused, 130 stopped by Ctrl-C.";

const EMBED_EXAMPLES: &str = "\
Examples:
  minilm embed \"This is an example sentence\" \"Each sentence is converted\"
  minilm embed --input notes.txt --format npy --output notes.npy
  sort notes.txt | minilm embed --format jsonl > notes.jsonl
  minilm embed -- \"-- a text that begins with a dash\"";

const SIMILARITY_EXAMPLES: &str = "\
Examples:
  minilm similarity \"A man is eating food.\" \"Someone has a meal.\"
  minilm similarity --score euclidean \"A man is eating food.\" \"Someone has a meal.\"";

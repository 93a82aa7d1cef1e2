//! Options that several commands share, and the parsers of their values.

use crate::error::Error;
use clap::{
    Args, ValueEnum,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use minilm::{Level, Prompt, max_threads};
use std::{ffi::OsStr, num::NonZeroUsize, path::PathBuf};

/// The options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// The model's directory, or its NAME or NAME@REVISION in the cache of Hugging Face [env:
    /// MINILM_MODEL]
    #[cfg_attr(
        not(feature = "embedded"),
        doc = "[default: weights/all-MiniLM-L6-v2, here or further up, or in the cache]"
    )]
    #[cfg_attr(feature = "embedded", doc = "[default: the one that is built into the program]")]
    #[arg(long, global = true, value_name = "MODEL")]
    pub model: Option<PathBuf>,

    /// Threads that work at once; 0 is one for each CPU [default: 0]
    #[arg(long, global = true, value_name = "N", value_parser = threads)]
    #[arg(allow_negative_numbers = true)]
    pub threads: Option<usize>,

    #[arg(long, global = true, value_name = "LEVEL", help = level_help())]
    #[arg(value_parser = Levels, hide_possible_values = true)]
    pub level: Option<String>,

    /// No notes and no progress on standard error
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// The options of encoding texts.
#[derive(Debug, Default, Clone, Args)]
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

    /// Put TEXT before each text, whatever prompts the model has; an empty TEXT is no prompt
    #[arg(long, value_name = "TEXT", conflicts_with = "prompt_name")]
    pub prompt: Option<String>,

    /// Put the model's prompt NAME before each text [default: the model's default prompt; `search`
    /// takes query, `index` takes document]
    #[arg(long, value_name = "NAME")]
    pub prompt_name: Option<String>,

    /// Fail on a text that is too long, instead of reading only its beginning
    #[arg(long)]
    pub strict: bool,

    #[command(flatten)]
    pub numbers: Numbers,
}

/// The numbers that the model computes with.
#[derive(Debug, Default, Clone, Args)]
pub(crate) struct Numbers {
    /// The numbers of the linear layers: f32, int16 or int8; vectors of different precisions are
    /// not compared [env: MINILM_PRECISION] [default: that of the model's file, f32 or int8]
    #[arg(long, value_name = "PRECISION")]
    pub precision: Option<String>,
}

impl Encoding {
    /// The prompt that the options select.
    pub(crate) fn prompt(&self) -> Option<Prompt> {
        let named = self.prompt_name.clone().map(Prompt::Named);
        self.prompt.clone().map(Prompt::Text).or(named)
    }
}

/// The format of embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One line per text: [0.0676569, …], rounded to seven decimals
    Text,
    /// One JSON object per text: {"text", "tokens", "dropped", "embedding"}
    Jsonl,
    /// A table with the columns text, tokens, dropped, e0, e1, …
    Csv,
    /// A NumPy array of float32, one row per text
    Npy,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

/// A number of threads that can be started.
fn threads(number: &str) -> Result<usize, String> {
    match number.parse() {
        Ok(threads) if threads <= max_threads() => Ok(threads),
        _ => Err(format!("it has to be a whole number, at most {}", max_threads())),
    }
}

/// A bound that cosines can reach; that it is no number is found out by the library.
pub(crate) fn check_cosine(option: &str, bound: f32) -> Result<(), Error> {
    match bound.abs() > 1.0 {
        true => Err(Error::Usage(format!("--{option}: a cosine is from -1 to 1, not {bound}"))),
        false => Ok(()),
    }
}

/// A number of things that cannot be none.
pub(crate) fn at_least_one(number: &str) -> Result<NonZeroUsize, String> {
    number.parse().map_err(|_| "it has to be a whole number, at least 1".to_owned())
}

/// Any text, of which shells complete the names of instruction sets. Whether this CPU has one is
/// found out later.
#[derive(Debug, Clone)]
struct Levels;

impl TypedValueParser for Levels {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(["auto"].iter().chain(Level::NAMES).copied().map(PossibleValue::new)))
    }
}

fn level_help() -> String {
    format!(
        "The instruction set: auto, {} [env: MINILM_LEVEL] [default: auto]",
        Level::NAMES.join(", ")
    )
}

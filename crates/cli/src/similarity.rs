//! `minilm similarity`: the similarity of two texts.

use crate::{
    error::Error,
    model,
    notes::note_truncated,
    options::{Common, Encoding},
};
use clap::{Args, ValueEnum};
use minilm::{EncodeOptions, similarity};
use std::io::{self, Write};

/// Print the similarity of two texts
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Similarity {
    /// The first text
    pub a: String,

    /// The second text
    pub b: String,

    /// The score of the two embeddings; a higher score is more alike
    #[arg(long, short, value_enum, default_value_t = Score::Cosine)]
    pub score: Score,

    #[command(flatten)]
    pub encoding: Encoding,
}

/// A measure of similarity.
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

const EXAMPLES: &str = "\
Examples:
  minilm similarity \"A man is eating food.\" \"Someone has a meal.\"
  minilm similarity --score euclidean \"A man is eating food.\" \"Someone has a meal.\"";

pub(crate) fn run(common: &Common, command: &Similarity) -> Result<(), Error> {
    let encoder = model::load(common, &command.encoding)?;
    let encoded = encoder.encode_with(&[&command.a, &command.b], &EncodeOptions::new());
    let encoded =
        encoded.map_err(|error| Error::in_text(error, |index| format!("text {}", index + 1)))?;
    let (a, b) = (encoded.embeddings.row(0), encoded.embeddings.row(1));
    let score = match command.score {
        Score::Cosine => similarity::cosine(a, b),
        Score::Dot => similarity::dot(a, b),
        Score::Euclidean => similarity::euclidean(a, b),
        Score::Manhattan => similarity::manhattan(a, b),
    };
    let score = score + 0.0; // a distance of nothing is 0, not -0
    writeln!(io::stdout(), "{score:.6}").map_err(Error::Stdout)?;
    let truncated = encoded.counts.iter().filter(|count| count.dropped > 0).count();
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}

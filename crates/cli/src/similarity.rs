//! `minilm similarity`: how alike two texts are.

use crate::{
    args::{Common, Score, Similarity},
    error::Error,
    model, note_truncated,
};
use minilm::similarity;
use std::io::{self, Write};

pub(crate) fn run(common: &Common, command: &Similarity) -> Result<(), Error> {
    let encoder = model::load(common, &command.encoding)?;
    let encoded = encoder.encode_with_counts(&[&command.a, &command.b]);
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

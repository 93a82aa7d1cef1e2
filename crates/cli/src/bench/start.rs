//! From the model's files, which the system has in memory, to the first embedding.

use super::{clock::Clock, texts};
use crate::error::Error;
use minilm::{
    SentenceEncoder,
    model::{Bert, Checkpoint, Config},
};
use serde::Serialize;
use std::{path::Path, time::Instant};

/// Starts, of which the fastest counts.
const STARTS: usize = 5;

/// Tokens of the first text, if the model reads that many.
const TOKENS: usize = 8;

/// Seconds from the start.
#[derive(Debug, Serialize)]
pub(super) struct Start {
    pub threads: usize,
    /// The weights alone: mapped, checked and packed, by one thread.
    pub weights: f64,
    /// The encoder: the weights and the tokenizer, at once if there are threads for it.
    pub encoder: f64,
    /// The first text, whose pass makes the workspace.
    pub text: f64,
}

pub(super) fn measure(
    clock: &mut Clock,
    directory: &Path,
    threads: usize,
) -> Result<Vec<Start>, Error> {
    clock.note("start");
    let variants = if threads > 1 { vec![1, threads] } else { vec![1] };
    variants.into_iter().map(|threads| start(clock, directory, threads)).collect()
}

fn start(clock: &Clock, directory: &Path, threads: usize) -> Result<Start, Error> {
    let mut fastest =
        Start { threads, weights: f64::INFINITY, encoder: f64::INFINITY, text: f64::INFINITY };
    for _ in 0..STARTS {
        let (weights, _) = timed(|| load(directory, clock).map_err(minilm::Error::from))?;
        let (encoder, ready) = timed(|| {
            let builder = SentenceEncoder::builder().level(clock.level).precision(clock.precision);
            builder.threads(threads).load(directory)
        })?;
        let (text, _) = texts::of_tokens(&ready, TOKENS.min(ready.max_tokens()), 0)?;
        let (text, _) = timed(|| ready.encode_one(&text))?;
        fastest.weights = fastest.weights.min(weights);
        fastest.encoder = fastest.encoder.min(encoder);
        fastest.text = fastest.text.min(text);
    }
    Ok(fastest)
}

fn load(directory: &Path, clock: &Clock) -> Result<Bert, minilm::model::Error> {
    let config = Config::read(&directory.join("config.json"))?;
    let checkpoint = Checkpoint::open(&directory.join("model.safetensors"))?;
    Bert::with_precision(config, &checkpoint, clock.level, clock.precision)
}

fn timed<T>(run: impl FnOnce() -> Result<T, minilm::Error>) -> Result<(f64, T), Error> {
    let start = Instant::now();
    let result = run()?;
    Ok((start.elapsed().as_secs_f64(), result))
}

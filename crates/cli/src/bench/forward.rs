//! The whole model on one thread: token ids in, hidden states out.

use super::{
    TOKENS,
    clock::Clock,
    texts::Random,
    work::{self, Speed},
};
use crate::error::Error;
use minilm::model::{Batch, Bert, Scratch};
use serde::Serialize;

/// Tokens of a batch, about.
const BATCH: usize = 128;

/// Part of the whole time.
const SHARE: f64 = 0.2;

/// One pass through all layers.
#[derive(Debug, Serialize)]
pub(super) struct Forward {
    /// Of each sentence.
    pub tokens: usize,
    pub sentences: usize,
    /// Of the weights, read once.
    pub bytes: f64,
    #[serde(flatten)]
    pub speed: Speed,
}

pub(super) fn measure(
    clock: &mut Clock,
    bert: &Bert,
    max_tokens: usize,
) -> Result<Vec<Forward>, Error> {
    let lengths = TOKENS.iter().copied().filter(|&tokens| tokens <= max_tokens);
    let single = lengths.clone().map(|tokens| (tokens, 1));
    let batches =
        lengths.map(|tokens| (tokens, BATCH / tokens)).filter(|&(_, sentences)| sentences > 1);
    let cases: Vec<_> = single.chain(batches).collect();
    let mut scratch = Scratch::default();
    let mut results = Vec::new();
    for &(tokens, sentences) in &cases {
        let flop = sentences as f64 * bert.config().flop(tokens) as f64;
        if flop > clock.longest() {
            continue;
        }
        clock.note(&format!("model, {sentences} × {tokens} tokens"));
        let batch = random_batch(bert, tokens, sentences);
        let sample = clock.sample(SHARE / cases.len() as f64, || {
            let hidden = bert.forward(&batch, &mut scratch);
            hidden.map(|_| ()).map_err(minilm::Error::from).map_err(Error::from)
        })?;
        let speed = Speed::new(flop, sample);
        clock.learn(speed.flops_per_second);
        results.push(Forward { tokens, sentences, bytes: work::weight_bytes(bert), speed });
    }
    Ok(results)
}

/// Sentences of `tokens` ids from anywhere in the vocabulary.
pub(super) fn random_batch(bert: &Bert, tokens: usize, sentences: usize) -> Batch {
    let mut random = Random::new(tokens as u64);
    let mut batch = Batch::default();
    for _ in 0..sentences {
        let ids: Vec<u32> =
            (0..tokens).map(|_| random.below(bert.config().vocab_size) as u32).collect();
        batch.push(&ids);
    }
    batch
}

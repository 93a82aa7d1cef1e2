//! A batch of texts of mixed lengths, from their characters to their embeddings.

use super::{
    Encoders,
    clock::Clock,
    texts,
    work::{self, Speed},
};
use crate::error::Error;
use serde::Serialize;

/// Texts for each second of the whole time.
const TEXTS_PER_SECOND: usize = 4;

/// Part of the whole time.
const SHARE: f64 = 0.2;

#[derive(Debug, Serialize)]
pub(super) struct Throughput {
    pub threads: usize,
    pub texts: usize,
    pub tokens: usize,
    pub tokens_per_second: f64,
    #[serde(flatten)]
    pub speed: Speed,
}

pub(super) fn measure(clock: &mut Clock, encoders: &Encoders) -> Result<Vec<Throughput>, Error> {
    let texts = texts::mixed((clock.seconds() as usize * TEXTS_PER_SECOND).clamp(8, 256));
    let counts = texts.iter().map(|text| encoders.one.count_tokens(text)).collect::<Result<Vec<_>, _>>()?;
    let tokens = counts.iter().map(|count| count.used).sum();
    let config = encoders.one.model().config();
    let flop: f64 = counts.iter().map(|count| work::sentence_flop(config, count.used)).sum();

    let variants = encoders.by_threads();
    let share = SHARE / variants.len() as f64;
    let mut results = Vec::new();
    for (threads, encoder) in variants {
        clock.note(&format!("{} texts, {threads} threads", texts.len()));
        let sample = clock.sample(share, || Ok(encoder.encode(&texts).map(|_| ())?))?;
        let (speed, tokens_per_second) = (Speed::new(flop, sample), tokens as f64 / sample.best);
        results.push(Throughput { threads, texts: texts.len(), tokens, tokens_per_second, speed });
    }
    Ok(results)
}

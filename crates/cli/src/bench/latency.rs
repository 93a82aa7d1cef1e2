//! One text from its characters to its embedding, call after call.

use super::{
    Encoders, TOKENS,
    clock::{Clock, percentile},
    texts,
};
use crate::error::Error;
use serde::Serialize;

/// Different texts that take turns.
const TEXTS: u64 = 8;

/// Part of the whole time.
const SHARE: f64 = 0.3;

/// The latency of a call in seconds: the median, and the 90th and 99th percentile.
#[derive(Debug, Serialize)]
pub(super) struct Latency {
    pub tokens: usize,
    pub threads: usize,
    pub calls: usize,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
}

pub(super) fn measure(clock: &mut Clock, encoders: &Encoders) -> Result<Vec<Latency>, Error> {
    let (config, longest) = (encoders.one.model().config(), clock.longest());
    let has_time = |&tokens: &usize| {
        tokens <= encoders.one.max_tokens() && config.flop(tokens) as f64 <= longest
    };
    let lengths: Vec<usize> = TOKENS.into_iter().filter(has_time).collect();
    let variants = encoders.by_threads();
    let share = SHARE / (variants.len() * lengths.len()) as f64;
    let mut results = Vec::new();
    for (threads, encoder) in variants {
        for &length in &lengths {
            clock.note(&format!("latency of {length} tokens, {threads} threads"));
            let texts = (0..TEXTS)
                .map(|seed| texts::of_tokens(encoder, length, seed))
                .collect::<Result<Vec<_>, _>>()?;
            let mut turn = texts.iter().cycle().map(|(text, _)| text);
            let mut call =
                || Ok(turn.next().map(|text| encoder.encode_one(text)).transpose().map(|_| ())?);
            call()?; // the first makes the workspace
            let mut times = clock.times(share, call)?;
            times.sort_by(f64::total_cmp);
            let [p50, p90, p99, max] = [50, 90, 99, 100].map(|percent| percentile(&times, percent));
            results.push(Latency {
                tokens: texts[0].1,
                threads,
                calls: times.len(),
                p50,
                p90,
                p99,
                max,
            });
        }
    }
    Ok(results)
}

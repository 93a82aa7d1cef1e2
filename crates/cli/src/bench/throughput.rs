//! A batch of texts of mixed lengths, from their characters to their embeddings.

use super::{Encoders, clock::Clock, texts, work::Speed};
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
    let mut texts = texts::mixed((clock.seconds() as usize * TEXTS_PER_SECOND).clamp(8, 256));
    let counts =
        texts.iter().map(|text| encoders.one.count_tokens(text)).collect::<Result<Vec<_>, _>>()?;
    let config = encoders.one.model().config();
    let flops = counts.iter().map(|count| config.flop(count.used) as f64);
    let (taken, flop) = within(flops, clock.longest());
    texts.truncate(taken);
    let tokens = counts[..taken].iter().map(|count| count.used).sum();

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

/// The number of first texts that are together no more work than `longest`, at least one; and their
/// work.
fn within(flops: impl Iterator<Item = f64>, longest: f64) -> (usize, f64) {
    let (mut taken, mut sum) = (0, 0.0);
    for flop in flops {
        if taken > 0 && sum + flop > longest {
            break;
        }
        (taken, sum) = (taken + 1, sum + flop);
    }
    (taken, sum)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn as_many_texts_as_there_is_time_for() {
        let flops = || [3.0, 4.0, 5.0].into_iter();
        assert_eq!(within(flops(), f64::INFINITY), (3, 12.0));
        assert_eq!(within(flops(), 7.0), (2, 7.0));
        assert_eq!(within(flops(), 1.0), (1, 3.0));
    }
}

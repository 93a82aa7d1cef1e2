//! The time of a training step for fixed shapes, one line each: tokens per second of a forward
//! pass, a backward pass, and the update.
//!
//! ```text
//! cargo run --release -p minilm-train --example step -- 2          threads
//! cargo run --release -p minilm-train --example step -- 2 dropout
//! cargo run --release -p minilm-train --example step -- 2 cached   no tape is kept
//! ```

use minilm_testing::Random;
use minilm_train::{AdamW, Dropout, Network, Tokens};
use ndarray::Array2;
use std::time::{Duration, Instant};

/// Sentences, their longest length, whether lengths are mixed, and steps.
const SHAPES: [(usize, usize, bool, usize); 3] =
    [(32, 16, false, 10), (64, 32, false, 5), (128, 64, true, 3)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let threads = arguments.first().and_then(|n| n.parse().ok()).unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let mut network = Network::load("weights/all-MiniLM-L6-v2".as_ref())?;
    if has("cached") {
        network.keep(0);
    }
    for (sentences, length, mixed, steps) in SHAPES {
        let batch = batch(sentences, length, mixed);
        let times: Vec<[Duration; 3]> = (0..=steps as u64)
            .map(|number| {
                let dropout = Dropout { hidden: 0.1, attention: 0.1, seed: 42, step: number };
                step(&mut network, &batch, has("dropout").then_some(&dropout))
            })
            .collect::<Result<_, _>>()?;
        let [forward, backward, update] = [0, 1, 2].map(|part| {
            let mut times: Vec<Duration> = times[1..].iter().map(|times| times[part]).collect();
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64()
        });
        let total = forward + backward + update;
        println!(
            "{sentences} x {length}{}: {} tokens, forward {:.1} ms, backward {:.1} ms, \
             update {:.1} ms, {:.0} tokens/s",
            if mixed { " mixed" } else { "" },
            batch.len(),
            forward * 1e3,
            backward * 1e3,
            update * 1e3,
            batch.len() as f64 / total
        );
    }
    Ok(())
}

/// Sentences of random words, of one length or of mixed lengths from 8 on.
fn batch(sentences: usize, length: usize, mixed: bool) -> Tokens {
    let mut random = Random(1);
    let sentence = |i| {
        let shorter = mixed && i > 0;
        let length = if shorter { 8 + random.below(length - 7) } else { length };
        (0..length).map(|_| 1000 + random.below(29_000) as u32).collect::<Vec<_>>()
    };
    (0..sentences).map(sentence).collect()
}

/// One step, with the gradient of ½·Σ(e − e′)² over the pairs.
fn step(
    network: &mut Network,
    batch: &Tokens,
    dropout: Option<&Dropout>,
) -> Result<[Duration; 3], minilm_model::Error> {
    let start = Instant::now();
    let embeddings = network.forward(batch, dropout)?;
    let forward = start.elapsed();
    let mut gradient = Array2::zeros(embeddings.dim());
    for i in 0..embeddings.nrows() {
        let difference = &embeddings.row(i) - &embeddings.row(i ^ 1);
        gradient.row_mut(i).assign(&difference.mapv(f64::from));
    }
    let start = Instant::now();
    network.backward(batch, gradient.view(), dropout)?;
    let backward = start.elapsed();
    let start = Instant::now();
    network.update(&AdamW::default(), 2e-5, Some(1.0));
    Ok([forward, backward, start.elapsed()])
}

//! A small model and small data.
#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "../../../../tests/support/tiny.rs"]
pub mod tiny;

use minilm_train::{Arguments, Dataset, Error, Event, Kind, Setup, Trainer};
use std::{fs, path::Path};
use tempfile::TempDir;
pub use tiny::Tiny;

/// Words of the small vocabulary.
const WORDS: [&str; 10] = ["the", "cat", "sat", "on", "mat", "a", "dog", "ran", "cats", "dogs"];

/// Pairs of sentences that share their rarer words.
pub fn pairs(rows: usize) -> Dataset {
    let mut random = minilm_testing::Random(11);
    let mut data = Dataset::new(Kind::Pairs, 2);
    for row in 0..rows {
        let words: Vec<&str> = (0..4).map(|_| WORDS[random.below(WORDS.len())]).collect();
        let anchor = format!("{} {}", words.join(" "), WORDS[row % WORDS.len()]);
        let positive = format!("{} {} .", WORDS[row % WORDS.len()], words[1..].join(" "));
        data.push("a row", &[&anchor, &positive], None).expect("a pair");
    }
    data
}

/// A small model's directory, and room for another one.
pub struct Room {
    pub base: TempDir,
    pub folder: TempDir,
}

impl Room {
    pub fn new(tiny: &Tiny) -> Room {
        Room { base: tiny.write(), folder: tempfile::tempdir().expect("a directory") }
    }

    /// A run of pairs: three batches an epoch, dropout as the configuration says (none given: 0.1).
    pub fn setup(&self, output: &str) -> Setup {
        let mut setup = Setup::new(self.base.path(), pairs(20), self.folder.path().join(output));
        setup.arguments = Arguments {
            num_train_epochs: 2.0,
            per_device_train_batch_size: 8,
            learning_rate: 1e-3,
            warmup_steps: 0.1,
            weight_decay: 0.01,
            ..Arguments::default()
        };
        setup
    }
}

/// Runs to the end, and returns the losses.
pub fn run(trainer: &mut Trainer) -> Result<Vec<f64>, Error> {
    let mut losses = Vec::new();
    for event in trainer {
        if let Event::Step(step) = event? {
            losses.push(step.loss);
        }
    }
    Ok(losses)
}

/// The bytes of a model's weights.
pub fn weights(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("model.safetensors")).expect("weights")
}

/// A run from its beginning to its end: the bytes of the weights.
pub fn whole(setup: Setup) -> Vec<u8> {
    let output = setup.output.clone();
    let mut trainer = Trainer::new(setup).expect("a run");
    run(&mut trainer).expect("it trains");
    trainer.finish().expect("a model");
    weights(&output)
}

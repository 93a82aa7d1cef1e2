//! Every step through the encoder, by the name of the PyTorch module whose output it is.

use super::{
    compare,
    golden::{Golden, Step, Text},
};
use crate::error::Error;
use minilm::{
    Level, SentenceEncoder,
    model::{Batch, Stage},
    pooling::{Mode, Pooling, normalize},
};
use std::fmt::Write;

/// Largest difference of a value: activations reach 10, whose unit in the last place is 1e-6.
const BOUND: f64 = 2e-5;

/// The steps that are told apart in the table; layers are merged.
const GROUPS: [&str; 7] = [
    "embeddings",
    "attention.self",
    "attention.output",
    "intermediate",
    "output",
    "pooled",
    "sentence_embedding",
];

pub(super) const HEAD: &str = "level     step                 to f32   to f64    bound";

/// Runs one text alone, and takes down each step.
pub(super) fn observe(encoder: &SentenceEncoder, text: &Text) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut batch = Batch::default();
    batch.push(&text.ids);
    let plain = encoder.model().plain().map_err(minilm::Error::from)?;
    let activations = plain.forward(&batch).map_err(minilm::Error::from)?;
    for (stage, tensor) in activations.stages() {
        if matches!(stage, Stage::Query(_) | Stage::Key(_) | Stage::Value(_)) {
            continue; // not in the files; attention, which is made of them, is
        }
        let values = text.rows.iter().flat_map(|&row| tensor.row(row)).copied().collect();
        steps.push(Step {
            name: stage.to_string(),
            shape: vec![text.rows.len(), tensor.cols()],
            values,
        });
    }
    let hidden = activations.hidden(); // [T, H]

    let mut vector = vec![0.0; hidden.cols()];
    Pooling::new(&[Mode::Mean]).pool(hidden, &mut vector);
    steps.push(Step {
        name: "pooled".to_owned(),
        shape: vec![vector.len()],
        values: vector.clone(),
    });
    normalize(&mut vector);
    steps.push(Step {
        name: "sentence_embedding".to_owned(),
        shape: vec![vector.len()],
        values: vector,
    });
    Ok(steps)
}

/// The largest differences of each group so far.
#[derive(Default)]
pub(super) struct Largest {
    to_f32: [f64; GROUPS.len()],
    to_f64: [f64; GROUPS.len()],
}

impl Largest {
    pub(super) fn check(
        &mut self,
        level: Level,
        text: &Text,
        step: &Step,
        golden: &Golden,
    ) -> Result<(), Error> {
        for (kind, largest) in [("f32", &mut self.to_f32), ("f64", &mut self.to_f64)] {
            let tensor = golden.tensor(kind, text, step)?;
            let found = compare::within(BOUND, level, text, &step.values, tensor)?;
            let group = GROUPS
                .iter()
                .position(|group| *group == group_of(&step.name))
                .expect("every step has a group");
            largest[group] = largest[group].max(found);
        }
        Ok(())
    }

    /// The rows of one level.
    pub(super) fn table(&self, level: Level) -> String {
        let mut table = String::new();
        for (i, group) in GROUPS.iter().enumerate() {
            let end = if i + 1 < GROUPS.len() { "\n" } else { "" };
            let level = level.name();
            let _ = write!(
                table,
                "{level:<9} {group:<18} {:>8.1e} {:>8.1e} {BOUND:>8.0e}{end}",
                self.to_f32[i], self.to_f64[i]
            );
        }
        table
    }
}

/// `attention.self` of `encoder.layer.3.attention.self`
fn group_of(name: &str) -> &str {
    let in_layer = name.strip_prefix("encoder.layer.").and_then(|rest| rest.split_once('.'));
    in_layer.map_or(name, |(_layer, group)| group)
}

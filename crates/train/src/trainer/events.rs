//! What happens in a run, as the caller sees it and as the log keeps it.
//!
//! In the book: `docs/14-training.md`.

use crate::Scores;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A step of the optimiser.
    Step(Step),
    /// An evaluation, before training or after a step.
    Evaluation {
        /// Steps so far.
        step: usize,
        /// The numbers of each evaluation.
        scores: Vec<Scores>,
        /// Whether it is the best so far.
        is_best: bool,
    },
    /// A checkpoint.
    Checkpoint {
        /// Steps so far.
        step: usize,
        /// Its folder.
        path: PathBuf,
    },
}

/// A step of the optimiser.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its number, from 1.
    pub step: usize,
    /// Epochs so far.
    pub epoch: f64,
    /// The mean loss of its batches.
    pub loss: f64,
    /// The length of the gradient, before it is clipped.
    pub grad_norm: f64,
    /// The rate.
    pub learning_rate: f64,
    /// Tokens of its batches.
    pub tokens: usize,
    /// Its time.
    pub seconds: f64,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Record {
    /// A step of the optimiser.
    Step(Step),
    /// An evaluation.
    Evaluation {
        /// Steps so far.
        step: usize,
        /// Its numbers.
        scores: Vec<Scores>,
    },
}

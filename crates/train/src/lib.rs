//! # minilm-train
//!
//! Contrastive fine-tuning of sentence-embedding models on the CPU, with the meaning and the names
//! of sentence-transformers, and **the same bits of every weight after training**, whatever the
//! threads, the level, the memory, and whether it was interrupted.
//!
//! | type or module | content |
//! |---|---|
//! | [`Trainer`] | a run of training as an iterator of steps, evaluations and checkpoints |
//! | [`Dataset`] | pairs, triplets, scored pairs, labelled pairs, labelled texts |
//! | [`Loss`] | the embeddings of a batch to a value and its gradient |
//! | [`Arguments`], [`Sampler`], [`Schedule`] | how to train, the batches of an epoch, the learning rate |
//! | [`Network`] | the model with its gradients and its optimiser: one step of training |
//! | [`Evaluation`] | what the model is worth on other data |
//! | [`classifier`] | logistic regression on embeddings |
//! | [`negatives`] | hard negatives for pairs |
//!
//! In the book: `docs/14-training.md`.
#![forbid(unsafe_code)]

mod arguments;
mod card;
mod checkpoint;
pub mod classifier;
mod dataset;
mod error;
mod evaluation;
mod losses;
mod model_files;
pub mod negatives;
pub mod network;
mod plan;
mod random;
mod sampler;
mod schedule;
mod tensors;
mod texts;
mod trainer;

pub use arguments::Arguments;
pub use checkpoint::Best;
pub use dataset::{Dataset, Finding, Kind, Row, columns};
pub use error::Error;
pub use evaluation::{Evaluation, Scores};
pub use losses::{Distance, Examples, Loss, Same, TRIPLET_MARGIN, Target, Value};
pub use model_files::Base;
pub use network::{AdamW, Dropout, Network, Tokens};
pub use random::Random;
pub use sampler::Sampler;
pub use schedule::Schedule;
pub use trainer::{Event, Outcome, Record, Setup, Step, Trainer};

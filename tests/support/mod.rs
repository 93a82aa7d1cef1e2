//! Support for the integration tests: the golden files, small checkpoints of our own, and a server
//! to download them from.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod golden;
#[cfg(feature = "download")]
pub mod hub;
pub mod refusal;
#[cfg(feature = "download")]
pub mod repository;
pub mod server;
pub mod tiny;

use minilm::SentenceEncoder;
use std::{path::PathBuf, sync::LazyLock};

/// The repository's copy of all-MiniLM-L6-v2.
pub fn model() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("weights/all-MiniLM-L6-v2")
}

/// The model on the fastest level with default options, loaded once a test program.
pub static ENCODER: LazyLock<SentenceEncoder> =
    LazyLock::new(|| SentenceEncoder::load(model()).expect("the repository's model loads"));

/// The bits of every value: equal only if the values are the same in sign, exponent and fraction.
pub fn bits<'a>(values: impl IntoIterator<Item = &'a f32>) -> Vec<u32> {
    values.into_iter().map(|x| x.to_bits()).collect()
}

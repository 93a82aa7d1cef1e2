//! What is fuzzed: each function takes any bytes, and panics where the program would be wrong.
//!
//! ```text
//! safetensors  config_json  tokenizer_json  vocab     a file of a model's directory → vectors
//! text  windows                                       a text → tokens → vectors
//! records  parquet                                    texts in files
//! npy  npz  safetensors_vectors  jsonl  csv  parquet  vectors in files
//! index                                               an index, with checksums that fit
//! ```
#![forbid(unsafe_code)]

mod indices;
mod model;
mod readers;
mod texts;

pub use indices::index;
pub use model::{config_json, safetensors, tokenizer_json, vocab};
pub use readers::{csv, jsonl, npy, npz, parquet, records, safetensors_vectors};
pub use texts::{text, windows};

use std::sync::Once;

/// Panics that the code under test catches are no finds: libFuzzer's hook would end the process,
/// and without it those that nothing catches do.
fn only_uncaught_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(std::panic::take_hook()));
}

/// The first byte, and the others.
fn split(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(&first, rest)| (first, rest))
}

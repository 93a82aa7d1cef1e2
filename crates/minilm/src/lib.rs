//! # minilm
//!
//! Sentence embeddings on the CPU, in pure Rust: `sentence-transformers/all-MiniLM-L6-v2` and BERT
//! checkpoints like it.
//!
//! ```
//! # fn main() -> Result<(), minilm::Error> {
//! let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
//! let texts = ["A man is eating food.", "Someone has a meal."];
//! let embeddings = encoder.encode(&texts)?; // [2, 384], unit rows
//! let score = minilm::similarity::cosine(embeddings.row(0), embeddings.row(1));
//! assert!(score > 0.6);
//! # Ok(())
//! # }
//! ```
//!
//! The same text gives the same bits, whatever else is in the call, in any order, on any number of
//! threads and with any instruction set: AVX-512, AVX2 or plain Rust.
//!
//! The library prints nothing, starts no thread before it is used, and never touches the network,
//! unless the feature `download` is on and a model that is asked for by name
//! ([`SentenceEncoder::from_hub`]) is not in the cache. One thing is printed by Rust itself: a
//! panic in the crate `tokenizers` becomes an error here, after the program's panic hook has seen
//! it.
//!
//! | crate | content |
//! |---|---|
//! | `minilm` | text in, embeddings out: [`SentenceEncoder`] |
//! | [`model`] | the BERT encoder: configuration, weights, forward pass |
//! | [`pooling`] | sentence vectors from token vectors, and their similarity |
//! | [`tasks`] | uses of embeddings: search, clusters, duplicates, evaluation |
//! | [`kernels`] | all arithmetic, once for every instruction set |
//!
//! # In a program
//!
//! **`Vec<Vec<f32>>`.** Embeddings are an `ndarray::Array2`. Other crates may want vectors:
//!
//! ```
//! # fn main() -> Result<(), minilm::Error> {
//! let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
//! let embeddings = encoder.encode(&["one text", "another"])?;
//! let rows: Vec<Vec<f32>> = embeddings.outer_iter().map(|row| row.to_vec()).collect();
//! let flat: Vec<f32> = embeddings.into_raw_vec_and_offset().0; // row after row, not copied
//! assert_eq!((rows.len(), flat.len()), (2, 2 * 384));
//! # Ok(())
//! # }
//! ```
//!
//! **Servers.** `encode` keeps a processor busy for milliseconds, so an asynchronous program calls
//! it on a thread for blocking work, such as `tokio::task::spawn_blocking`. One encoder in an `Arc`
//! (or a clone of it, which shares the model) serves all requests. Calls that share an encoder are
//! served fairly: no call waits for another, each has at least its caller's thread, and the pool's
//! threads take turns while there are fewer calls than processors. The example
//! [`server`](https://docs.rs/crate/minilm/latest/source/crates/minilm/examples/server.rs) is a
//! server with axum.
//!
//! **Storing embeddings.** [`tasks::index`] writes files of vectors with their texts, which name
//! the model that made them, are searched in place, and grow. In a database an embedding is a blob
//! of 4·384 bytes:
//!
//! ```
//! # fn main() -> Result<(), minilm::Error> {
//! # let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
//! let embedding = encoder.encode_one("one text")?;
//! let blob: Vec<u8> = embedding.iter().flat_map(|value| value.to_le_bytes()).collect();
//! let read: Vec<f32> =
//!     blob.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
//! assert_eq!(read, embedding.to_vec());
//! # Ok(())
//! # }
//! ```
//!
//! Vectors of different models, or with other options, cannot be compared.
//! [`SentenceEncoder::space`] is a fingerprint to store beside them.
//!
//! # Features
//!
//! | feature | it adds |
//! |---|---|
//! | `tasks` (on by default) | [`tasks`], and [`SentenceEncoder::space`] for index files |
//! | `download` | models that are asked for by name and not in the cache are downloaded |
//!
//! # Stability
//!
//! Versions follow semantic versioning, except for [`kernels`] and [`model`]. These two are parts
//! of the engine, re-exported for reading and measuring it, and may change in any version.
#![forbid(unsafe_code)]

mod builder;
mod directory;
mod encoder;
mod error;
mod files;
mod helpers;
mod hub;
mod options;
mod pools;
mod process;
mod prompts;
mod quantize;
mod schedule;
mod stream;
mod threads;
mod tokenize;
mod turns;
mod windows;

pub use builder::{Progress, SentenceEncoderBuilder, Truncation};
pub use encoder::{Encoded, Explanation, SentenceEncoder, Tensor, TokenEmbeddings, Trace};
pub use error::Error;
pub use files::ModelFiles;
#[cfg(feature = "download")]
pub use hub::{Download, DownloadError};
pub use hub::{Hub, HubError};
pub use options::{EncodeOptions, Prompt};
pub use pools::install;
pub use quantize::{WeightSizes, WordCosines, dequantize_model, quantize_model};
pub use stream::{EncodeIter, SentenceEmbedding};
pub use threads::max_threads;
pub use tokenize::{TokenCount, TokenSpan, TokenizedText};
pub use windows::{EncodeWindows, WindowEmbedding, Windows};

pub use minilm_kernels as kernels;
pub use minilm_kernels::Level;
pub use minilm_model as model;
pub use minilm_model::{Precision, UnknownPrecision};
pub use minilm_pooling as pooling;
pub use minilm_pooling::similarity;
#[cfg(feature = "tasks")]
pub use minilm_tasks as tasks;
pub use ndarray;

/// Compiles and runs the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

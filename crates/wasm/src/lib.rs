//! # minilm-wasm
//!
//! The module of the npm package `minilm`. It imports nothing, so that browsers, Node and workers
//! start it alike; `js/index.js` is what people call, and the only caller of these functions.
//!
//! ```text
//! JavaScript                                 module
//!   buffer(bytes)  ── an address ──►           memory for what follows
//!   … writes a file's name …    name()         kept
//!   … writes the file …         file()         becomes a file of the model, without a copy
//!   … writes options in JSON …  load()         0, or 1: `output` is the error
//!   … writes options, texts …   encode()       0, or 1: `output` is the embeddings, or the error
//!   … reads …                   output(), output_length()
//! ```
//!
//! A module has one encoder, and no call is made during another: there are no threads.
//!
//! A panic traps, as WebAssembly has no unwinding here. Its message is kept for `panic`.
//!
//! In the book: `docs/17-everywhere.md`.

mod exports;
mod panics;
mod random;
mod state;
mod texts;

pub use exports::*;

//! Shipped: `minilm_kernels::layer_norm`, the rung before for every level and length.
//!
//! - **Idea**: nothing new: the three passes on lanes are what is shipped.
//! - **Why**: a version that kept a whole row in registers would save two loads of five per vector,
//!   on AVX-512 and for one length. LayerNorm is a small part of the model's time.
//! - **Cost**: none over the rung before.
//! - **Limits**: those of the rung before: the row is loaded three times.
//! - **Exercise**: count its operations with `minilm_kernels::counting::count`. Which of them would
//!   a row in registers save?
//!
//! In the book: `docs/05-functions.md`.

pub use minilm_kernels::layer_norm::layer_norm;

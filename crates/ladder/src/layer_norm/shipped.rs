//! Shipped: `minilm_kernels::layer_norm`, the whole row in registers.
//!
//! - **Idea**: a row of 384 values is 24 vectors, and AVX-512 has 32 registers: load it once, do
//!   all three passes on it, store it once.
//! - **Why**: the passes over the cache are gone, and the third begins from differences that the
//!   second has left in registers.
//! - **Cost**: a second version of the same arithmetic, for rows of exactly that length.
//! - **Limits**: AVX2 has 8 such registers, so there, and for other lengths, it is the rung before.
//! - **Exercise**: run this ladder with `--level avx2`. How much of the last step is left?
//!
//! In the book: `docs/05-functions.md`.

pub use minilm_kernels::layer_norm::layer_norm;

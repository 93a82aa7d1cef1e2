//! # minilm-pooling
//!
//! The steps after the encoder: many token vectors become one sentence vector, and two sentence
//! vectors give a score.
//!
//! ```text
//! x[L,H] ─ Pooling ─► v[W] ─ normalize ─► unit vector        W = H × number of modes
//! similarity::{cosine, dot, euclidean, manhattan}(a, b) ─► the higher, the more alike
//! ```
//!
//! All sums are taken in `f64`, in order, and rounded to `f32` once. There are so few of them that
//! this costs nothing, and it makes the result independent of the machine without further care.
//!
//! ```
//! use minilm_kernels::Rows;
//! use minilm_pooling::{Mode, Pooling, normalize, similarity};
//!
//! let tokens = Rows::new(&[1.0, 0.0, 3.0, 8.0], 2); // L = 2, H = 2
//! let mut v = [0.0; 2];
//! Pooling::new(&[Mode::Mean]).pool(tokens, &mut v);
//! assert_eq!(v, [2.0, 4.0]);
//! normalize(&mut v);
//! assert_eq!(similarity::cosine(&v, &[1.0, 2.0]), 1.0);
//! ```
//!
//! In the book: `docs/01-model.md`.
#![forbid(unsafe_code)]

mod config;
mod dense;
mod normalize;
mod pooling;
pub mod similarity;

pub use config::{PoolingConfig, UnknownMode};
pub use dense::{Activation, Dense};
pub use normalize::normalize;
pub use pooling::{Mode, Pooling};

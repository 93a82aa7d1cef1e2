//! # minilm-kernels
//!
//! All the arithmetic of a transformer encoder, written to be read, and the same bits on every CPU.
//!
//! | module | operation | PyTorch |
//! |---|---|---|
//! | [`linear`] | `x·Wᵀ + b` with a fused epilogue; [`gemm`] has its loops | `torch.nn.functional.linear` |
//! | [`quantise`] | rows of small integers, for products in `s8` and `s16` | |
//! | [`attention`] | softmax(q·kᵀ/√D)·v, sentences of any length end to end | `scaled_dot_product_attention` |
//! | [`softmax`] | rows to probabilities | `torch.softmax(x, -1)` |
//! | [`gelu`] | x·Φ(x), the exact (erf) form | `torch.nn.functional.gelu` |
//! | [`layer_norm`] | rows to mean 0 and variance 1, scaled and shifted | `torch.nn.functional.layer_norm` |
//! | [`exp`] | eˣ | `torch.exp` |
//! | [`gemm::input_gradient`], [`gemm::weight_gradient`] | a product's gradients | its backward pass |
//! | [`column_sums`] | gradients of biases and of LayerNorm's parameters | `x.sum(0)` |
//! | [`dropout`] | zeros at places that a counter decides | `torch.nn.functional.dropout` |
//! | [`adamw`] | one step of the optimiser | `torch.optim.AdamW` |
//! | [`dot`] | one vector against many rows: dot products, squared distances | `torch.mv` |
//! | [`naive`] | the model's operations in plain `f64` loops: the specification | |
//! | [`counting`] | the vector operations of a kernel, counted by running it | |
//! | [`peak`] | the speed that this core could have | |
//!
//! Every kernel is written once, over the sixteen lanes of [`simd`], and runs on each [`Level`].
//! The crate knows no model: shapes come in as values, matrices as slices, rows end to end.
//!
//! # Canonical arithmetic
//!
//! A result depends on the operands alone: not on the level, the number of rows computed at once,
//! or the thread.
//!
//! - A matrix product's element is a sum of *chains*: fused multiply-adds over [`gemm::KC`]
//!   consecutive `k`, ascending, from zero; the chains are added in order, then the bias.
//!   (Attention's scores are one chain over the head; its contexts, and the sums of its softmax,
//!   are chains over the keys.) Lanes run along the columns, so the vector width never enters an
//!   element's arithmetic.
//! - A row reduction (mean, variance, the sum of [`softmax`]) has sixteen partial sums, element `i`
//!   in lane `i mod 16`, then the fixed tree of [`simd::Simd::sum`].
//! - `exp` and Φ are one polynomial each, evaluated in one order.
//!
//! ```
//! use minilm_kernels::{Level, Linear, naive};
//!
//! // y = x·Wᵀ + b with x [1, 3], W [2, 3], b [2]
//! let (x, w, b) = ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0, 0.5, 0.5, 0.0], [10.0, 20.0]);
//! let mut y = [0.0; 2];
//! Linear::pack(Level::detect(), &w, 2).with_bias(&b).forward(&x, &mut y);
//! assert_eq!(y, [14.0, 21.5]);
//! assert_eq!(naive::linear(&x, &w, &b), [14.0, 21.5]);
//! ```
//!
//! In the book: `docs/00-map.md`.
#![allow(
    clippy::needless_range_loop,
    reason = "loops over i, j and k read like the formulas above them"
)]

pub mod adamw;
pub mod attention;
#[cfg(test)]
mod chebyshev;
pub mod column_sums;
pub mod counting;
pub mod dot;
pub mod dropout;
pub mod exp;
pub mod gelu;
pub mod gemm;
pub mod layer_norm;
pub mod linear;
pub mod memory;
pub mod naive;
pub mod peak;
pub mod quantise;
pub mod rows;
pub mod simd;
pub mod softmax;
pub mod tiles;

pub use linear::{Linear, QuantisedLinear};
pub use memory::AlignedVec;
pub use rows::{Rows, RowsMut};
pub use simd::{Level, UnknownLevel};

//! The checks of a rung: agreement with the oracle in `f64`, within bounds that follow from its
//! arithmetic.
//!
//! Each function takes a rung as a closure, so that `tester.rs` can hand it wrong ones. They panic
//! at the first mismatch.
#![allow(dead_code, unused_imports, reason = "every test file uses its own part")]

mod attention;
mod attention_backward;
mod gemm;
mod layer_norm;
mod softmax;
mod unary;
mod weight_gradient;

#[path = "../../../kernels/tests/support/mod.rs"]
pub mod support;

pub use attention::attention;
pub use attention_backward::attention_backward;
pub use gemm::{gemm, rounded_gemm};
pub use layer_norm::{Statistics, layer_norm};
pub use softmax::softmax;
pub use unary::{exp, gelu};
pub use weight_gradient::weight_gradient;

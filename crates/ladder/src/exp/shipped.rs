//! Shipped: `minilm_kernels::exp`, right for every `f32`.
//!
//! - **Idea**: the rung before, with 2ⁿ as two factors, and the coefficients fitted to the whole
//!   range of r.
//! - **Why**: each factor is a normal number, so the product may run down into the subnormal
//!   numbers and 0, or up to ∞, where it should. The fitted polynomial brings the error to one unit
//!   in the last place, for all 2³² floats.
//! - **Cost**: two multiplications, one rounding and one shift more. Softmax could do without: its
//!   exponents are never above 0.
//! - **Limits**: the error, not the speed, was the aim; a kernel that may err by two units needs
//!   one degree less.
//! - **Exercise**: run the sweep of all floats,
//!   `cargo test --release -p minilm-kernels --test exp -- --ignored --nocapture`.
//!
//! In the book: `docs/05-functions.md`.

pub use minilm_kernels::exp::exp_slice as exp;

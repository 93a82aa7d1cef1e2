//! Shipped: `minilm_kernels::gelu`, sixteen polynomials, and each lane picks its own.
//!
//! - **Idea**: cut the axis into sixteen pieces. Sixteen coefficients are one vector, and one
//!   permute instruction gives every lane the coefficient of its piece. So a table takes the place
//!   of the branches of a library.
//! - **Why**: neither division nor exponential: seven lookups and six fused multiply-adds, with an
//!   error of a few units in the last place.
//! - **Cost**: a table of 112 numbers, and a test that derives them.
//! - **Limits**: beyond −6.75 the result is held at −5e-11. AVX2 puts a lookup together from
//!   several instructions.
//! - **Exercise**: derive eight pieces of degree 8 instead, as the test in
//!   `crates/kernels/src/gelu.rs` does. What changes?
//!
//! In the book: `docs/05-functions.md`.

pub use minilm_kernels::gelu::gelu_slice as gelu;

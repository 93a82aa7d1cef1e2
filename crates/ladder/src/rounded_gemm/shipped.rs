//! Shipped: `minilm_kernels::QuantisedLinear` in eight bits, on one core.
//!
//! ```text
//! for each panel                  y[.., jc..jc+NR]
//!   for each chunk of 384 k       W[jc..jc+NR, pc..pc+384]
//!     for each tile of MR rows    sums in registers, then y = fma(sum · s_x, s_w, y)
//! ```
//!
//! - **Idea**: the loops, tiles and fetches of the ladder `gemm` with another kind of number.
//! - **Why**: with VNNI a lane multiplies four bytes in one instruction. Elsewhere the weights stay
//!   bytes in memory and are widened as they are loaded, which is one instruction for a vector that
//!   serves all rows of the tile.
//! - **Cost**: a second proof that the CPU has VNNI, and an offset: `vpdpbusd` multiplies unsigned
//!   bytes by signed ones.
//! - **Limits**: without VNNI a product and its addition are two instructions, so the peak is less
//!   than twice that of `f32`.
//! - **Exercise**: read `crates/kernels/src/gemm/integer.rs` beside `panel.rs`: where do the sums
//!   start, and why not always at zero?
//!
//! In the book: `docs/16-rounding.md`.

use super::Forward;
use minilm_kernels::{
    Level, QuantisedLinear, Rows, RowsMut,
    linear::Epilogue,
    quantise::{QuantisedRows, Rotation},
};

/// y = x·Wᵀ in eight bits.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let n = weight.len() / k;
    let linear = QuantisedLinear::<i8>::pack(level, weight, n, Rotation::Plain);
    Box::new(move |x, y| {
        let mut rows = QuantisedRows::default();
        rows.quantise(level, Rows::new(x, k), Rotation::Plain);
        linear.forward(&rows, RowsMut::new(y, n), Epilogue::Identity);
    })
}

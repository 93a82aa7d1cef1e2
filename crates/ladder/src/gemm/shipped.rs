//! Shipped: `minilm_kernels::Linear`, on one core.
//!
//! ```text
//! for each panel                y[.., jc..jc+NR]          NR = 48 with AVX-512
//!   for each chain of KC        W[jc..jc+NR, pc..pc+KC]   24 KiB, in L1 while all rows pass by
//!     for each tile of MR rows  y += the tile             up to 8 × 3 vectors of sums in registers
//!   epilogue                    bias, GELU or residual, once for the panel
//! ```
//!
//! - **Idea**: the panels, chains and tiles of the rungs before, with shapes chosen for each
//!   instruction set.
//! - **Why**: a tile of 8 × 3 vectors loads 11 values for 24 multiply-adds, one of 4 × 4 loads 8
//!   for 16. A chain's weights leave room for x in the first-level cache; each tile fetches its
//!   share of the next chain's into the second. Rows are dealt evenly to tiles of any height, so
//!   none is computed for nothing. The weights lie in huge pages, so their addresses are looked up
//!   rarely.
//! - **Cost**: a function for each tile height, and y makes a trip for each chain, as in `blocked`.
//!   With many rows, where fetching the weights matters little, `packed` may be faster. The
//!   chains stay, because they make the rounding error smaller.
//! - **Limits**: one core. The engine gives each thread a batch of whole sentences and takes it
//!   through all layers, so the threads meet once per batch instead of once per product. Compare
//!   the GFLOP/s *per core* with the rung before.
//! - **Exercise**: read `crates/kernels/src/gemm.rs` beside `threads.rs`: which of its lines have
//!   no counterpart?
//!
//! In the book: `docs/03-gemm.md`.

use super::Forward;
use minilm_kernels::{Level, Linear};

/// y = x·Wᵀ.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let linear = Linear::pack(level, weight, weight.len() / k);
    Box::new(move |x, y| linear.forward(x, y))
}

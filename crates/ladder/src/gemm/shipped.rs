//! Shipped: `minilm_kernels::gemm::Linear`, on one core.
//!
//! - **Idea**: the packed panels, chains and tiles of the rungs before, with shapes chosen for each instruction set.
//! - **Why**: rows are dealt evenly to tiles of any height, so that none is computed for nothing; a tile fetches its share of the next
//!   panel; bias, GELU or residual are applied while the tile is in the first-level cache.
//! - **Cost**: a function for each tile height, and the bookkeeping of what is fetched when.
//! - **Limits**: one core. The engine gives each thread a pack of whole sentences and takes it through all layers, so the threads meet once
//!   for a pack instead of once for a product. Beside the rung before, look at the GFLOP/s of a core.
//! - **Exercise**: read `crates/kernels/src/gemm.rs` beside `threads.rs`: which of its lines have no counterpart?

use super::Forward;
use minilm_kernels::{Level, gemm::Linear};

/// y = x·Wᵀ.
pub fn linear(level: Level, weight: &[f32], k: usize) -> Forward {
    let linear = Linear::pack(level, weight, &vec![0.0; weight.len() / k]);
    Box::new(move |x, y| linear.forward(x, y))
}

//! Figures that need no record: drawn from sizes, or computed by the kernels, which give the same
//! bits on every machine.

mod batch;
mod bounds;
mod diagram;
mod errors;
mod heads;
mod journey;
mod lanes;
mod packing;
mod rounding;
mod rungs;
mod sums;
mod threads;
mod tile;
mod work;

pub use diagram::{Anchor, BLUE, Diagram, FAINT, GREEN, GREY, INK, ORANGE, PINK};
pub use errors::ulps;
use minilm_model::Config;
use std::path::Path;

/// A figure and the function that draws it.
pub struct Figure {
    pub name: &'static str,
    pub draw: fn(&Source) -> Result<String, String>,
}

/// The sources of the figures.
pub struct Source<'a> {
    /// The model's folder.
    pub weights: &'a Path,
    /// The model's sizes.
    pub config: &'a Config,
}

pub const FIGURES: [Figure; 18] = [
    Figure { name: "journey", draw: journey::draw },
    Figure { name: "work", draw: work::draw },
    Figure { name: "packing", draw: packing::draw },
    Figure { name: "rung-simd-tile", draw: rungs::simd_tile },
    Figure { name: "rung-packed", draw: rungs::packed },
    Figure { name: "rung-blocked", draw: rungs::blocked },
    Figure { name: "rung-threads", draw: rungs::threads },
    Figure { name: "tile", draw: tile::draw },
    Figure { name: "lanes", draw: lanes::draw },
    Figure { name: "exp-error", draw: errors::exp },
    Figure { name: "gelu-error", draw: errors::gelu },
    Figure { name: "layer-norm-error", draw: errors::layer_norm },
    Figure { name: "heads", draw: heads::draw },
    Figure { name: "batch", draw: batch::draw },
    Figure { name: "sums", draw: sums::draw },
    Figure { name: "threads", draw: threads::draw },
    Figure { name: "bounds", draw: bounds::draw },
    Figure { name: "rounding", draw: rounding::draw },
];

//! eˣ: the one transcendental function of a transformer.
//!
//! In the book: `docs/05-functions.md`.

pub mod cody_waite;
pub mod library;
pub mod reduced;
pub mod shipped;

use minilm_kernels::Level;

/// Replaces each value of x by eˣ.
pub type Rung = fn(level: Level, x: &mut [f32]);

/// The range in which rungs with one factor 2ⁿ are right: n = −126…127, and normal numbers.
pub const ONE_FACTOR: std::ops::RangeInclusive<f32> = -87.3..=88.3;

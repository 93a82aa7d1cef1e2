//! GELU, x·Φ(x), in its exact form: Φ(x) = (1 + erf(x/√2)) / 2 is the distribution function of the
//! normal distribution.
//!
//! In the book: `docs/05-functions.md`.

pub mod library;
pub mod rational;
pub mod shipped;

use minilm_kernels::Level;

/// Replaces each value of x by x·Φ(x).
pub type Rung = fn(level: Level, x: &mut [f32]);

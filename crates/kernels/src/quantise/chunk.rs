//! One chunk of a row: rotated, scaled by its largest magnitude, rounded.
//!
//! In the book: `docs/16-rounding.md`.

use super::{
    CHUNK, Rotation, VECTORS,
    rotation::{Between, rotate},
};
use crate::simd::{LANES, Simd};

/// The least magnitude that a chunk is scaled by, so that zeros stay zeros.
const FLOOR: f32 = 1e-30;

/// A chunk on its way to its integers.
#[derive(Default)]
pub(super) struct Buffer {
    v: [[f32; LANES]; VECTORS],
    between: Between,
}

/// Rounds a chunk: gives each vector of integers to `store`, and returns the scale.
#[inline(always)]
pub(super) fn quantise_chunk<S: Simd>(
    s: S,
    x: &[f32], // up to [CHUNK]
    rotation: Rotation,
    largest: f32,
    buffer: &mut Buffer,
    store: impl FnMut(usize, S::I32x16),
) -> f32 {
    // The same twice: the length of most chunks is a constant, for which all loops are unrolled.
    match <&[f32; CHUNK]>::try_from(x) {
        Ok(whole) => quantise(s, whole, rotation, largest, buffer, store),
        Err(_) => quantise(s, x, rotation, largest, buffer, store),
    }
}

#[inline(always)]
fn quantise<S: Simd>(
    s: S,
    x: &[f32], // up to [CHUNK]
    rotation: Rotation,
    largest: f32,
    Buffer { v, between }: &mut Buffer,
    mut store: impl FnMut(usize, S::I32x16),
) -> f32 {
    let vectors = x.len().div_ceil(LANES);
    let rotation = if x.len().is_multiple_of(LANES) { rotation } else { Rotation::Plain };
    let mut most = s.zero();
    rotate(
        s,
        rotation,
        vectors,
        between,
        #[inline(always)]
        |t| s.load_or(&x[t * LANES..], 0.0),
        #[inline(always)]
        |t, r| {
            most = s.larger(s.abs(r), most);
            s.store(r, &mut v[t]);
        },
    );
    let most = s.fold(
        most,
        #[inline(always)]
        |a, b| s.larger(a, b),
    );
    let most = if most < FLOOR { FLOOR } else { most }; // NaN stays
    let factor = s.splat(largest / most);
    for (t, v) in v[..vectors].iter().enumerate() {
        store(t, s.round(s.mul(s.load(v), factor)));
    }
    most / largest
}

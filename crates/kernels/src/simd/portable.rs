//! Sixteen lanes in plain Rust: the specification that the other levels must match bit for bit.
//!
//! In the book: `docs/04-simd.md`.

use super::{Kernel, LANES, Simd, fma::mul_add};
use crate::tiles::{self, sealed::Sealed};
use std::array::from_fn;

/// The level that every machine has.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Portable;

impl Portable {
    /// Every CPU runs plain Rust.
    pub fn detect() -> Option<Portable> {
        Some(Portable)
    }
}

impl Sealed for Portable {}

impl Simd for Portable {
    type F32x16 = [f32; LANES];
    type Tiles = tiles::Portable;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; LANES] {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> [f32; LANES] {
        *from
    }

    #[inline(always)]
    fn store(self, v: [f32; LANES], to: &mut [f32; LANES]) {
        *to = v;
    }

    #[inline(always)]
    fn add(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn sub(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| a[i] - b[i])
    }

    #[inline(always)]
    fn mul(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn mul_add(self, a: [f32; LANES], b: [f32; LANES], c: [f32; LANES]) -> [f32; LANES] {
        mul_add(&a, &b, &c)
    }

    #[inline(always)]
    fn max(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn min(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn abs(self, a: [f32; LANES]) -> [f32; LANES] {
        from_fn(|i| a[i].abs())
    }

    #[inline(always)]
    fn exp2_int(self, n: [f32; LANES]) -> [f32; LANES] {
        // The low bits of n, moved to the exponent of 1.
        from_fn(|i| f32::from_bits(1f32.to_bits().wrapping_add(n[i].to_bits() << 23)))
    }

    #[inline(always)]
    fn lookup(self, table: &[f32; LANES], i: [f32; LANES]) -> [f32; LANES] {
        from_fn(|lane| table[i[lane].to_bits() as usize % LANES])
    }

    #[inline(always)]
    fn interleave(self, a: [f32; LANES], b: [f32; LANES]) -> [[f32; LANES]; 2] {
        let pick = |i: usize| if i.is_multiple_of(2) { a[i / 2] } else { b[i / 2] };
        [from_fn(pick), from_fn(|i| pick(i + LANES))]
    }

    #[inline(always)]
    fn fold(
        self,
        mut v: [f32; LANES],
        f: impl Fn([f32; LANES], [f32; LANES]) -> [f32; LANES],
    ) -> f32 {
        for half in [8, 4, 2, 1] {
            v = f(v, from_fn(|i| v[(i + half) % LANES]));
        }
        v[0]
    }

    #[inline(always)]
    fn prefetch<T>(self, _at: &T) {}

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

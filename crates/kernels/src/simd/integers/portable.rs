//! Integer products in plain Rust: the specification of the other levels.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::simd::{LANES, Portable, ROUNDER};
use std::array::from_fn;

/// The two `s16` of a word.
#[inline(always)]
fn halves(word: i32) -> [i32; 2] {
    [word << 16 >> 16, word >> 16]
}

/// Two `s16` as a word, the first in the low half.
#[inline(always)]
fn word(low: i32, high: i32) -> i32 {
    low & 0xffff | high << 16
}

impl Integers for Portable {
    type Floats = [f32; LANES];
    type I32x16 = [i32; LANES];
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = 2;
    const OFFSET: i32 = 0;

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 2 * LANES]) -> [i32; LANES] {
        from_fn(|i| word(from[2 * i].into(), from[2 * i + 1].into()))
    }

    #[inline(always)]
    fn load_s16(self, from: &[i16; 2 * LANES]) -> [i32; LANES] {
        from_fn(|i| word(from[2 * i].into(), from[2 * i + 1].into()))
    }

    #[inline(always)]
    fn load_bytes(self, from: &[i8; LANES]) -> [i32; LANES] {
        from.map(i32::from)
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> [i32; LANES] {
        *from
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [i32; LANES] {
        [word as i32; LANES]
    }

    #[inline(always)]
    fn dot_s8(self, sums: [i32; LANES], x: [i32; LANES], w: [i32; LANES]) -> [i32; LANES] {
        self.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn dot_s16(self, sums: [i32; LANES], x: [i32; LANES], w: [i32; LANES]) -> [i32; LANES] {
        let mut result = sums;
        for i in 0..LANES {
            let ([x0, x1], [w0, w1]) = (halves(x[i]), halves(w[i]));
            result[i] = result[i].wrapping_add(x0 * w0).wrapping_add(x1 * w1);
        }
        result
    }

    #[inline(always)]
    fn add_s16(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        from_fn(|i| {
            let ([a0, a1], [b0, b1]) = (halves(a[i]), halves(b[i]));
            word(a0 + b0, a1 + b1)
        })
    }

    #[inline(always)]
    fn sub_i32(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        from_fn(|i| a[i].wrapping_sub(b[i]))
    }

    #[inline(always)]
    fn round(self, v: [f32; LANES]) -> [i32; LANES] {
        // The integer in the low bits of the mantissa; the exponent is that of the rounder.
        from_fn(|i| ((v[i] + ROUNDER).to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32))
    }

    #[inline(always)]
    fn to_f32(self, v: [i32; LANES]) -> [f32; LANES] {
        from_fn(|i| v[i] as f32)
    }

    #[inline(always)]
    fn larger(self, a: [f32; LANES], b: [f32; LANES]) -> [f32; LANES] {
        // Bits of floats that are not negative have the order of the floats, and NaN is the last.
        from_fn(|i| f32::from_bits(a[i].to_bits().max(b[i].to_bits())))
    }

    #[inline(always)]
    fn store_s8(self, q: [i32; LANES], to: &mut [u32]) {
        self.store_s16(q, to);
    }

    #[inline(always)]
    fn store_s16(self, q: [i32; LANES], to: &mut [u32]) {
        *words::<{ LANES / 2 }>(to) = from_fn(|i| word(q[2 * i], q[2 * i + 1]) as u32);
    }
}

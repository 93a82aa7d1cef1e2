//! Integer products in four `v128` of WebAssembly, as `s16`.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::simd::{
    LANES, ROUNDER,
    wasm::{Wasm, Way, operations},
};
use std::arch::wasm32::*;

/// Four registers.
type V = [v128; 4];

impl<W: Way> Integers for Wasm<W> {
    type Floats = V;
    type I32x16 = V;
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = 2;
    const OFFSET: i32 = 0;
    const HALVES: bool = true;

    operations! {
        // The integer in the low bits of the mantissa; the exponent is that of the rounder.
        round(v) = i32x4_sub(f32x4_add(v, f32x4_splat(ROUNDER)), f32x4_splat(ROUNDER));
        to_f32(v) = f32x4_convert_i32x4(v);
        // Bits of floats that are not negative have the order of the floats, and NaN is the last.
        larger(a, b) = i32x4_max(a, b);
        dot_s16(sums, x, w) = i32x4_add(sums, i32x4_dot_i16x8(x, w));
        add_s16(a, b) = i16x8_add(a, b);
        sub_i32(a, b) = i32x4_sub(a, b);
    }

    #[inline(always)]
    fn halves(self, low: V, high: V) -> V {
        [low[0], low[1], high[2], high[3]]
    }

    #[inline(always)]
    fn dot_s8(self, sums: V, x: V, w: V) -> V {
        self.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 2 * LANES]) -> V {
        let (from, _) = from.as_chunks::<8>();
        // SAFETY: the reference is valid for eight bytes, and no alignment is asked for.
        let widen = |from: &[i8; 8]| unsafe { i16x8_load_extend_i8x8(from.as_ptr()) };
        [widen(&from[0]), widen(&from[1]), widen(&from[2]), widen(&from[3])]
    }

    #[inline(always)]
    fn load_s16(self, from: &[i16; 2 * LANES]) -> V {
        let (from, _) = from.as_chunks::<8>();
        // SAFETY: the reference is valid for eight values, and no alignment is asked for.
        let load = |from: &[i16; 8]| unsafe { v128_load(from.as_ptr().cast()) };
        [load(&from[0]), load(&from[1]), load(&from[2]), load(&from[3])]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[i8; LANES]) -> V {
        let (halves, _) = from.as_chunks::<8>();
        // SAFETY: the reference is valid for eight bytes, and no alignment is asked for.
        let widen = |from: &[i8; 8]| unsafe { i16x8_load_extend_i8x8(from.as_ptr()) };
        let (low, high) = (widen(&halves[0]), widen(&halves[1]));
        [
            i32x4_extend_low_i16x8(low),
            i32x4_extend_high_i16x8(low),
            i32x4_extend_low_i16x8(high),
            i32x4_extend_high_i16x8(high),
        ]
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> V {
        let (from, _) = from.as_chunks::<4>();
        // SAFETY: the reference is valid for four values, and no alignment is asked for.
        let load = |from: &[i32; 4]| unsafe { v128_load(from.as_ptr().cast()) };
        [load(&from[0]), load(&from[1]), load(&from[2]), load(&from[3])]
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> V {
        [u32x4_splat(word); 4]
    }

    #[inline(always)]
    fn store_s8(self, q: V, to: &mut [u32]) {
        self.store_s16(q, to);
    }

    #[inline(always)]
    fn store_s16(self, q: V, to: &mut [u32]) {
        let to: &mut [u32; LANES / 2] = words(to);
        for (q, to) in q.as_chunks::<2>().0.iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: the reference is valid for four words, and no alignment is asked for.
            unsafe { v128_store(to.as_mut_ptr().cast(), i16x8_narrow_i32x4(q[0], q[1])) };
        }
    }
}

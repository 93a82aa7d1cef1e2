//! Integer products in one zmm register, as `s16`.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::simd::{LANES, avx512::Avx512};
use std::arch::x86_64::*;

/// Methods that are one expression of intrinsics without pointers.
macro_rules! operations {
    ($($name:ident($($arg:ident: $from:ty),*) -> $to:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: $from),*) -> $to {
            // A nested function carries the features, so that the intrinsics in it are safe to
            // call.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw")]
            fn operation($($arg: $from),*) -> $to {
                $body
            }
            // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F and BW.
            unsafe { operation($($arg),*) }
        }
    )*};
}

impl Integers for Avx512 {
    type Floats = __m512;
    type I32x16 = __m512i;
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = 2;
    const OFFSET: i32 = 0;

    operations! {
        round(v: __m512) -> __m512i = _mm512_cvtps_epi32(v);
        to_f32(v: __m512i) -> __m512 = _mm512_cvtepi32_ps(v);
        // Bits of floats that are not negative have the order of the floats, and NaN is the last.
        larger(a: __m512, b: __m512) -> __m512 = _mm512_castsi512_ps(
            _mm512_max_epi32(_mm512_castps_si512(a), _mm512_castps_si512(b)));
        dot_s16(sums: __m512i, x: __m512i, w: __m512i) -> __m512i =
            _mm512_add_epi32(sums, _mm512_madd_epi16(x, w));
        add_s16(a: __m512i, b: __m512i) -> __m512i = _mm512_add_epi16(a, b);
        sub_i32(a: __m512i, b: __m512i) -> __m512i = _mm512_sub_epi32(a, b);
    }

    #[inline(always)]
    fn dot_s8(self, sums: __m512i, x: __m512i, w: __m512i) -> __m512i {
        self.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 2 * LANES]) -> __m512i {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn widen(from: &[i8; 2 * LANES]) -> __m512i {
            // SAFETY: the reference is valid for 32 bytes, and `loadu` asks for no alignment.
            _mm512_cvtepi8_epi16(unsafe { _mm256_loadu_si256(from.as_ptr().cast()) })
        }
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F and BW.
        unsafe { widen(from) }
    }

    #[inline(always)]
    fn load_s16(self, from: &[i16; 2 * LANES]) -> __m512i {
        // SAFETY: the feature by `self`; the reference is valid for 64 bytes, and `loadu` asks for
        // no alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn load_bytes(self, from: &[i8; LANES]) -> __m512i {
        #[inline]
        #[target_feature(enable = "avx512f,avx512bw")]
        fn widen(from: &[i8; LANES]) -> __m512i {
            // SAFETY: the reference is valid for sixteen bytes, and `loadu` asks for no alignment.
            _mm512_cvtepi8_epi32(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
        }
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F and BW.
        unsafe { widen(from) }
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> __m512i {
        // SAFETY: as for `load_s16`.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> __m512i {
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        unsafe { _mm512_set1_epi32(word as i32) }
    }

    #[inline(always)]
    fn store_s8(self, q: __m512i, to: &mut [u32]) {
        self.store_s16(q, to);
    }

    #[inline(always)]
    fn store_s16(self, q: __m512i, to: &mut [u32]) {
        let to: &mut [u32; LANES / 2] = words(to);
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        let narrow = unsafe { _mm512_cvtepi32_epi16(q) };
        // SAFETY: the feature by `self`; the reference is valid for eight words, and `storeu` asks
        // for no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
    }
}

//! Integer products in two ymm registers, as `s16`.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::simd::{LANES, avx2::Avx2};
use std::arch::x86_64::*;

/// Methods that do the same expression of intrinsics without pointers to both halves.
macro_rules! operations {
    ($($name:ident($($arg:ident: $from:ty),*) -> $to:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: [$from; 2]),*) -> [$to; 2] {
            // A nested function carries the feature, so that the intrinsics in it are safe to call.
            #[inline]
            #[target_feature(enable = "avx2")]
            fn operation($($arg: $from),*) -> $to {
                $body
            }
            // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
            let low = unsafe { operation($($arg[0]),*) };
            // SAFETY: as above.
            let high = unsafe { operation($($arg[1]),*) };
            [low, high]
        }
    )*};
}

impl Integers for Avx2 {
    type Floats = [__m256; 2];
    type I32x16 = [__m256i; 2];
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = 2;
    const OFFSET: i32 = 0;
    const WINOGRAD: bool = true;

    operations! {
        round(v: __m256) -> __m256i = _mm256_cvtps_epi32(v);
        to_f32(v: __m256i) -> __m256 = _mm256_cvtepi32_ps(v);
        // Bits of floats that are not negative have the order of the floats, and NaN is the last.
        larger(a: __m256, b: __m256) -> __m256 = _mm256_castsi256_ps(
            _mm256_max_epi32(_mm256_castps_si256(a), _mm256_castps_si256(b)));
        dot_s16(sums: __m256i, x: __m256i, w: __m256i) -> __m256i =
            _mm256_add_epi32(sums, _mm256_madd_epi16(x, w));
        add_s16(a: __m256i, b: __m256i) -> __m256i = _mm256_add_epi16(a, b);
        sub_i32(a: __m256i, b: __m256i) -> __m256i = _mm256_sub_epi32(a, b);
    }

    #[inline(always)]
    fn dot_s8(self, sums: [__m256i; 2], x: [__m256i; 2], w: [__m256i; 2]) -> [__m256i; 2] {
        self.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 2 * LANES]) -> [__m256i; 2] {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn widen(from: &[i8; LANES]) -> __m256i {
            // SAFETY: the reference is valid for sixteen bytes, and `loadu` asks for no alignment.
            _mm256_cvtepi8_epi16(unsafe { _mm_loadu_si128(from.as_ptr().cast()) })
        }
        let [low, high] = halves(from);
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let low = unsafe { widen(low) };
        // SAFETY: as above.
        let high = unsafe { widen(high) };
        [low, high]
    }

    #[inline(always)]
    fn load_s16(self, from: &[i16; 2 * LANES]) -> [__m256i; 2] {
        let [low, high] = halves(from);
        // SAFETY: the feature by `self`; the reference is valid for sixteen values of two bytes,
        // and `loadu` asks for no alignment.
        let low = unsafe { _mm256_loadu_si256(low.as_ptr().cast()) };
        // SAFETY: as above, for `high`.
        let high = unsafe { _mm256_loadu_si256(high.as_ptr().cast()) };
        [low, high]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[i8; LANES]) -> [__m256i; 2] {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn widen(from: &[i8; LANES / 2]) -> __m256i {
            // SAFETY: the reference is valid for eight bytes, and `loadl` asks for no alignment.
            _mm256_cvtepi8_epi32(unsafe { _mm_loadl_epi64(from.as_ptr().cast()) })
        }
        let (halves, _) = from.as_chunks();
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let low = unsafe { widen(&halves[0]) };
        // SAFETY: as above.
        let high = unsafe { widen(&halves[1]) };
        [low, high]
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> [__m256i; 2] {
        let (low, high) = from.split_at(LANES / 2);
        // SAFETY: the feature by `self`; `low` holds eight values of four bytes, and `loadu` asks
        // for no alignment.
        let low = unsafe { _mm256_loadu_si256(low.as_ptr().cast()) };
        // SAFETY: as above, for `high`.
        let high = unsafe { _mm256_loadu_si256(high.as_ptr().cast()) };
        [low, high]
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [__m256i; 2] {
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        [unsafe { _mm256_set1_epi32(word as i32) }; 2]
    }

    #[inline(always)]
    fn store_s8(self, q: [__m256i; 2], to: &mut [u32]) {
        self.store_s16(q, to);
    }

    #[inline(always)]
    fn store_s16(self, q: [__m256i; 2], to: &mut [u32]) {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn narrow(q: [__m256i; 2]) -> __m256i {
            // `packs` works within blocks of four lanes: [0…3 8…11 | 4…7 12…15].
            _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(q[0], q[1]))
        }
        let to: &mut [u32; LANES / 2] = words(to);
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let narrow = unsafe { narrow(q) };
        // SAFETY: the feature by `self`; the reference is valid for eight words, and `storeu` asks
        // for no alignment.
        unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), narrow) };
    }
}

/// Both halves of a block.
#[inline(always)]
fn halves<T>(block: &[T; 2 * LANES]) -> [&[T; LANES]; 2] {
    let (low, high) = block.split_at(LANES);
    [low, high].map(|half| half.first_chunk().expect("a half"))
}

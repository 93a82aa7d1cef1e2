//! Integer products with VNNI: four `s8` or two `s16` of a lane in one instruction.
//!
//! The proofs here are second ones: they hold a level, compute floats as it does, and add VNNI.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::{
    simd::{Kernel, LANES, Simd, avx2::Avx2, avx512::Avx512, forward, second_proof},
    tiles::{self, sealed::Sealed},
};
use std::arch::x86_64::*;

/// Proof that a CPU with AVX-512 has its VNNI.
#[derive(Clone, Copy)]
pub(crate) struct Avx512Vnni(Avx512);
second_proof!(
    Avx512Vnni over Avx512, "avx512f,avx512bw,avx512vnni", is_x86_feature_detected: "avx512vnni"
);

/// Proof that a CPU with AVX2 has AVX-VNNI.
#[derive(Clone, Copy)]
pub(crate) struct AvxVnni(Avx2);
second_proof!(AvxVnni over Avx2, "avx2,fma,avxvnni", is_x86_feature_detected: "avxvnni");

/// Bytes of a block: sixteen columns, four k of each.
const BLOCK: usize = 4 * LANES;

/// The offset that makes an `s8` an unsigned byte.
const OFFSET: i32 = 128;

impl Integers for Avx512Vnni {
    type Floats = __m512;
    type I32x16 = __m512i;
    type S8 = [i8; BLOCK];

    const GROUP: usize = 4;
    const OFFSET: i32 = OFFSET;

    forward! { integers of 0: Avx512 }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; BLOCK]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; BLOCK]) -> __m512i {
        // SAFETY: the feature by `self`; the reference is valid for 64 bytes, and `loadu` asks for
        // no alignment.
        unsafe { _mm512_loadu_si512(from.as_ptr().cast()) }
    }

    #[inline(always)]
    fn dot_s8(self, sums: __m512i, x: __m512i, w: __m512i) -> __m512i {
        // SAFETY: `self` exists only where `detect` found VNNI.
        unsafe { _mm512_dpbusd_epi32(sums, x, w) }
    }

    #[inline(always)]
    fn dot_s16(self, sums: __m512i, x: __m512i, w: __m512i) -> __m512i {
        // SAFETY: `self` exists only where `detect` found VNNI.
        unsafe { _mm512_dpwssds_epi32(sums, x, w) }
    }

    #[inline(always)]
    fn store_s8(self, q: __m512i, to: &mut [u32]) {
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn narrow(q: __m512i) -> __m128i {
            _mm512_cvtepi32_epi8(_mm512_add_epi32(q, _mm512_set1_epi32(OFFSET)))
        }
        let to: &mut [u32; LANES / 4] = words(to);
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        let narrow = unsafe { narrow(q) };
        // SAFETY: the feature by `self`; the reference is valid for four words, and `storeu` asks
        // for no alignment.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), narrow) };
    }
}

impl Integers for AvxVnni {
    type Floats = [__m256; 2];
    type I32x16 = [__m256i; 2];
    type S8 = [i8; BLOCK];

    const GROUP: usize = 4;
    const OFFSET: i32 = OFFSET;

    forward! { integers of 0: Avx2 }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; BLOCK]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; BLOCK]) -> [__m256i; 2] {
        let (low, high) = from.split_at(BLOCK / 2);
        // SAFETY: the feature by `self`; `low` holds 32 bytes, and `loadu` asks for no alignment.
        let low = unsafe { _mm256_loadu_si256(low.as_ptr().cast()) };
        // SAFETY: as above, for `high`.
        let high = unsafe { _mm256_loadu_si256(high.as_ptr().cast()) };
        [low, high]
    }

    #[inline(always)]
    fn dot_s8(self, sums: [__m256i; 2], x: [__m256i; 2], w: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` exists only where `detect` found AVX-VNNI.
        let low = unsafe { _mm256_dpbusd_avx_epi32(sums[0], x[0], w[0]) };
        // SAFETY: as above.
        let high = unsafe { _mm256_dpbusd_avx_epi32(sums[1], x[1], w[1]) };
        [low, high]
    }

    #[inline(always)]
    fn dot_s16(self, sums: [__m256i; 2], x: [__m256i; 2], w: [__m256i; 2]) -> [__m256i; 2] {
        // SAFETY: `self` exists only where `detect` found AVX-VNNI.
        let low = unsafe { _mm256_dpwssds_avx_epi32(sums[0], x[0], w[0]) };
        // SAFETY: as above.
        let high = unsafe { _mm256_dpwssds_avx_epi32(sums[1], x[1], w[1]) };
        [low, high]
    }

    #[inline(always)]
    fn store_s8(self, q: [__m256i; 2], to: &mut [u32]) {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn narrow(q: [__m256i; 2]) -> __m128i {
            let offset = _mm256_set1_epi32(OFFSET);
            let [low, high] = [_mm256_add_epi32(q[0], offset), _mm256_add_epi32(q[1], offset)];
            // `packs` and `packus` work within blocks of four lanes: bytes [0…3 8…11 0…3 8…11 |
            // 4…7 12…15 4…7 12…15].
            let s16 = _mm256_packs_epi32(low, high);
            let bytes = _mm256_packus_epi16(s16, s16);
            let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 4, 1, 5);
            _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(bytes, order))
        }
        let to: &mut [u32; LANES / 4] = words(to);
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let narrow = unsafe { narrow(q) };
        // SAFETY: the feature by `self`; the reference is valid for four words, and `storeu` asks
        // for no alignment.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), narrow) };
    }
}

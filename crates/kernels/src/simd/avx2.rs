//! Sixteen lanes in two ymm registers: lanes 0–7 in the first, 8–15 in the second.
//!
//! In the book: `docs/04-simd.md`.

use super::{Kernel, LANES, Simd, integers::vnni::AvxVnni};
use crate::tiles::{self, sealed::Sealed};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2 and FMA.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Avx2(());

impl Avx2 {
    /// The proof, if the CPU has the instructions and the operating system keeps the registers.
    pub fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

/// Methods that do the same expression of intrinsics without pointers to both halves.
macro_rules! operations {
    ($($name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: [__m256; 2]),*) -> [__m256; 2] {
            // A nested function carries the features, so that the intrinsics in it are safe to
            // call.
            #[inline]
            #[target_feature(enable = "avx2,fma")]
            fn operation($($arg: __m256),*) -> __m256 {
                $body
            }
            // SAFETY: `self` exists only where `Avx2::detect` found AVX2 and FMA.
            let low = unsafe { operation($($arg[0]),*) };
            // SAFETY: as above.
            let high = unsafe { operation($($arg[1]),*) };
            [low, high]
        }
    )*};
}

impl Sealed for Avx2 {}

impl Simd for Avx2 {
    type F32x16 = [__m256; 2];
    type Tiles = tiles::Avx2;

    operations! {
        add(a, b) = _mm256_add_ps(a, b);
        sub(a, b) = _mm256_sub_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        max(a, b) = _mm256_max_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
        abs(a) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), a);
        exp2_int(n) = {
            // The low bits of n, moved to the exponent of 1.
            let exponent = _mm256_slli_epi32::<23>(_mm256_castps_si256(n));
            let one = _mm256_castps_si256(_mm256_set1_ps(1.0));
            _mm256_castsi256_ps(_mm256_add_epi32(one, exponent))
        };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [__m256; 2] {
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        [unsafe { _mm256_set1_ps(x) }; 2]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> [__m256; 2] {
        let (low, high) = from.split_at(LANES / 2);
        // SAFETY: the feature by `self`; `low` holds eight values and `loadu` asks for no
        // alignment.
        let low = unsafe { _mm256_loadu_ps(low.as_ptr()) };
        // SAFETY: as above, for `high`.
        let high = unsafe { _mm256_loadu_ps(high.as_ptr()) };
        [low, high]
    }

    #[inline(always)]
    fn store(self, v: [__m256; 2], to: &mut [f32; LANES]) {
        let (low, high) = to.split_at_mut(LANES / 2);
        // SAFETY: the feature by `self`; `low` holds eight values and `storeu` asks for no
        // alignment.
        unsafe { _mm256_storeu_ps(low.as_mut_ptr(), v[0]) };
        // SAFETY: as above, for `high`.
        unsafe { _mm256_storeu_ps(high.as_mut_ptr(), v[1]) };
    }

    #[inline(always)]
    fn lookup(self, table: &[f32; LANES], i: [__m256; 2]) -> [__m256; 2] {
        /// Looks up both halves of the table by the index's low three bits; its bit 3 picks the
        /// half.
        #[inline]
        #[target_feature(enable = "avx2")]
        fn permute(table: [__m256; 2], i: __m256) -> __m256 {
            let i = _mm256_castps_si256(i);
            let low = _mm256_permutevar8x32_ps(table[0], i);
            let high = _mm256_permutevar8x32_ps(table[1], i);
            _mm256_blendv_ps(low, high, _mm256_castsi256_ps(_mm256_slli_epi32::<28>(i)))
        }
        let table = self.load(table);
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let low = unsafe { permute(table, i[0]) };
        // SAFETY: as above.
        let high = unsafe { permute(table, i[1]) };
        [low, high]
    }

    #[inline(always)]
    fn interleave(self, a: [__m256; 2], b: [__m256; 2]) -> [[__m256; 2]; 2] {
        #[inline]
        #[target_feature(enable = "avx2")]
        fn zip(a: __m256, b: __m256) -> [__m256; 2] {
            // `unpack` works within blocks of four lanes: [a₀ b₀ a₁ b₁ | a₄ b₄ a₅ b₅] and [a₂ b₂ a₃
            // b₃ | a₆ b₆ a₇ b₇].
            let (even, odd) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
            [_mm256_permute2f128_ps::<0x20>(even, odd), _mm256_permute2f128_ps::<0x31>(even, odd)]
        }
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let low = unsafe { zip(a[0], b[0]) };
        // SAFETY: as above.
        let high = unsafe { zip(a[1], b[1]) };
        [low, high]
    }

    #[inline(always)]
    fn fold(self, v: [__m256; 2], f: impl Fn([__m256; 2], [__m256; 2]) -> [__m256; 2]) -> f32 {
        let v = f(v, [v[1], v[0]]);
        // The halves are now the same, and so are the instructions on them: the compiler keeps one.
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2.
        let v = f(v, unsafe { [_mm256_permute2f128_ps::<1>(v[0], v[0]); 2] });
        // SAFETY: as above.
        let v = f(v, unsafe { [_mm256_permute_ps::<0b01_00_11_10>(v[0]); 2] });
        // SAFETY: as above.
        let v = f(v, unsafe { [_mm256_permute_ps::<0b10_11_00_01>(v[0]); 2] });
        // SAFETY: as above.
        unsafe { _mm256_cvtss_f32(v[0]) }
    }

    #[inline(always)]
    fn prefetch<T>(self, at: &T) {
        // SAFETY: a prefetch never faults, and every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>((&raw const *at).cast()) }
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)] // so that a kernel within a kernel has its own registers and constants
        #[target_feature(enable = "avx2,fma")]
        fn run<K: Kernel>(isa: Avx2, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` exists only where `Avx2::detect` found AVX2 and FMA.
        unsafe { run(self, kernel) }
    }

    #[inline(always)]
    fn vectorize_integers<K: Kernel>(self, kernel: K) -> K::Output {
        match AvxVnni::detect(self) {
            Some(second) => second.vectorize(kernel),
            None => self.vectorize(kernel),
        }
    }
}

//! Sixteen lanes in one zmm register.
//!
//! In the book: `docs/04-simd.md`.

use super::{
    Kernel, LANES, Simd,
    integers::{amx::Amx, vnni::Avx512Vnni},
};
use crate::tiles::{self, sealed::Sealed};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX-512F and AVX-512BW. (Two early kinds of CPU have F alone; they run
/// AVX2.)
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Avx512(());

impl Avx512 {
    /// The proof, if the CPU has the instructions and the operating system keeps the registers.
    pub fn detect() -> Option<Avx512> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
        has.then_some(Avx512(()))
    }
}

/// Methods that are one expression of intrinsics without pointers.
macro_rules! operations {
    ($($name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: __m512),*) -> __m512 {
            // A nested function carries the feature, so that the intrinsics in it are safe to call.
            #[inline]
            #[target_feature(enable = "avx512f")]
            fn operation($($arg: __m512),*) -> __m512 {
                $body
            }
            // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
            unsafe { operation($($arg),*) }
        }
    )*};
}

impl Sealed for Avx512 {}

impl Simd for Avx512 {
    type F32x16 = __m512;
    type Tiles = tiles::Avx512;

    operations! {
        add(a, b) = _mm512_add_ps(a, b);
        sub(a, b) = _mm512_sub_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        div(a, b) = _mm512_div_ps(a, b);
        mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        max(a, b) = _mm512_max_ps(a, b);
        min(a, b) = _mm512_min_ps(a, b);
        abs(a) = _mm512_abs_ps(a);
        exp2_int(n) = {
            // The low bits of n, moved to the exponent of 1.
            let exponent = _mm512_slli_epi32::<23>(_mm512_castps_si512(n));
            let one = _mm512_castps_si512(_mm512_set1_ps(1.0));
            _mm512_castsi512_ps(_mm512_add_epi32(one, exponent))
        };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> __m512 {
        // SAFETY: the feature by `self`; the reference is valid for sixteen values and `loadu` asks
        // for no alignment.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, v: __m512, to: &mut [f32; LANES]) {
        // SAFETY: the feature by `self`; the reference is valid for sixteen values and `storeu`
        // asks for no alignment.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn lookup(self, table: &[f32; LANES], i: __m512) -> __m512 {
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn permute(table: __m512, i: __m512) -> __m512 {
            _mm512_permutexvar_ps(_mm512_castps_si512(i), table) // reads the low four bits of i
        }
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        unsafe { permute(self.load(table), i) }
    }

    #[inline(always)]
    fn interleave(self, a: __m512, b: __m512) -> [__m512; 2] {
        #[inline]
        #[target_feature(enable = "avx512f")]
        fn pick(a: __m512, b: __m512) -> [__m512; 2] {
            // Lane i of a is i, lane i of b is 16 + i.
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high =
                _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            [_mm512_permutex2var_ps(a, low, b), _mm512_permutex2var_ps(a, high, b)]
        }
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        unsafe { pick(a, b) }
    }

    #[inline(always)]
    fn fold(self, v: __m512, f: impl Fn(__m512, __m512) -> __m512) -> f32 {
        // Blocks of four lanes: [2 3 0 1] is i + 8, [1 0 3 2] is i + 4; then the same within
        // blocks. SAFETY: `self` exists only where `Avx512::detect` found AVX-512F.
        let v = f(v, unsafe { _mm512_shuffle_f32x4::<0b01_00_11_10>(v, v) });
        // SAFETY: as above.
        let v = f(v, unsafe { _mm512_shuffle_f32x4::<0b10_11_00_01>(v, v) });
        // SAFETY: as above.
        let v = f(v, unsafe { _mm512_permute_ps::<0b01_00_11_10>(v) });
        // SAFETY: as above.
        let v = f(v, unsafe { _mm512_permute_ps::<0b10_11_00_01>(v) });
        // SAFETY: as above.
        unsafe { _mm512_cvtss_f32(v) }
    }

    #[inline(always)]
    fn prefetch<T>(self, at: &T) {
        // SAFETY: a prefetch never faults, and every x86-64 has it.
        unsafe { _mm_prefetch::<_MM_HINT_T1>((&raw const *at).cast()) }
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)] // so that a kernel within a kernel has its own registers and constants
        #[target_feature(enable = "avx512f,avx512bw")]
        fn run<K: Kernel>(isa: Avx512, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` exists only where `Avx512::detect` found AVX-512F and BW.
        unsafe { run(self, kernel) }
    }

    #[inline(always)]
    fn vectorize_integers<K: Kernel>(self, kernel: K) -> K::Output {
        let Some(vnni) = Avx512Vnni::detect(self) else { return self.vectorize(kernel) };
        match Amx::detect(vnni) {
            Some(amx) => amx.vectorize(kernel),
            None => vnni.vectorize(kernel),
        }
    }
}

//! Sixteen lanes in four q registers: lanes 0–3 in the first, 12–15 in the last.
//!
//! In the book: `docs/04-simd.md`.

use super::{Kernel, LANES, Simd, integers::dot_product::DotProduct};
use crate::tiles::{self, sealed::Sealed};
use std::arch::{aarch64::*, asm, is_aarch64_feature_detected};

/// Proof that the CPU has NEON, which ARM also calls Advanced SIMD.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Neon(());

impl Neon {
    /// The proof, if the CPU has the instructions.
    pub fn detect() -> Option<Neon> {
        is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

/// Four registers.
type V = [float32x4_t; 4];

/// Methods that do the same expression of intrinsics without pointers to all four registers.
macro_rules! operations {
    ($($name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: V),*) -> V {
            // A nested function carries the feature, so that the intrinsics in it are safe to call.
            #[inline]
            #[target_feature(enable = "neon")]
            fn operation($($arg: float32x4_t),*) -> float32x4_t {
                $body
            }
            #[inline]
            #[target_feature(enable = "neon")]
            fn operations($($arg: V),*) -> V {
                [
                    operation($($arg[0]),*),
                    operation($($arg[1]),*),
                    operation($($arg[2]),*),
                    operation($($arg[3]),*),
                ]
            }
            // SAFETY: `self` exists only where `Neon::detect` found NEON.
            unsafe { operations($($arg),*) }
        }
    )*};
}

impl Sealed for Neon {}

impl Simd for Neon {
    type F32x16 = V;
    type Tiles = tiles::Neon;

    operations! {
        add(a, b) = vaddq_f32(a, b);
        sub(a, b) = vsubq_f32(a, b);
        mul(a, b) = vmulq_f32(a, b);
        div(a, b) = vdivq_f32(a, b);
        mul_add(a, b, c) = vfmaq_f32(c, a, b);
        // `vmaxq_f32` would give NaN where either operand is NaN, and the larger of two zeros.
        max(a, b) = vbslq_f32(vcgtq_f32(a, b), a, b);
        min(a, b) = vbslq_f32(vcltq_f32(a, b), a, b);
        abs(a) = vabsq_f32(a);
        exp2_int(n) = {
            // The low bits of n, moved to the exponent of 1.
            let exponent = vshlq_n_u32::<23>(vreinterpretq_u32_f32(n));
            vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(vdupq_n_f32(1.0)), exponent))
        };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        [unsafe { vdupq_n_f32(x) }; 4]
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> V {
        let mut v = self.zero();
        for (v, from) in v.iter_mut().zip(from.as_chunks::<4>().0) {
            // SAFETY: the feature by `self`; the reference is valid for four values.
            *v = unsafe { vld1q_f32(from.as_ptr()) };
        }
        v
    }

    #[inline(always)]
    fn store(self, v: V, to: &mut [f32; LANES]) {
        for (v, to) in v.into_iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: the feature by `self`; the reference is valid for four values.
            unsafe { vst1q_f32(to.as_mut_ptr(), v) }
        }
    }

    #[inline(always)]
    fn lookup(self, table: &[f32; LANES], i: V) -> V {
        /// Looks up the four bytes of `table[i]` among the 64 of the table, for each lane.
        #[inline]
        #[target_feature(enable = "neon")]
        fn permute(table: V, i: float32x4_t) -> float32x4_t {
            let bytes = |v: float32x4_t| vreinterpretq_u8_f32(v);
            let [a, b, c, d] = table;
            let table = uint8x16x4_t(bytes(a), bytes(b), bytes(c), bytes(d));
            let i = vandq_u32(vreinterpretq_u32_f32(i), vdupq_n_u32(15));
            // Bytes 4i, 4i + 1, 4i + 2, 4i + 3, the lowest first.
            let places = vmlaq_u32(vdupq_n_u32(0x03_02_01_00), i, vdupq_n_u32(0x04_04_04_04));
            vreinterpretq_f32_u8(vqtbl4q_u8(table, vreinterpretq_u8_u32(places)))
        }
        #[inline]
        #[target_feature(enable = "neon")]
        fn permutes(table: V, i: V) -> V {
            [permute(table, i[0]), permute(table, i[1]), permute(table, i[2]), permute(table, i[3])]
        }
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        unsafe { permutes(self.load(table), i) }
    }

    #[inline(always)]
    fn interleave(self, a: V, b: V) -> [V; 2] {
        #[inline]
        #[target_feature(enable = "neon")]
        fn zip(a: [float32x4_t; 2], b: [float32x4_t; 2]) -> V {
            [
                vzip1q_f32(a[0], b[0]),
                vzip2q_f32(a[0], b[0]),
                vzip1q_f32(a[1], b[1]),
                vzip2q_f32(a[1], b[1]),
            ]
        }
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        let low = unsafe { zip([a[0], a[1]], [b[0], b[1]]) };
        // SAFETY: as above.
        let high = unsafe { zip([a[2], a[3]], [b[2], b[3]]) };
        [low, high]
    }

    #[inline(always)]
    fn fold(self, v: V, f: impl Fn(V, V) -> V) -> f32 {
        let v = f(v, [v[2], v[3], v[0], v[1]]);
        let v = f(v, [v[1], v[0], v[3], v[2]]);
        // The registers are now the same, and so are the instructions on them: the compiler keeps
        // one. SAFETY: `self` exists only where `Neon::detect` found NEON.
        let v = f(v, unsafe { [vextq_f32::<2>(v[0], v[0]); 4] });
        // SAFETY: as above.
        let v = f(v, unsafe { [vrev64q_f32(v[0]); 4] });
        // SAFETY: as above.
        unsafe { vgetq_lane_f32::<0>(v[0]) }
    }

    #[inline(always)]
    fn prefetch<T>(self, at: &T) {
        // SAFETY: a prefetch never faults, writes no register and touches neither stack nor flags.
        unsafe {
            asm!(
                "prfm pldl2keep, [{0}]",
                in(reg) &raw const *at,
                options(nostack, preserves_flags, readonly),
            );
        }
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)] // so that a kernel within a kernel has its own registers and constants
        #[target_feature(enable = "neon")]
        fn run<K: Kernel>(isa: Neon, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        unsafe { run(self, kernel) }
    }

    #[inline(always)]
    fn vectorize_integers<K: Kernel>(self, kernel: K) -> K::Output {
        match DotProduct::detect(self) {
            Some(second) => second.vectorize(kernel),
            None => self.vectorize(kernel),
        }
    }
}

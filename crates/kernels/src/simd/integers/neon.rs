//! Integer products in four q registers, as `s16`.
//!
//! `smlal` adds the products of four columns with one value of x, a lane of its register. So the
//! two k's of a word are taken apart when weights are loaded: registers 0 and 1 hold the even and
//! the odd k of columns 0–7, and registers 2 and 3 those of columns 8–15. The instructions are
//! assembly, because the compiler adds products to each other before it adds them to the sums.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::simd::{LANES, neon::Neon};
use std::arch::{aarch64::*, asm};

/// Methods that do the same expression of intrinsics without pointers to all four registers.
macro_rules! operations {
    ($($name:ident($($arg:ident: $from:ty),*) -> $to:ty = $body:expr;)*) => {$(
        #[inline(always)]
        fn $name(self, $($arg: [$from; 4]),*) -> [$to; 4] {
            // Nested functions carry the feature, so that the intrinsics in them are safe to call.
            #[inline]
            #[target_feature(enable = "neon")]
            fn operation($($arg: $from),*) -> $to {
                $body
            }
            #[inline]
            #[target_feature(enable = "neon")]
            fn operations($($arg: [$from; 4]),*) -> [$to; 4] {
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

impl Integers for Neon {
    type Floats = [float32x4_t; 4];
    type I32x16 = [int32x4_t; 4];
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = 2;
    const OFFSET: i32 = 0;

    operations! {
        round(v: float32x4_t) -> int32x4_t = vcvtnq_s32_f32(v);
        to_f32(v: int32x4_t) -> float32x4_t = vcvtq_f32_s32(v);
        // Bits of floats that are not negative have the order of the floats, and NaN is the last.
        larger(a: float32x4_t, b: float32x4_t) -> float32x4_t = vreinterpretq_f32_s32(
            vmaxq_s32(vreinterpretq_s32_f32(a), vreinterpretq_s32_f32(b)));
        add_s16(a: int32x4_t, b: int32x4_t) -> int32x4_t = vreinterpretq_s32_s16(
            vaddq_s16(vreinterpretq_s16_s32(a), vreinterpretq_s16_s32(b)));
        sub_i32(a: int32x4_t, b: int32x4_t) -> int32x4_t = vsubq_s32(a, b);
    }

    #[inline(always)]
    fn dot_s8(self, sums: [int32x4_t; 4], x: [int32x4_t; 4], w: [int32x4_t; 4]) -> [int32x4_t; 4] {
        self.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn dot_s16(self, sums: [int32x4_t; 4], x: [int32x4_t; 4], w: [int32x4_t; 4]) -> [int32x4_t; 4] {
        /// Eight columns.
        #[inline]
        #[target_feature(enable = "neon")]
        fn dot(sums: [int32x4_t; 2], x: int32x4_t, w: [int32x4_t; 2]) -> [int32x4_t; 2] {
            let [mut low, mut high] = sums;
            // SAFETY: the instructions touch registers alone, which are named.
            unsafe {
                asm!(
                    "smlal  {low:v}.4s,  {even:v}.4h, {x:v}.h[0]",
                    "smlal2 {high:v}.4s, {even:v}.8h, {x:v}.h[0]",
                    "smlal  {low:v}.4s,  {odd:v}.4h,  {x:v}.h[1]",
                    "smlal2 {high:v}.4s, {odd:v}.8h,  {x:v}.h[1]",
                    low = inout(vreg) low, high = inout(vreg) high, x = in(vreg_low16) x,
                    even = in(vreg) w[0], odd = in(vreg) w[1],
                    options(pure, nomem, nostack, preserves_flags),
                );
            }
            [low, high]
        }
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        let [a, b] = unsafe { dot([sums[0], sums[1]], x[0], [w[0], w[1]]) };
        // SAFETY: as above.
        let [c, d] = unsafe { dot([sums[2], sums[3]], x[0], [w[2], w[3]]) };
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 2 * LANES]) -> [int32x4_t; 4] {
        #[inline]
        #[target_feature(enable = "neon")]
        fn widen(from: &[[i8; 16]; 2]) -> [int32x4_t; 4] {
            // SAFETY: the reference is valid for sixteen bytes.
            let low = unsafe { vld1q_s8(from[0].as_ptr()) };
            // SAFETY: as above.
            let high = unsafe { vld1q_s8(from[1].as_ptr()) };
            let [even, odd] = [vuzp1q_s8(low, high), vuzp2q_s8(low, high)];
            let low = |bytes: int8x16_t| vreinterpretq_s32_s16(vmovl_s8(vget_low_s8(bytes)));
            let high = |bytes: int8x16_t| vreinterpretq_s32_s16(vmovl_high_s8(bytes));
            [low(even), low(odd), high(even), high(odd)]
        }
        let from = from.as_chunks().0.first_chunk().expect("two registers of bytes");
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        unsafe { widen(from) }
    }

    #[inline(always)]
    fn load_s16(self, from: &[i16; 2 * LANES]) -> [int32x4_t; 4] {
        /// Eight columns.
        #[inline]
        #[target_feature(enable = "neon")]
        fn load(from: &[[i16; 8]; 2]) -> [int32x4_t; 2] {
            // SAFETY: the reference is valid for eight values.
            let low = unsafe { vld1q_s16(from[0].as_ptr()) };
            // SAFETY: as above.
            let high = unsafe { vld1q_s16(from[1].as_ptr()) };
            [
                vreinterpretq_s32_s16(vuzp1q_s16(low, high)),
                vreinterpretq_s32_s16(vuzp2q_s16(low, high)),
            ]
        }
        let (from, _) = from.as_chunks::<8>().0.as_chunks();
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        let [a, b] = unsafe { load(&from[0]) };
        // SAFETY: as above.
        let [c, d] = unsafe { load(&from[1]) };
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_bytes(self, from: &[i8; LANES]) -> [int32x4_t; 4] {
        #[inline]
        #[target_feature(enable = "neon")]
        fn widen(from: &[i8; 8]) -> [int32x4_t; 2] {
            // SAFETY: the reference is valid for eight bytes.
            let words = vmovl_s8(unsafe { vld1_s8(from.as_ptr()) });
            [vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)]
        }
        let (halves, _) = from.as_chunks();
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        let [a, b] = unsafe { widen(&halves[0]) };
        // SAFETY: as above.
        let [c, d] = unsafe { widen(&halves[1]) };
        [a, b, c, d]
    }

    #[inline(always)]
    fn load_i32(self, from: &[i32; LANES]) -> [int32x4_t; 4] {
        let mut v = self.splat_word(0);
        for (v, from) in v.iter_mut().zip(from.as_chunks::<4>().0) {
            // SAFETY: the feature by `self`; the reference is valid for four values.
            *v = unsafe { vld1q_s32(from.as_ptr()) };
        }
        v
    }

    #[inline(always)]
    fn splat_word(self, word: u32) -> [int32x4_t; 4] {
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        [unsafe { vdupq_n_s32(word as i32) }; 4]
    }

    #[inline(always)]
    fn store_s8(self, q: [int32x4_t; 4], to: &mut [u32]) {
        self.store_s16(q, to);
    }

    #[inline(always)]
    fn store_s16(self, q: [int32x4_t; 4], to: &mut [u32]) {
        #[inline]
        #[target_feature(enable = "neon")]
        fn narrow(low: int32x4_t, high: int32x4_t) -> uint32x4_t {
            vreinterpretq_u32_s16(vcombine_s16(vmovn_s32(low), vmovn_s32(high)))
        }
        let to: &mut [u32; LANES / 2] = words(to);
        for (q, to) in q.as_chunks::<2>().0.iter().zip(to.as_chunks_mut::<4>().0) {
            // SAFETY: `self` exists only where `Neon::detect` found NEON.
            let narrow = unsafe { narrow(q[0], q[1]) };
            // SAFETY: the feature by `self`; the reference is valid for four words.
            unsafe { vst1q_u32(to.as_mut_ptr(), narrow) };
        }
    }
}

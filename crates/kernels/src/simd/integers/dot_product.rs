//! Integer products with the dot products of ARM: four `s8` of a lane in one instruction.
//!
//! CPUs have `sdot` since ARMv8.2 as an option and since ARMv8.4 always. Both of its operands are
//! bytes with a sign, so x needs no offset. Rust has no stable intrinsic for it, so it is assembly.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::{
    simd::{Kernel, LANES, Simd, forward, neon::Neon, second_proof},
    tiles::{self, sealed::Sealed},
};
use std::arch::{aarch64::*, asm};

/// Proof that a CPU with NEON has dot products of bytes.
#[derive(Clone, Copy)]
pub(crate) struct DotProduct(Neon);
second_proof!(DotProduct over Neon, "neon,dotprod", is_aarch64_feature_detected: "dotprod");

/// Bytes of a block: sixteen columns, four k of each.
const BLOCK: usize = 4 * LANES;

/// Four registers.
type V = [int32x4_t; 4];

impl Integers for DotProduct {
    type Floats = [float32x4_t; 4];
    type I32x16 = V;
    type S8 = [i8; BLOCK];

    const GROUP: usize = 4;
    const OFFSET: i32 = 0;

    forward! { integers of 0: Neon }
    forward! { 0: Neon;
        dot_s16(sums: V, x: V, w: V) -> V;
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; BLOCK]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; BLOCK]) -> V {
        #[inline]
        #[target_feature(enable = "neon")]
        fn load(from: &[i8; 16]) -> int32x4_t {
            // SAFETY: the reference is valid for sixteen bytes.
            vreinterpretq_s32_s8(unsafe { vld1q_s8(from.as_ptr()) })
        }
        let mut w = self.splat_word(0);
        for (w, from) in w.iter_mut().zip(from.as_chunks::<16>().0) {
            // SAFETY: `self` exists only where `Neon::detect` found NEON.
            *w = unsafe { load(from) };
        }
        w
    }

    #[inline(always)]
    fn dot_s8(self, mut sums: V, x: V, w: V) -> V {
        #[inline]
        #[target_feature(enable = "neon,dotprod")]
        fn dot(mut sums: int32x4_t, x: int32x4_t, w: int32x4_t) -> int32x4_t {
            // SAFETY: the instruction touches registers alone, which are named.
            unsafe {
                asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) x,
                    in(vreg) w, options(pure, nomem, nostack, preserves_flags));
            }
            sums
        }
        for i in 0..4 {
            // SAFETY: `self` exists only where `detect` found `sdot`.
            sums[i] = unsafe { dot(sums[i], x[i], w[i]) };
        }
        sums
    }

    #[inline(always)]
    fn store_s8(self, q: V, to: &mut [u32]) {
        #[inline]
        #[target_feature(enable = "neon")]
        fn narrow(q: V, to: &mut [u32; LANES / 4]) {
            let low = vcombine_s16(vmovn_s32(q[0]), vmovn_s32(q[1]));
            let high = vcombine_s16(vmovn_s32(q[2]), vmovn_s32(q[3]));
            let bytes = vcombine_s8(vmovn_s16(low), vmovn_s16(high));
            let words = vreinterpretq_u32_s8(bytes);
            // SAFETY: the reference is valid for four words.
            unsafe { vst1q_u32(to.as_mut_ptr(), words) };
        }
        // SAFETY: `self` exists only where `Neon::detect` found NEON.
        unsafe { narrow(q, words(to)) };
    }
}

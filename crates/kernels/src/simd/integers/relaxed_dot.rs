//! Integer products with the dot product of relaxed SIMD: four `s8` of a lane in one instruction.
//!
//! `i32x4.relaxed_dot_i8x16_i7x16_add_s` multiplies the bytes of one operand with those of another,
//! which should have seven bits. What becomes of an eighth bit is the engine's choice, in two
//! respects: whether that byte has a sign, and what becomes of a sum of two products that does not
//! fit in 16 bits. An engine must always choose alike, so a few products at the start tell:
//!
//! | bytes of x | sums of two | instruction | here |
//! |---|---|---|---|
//! | without a sign | exact | `vpdpbusd`, on CPUs with AVX-VNNI | [`Dot<Unsigned>`] |
//! | without a sign | cut at 16 bits | `pmaddubsw`, on other x86-64 CPUs | none: as `s16` |
//! | with a sign | any | `sdot` or `smull`, on ARM | [`Dot<Signed>`] |
//!
//! No integer of x or w exceeds 127, and 2·127² fits in 16 bits. So the sums of signed bytes are
//! exact in every engine, also in one whose compilers choose unlike for 2·128².
//!
//! In the book: `docs/16-rounding.md`.

use super::{Integers, words};
use crate::{
    simd::{Kernel, LANES, Simd, forward, wasm::relaxed::Relaxed},
    tiles::{self, sealed::Sealed},
};
use std::{arch::wasm32::*, hint::black_box, marker::PhantomData};

/// Second proof over the level `relaxed`: the engine's dot product is exact for x with these bytes.
#[derive(Clone, Copy)]
pub(crate) struct Dot<B>(Relaxed, PhantomData<B>);

/// Bytes of x.
pub(crate) trait Bytes: Copy {
    /// What makes an `s8` such a byte.
    const OFFSET: i32;
    /// Its value.
    fn value(byte: u8) -> i32;
}

/// 0 … 255
#[derive(Clone, Copy)]
pub(crate) enum Unsigned {}

impl Bytes for Unsigned {
    const OFFSET: i32 = 128;

    fn value(byte: u8) -> i32 {
        byte.into()
    }
}

/// −128 … 127
#[derive(Clone, Copy)]
pub(crate) enum Signed {}

impl Bytes for Signed {
    const OFFSET: i32 = 0;

    fn value(byte: u8) -> i32 {
        byte.cast_signed().into()
    }
}

/// Words of w and x whose products tell the ways apart: the largest that occur, and unequal ones.
const WORDS: [([i8; 4], [u8; 4]); 4] = [
    ([-127; 4], [255; 4]),
    ([127; 4], [255; 4]),
    ([-127; 4], [129; 4]),
    ([1, -2, 3, -4], [5, 6, 7, 200]),
];

impl<B: Bytes> Dot<B> {
    /// The proof, if the engine computes [`WORDS`] so.
    pub(crate) fn detect(level: Relaxed) -> Option<Dot<B>> {
        let vector = |lane: fn(&([i8; 4], [u8; 4])) -> i32| {
            let [a, b, c, d] = &WORDS;
            i32x4(lane(a), lane(b), lane(c), lane(d))
        };
        let w = vector(|(w, _)| i32::from_le_bytes(w.map(i8::cast_unsigned)));
        let x = vector(|(_, x)| i32::from_le_bytes(*x));
        let exact =
            vector(|(w, x)| w.iter().zip(x).map(|(&w, &x)| i32::from(w) * B::value(x)).sum());
        // The compiler must not compute it.
        let [w, x] = black_box([w, x]);
        let of_engine = i32x4_relaxed_dot_i8x16_i7x16_add(w, x, i32x4_splat(0));
        i32x4_all_true(i32x4_eq(of_engine, exact)).then_some(Dot(level, PhantomData))
    }
}

impl<B> Sealed for Dot<B> {}

impl<B: Bytes> Simd for Dot<B> {
    type F32x16 = <Relaxed as Simd>::F32x16;
    type Tiles = tiles::Relaxed;

    forward! { floats of 0: Relaxed }

    #[inline(always)]
    fn prefetch<T>(self, at: &T) {
        self.0.prefetch(at);
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        #[inline(never)] // as in the level itself
        #[target_feature(enable = "relaxed-simd")]
        fn run<B: Bytes, K: Kernel>(isa: Dot<B>, kernel: K) -> K::Output {
            kernel.run(isa)
        }
        run(self, kernel)
    }
}

impl<B: Bytes> Integers for Dot<B> {
    type Floats = <Relaxed as Integers>::Floats;
    type I32x16 = [v128; 4];
    type S8 = [i8; 4 * LANES];

    const GROUP: usize = 4;
    const OFFSET: i32 = B::OFFSET;
    const HALVES: bool = Relaxed::HALVES;

    forward! { integers of 0: Relaxed }
    forward! { 0: Relaxed;
        halves(low: [v128; 4], high: [v128; 4]) -> [v128; 4];
        dot_s16(sums: [v128; 4], x: [v128; 4], w: [v128; 4]) -> [v128; 4];
    }

    #[inline(always)]
    fn s8_blocks(panel: &[i8]) -> &[[i8; 4 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load_s8(self, from: &[i8; 4 * LANES]) -> [v128; 4] {
        let (from, _) = from.as_chunks::<16>();
        // SAFETY: the reference is valid for sixteen bytes, and no alignment is asked for.
        let load = |from: &[i8; 16]| unsafe { v128_load(from.as_ptr().cast()) };
        [load(&from[0]), load(&from[1]), load(&from[2]), load(&from[3])]
    }

    #[inline(always)]
    fn dot_s8(self, sums: [v128; 4], x: [v128; 4], w: [v128; 4]) -> [v128; 4] {
        let dot = |i: usize| i32x4_relaxed_dot_i8x16_i7x16_add(w[i], x[i], sums[i]);
        [dot(0), dot(1), dot(2), dot(3)]
    }

    #[inline(always)]
    fn store_s8(self, q: [v128; 4], to: &mut [u32]) {
        let to: &mut [u32; LANES / 4] = words(to);
        let value = |i: usize| i32x4_add(q[i], i32x4_splat(B::OFFSET));
        let low = i16x8_narrow_i32x4(value(0), value(1));
        let high = i16x8_narrow_i32x4(value(2), value(3));
        // A value fits in 16 bits, and its low byte is the byte of x.
        let bytes =
            i8x16_shuffle::<0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>(low, high);
        // SAFETY: the reference is valid for four words, and no alignment is asked for.
        unsafe { v128_store(to.as_mut_ptr().cast(), bytes) };
    }
}

//! The small integers of rounded products.
//!
//! In the book: `docs/16-rounding.md`.

use crate::{
    Level,
    gemm::IntegerGemm,
    memory::Element,
    peak::Dots,
    simd::{Integers, LANES, MatrixRegisters},
    tiles::sealed::Sealed,
};
use compiled::Compiled;

/// A small integer that rows and weights are rounded to: `i8` or `i16`.
///
/// The trait is sealed.
pub trait Integer: Element + Into<i32> + Sealed + Compiled {
    /// The largest magnitude: 127 or 2047.
    ///
    /// For `i16`, the products of a chunk then sum up to less than 2³¹.
    const LARGEST: f32;
    /// Weights of sixteen columns for one step, as the instruction set `S` reads them.
    type Block<S: Integers>: Copy + 'static;

    /// k's of a step.
    fn group<S: Integers>() -> usize;
    /// Rows of x and k's that are stored together.
    fn whole<S: Integers>() -> [usize; 2];
    /// What is added to values of x.
    fn offset<S: Integers>() -> i32;
    /// The blocks of a panel.
    fn blocks<S: Integers>(panel: &[Self]) -> &[Self::Block<S>];
    /// The matrix registers, if the instruction set has some for this integer.
    fn matrix_registers<S: Integers>(s: S) -> Option<MatrixRegisters>;
    /// Weights for the matrix registers.
    fn bytes<S: Integers>(blocks: &[Self::Block<S>]) -> &[i8];
    /// Weights for [`Integer::dot`].
    fn load<S: Integers>(s: S, from: &Self::Block<S>) -> S::I32x16;
    /// sums + x·w
    fn dot<S: Integers>(s: S, sums: S::I32x16, x: S::I32x16, w: S::I32x16) -> S::I32x16;
    /// Sixteen values of x as words.
    fn store<S: Integers>(s: S, q: S::I32x16, to: &mut [u32]);
    /// A value from a wider one that has it.
    fn narrow(q: i16) -> Self;
}

impl Sealed for i8 {}

impl Integer for i8 {
    const LARGEST: f32 = 127.0;
    type Block<S: Integers> = S::S8;

    #[inline(always)]
    fn group<S: Integers>() -> usize {
        S::GROUP
    }

    #[inline(always)]
    fn whole<S: Integers>() -> [usize; 2] {
        S::WHOLE
    }

    #[inline(always)]
    fn offset<S: Integers>() -> i32 {
        S::OFFSET
    }

    #[inline(always)]
    fn matrix_registers<S: Integers>(s: S) -> Option<MatrixRegisters> {
        s.matrix_registers()
    }

    #[inline(always)]
    fn bytes<S: Integers>(blocks: &[S::S8]) -> &[i8] {
        S::bytes(blocks)
    }

    #[inline(always)]
    fn blocks<S: Integers>(panel: &[i8]) -> &[S::S8] {
        S::s8_blocks(panel)
    }

    #[inline(always)]
    fn load<S: Integers>(s: S, from: &S::S8) -> S::I32x16 {
        s.load_s8(from)
    }

    #[inline(always)]
    fn dot<S: Integers>(s: S, sums: S::I32x16, x: S::I32x16, w: S::I32x16) -> S::I32x16 {
        s.dot_s8(sums, x, w)
    }

    #[inline(always)]
    fn store<S: Integers>(s: S, q: S::I32x16, to: &mut [u32]) {
        s.store_s8(q, to);
    }

    #[inline(always)]
    fn narrow(q: i16) -> i8 {
        q as i8
    }
}

impl Sealed for i16 {}

impl Integer for i16 {
    const LARGEST: f32 = 2047.0;
    type Block<S: Integers> = [i16; 2 * LANES];

    #[inline(always)]
    fn group<S: Integers>() -> usize {
        2
    }

    #[inline(always)]
    fn whole<S: Integers>() -> [usize; 2] {
        [1, 2]
    }

    #[inline(always)]
    fn offset<S: Integers>() -> i32 {
        0
    }

    #[inline(always)]
    fn matrix_registers<S: Integers>(_: S) -> Option<MatrixRegisters> {
        None
    }

    #[inline(always)]
    fn bytes<S: Integers>(_: &[[i16; 2 * LANES]]) -> &[i8] {
        &[]
    }

    #[inline(always)]
    fn blocks<S: Integers>(panel: &[i16]) -> &[[i16; 2 * LANES]] {
        panel.as_chunks().0
    }

    #[inline(always)]
    fn load<S: Integers>(s: S, from: &[i16; 2 * LANES]) -> S::I32x16 {
        s.load_s16(from)
    }

    #[inline(always)]
    fn dot<S: Integers>(s: S, sums: S::I32x16, x: S::I32x16, w: S::I32x16) -> S::I32x16 {
        s.dot_s16(sums, x, w)
    }

    #[inline(always)]
    fn store<S: Integers>(s: S, q: S::I32x16, to: &mut [u32]) {
        s.store_s16(q, to);
    }

    #[inline(always)]
    fn narrow(q: i16) -> i16 {
        q
    }
}

/// The kernels of each integer, compiled in this crate: [`Integer`] is generic, and a kernel that
/// another crate instantiates is optimised as that crate is.
pub(super) mod compiled {
    use super::{Dots, IntegerGemm, Level};
    use crate::{
        Rows,
        quantise::{QuantisedRows, Rotation},
    };

    /// [`QuantisedRows::quantise`] as a kernel.
    pub struct Quantise<'a, E> {
        pub(in crate::quantise) x: Rows<'a>,
        pub(in crate::quantise) rotation: Rotation,
        pub(in crate::quantise) to: &'a mut QuantisedRows<E>,
    }

    /// Rows of weights as plain integers: [`quantise_weights`](super::quantise_weights).
    pub struct QuantiseWeights<'a, E> {
        pub(in crate::quantise) weight: Rows<'a>, // [N, K]
        pub(in crate::quantise) rotation: Rotation,
        pub(in crate::quantise) q: &'a mut [E], // [N, K]
        pub(in crate::quantise) scales: &'a mut [f32], // [N, chunks]
    }

    pub trait Compiled: Sized {
        fn multiply(level: Level, kernel: IntegerGemm<Self>);
        fn quantise(level: Level, kernel: Quantise<Self>);
        fn quantise_weights(level: Level, kernel: QuantiseWeights<Self>);
        fn dots(level: Level, kernel: Dots<Self>) -> (usize, f32);
    }

    macro_rules! compiled {
        ($($integer:ty),*) => {$(
            impl Compiled for $integer {
                fn multiply(level: Level, kernel: IntegerGemm<$integer>) {
                    level.run_integers(kernel);
                }

                fn quantise(level: Level, kernel: Quantise<$integer>) {
                    level.run_integers(kernel);
                }

                fn quantise_weights(level: Level, kernel: QuantiseWeights<$integer>) {
                    level.run(kernel);
                }

                fn dots(level: Level, kernel: Dots<$integer>) -> (usize, f32) {
                    level.run_integers(kernel)
                }
            }
        )*};
    }
    compiled!(i8, i16);
}

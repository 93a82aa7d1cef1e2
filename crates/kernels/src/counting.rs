//! An instruction set that counts: the vector operations of a kernel, found by running it.
//!
//! Every kernel is generic over [`Simd`], so it also runs on a set of instructions that computes
//! like [`Portable`](crate::Level::PORTABLE) and writes down each operation. The counts are those
//! of the source with a level's tiles; a compiler may merge or hoist some of them.
//!
//! ```
//! use minilm_kernels::{counting::count, exp::Exp, tiles::Avx2};
//! let mut x = [1.0; 16]; // one vector
//! let ((), operations) = count::<Avx2, _>(Exp(&mut x));
//! assert_eq!((operations.loads, operations.stores), (1, 1));
//! assert_eq!(operations.fused, 10);
//! ```
//!
//! In the book: `docs/10-speed.md`.

use crate::{
    simd::{Integers, Kernel, LANES, Level, Portable, Simd},
    tiles::{Tiles, sealed::Sealed},
};
use std::{cell::Cell, fmt, marker::PhantomData};

/// Vector operations, sixteen lanes each. A broadcast is counted apart from the operation that uses
/// it, since constants are broadcast once outside of a loop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operations {
    /// Fused multiply-adds.
    pub fused: u64,
    /// Multiplications.
    pub products: u64,
    /// Additions and subtractions.
    pub sums: u64,
    /// Divisions.
    pub divisions: u64,
    /// Maxima, minima and absolute values.
    pub comparisons: u64,
    /// Powers of two by their exponent's bits: a shift and an addition each.
    pub powers: u64,
    /// Lookups in a table of sixteen.
    pub lookups: u64,
    /// Interleavings of two vectors.
    pub interleavings: u64,
    /// Products of small integers with their sums: [`Integers::dot_s8`] and [`Integers::dot_s16`].
    pub dots: u64,
    /// Conversions between floats and integers.
    pub conversions: u64,
    /// Scalars copied to all lanes.
    pub broadcasts: u64,
    /// Vectors read from memory.
    pub loads: u64,
    /// Vectors written to memory.
    pub stores: u64,
}

impl Operations {
    /// Multiplications, fused and not: what the ports of the multipliers have to start.
    ///
    /// ```
    /// use minilm_kernels::{counting::count, gelu::Gelu, tiles::Avx2};
    /// let ((), operations) = count::<Avx2, _>(Gelu(&mut [1.0; 16]));
    /// assert_eq!(operations.multiplications(), 9);
    /// ```
    pub fn multiplications(&self) -> u64 {
        self.fused + self.products
    }
}

/// Runs `kernel` with the tiles of `level`, which it does not compute on, and counts.
///
/// ```
/// use minilm_kernels::{Level, counting::count_for, softmax::Softmax};
/// let mut x = [0.0; 16];
/// let ((), operations) = count_for(Level::detect(), Softmax::new(&mut x, 16));
/// assert_eq!((x[0], operations.divisions), (1.0 / 16.0, 1));
/// ```
pub fn count_for<K: Kernel>(level: Level, kernel: K) -> (K::Output, Operations) {
    level.run(Count(kernel))
}

/// A kernel that counts another.
struct Count<K>(K);

impl<K: Kernel> Kernel for Count<K> {
    type Output = (K::Output, Operations);
    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> (K::Output, Operations) {
        count::<S::Tiles, K>(self.0)
    }
}

/// Runs `kernel` with the tiles of `T`, which may be those of an instruction set that this CPU does
/// not have, and counts.
pub fn count<T: Tiles, K: Kernel>(kernel: K) -> (K::Output, Operations) {
    let operations = Cell::default();
    let output = Counting::<T> { operations: &operations, tiles: PhantomData }.vectorize(kernel);
    (output, operations.get())
}

/// Sixteen lanes in plain Rust, counted. [`count`] makes one.
pub struct Counting<'a, T> {
    operations: &'a Cell<Operations>,
    tiles: PhantomData<T>,
}

impl<T> Clone for Counting<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Counting<'_, T> {}

impl<T> fmt::Debug for Counting<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operations.get().fmt(f)
    }
}

impl<T> Sealed for Counting<'_, T> {}

/// Methods that count one operation and compute it as the portable level does. They stay calls:
/// inlined into every kernel, they take minutes to compile and add megabytes to a program.
macro_rules! counted {
    ($($name:ident($($arg:ident: $type:ty),*) -> $result:ty, $field:ident;)*) => {$(
        #[inline(never)]
        fn $name(self, $($arg: $type),*) -> $result {
            let mut operations = self.operations.get();
            operations.$field += 1;
            self.operations.set(operations);
            Portable.$name($($arg),*)
        }
    )*};
}

type V = [f32; LANES];
type I = [i32; LANES];

impl<T: Tiles> Integers for Counting<'_, T> {
    type Floats = V;
    type I32x16 = I;
    type S8 = [i8; 2 * LANES];

    const GROUP: usize = Portable::GROUP;
    const OFFSET: i32 = Portable::OFFSET;

    fn s8_blocks(panel: &[i8]) -> &[[i8; 2 * LANES]] {
        Portable::s8_blocks(panel)
    }

    counted! {
        load_s8(from: &[i8; 2 * LANES]) -> I, loads;
        load_s16(from: &[i16; 2 * LANES]) -> I, loads;
        load_bytes(from: &[i8; LANES]) -> I, loads;
        load_i32(from: &I) -> I, loads;
        splat_word(word: u32) -> I, broadcasts;
        dot_s8(sums: I, x: I, w: I) -> I, dots;
        dot_s16(sums: I, x: I, w: I) -> I, dots;
        add_s16(a: I, b: I) -> I, sums;
        sub_i32(a: I, b: I) -> I, sums;
        round(v: V) -> I, conversions;
        to_f32(v: I) -> V, conversions;
        larger(a: V, b: V) -> V, comparisons;
        store_s8(q: I, to: &mut [u32]) -> (), stores;
        store_s16(q: I, to: &mut [u32]) -> (), stores;
    }
}

impl<T: Tiles> Simd for Counting<'_, T> {
    type F32x16 = V;
    type Tiles = T;

    counted! {
        splat(x: f32) -> V, broadcasts;
        load(from: &V) -> V, loads;
        store(v: V, to: &mut V) -> (), stores;
        add(a: V, b: V) -> V, sums;
        sub(a: V, b: V) -> V, sums;
        mul(a: V, b: V) -> V, products;
        div(a: V, b: V) -> V, divisions;
        mul_add(a: V, b: V, c: V) -> V, fused;
        max(a: V, b: V) -> V, comparisons;
        min(a: V, b: V) -> V, comparisons;
        abs(a: V) -> V, comparisons;
        exp2_int(n: V) -> V, powers;
        lookup(table: &V, i: V) -> V, lookups;
        interleave(a: V, b: V) -> [V; 2], interleavings;
    }

    fn fold(self, v: V, f: impl Fn(V, V) -> V) -> f32 {
        Portable.fold(v, f)
    }

    fn prefetch<P>(self, _at: &P) {}

    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }
}

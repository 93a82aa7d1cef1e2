//! The ceilings of this core, measured: multiply-adds and divisions on registers alone, and bytes
//! read from memory.
//!
//! A kernel's speed means something as a part of one of them (S. Williams, A. Waterman and D.
//! Patterson, *Roofline*, CACM 52(4), 2009). All are the best of several short runs, because a
//! machine that is shared or changes its clock now and then gives less.
//!
//! In the book: `docs/10-speed.md`.

use crate::{
    AlignedVec, Level,
    quantise::Integer,
    simd::{Kernel, LANES, Simd},
    tiles::{Tiled, Tiles},
};
use std::{hint::black_box, marker::PhantomData, time::Instant};

/// Vectors a step works on. At four cycles of latency and two multiply-adds a cycle, eight
/// registers are enough in flight: twelve vectors at once are that many zmm. AVX2 has sixteen ymm,
/// two a vector, so there the twelve are six and six again.
const CHAINS: usize = 12;

/// Dependent multiply-adds on registers: `steps` on each of twelve vectors.
///
/// ```
/// use minilm_kernels::{Level, peak::Fma};
/// let work = Fma { steps: 1000 };
/// assert_eq!(work.flops(), 1000 * 12 * 16 * 2);
/// let _sum = Level::detect().run(work);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Fma {
    /// Multiply-adds on each vector.
    pub steps: usize,
}

impl Fma {
    /// Floating-point operations of one run: two for each lane of a multiply-add.
    pub fn flops(self) -> usize {
        self.steps * CHAINS * LANES * 2
    }
}

impl Kernel for Fma {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        S::Tiles::peak(s, self)
    }
}

impl Tiled for Fma {
    type Output = f32;
    /// `AT_ONCE` vectors in flight, `TURNS` times per step.
    #[inline(always)]
    fn run<S: Simd, const AT_ONCE: usize, const TURNS: usize>(self, s: S) -> f32 {
        const { assert!(AT_ONCE * TURNS == CHAINS, "a step is one turn of each chain") };
        let (x, y) = (s.splat(black_box(1.0)), s.splat(black_box(1e-9)));
        let mut sums = [s.zero(); AT_ONCE];
        for _ in 0..self.steps * TURNS {
            for sum in &mut sums {
                *sum = s.mul_add(*sum, x, y); // depends on itself: no step can be left out
            }
        }
        sums.into_iter().map(|sum| s.sum(sum)).sum()
    }
}

/// Dependent products of `E` with their sums on registers: `steps` on each of twelve vectors.
/// [`integers`] measures them.
#[derive(Clone, Copy, Debug)]
pub struct Dots<E> {
    steps: usize,
    element: PhantomData<E>,
}

impl<E: Integer> Kernel for Dots<E> {
    /// Integer operations of the run, and a sum that no step can be left out of.
    type Output = (usize, f32);
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> (usize, f32) {
        S::Tiles::peak(s, self)
    }
}

impl<E: Integer> Tiled for Dots<E> {
    type Output = (usize, f32);
    #[inline(always)]
    fn run<S: Simd, const AT_ONCE: usize, const TURNS: usize>(self, s: S) -> (usize, f32) {
        if let Some(matrix) = E::matrix_registers(s) {
            return (matrix.peak(self.steps), 0.0);
        }
        let w = s.splat_word(black_box(0x0102_0304));
        let mut sums = [s.splat_word(black_box(1)); AT_ONCE];
        for _ in 0..self.steps * TURNS {
            for sum in &mut sums {
                // depends on itself
                *sum = match S::WINOGRAD {
                    true => s.dot_pair(*sum, [*sum, *sum], [*sum, w]),
                    false => E::dot(s, *sum, *sum, w),
                };
            }
        }
        let total = sums.into_iter().map(|sum| s.sum(s.to_f32(sum))).sum();
        let words = if S::WINOGRAD { 2 } else { 1 };
        (self.steps * CHAINS * LANES * 2 * E::group::<S>() * words, total)
    }
}

/// Multiply-adds and maxima on registers, as many of one as of the other: `steps` times eight of
/// each.
struct Mixed {
    steps: usize,
}

impl Mixed {
    /// Vector operations of one run.
    fn operations(&self) -> usize {
        self.steps * 2 * (CHAINS / 3 * 2)
    }
}

impl Kernel for Mixed {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        S::Tiles::peak(s, self)
    }
}

impl Tiled for Mixed {
    type Output = f32;
    /// A third of the `AT_ONCE` vectors are maxima, which take their turn twice; the others are
    /// sums.
    #[inline(always)]
    fn run<S: Simd, const AT_ONCE: usize, const TURNS: usize>(self, s: S) -> f32 {
        const { assert!(AT_ONCE.is_multiple_of(3), "as many operations of either kind") };
        let (x, y) = (s.splat(black_box(1.0)), s.splat(black_box(1e-9)));
        let mut v = [s.zero(); AT_ONCE];
        for _ in 0..self.steps * TURNS {
            for i in 0..AT_ONCE / 3 * 2 {
                let maximum = AT_ONCE / 3 * 2 + i % (AT_ONCE / 3);
                v[i] = s.mul_add(v[i], x, y);
                v[maximum] = s.max(v[maximum], y);
            }
        }
        v.into_iter().map(|v| s.sum(v)).sum()
    }
}

/// Divisions on registers, independent of each other but for their vector.
struct Divide {
    steps: usize,
}

impl Kernel for Divide {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let by = s.splat(black_box(1.0));
        let mut quotients = [s.splat(black_box(1.0)); CHAINS];
        for _ in 0..self.steps {
            for quotient in &mut quotients {
                *quotient = s.div(*quotient, by);
            }
        }
        quotients.into_iter().map(|quotient| s.sum(quotient)).sum()
    }
}

/// A plain sum of all values, of which up to 63 at the end are left out: reading, and next to
/// nothing else.
///
/// ```
/// use minilm_kernels::{Level, peak::Read};
/// assert_eq!(Level::detect().run(Read(&[0.5; 640])), 320.0);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Read<'a>(pub &'a [f32]);

impl Kernel for Read<'_> {
    type Output = f32;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f32 {
        let (vectors, _) = self.0.as_chunks::<LANES>();
        let mut sums = [s.zero(); 4];
        for from in vectors.as_chunks::<4>().0 {
            for (sum, from) in sums.iter_mut().zip(from) {
                *sum = s.add(*sum, s.load(from));
            }
        }
        sums.into_iter().map(|sum| s.sum(sum)).sum()
    }
}

/// FLOP/s of one core: fused multiply-adds on registers, two FLOPs each. Takes about 10 ms.
///
/// ```
/// # use minilm_kernels::{Level, peak};
/// println!("{:.1} GFLOP/s", peak::fma(Level::detect()) / 1e9);
/// # assert!(peak::fma(Level::detect()) > 1e7);
/// ```
pub fn fma(level: Level) -> f64 {
    let mut steps = 10_000;
    // The portable level may be a thousand times slower: find a number of steps that takes about a
    // millisecond.
    while seconds(|| level.run(Fma { steps })) < 5e-4 {
        steps *= 2;
    }
    let work = Fma { steps };
    work.flops() as f64 / best_of(10, || level.run(work))
}

/// Integer operations a second of one core: products of `E` with their sums on registers, two
/// operations each. Takes about 10 ms.
///
/// ```
/// # use minilm_kernels::{Level, peak};
/// println!("{:.1} GOP/s", peak::integers::<i8>(Level::detect()) / 1e9);
/// # assert!(peak::integers::<i16>(Level::detect()) > 1e6);
/// ```
pub fn integers<E: Integer>(level: Level) -> f64 {
    let mut steps = 5_000;
    let run = |steps| E::dots(level, Dots { steps, element: PhantomData });
    while seconds(|| run(steps).1) < 5e-4 {
        steps *= 2;
    }
    run(steps).0 as f64 / best_of(10, || run(steps).1)
}

/// Vector operations a second of one core, sixteen lanes each: multiply-adds and maxima in turn, on
/// registers. Takes about 10 ms.
///
/// With [`fma`] it tells what a core does beside its multiplications: some start additions, minima
/// and permutations in ports of their own, others in those of the multiply-adds.
///
/// ```
/// # use minilm_kernels::{Level, peak};
/// let level = Level::detect();
/// println!("{:.1} for each multiply-add", peak::operations(level) / (peak::fma(level) / 32.0));
/// # assert!(peak::operations(level) > 1e6);
/// ```
pub fn operations(level: Level) -> f64 {
    let mut steps = 5_000;
    while seconds(|| level.run(Mixed { steps })) < 5e-4 {
        steps *= 2;
    }
    Mixed { steps }.operations() as f64 / best_of(10, || level.run(Mixed { steps }))
}

/// Divisions a second of one core, on registers. Takes about 10 ms.
///
/// ```
/// # use minilm_kernels::{Level, peak};
/// println!("{:.1} billion a second", peak::divide(Level::detect()) / 1e9);
/// # assert!(peak::divide(Level::detect()) > 1e6);
/// ```
pub fn divide(level: Level) -> f64 {
    let steps = 5_000;
    (steps * CHAINS * LANES) as f64 / best_of(10, || level.run(Divide { steps }))
}

/// Bytes a second of one core reading `bytes` of memory from start to end, again and again.
///
/// A size far beyond the last cache gives the memory's bandwidth; a smaller one that of the cache
/// it fits in.
///
/// ```
/// # use minilm_kernels::{Level, peak};
/// println!("{:.1} GB/s", peak::read(Level::detect(), 256 << 20) / 1e9);
/// ```
pub fn read(level: Level, bytes: usize) -> f64 {
    let mut data = AlignedVec::zeroed((bytes / size_of::<f32>()).next_multiple_of(4 * LANES));
    data.fill(1.0); // touched, so that every page exists
    let passes = (32_usize << 20).div_ceil(bytes.max(1)); // at least a millisecond or so
    let pass = || (0..passes).map(|_| level.run(Read(black_box(&data)))).sum();
    (passes * data.len() * size_of::<f32>()) as f64 / best_of(5, pass)
}

fn best_of(runs: usize, mut run: impl FnMut() -> f32) -> f64 {
    (0..runs).map(|_| seconds(&mut run)).fold(f64::INFINITY, f64::min)
}

fn seconds(run: impl FnOnce() -> f32) -> f64 {
    let start = Instant::now();
    black_box(run());
    start.elapsed().as_secs_f64()
}

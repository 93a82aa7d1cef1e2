//! The product of [`gemm`](super) with other choices than the shipped ones.
//!
//! ```text
//! Pack      W and b of each layer  →  Packed       panels for the tile it runs with
//! Product   y ← epilogue(x·Wᵀ + b)                 the loops of gemm.rs, in chains of any length
//! With<C>   runs either of them with the choice C   a tile, prefetch or none
//! ```
//!
//! The loops ask their instruction set for two things besides arithmetic: the tile, and prefetches.
//! So a choice is an instruction set too: [`Tuned`] computes as another one does and answers these
//! two differently. The loops know nothing of it.
//!
//! **Unstable**: this module serves the bake-off of `minilm-ladder` and the tests, and may change
//! in any version.
//!
//! In the book: `docs/10-speed.md`.

use super::{
    Gemm,
    panels::{Pack as PackMatrix, Panels},
};
use crate::{
    Rows, RowsMut,
    linear::Epilogue,
    memory::Pages,
    simd::{Integers, Kernel, LANES, Simd, forward},
    tiles::{Tiled, Tiles, sealed::Sealed},
};
use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

/// W `[N, K]` and b `[N]` of a layer, as they are before packing.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// W `[N, K]`.
    pub weight: Rows<'a>,
    /// b `[N]`.
    pub bias: &'a [f32],
}

/// A [`Kernel`] that packs layers one behind the other, for the tile it runs with.
#[derive(Debug)]
pub struct Pack<'a> {
    /// In the order of their use.
    pub layers: &'a [Layer<'a>],
    /// Whether the system is asked for huge pages.
    pub huge_pages: bool,
}

/// A layer in panels.
#[derive(Debug)]
pub struct Packed {
    weights: Panels<f32>, // [N, K]
    bias: Vec<f32>,       // [N]
    vectors: usize,       // NV of the panels
}

impl Kernel for Pack<'_> {
    type Output = Vec<Packed>;
    /// # Panics
    /// If a layer has no weights, or another number of biases than of rows, or there is no memory.
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<Packed> {
        let (memory, mut len, vectors) = (Arc::new(OnceLock::new()), 0, S::Tiles::PANEL);
        let mut packed = Vec::new();
        for Layer { weight, bias } in self.layers {
            let (n, k) = (weight.rows(), weight.cols());
            assert!(n * k > 0 && bias.len() == n, "{} biases for W [{n}, {k}]", bias.len());
            let weights = Panels::at(&memory, len, [n, k], vectors);
            len = weights.range().end;
            packed.push(Packed { weights, bias: bias.to_vec(), vectors });
        }
        let pages = if self.huge_pages { Pages::try_zeroed(len) } else { Pages::unadvised(len) };
        let mut pages = pages.unwrap_or_else(|error| panic!("{error}"));
        for (layer, packed) in self.layers.iter().zip(&packed) {
            let panels = &mut pages[packed.weights.range()];
            S::Tiles::gemm(s, PackMatrix { weight: layer.weight, panels });
        }
        memory.set(pages).expect("the memory is set once");
        packed
    }
}

/// [`Linear::forward_with`](crate::Linear::forward_with) as a [`Kernel`], in chains of any length.
///
/// ```
/// use minilm_kernels::{Rows, RowsMut, counting::count, gemm::KC, linear::Epilogue, tiles::Avx512};
/// use minilm_kernels::gemm::tuning::{Layer, Pack, Product};
/// let layers = [Layer { weight: Rows::new(&[2.0, 3.0], 2), bias: &[0.5] }];
/// let (packed, _) = count::<Avx512, _>(Pack { layers: &layers, huge_pages: true });
/// let (x, mut y) = ([1.0, 1.0], [0.0]);
/// let (x, out) = (Rows::new(&x, 2), RowsMut::new(&mut y, 1));
/// let product = Product::new(x, &packed[0], KC, out, Epilogue::Identity);
/// let ((), operations) = count::<Avx512, _>(product);
/// // Two steps of k in a tile of one row and three vectors.
/// assert_eq!((y, operations.fused), ([5.5], 2 * 3));
/// ```
#[derive(Debug)]
pub struct Product<'a> {
    x: Rows<'a>, // [M, K]
    layer: &'a Packed,
    chain: usize,
    y: RowsMut<'a>, // [M, N]
    epilogue: Epilogue<'a>,
}

impl<'a> Product<'a> {
    /// The operands of y = epilogue(x·Wᵀ + b), with chains of `chain` multiply-adds. The shipped
    /// length is [`KC`](super::KC); another one gives other bits.
    ///
    /// # Panics
    /// If the shapes do not fit or the chains are empty, and when it runs with another tile than
    /// the layer is packed for.
    pub fn new(
        x: Rows<'a>,
        layer: &'a Packed,
        chain: usize,
        y: RowsMut<'a>,
        epilogue: Epilogue<'a>,
    ) -> Product<'a> {
        assert!(chain > 0, "a chain has at least one multiply-add");
        let (m, n, k) = (x.rows(), layer.weights.outputs(), layer.weights.inputs());
        assert_eq!(x.cols(), k, "x has {} columns, the weights {k}", x.cols());
        assert_eq!((y.rows(), y.cols()), (m, n), "y has another shape");
        if let Epilogue::Residual(r) = epilogue {
            assert_eq!((r.rows(), r.cols()), (m, n), "the residual's shape is not y's");
        }
        Product { x, layer, chain, y, epilogue }
    }
}

impl Kernel for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Product { x, layer: Packed { weights, bias, vectors }, chain, y, epilogue } = self;
        assert_eq!(*vectors, S::Tiles::PANEL, "the layer is packed for other panels");
        let (first, bias, onto) = (0, Some(&bias[..]), false);
        Kernel::run(Gemm { x, weights, first, chain, bias, y, onto, epilogue }, s);
    }
}

/// The choices of a product.
pub trait Choice: Tiles {
    /// Whether the weights behind a chain are fetched; if not, the hardware guesses.
    const PREFETCH: bool;
}

/// Tiles of MR × NV vectors for the registers of `T`.
#[derive(Debug)]
pub struct Tile<T, const MR: usize, const NV: usize, const PREFETCH: bool>(PhantomData<T>);

impl<T, const MR: usize, const NV: usize, const PREFETCH: bool> Sealed
    for Tile<T, MR, NV, PREFETCH>
{
}

impl<T: Tiles, const MR: usize, const NV: usize, const PREFETCH: bool> Choice
    for Tile<T, MR, NV, PREFETCH>
{
    const PREFETCH: bool = PREFETCH;
}

impl<T: Tiles, const MR: usize, const NV: usize, const PREFETCH: bool> Tiles
    for Tile<T, MR, NV, PREFETCH>
{
    const REGISTERS: usize = T::REGISTERS;
    const PANEL: usize = NV;

    #[inline(always)]
    fn gemm<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
        kernel.run::<S, MR, NV>(s)
    }

    #[inline(always)]
    fn attention<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
        T::attention(s, kernel)
    }

    #[inline(always)]
    fn peak<S: Simd, K: Tiled>(s: S, kernel: K) -> K::Output {
        T::peak(s, kernel)
    }
}

/// A [`Kernel`] that runs another with the choice `C`.
///
/// # Panics
/// On a level with other registers than the choice is for.
///
/// ```
/// use minilm_kernels::{Level, Rows, RowsMut, gemm::KC, linear::Epilogue, tiles::Portable};
/// use minilm_kernels::gemm::tuning::{Layer, Pack, Product, Tile, With};
/// type Choice = Tile<Portable, 3, 2, false>;
/// let layers = [Layer { weight: Rows::new(&[2.0, 3.0], 2), bias: &[0.5] }];
/// let level = Level::PORTABLE;
/// let packed = level.run(With::<Choice, _>::new(Pack { layers: &layers, huge_pages: true }));
/// let (x, mut y) = ([1.0, 1.0], [0.0]);
/// let (x, out) = (Rows::new(&x, 2), RowsMut::new(&mut y, 1));
/// let product = Product::new(x, &packed[0], KC, out, Epilogue::Identity);
/// level.run(With::<Choice, _>::new(product));
/// assert_eq!(y, [5.5]);
/// ```
pub struct With<C, K> {
    kernel: K,
    choice: PhantomData<C>,
}

impl<C: Choice, K> With<C, K> {
    /// `kernel` with the choice.
    pub fn new(kernel: K) -> With<C, K> {
        With { kernel, choice: PhantomData }
    }
}

impl<C: Choice, K: Kernel> Kernel for With<C, K> {
    type Output = K::Output;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> K::Output {
        // The condition is a constant: for another level, the kernel is never compiled.
        if S::Tiles::REGISTERS != C::REGISTERS {
            panic!("the choice is for {} registers, not {}", C::REGISTERS, S::Tiles::REGISTERS);
        }
        self.kernel.run(Tuned::<S, C> { s, choice: PhantomData })
    }
}

/// The instruction set `S` with the choice `C`. [`With`] makes one.
pub struct Tuned<S, C> {
    s: S,
    choice: PhantomData<C>,
}

impl<S: Copy, C> Clone for Tuned<S, C> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Copy, C> Copy for Tuned<S, C> {}

impl<S, C> fmt::Debug for Tuned<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tuned")
    }
}

impl<S, C> Sealed for Tuned<S, C> {}

impl<S: Simd, C> Integers for Tuned<S, C> {
    type Floats = S::Floats;
    type I32x16 = S::I32x16;
    type S8 = S::S8;

    forward! { integers of s: S }
    forward! { products of s: S }
}

impl<S: Simd, C: Choice> Simd for Tuned<S, C> {
    type F32x16 = S::F32x16;
    type Tiles = C;

    forward! { floats of s: S }

    #[inline(always)]
    fn prefetch<T>(self, at: &T) {
        if C::PREFETCH {
            self.s.prefetch(at);
        }
    }

    #[inline(always)]
    fn vectorize<K: Kernel>(self, kernel: K) -> K::Output {
        self.s.vectorize(With::<C, K>::new(kernel))
    }
}

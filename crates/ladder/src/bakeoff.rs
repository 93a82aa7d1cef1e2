//! The bake-off: the shipped product against the choices that its kernel did not take.
//!
//! ```text
//! for each panel                  NV vectors of columns          the tile
//!   for each chain of KC                                         the length of a chain
//!     for each tile of MR rows                                   the tile
//!       MR·NV sums in registers   and the next weights fetched   or not
//! ```
//!
//! A ladder adds one idea per rung; here the idea is the same and the numbers differ. So there is
//! one kernel, the shipped one, and a [`Variant`] instantiates its loops with other constants
//! ([`minilm_kernels::gemm::tuning`]). Each variant differs from the shipped one in one thing. The
//! shipped [`Linear`](minilm_kernels::Linear) takes part itself. The variant with its choices is
//! the same source, so what lies between the two is the error of the comparison.
//!
//! A variant whose chains have the shipped length gives the shipped bits, whatever else it does.
//!
//! A choice that needs other loops is no variant: another order of chains and tiles, the bias added
//! with the tile, fetches in bursts, tiles of more than twelve rows. The kind of prefetch is no
//! variant either, because the vocabulary of [`Simd`](minilm_kernels::simd::Simd) has one kind.
//!
//! In the book: `docs/10-speed.md`.

mod measure;
mod table;

pub use measure::measure;
pub use table::{BakeOff, Entry, LayerPercent, LevelTable, Product};

use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::{
        KC,
        tuning::{self, Choice, Layer, Pack, Packed, Tile, With},
    },
    linear::Epilogue,
    tiles::{Avx2, Avx512, Tiles},
};
use std::fmt;

/// Rows of x: one short text, a small pack, a full one.
pub const ROWS: [usize; 3] = [8, 64, 160];

/// N and K of the model's products: fused query, key and value; attention output; feed-forward up
/// and down.
pub const SHAPES: [(usize, usize); 4] = [(1152, 384), (384, 384), (1536, 384), (384, 1536)];

/// Layers of the model. A product takes the weights of one after the other, so that they come from
/// as far as in the model.
pub const LAYERS: usize = 6;

/// Tiles for 32 registers, the shipped one first, and the same without prefetch.
const AVX512: [Variant; 6] = [
    tile::<Avx512, 8, 3, true>(),
    tile::<Avx512, 9, 3, true>(),
    tile::<Avx512, 6, 4, true>(),
    tile::<Avx512, 4, 6, true>(),
    tile::<Avx512, 12, 2, true>(),
    tile::<Avx512, 8, 3, false>(),
];

/// Tiles for 16 registers, two per vector.
const AVX2: [Variant; 7] = [
    tile::<Avx2, 6, 1, true>(),
    tile::<Avx2, 5, 1, true>(),
    tile::<Avx2, 4, 1, true>(),
    tile::<Avx2, 3, 2, true>(),
    tile::<Avx2, 2, 2, true>(),
    tile::<Avx2, 2, 3, true>(),
    tile::<Avx2, 6, 1, false>(),
];

/// Lengths of a chain besides the shipped one.
const CHAINS: [usize; 4] = [64, 192, 256, 384];

/// One way to run the product.
#[derive(Clone, Copy)]
pub struct Variant {
    /// MR: rows of a tile, at most; rows are dealt evenly.
    pub rows: usize,
    /// NV: vectors of a tile, and of a panel.
    pub vectors: usize,
    /// KC: multiply-adds of a chain.
    pub chain: usize,
    /// Whether the next weights are fetched; if not, the hardware guesses.
    pub prefetch: bool,
    /// Whether the weights are in huge pages, if the system has them.
    pub huge_pages: bool,
    pack: fn(Level, Pack) -> Vec<Packed>,
    product: fn(Level, tuning::Product),
}

/// The shipped loops with these constants, for the registers of `T`.
const fn tile<T: Tiles, const MR: usize, const NV: usize, const PREFETCH: bool>() -> Variant {
    Variant {
        rows: MR,
        vectors: NV,
        chain: KC,
        prefetch: PREFETCH,
        huge_pages: true,
        pack: pack::<Tile<T, MR, NV, PREFETCH>>,
        product: product::<Tile<T, MR, NV, PREFETCH>>,
    }
}

fn pack<C: Choice>(level: Level, pack: Pack) -> Vec<Packed> {
    level.run(With::<C, _>::new(pack))
}

fn product<C: Choice>(level: Level, product: tuning::Product) {
    level.run(With::<C, _>::new(product));
}

impl Variant {
    /// All variants of a level, that with the shipped choices first; none for a level without tiles
    /// here.
    ///
    /// ```
    /// use minilm_kernels::Level;
    /// use minilm_ladder::bakeoff::Variant;
    /// let names: Vec<String> = Variant::all(Level::detect()).iter().map(Variant::name).collect();
    /// println!("{names:?}");
    /// assert!(Variant::all(Level::PORTABLE).is_empty());
    /// ```
    pub fn all(level: Level) -> Vec<Variant> {
        let tiles: &[Variant] = match level.name() {
            "avx512" => &AVX512,
            "avx2" => &AVX2,
            _ => return Vec::new(),
        };
        let (shipped, mut all) = (tiles[0], tiles.to_vec());
        all.extend(CHAINS.map(|chain| Variant { chain, ..shipped }));
        all.push(Variant { huge_pages: false, ..shipped });
        all
    }

    /// The tile, and what else is not as shipped: `"8 × 3, chains of 64"`.
    ///
    /// ```
    /// use minilm_kernels::Level;
    /// use minilm_ladder::bakeoff::Variant;
    /// if let Some(variant) = Variant::all(Level::detect()).first() {
    ///     assert_eq!(variant.name(), format!("{} × {}", variant.rows, variant.vectors));
    /// }
    /// ```
    pub fn name(&self) -> String {
        let mut name = format!("{} × {}", self.rows, self.vectors);
        if self.chain != KC {
            name += &format!(", chains of {}", self.chain);
        }
        let others = [(!self.prefetch, ", no prefetch"), (!self.huge_pages, ", small pages")];
        name.extend(others.into_iter().filter(|(is_other, _)| *is_other).map(|(_, words)| words));
        name
    }

    /// Layers one behind the other in one piece of memory.
    ///
    /// # Panics
    /// If a layer's shapes do not fit, or the level has other registers than the variant is for.
    pub fn pack(&self, level: Level, layers: &[Layer]) -> Vec<Packed> {
        (self.pack)(level, Pack { layers, huge_pages: self.huge_pages })
    }

    /// y `[M, N]` = x `[M, K]` · Wᵀ + b.
    ///
    /// # Panics
    /// If the shapes do not fit, the layer is packed for another tile, or the level has other
    /// registers than the variant is for.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut, gemm::tuning::Layer};
    /// use minilm_ladder::bakeoff::Variant;
    /// let level = Level::detect();
    /// for variant in Variant::all(level) {
    ///     // W [5, 2] and b [5]
    ///     let layer = Layer { weight: Rows::new(&[0.5; 5 * 2], 2), bias: &[1.0; 5] };
    ///     let packed = variant.pack(level, &[layer]);
    ///     let mut y = vec![0.0; 8 * 5];
    ///     variant.run(level, Rows::new(&[2.0; 8 * 2], 2), &packed[0], RowsMut::new(&mut y, 5));
    ///     assert!(y.iter().all(|y| *y == 3.0));
    /// }
    /// ```
    pub fn run(&self, level: Level, x: Rows, layer: &Packed, y: RowsMut) {
        (self.product)(level, tuning::Product::new(x, layer, self.chain, y, Epilogue::Identity));
    }
}

impl fmt::Debug for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Variant({})", self.name())
    }
}

//! The bake-off: the shipped product against the choices that its kernel did not take.
//!
//! ```text
//! for each panel                 NV vectors of columns
//!   for each chain of KC           ─┐ or all chains of a tile before the next tile
//!     for each tile of MR rows     ─┘
//!       MR·NV sums in registers    next weights fetched: evenly, in a burst, or not
//!   bias                         or with the tile's last chain
//! ```
//!
//! A ladder adds one idea a rung; here the idea is the same and the numbers differ. So there is one
//! product, in `bakeoff/kernel.rs`, and a [`Variant`] says how it runs. Each variant differs from
//! the shipped one in one thing: its tile, or one of the rest. The shipped
//! [`Linear`](minilm_kernels::Linear) takes part itself; it and the variant of the same name
//! should be equally fast, or the comparison is not fair.
//!
//! A variant whose chains have the shipped length gives the shipped bits, whatever else it does.
//!
//! What it does not vary is what the vocabulary of [`Simd`](minilm_kernels::simd::Simd) cannot say:
//! the kind of prefetch.
//!
//! In the book: `docs/10-speed.md`.

mod kernel;
mod measure;
mod packed;
mod share;
mod table;

pub use measure::measure;
pub use packed::Packed;
pub use table::{BakeOff, Entry, Layer, LevelTable, Product};

use minilm_kernels::{Level, Rows, RowsMut, gemm::KC};

/// Rows of x: one short text, a small pack, a full one. Tiles are compiled for the heights that
/// these are dealt to, and no others.
pub const ROWS: [usize; 3] = [8, 64, 160];

/// N and K of the model's products: fused query, key and value; attention output; feed-forward up
/// and down.
pub const SHAPES: [(usize, usize); 4] = [(1152, 384), (384, 384), (1536, 384), (384, 1536)];

/// Layers of the model. A product takes the weights of one after the other, so that they come from
/// as far as in the model.
pub const LAYERS: usize = 6;

/// MR × NV on AVX-512, with 32 registers; the shipped tile first.
const AVX512: [(usize, usize); 7] = [(8, 3), (9, 3), (6, 4), (4, 6), (12, 2), (14, 2), (24, 1)];
/// MR × NV on AVX2, with 16 registers, two a vector; the shipped tile first.
const AVX2: [(usize, usize); 6] = [(6, 1), (5, 1), (4, 1), (3, 2), (2, 2), (2, 3)];

/// Lengths of a chain besides the shipped one.
const CHAINS: [usize; 4] = [64, 192, 256, 384];

fn tiles(level: Level) -> &'static [(usize, usize)] {
    match level.name() {
        "avx512" => &AVX512,
        "avx2" => &AVX2,
        _ => &[],
    }
}

/// Which of the two inner loops is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A chain passes all rows before the next chain: its weights stay near, y is read and written
    /// for each chain.
    ChainByChain,
    /// A tile does all its chains before the next tile: its y stays near, the whole panel of
    /// weights passes for each tile.
    TileByTile,
}

/// When a tile fetches its share of the next weights into the second-level cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetch {
    /// Evenly over its steps: few lines are on their way at once, and the rows of x need not wait
    /// for them.
    Spread,
    /// In its first steps, as much in each as the step itself uses: what is fetched is there early.
    Burst,
    /// Not at all: the hardware guesses what comes next.
    None,
}

/// Where the bias is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// To the whole panel of y, after its last tile.
    Panel,
    /// To the sums of a tile's last chain, before they are stored.
    Tile,
}

/// One way to run the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variant {
    /// MR: rows of a tile, at most; rows are dealt evenly.
    pub rows: usize,
    /// NV: vectors of a tile, and of a panel.
    pub vectors: usize,
    /// KC: multiply-adds of a chain.
    pub chain: usize,
    /// The order of the inner loops.
    pub order: Order,
    /// When the next weights are fetched.
    pub fetch: Fetch,
    /// Where the bias is added.
    pub epilogue: Epilogue,
    /// Whether the weights are in huge pages, if the system has them.
    pub huge_pages: bool,
}

impl Variant {
    /// A tile, and the rest as it is shipped.
    const fn tile((rows, vectors): (usize, usize)) -> Variant {
        let (order, fetch, epilogue) = (Order::ChainByChain, Fetch::Spread, Epilogue::Panel);
        Variant { rows, vectors, chain: KC, order, fetch, epilogue, huge_pages: true }
    }

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
        let tiles = tiles(level);
        let Some(shipped) = tiles.first().copied().map(Variant::tile) else { return Vec::new() };
        let mut all: Vec<Variant> = tiles.iter().copied().map(Variant::tile).collect();
        all.extend(CHAINS.map(|chain| Variant { chain, ..shipped }));
        all.push(Variant { order: Order::TileByTile, ..shipped });
        all.extend([Fetch::Burst, Fetch::None].map(|fetch| Variant { fetch, ..shipped }));
        all.push(Variant { epilogue: Epilogue::Tile, ..shipped });
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
        let others = [
            (self.order == Order::TileByTile, ", tile by tile"),
            (self.fetch == Fetch::Burst, ", fetched in bursts"),
            (self.fetch == Fetch::None, ", no prefetch"),
            (self.epilogue == Epilogue::Tile, ", bias with the tile"),
            (!self.huge_pages, ", small pages"),
        ];
        name.extend(others.into_iter().filter(|(is_other, _)| *is_other).map(|(_, words)| words));
        name
    }

    /// y `[M, N]` = x `[M, K]` · Wᵀ + b, where M is one of [`ROWS`].
    ///
    /// # Panics
    /// If the shapes do not fit, the weights are packed for another number of vectors, M is another
    /// number of rows, or the tile is not one of the level's.
    ///
    /// ```
    /// use minilm_kernels::{Level, Rows, RowsMut};
    /// use minilm_ladder::bakeoff::{Packed, Variant};
    /// let level = Level::detect();
    /// for variant in Variant::all(level) {
    ///     // W [192, 2] and b [192]: every NV divides 192 columns
    ///     let packed = Packed::new(variant, &[(&[0.5; 2 * 192], &[1.0; 192])]);
    ///     let mut y = vec![0.0; 8 * 192];
    ///     variant.run(level, Rows::new(&[2.0; 8 * 2], 2), &packed[0], RowsMut::new(&mut y, 192));
    ///     assert!(y.iter().all(|y| *y == 3.0));
    /// }
    /// ```
    pub fn run(self, level: Level, x: Rows, weights: &Packed, y: RowsMut) {
        assert!(
            tiles(level).contains(&(self.rows, self.vectors)),
            "{level} has no tile {} × {}",
            self.rows,
            self.vectors
        );
        self.check(x, weights, &y);
        level.run(kernel::Gemm { variant: self, x, weights, y });
    }

    fn check(self, x: Rows, weights: &Packed, y: &RowsMut) {
        assert!(ROWS.contains(&x.rows()), "{} rows; there are tiles for {ROWS:?}", x.rows());
        assert_eq!(self.vectors, weights.vectors(), "the weights are packed for other panels");
        assert_eq!(
            x.cols(),
            weights.inputs(),
            "x has {} columns, the weights {}",
            x.cols(),
            weights.inputs()
        );
        assert_eq!((x.rows(), weights.outputs()), (y.rows(), y.cols()), "y has another shape");
    }
}

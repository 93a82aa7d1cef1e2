//! Dropout of attention's probabilities.
//!
//! ```text
//! context = Σₖ pₖ·mₖ·vₖ        mₖ = 0 or 1/(1 − p)
//! ```
//!
//! The softmax is made before the mask, so its sum counts what is dropped, as in the original.
//!
//! In the book: `docs/06-attention.md`.

use crate::{
    dropout::Dropout,
    simd::{Kernel, LANES, Simd},
    tiles::sealed::Sealed,
};

/// The most queries that a block has: two vectors of them.
const LANES_OF_A_BLOCK: usize = 2 * LANES;

/// Dropout for the sentences of a pack.
#[derive(Clone, Copy, Debug)]
pub struct AttentionDropout {
    /// The site's dropout.
    pub dropout: Dropout,
    /// The place in the batch of the pack's first sentence.
    pub first: usize,
}

/// What becomes of attention's probabilities. The trait is sealed: nothing, `()`, or dropout.
pub trait Masking: Copy + Sealed {
    /// The mask of a block of queries.
    type Mask;

    /// The mask for the queries from `query` on.
    fn mask(self, sentence: usize, head: usize, query: usize) -> Self::Mask;

    /// rows[key][query] ← rows[key][query]·m
    fn apply<S: Simd, const NQ: usize>(
        s: S,
        mask: &Self::Mask,
        rows: &mut [[[f32; LANES]; NQ]], // [L]
    );
}

impl Sealed for () {}

impl Masking for () {
    type Mask = ();

    #[inline(always)]
    fn mask(self, _: usize, _: usize, _: usize) {}

    #[inline(always)]
    fn apply<S: Simd, const NQ: usize>(_: S, (): &(), _: &mut [[[f32; LANES]; NQ]]) {}
}

impl Sealed for Option<AttentionDropout> {}

impl Masking for Option<AttentionDropout> {
    type Mask = Option<Mask>;

    #[inline(always)]
    fn mask(self, sentence: usize, head: usize, query: usize) -> Option<Mask> {
        self.map(|dropout| dropout.mask(sentence, head, query))
    }

    #[inline(always)]
    fn apply<S: Simd, const NQ: usize>(s: S, mask: &Option<Mask>, rows: &mut [[[f32; LANES]; NQ]]) {
        if let Some(mask) = mask {
            mask.apply(s, rows);
        }
    }
}

/// The keys of a block's queries.
pub struct Mask {
    dropout: Dropout,
    low: [u32; LANES_OF_A_BLOCK],
    high: [u32; LANES_OF_A_BLOCK],
}

impl AttentionDropout {
    /// The mask for the queries from `query` on.
    #[cold]
    #[inline(never)]
    pub(super) fn mask(&self, sentence: usize, head: usize, query: usize) -> Mask {
        let (mut low, mut high) = ([0; LANES_OF_A_BLOCK], [0; LANES_OF_A_BLOCK]);
        for lane in 0..LANES_OF_A_BLOCK {
            // A position is below 2²⁴, see `Config`, and so is a head.
            let row = ((head as u64) << 32) | (query + lane) as u64;
            [low[lane], high[lane]] = self.dropout.row(self.first + sentence, row);
        }
        Mask { dropout: self.dropout, low, high }
    }
}

impl Mask {
    /// rows[key][query] ← rows[key][query]·m, in a function of its own, which has its own
    /// registers.
    #[inline(always)]
    pub(super) fn apply<S: Simd, const NQ: usize>(
        &self,
        s: S,
        rows: &mut [[[f32; LANES]; NQ]], // [L]
    ) {
        const { assert!(NQ * LANES <= LANES_OF_A_BLOCK) };
        s.vectorize(Apply { mask: self, rows });
    }
}

struct Apply<'a, const NQ: usize> {
    mask: &'a Mask,
    rows: &'a mut [[[f32; LANES]; NQ]], // [L]
}

impl<const NQ: usize> Kernel for Apply<'_, NQ> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Mask { dropout, low, high } = self.mask;
        for (key, row) in self.rows.iter_mut().enumerate() {
            for j in 0..NQ {
                let mut factors = [0.0; LANES];
                for lane in 0..LANES {
                    let at = j * LANES + lane;
                    factors[lane] = dropout.factor([low[at], high[at]], key as u32);
                }
                s.store(s.mul(s.load(&row[j]), s.load(&factors)), &mut row[j]);
            }
        }
    }
}

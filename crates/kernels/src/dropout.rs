//! Dropout by a counter: a value's fate depends on its place alone.
//!
//! ```text
//! y = x·m,   m = 0 with probability p, else 1/(1 − p)      dx = dy·m
//! ```
//!
//! A generator with a state would give other masks when the work is cut or shared in another way,
//! and the masks would have to be kept for the backward pass. Here, the mask is a hash of the
//! seed, the step, the site in the model, the sentence's place in the batch, the row and the
//! column. So it is computed again wherever it is needed, and no thread count, pack or policy of
//! memory enters it.
//!
//! ```text
//! key  = mix(mix(mix(seed) + step) + site)                   64 bits: one for each use
//! row  = mix(mix(key + sentence) + row)                      64 bits: (low, high), for each row
//! bits = finalise(column·golden + low, high)                 32 bits: two multiplications
//! m    = 0 if bits < p·2³²
//! ```
//!
//! References: `mix` is that of SplitMix64 (G. Steele, D. Lea and C. Flood, OOPSLA 2014);
//! `finalise` has the constants of C. Wellons' `lowbias32`. N. Srivastava et al., *Dropout*, JMLR
//! 15, 2014.
//!
//! In the book: `docs/14-training.md`.

use crate::{
    RowsMut,
    simd::{Kernel, LANES, Level, Simd},
};

/// The dropout of one site in one step.
///
/// ```
/// use minilm_kernels::{Level, RowsMut, dropout::Dropout};
/// let dropout = Dropout::new(0.5, [42, 1, 0]);
/// let mut x = [1.0; 64];
/// dropout.apply(Level::detect(), 0, &[0, 2], RowsMut::new(&mut x, 32)); // one sentence of 2
/// assert!(x.iter().all(|&x| x == 0.0 || x == 2.0));
/// assert!(x.contains(&0.0) && x.contains(&2.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    threshold: u32,
    scale: f32,
    key: u64,
}

/// The output function of SplitMix64.
fn mix(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Dropout {
    /// Dropout with the given probability, for `[seed, step, site]`.
    ///
    /// # Panics
    /// Unless 0 ≤ probability < 1.
    pub fn new(probability: f32, [seed, step, site]: [u64; 3]) -> Dropout {
        assert!((0.0..1.0).contains(&probability), "{probability} is no probability below 1");
        let threshold = (f64::from(probability) * 2f64.powi(32)) as u32;
        let scale = (1.0 / (1.0 - f64::from(probability))) as f32;
        let key = mix(mix(mix(seed).wrapping_add(step)).wrapping_add(site));
        Dropout { threshold, scale, key }
    }

    /// The key of a row of a sentence.
    pub(crate) fn row(&self, sentence: usize, row: u64) -> [u32; 2] {
        let key = mix(mix(self.key.wrapping_add(sentence as u64)).wrapping_add(row));
        [key as u32, (key >> 32) as u32]
    }

    /// 0 or 1/(1 − p) for a column of the row with the key `[low, high]`.
    #[inline(always)]
    pub(crate) fn factor(&self, [low, high]: [u32; 2], column: u32) -> f32 {
        let mut x = column.wrapping_mul(0x9e37_79b9).wrapping_add(low);
        x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
        x = (x ^ (x >> 15) ^ high).wrapping_mul(0x846c_a68b);
        x ^= x >> 16;
        if x < self.threshold { 0.0 } else { self.scale }
    }

    /// x ← x·m for the rows of several sentences that lie end to end: sentence `first + i` of the
    /// batch is the rows `starts[i]..starts[i + 1]`.
    ///
    /// # Panics
    /// If the sentences do not cover the rows of x.
    pub fn apply(&self, level: Level, first: usize, starts: &[usize], x: RowsMut) {
        assert_eq!(
            starts.last().copied(),
            Some(x.rows()),
            "the last sentence ends at the last row"
        );
        level.run(Apply { dropout: *self, first, starts, x });
    }
}

struct Apply<'a> {
    dropout: Dropout,
    first: usize,
    starts: &'a [usize],
    x: RowsMut<'a>,
}

impl Kernel for Apply<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for (sentence, rows) in self.starts.windows(2).map(|w| w[0]..w[1]).enumerate() {
            for (token, row) in rows.enumerate() {
                let key = self.dropout.row(self.first + sentence, token as u64);
                for (i, x) in self.x.row(row).chunks_mut(LANES).enumerate() {
                    let mut factors = [0.0; LANES];
                    for lane in 0..LANES {
                        factors[lane] = self.dropout.factor(key, (i * LANES + lane) as u32);
                    }
                    s.store_first(s.mul(s.load_or(x, 0.0), s.load(&factors)), x);
                }
            }
        }
    }
}

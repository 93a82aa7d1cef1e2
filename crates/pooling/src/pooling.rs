//! The pooling modes of `sentence_transformers.models.Pooling`.
//!
//! In the book: `docs/01-model.md`.

use minilm_kernels::Rows;

/// One way to make a sentence vector of the token vectors x₀ … x_{L−1}, `[CLS]` and `[SEP]` among
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mode {
    /// x₀, the vector of `[CLS]`.
    Cls,
    /// The largest value of each column.
    Max,
    /// Σ xᵢ / L
    Mean,
    /// Σ xᵢ / √L
    MeanSqrtLen,
    /// Σ (i + 1)·xᵢ / Σ (i + 1)
    WeightedMean,
    /// x_{L−1}
    LastToken,
}

impl Mode {
    /// All modes, in the order in which their vectors are concatenated.
    pub const ALL: &'static [Mode] =
        &[Mode::Cls, Mode::Max, Mode::Mean, Mode::MeanSqrtLen, Mode::WeightedMean, Mode::LastToken];

    /// The name in `pooling_mode` of `1_Pooling/config.json`.
    ///
    /// ```
    /// assert_eq!(minilm_pooling::Mode::MeanSqrtLen.name(), "mean_sqrt_len_tokens");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Mode::Cls => "cls",
            Mode::Max => "max",
            Mode::Mean => "mean",
            Mode::MeanSqrtLen => "mean_sqrt_len_tokens",
            Mode::WeightedMean => "weightedmean",
            Mode::LastToken => "lasttoken",
        }
    }

    /// Pools the tokens of `tokens` `[L, H]` from `first` < L on into `v` `[H]`.
    fn pool(self, tokens: Rows, first: usize, v: &mut [f32]) {
        let l = tokens.rows();
        let row = |i| tokens.row(i);
        let pooled = (l - first) as f64;
        match self {
            Mode::Cls => v.copy_from_slice(row(first)),
            Mode::LastToken => v.copy_from_slice(row(l - 1)),
            Mode::Max => {
                v.copy_from_slice(row(first));
                for i in first + 1..l {
                    v.iter_mut().zip(row(i)).for_each(|(v, x)| *v = v.max(*x));
                }
            }
            Mode::Mean => weighted_sum(tokens, first, |_| 1.0, pooled, v),
            Mode::MeanSqrtLen => weighted_sum(tokens, first, |_| 1.0, pooled.sqrt(), v),
            Mode::WeightedMean => {
                let weights = (first + 1..=l).sum::<usize>();
                weighted_sum(tokens, first, |i| (i + 1) as f64, weights as f64, v)
            }
        }
    }
}

/// v ← Σ weight(i)·xᵢ / divisor, i from `first` on
fn weighted_sum(
    tokens: Rows,
    first: usize,
    weight: impl Fn(usize) -> f64,
    divisor: f64,
    v: &mut [f32],
) {
    // Columns in blocks, so that a block of sums stays in registers or on the stack.
    const BLOCK: usize = 64;
    for (block, v) in v.chunks_mut(BLOCK).enumerate() {
        let columns = block * BLOCK..block * BLOCK + v.len();
        let mut sums = [0.0; BLOCK];
        for i in first..tokens.rows() {
            let row = &tokens.row(i)[columns.clone()];
            sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += weight(i) * f64::from(*x));
        }
        v.iter_mut().zip(sums).for_each(|(v, sum)| *v = (sum / divisor) as f32);
    }
}

/// One mode, or several whose vectors are concatenated.
///
/// ```
/// use minilm_kernels::Rows;
/// use minilm_pooling::{Mode, Pooling};
/// let pooling = Pooling::new(&[Mode::Cls, Mode::Max]);
/// let mut v = [0.0; 2];
/// pooling.pool(Rows::new(&[1.0, 5.0, 3.0], 1), &mut v); // L = 3, H = 1
/// assert_eq!(v, [1.0, 5.0]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pooling {
    modes: Vec<Mode>,
    include_prompt: bool,
}

impl Pooling {
    /// Pooling by `modes`, concatenated in the given order.
    ///
    /// # Panics
    /// If there is no mode.
    pub fn new(modes: &[Mode]) -> Pooling {
        assert!(!modes.is_empty(), "pooling needs a mode");
        Pooling { modes: modes.to_vec(), include_prompt: true }
    }

    /// Whether the tokens of a prompt are pooled with those of the text behind it; by default they
    /// are.
    ///
    /// ```
    /// use minilm_pooling::{Mode, Pooling};
    /// assert!(!Pooling::new(&[Mode::Mean]).with_include_prompt(false).include_prompt());
    /// ```
    #[must_use]
    pub fn with_include_prompt(self, include_prompt: bool) -> Pooling {
        Pooling { include_prompt, ..self }
    }

    /// `include_prompt` of `1_Pooling/config.json`.
    pub fn include_prompt(&self) -> bool {
        self.include_prompt
    }

    /// The modes, in the order of their vectors.
    pub fn modes(&self) -> &[Mode] {
        &self.modes
    }

    /// Width of the sentence vector for token vectors of width `hidden`.
    pub fn width(&self, hidden: usize) -> usize {
        hidden * self.modes.len()
    }

    /// Pools `tokens` `[L, H]` into `v` `[width(H)]`.
    ///
    /// # Panics
    /// If there are no tokens, or `v` has another length.
    pub fn pool(&self, tokens: Rows, v: &mut [f32]) {
        assert!(tokens.rows() > 0, "a sentence has at least one token");
        self.pool_from(0, tokens, v);
    }

    /// Pools the tokens of `tokens` `[L, H]` from `first` on into `v` `[width(H)]`: those behind a
    /// prompt. `first` is 0 or the number of tokens of the prompt, `[CLS]` among them.
    ///
    /// A token keeps its place in the text, and with it its weight in [`Mode::WeightedMean`]. If no
    /// token is left, `v` is zero.
    ///
    /// ```
    /// use minilm_kernels::Rows;
    /// use minilm_pooling::{Mode, Pooling};
    /// let mut v = [0.0];
    /// Pooling::new(&[Mode::Mean]).pool_from(1, Rows::new(&[9.0, 2.0, 4.0], 1), &mut v);
    /// assert_eq!(v, [3.0]);
    /// ```
    ///
    /// # Panics
    /// If `v` has another length.
    pub fn pool_from(&self, first: usize, tokens: Rows, v: &mut [f32]) {
        assert_eq!(v.len(), self.width(tokens.cols()), "the sentence vector's length");
        if first >= tokens.rows() {
            return v.fill(0.0);
        }
        for (mode, v) in self.modes.iter().zip(v.chunks_exact_mut(tokens.cols())) {
            mode.pool(tokens, first, v);
        }
    }
}

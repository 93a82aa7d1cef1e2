//! The shapes that the ladders are measured on, which are those of the model, and the units.

/// The linear layers: fused query, key and value; feed-forward up and down.
pub(crate) const PRODUCTS: [Case; 9] = [
    Case::Product { rows: 8, k: 384, n: 1152 },
    Case::Product { rows: 64, k: 384, n: 1152 },
    Case::Product { rows: 256, k: 384, n: 1152 },
    Case::Product { rows: 8, k: 384, n: 1536 },
    Case::Product { rows: 64, k: 384, n: 1536 },
    Case::Product { rows: 256, k: 384, n: 1536 },
    Case::Product { rows: 8, k: 1536, n: 384 },
    Case::Product { rows: 64, k: 1536, n: 384 },
    Case::Product { rows: 256, k: 1536, n: 384 },
];
/// The activations of 64 tokens.
pub(crate) const ROWS: Case = Case::Rows { rows: 64, cols: 384 };
/// The scores of twelve heads of a short sentence, and of one head of the longest.
pub(crate) const SCORES: [Case; 2] =
    [Case::Rows { rows: 192, cols: 16 }, Case::Rows { rows: 256, cols: 256 }];
/// Equal sentences, unequal ones, and the longest; 12 heads of 32.
pub(crate) const BATCHES: [Case; 3] = [
    Case::Sentences(&[16, 16, 16, 16, 16, 16, 16, 16]),
    Case::Sentences(&[4, 7, 9, 12, 14, 19, 23, 40]),
    Case::Sentences(&[256]),
];
/// The gradients of the projection behind attention, and of the feed-forward's first layer.
pub(crate) const GRADIENTS: [Case; 2] =
    [Case::Gradient { rows: 128, k: 384, n: 384 }, Case::Gradient { rows: 256, k: 384, n: 1536 }];
/// Short sentences, and one that is as long as a chain.
pub(crate) const GRADIENT_BATCHES: [Case; 2] =
    [Case::GradientSentences(&[16, 16, 16, 16, 16, 16, 16, 16]), Case::GradientSentences(&[128])];
/// Weights of the model's linear layers. A product is measured with as many matrices in turn, so
/// that each comes from as far as in the model, which uses it once a pass. One matrix alone would
/// stay in a cache and flatter everyone.
pub(crate) const WEIGHTS: usize = 6 * 12 * 384 * 384;
pub(crate) const HIDDEN: usize = 384;
pub(crate) const HEADS: usize = 12;

/// The unit of a ladder's speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 10⁹ FLOP per second; a multiply-add is two. The ceiling is the core's peak.
    Gflops,
    /// 10⁹ integer operations per second; a product with its addition is two. The ceiling is the
    /// core's peak of products in eight bits.
    Gops,
    /// Nanoseconds an element.
    Nanoseconds,
}

impl Unit {
    /// As it is printed.
    ///
    /// ```
    /// assert_eq!(minilm_ladder::Unit::Gflops.name(), "GFLOP/s");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Unit::Gflops => "GFLOP/s",
            Unit::Gops => "GOP/s",
            Unit::Nanoseconds => "ns per element",
        }
    }

    /// `amount` operations or elements in `seconds`.
    ///
    /// ```
    /// assert_eq!(minilm_ladder::Unit::Gflops.value(3e9, 2.0), 1.5);
    /// ```
    pub fn value(self, amount: f64, seconds: f64) -> f64 {
        match self {
            Unit::Gflops | Unit::Gops => amount / seconds / 1e9,
            Unit::Nanoseconds => seconds / amount * 1e9,
        }
    }

    /// How many times as fast `value` is as `other`.
    ///
    /// ```
    /// use minilm_ladder::Unit;
    /// assert_eq!(Unit::Gflops.ratio(6.0, 3.0), 2.0);
    /// assert_eq!(Unit::Nanoseconds.ratio(6.0, 3.0), 0.5);
    /// ```
    pub fn ratio(self, value: f64, other: f64) -> f64 {
        match self {
            Unit::Gflops | Unit::Gops => value / other,
            Unit::Nanoseconds => other / value,
        }
    }
}

/// One shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// y `[rows, n]` = x `[rows, k]` · W `[n, k]`ᵀ.
    #[expect(missing_docs, reason = "the sentence above names them")]
    Product { rows: usize, k: usize, n: usize },
    /// Values `[rows, cols]`.
    #[expect(missing_docs, reason = "the sentence above names them")]
    Rows { rows: usize, cols: usize },
    /// Tokens of each sentence in a batch.
    Sentences(&'static [usize]),
    /// dW `[n, k]` += dy `[rows, n]`ᵀ · x `[rows, k]`.
    #[expect(missing_docs, reason = "the sentence above names them")]
    Gradient { rows: usize, k: usize, n: usize },
    /// The same as [`Case::Sentences`], for the backward pass.
    GradientSentences(&'static [usize]),
}

impl Case {
    /// As it is printed.
    ///
    /// ```
    /// assert_eq!(minilm_ladder::Case::Rows { rows: 64, cols: 384 }.name(), "64 × 384");
    /// ```
    pub fn name(self) -> String {
        match self {
            Case::Product { rows, k, n } | Case::Gradient { rows, k, n } => {
                format!("{k} → {n}, {rows} rows")
            }
            Case::Rows { rows, cols } => format!("{rows} × {cols}"),
            Case::Sentences([l]) | Case::GradientSentences([l]) => {
                format!("1 sentence of {l} tokens")
            }
            Case::Sentences(lengths) | Case::GradientSentences(lengths) => {
                let (least, most) =
                    (lengths.iter().min().unwrap_or(&0), lengths.iter().max().unwrap_or(&0));
                let range =
                    if least == most { most.to_string() } else { format!("{least}–{most}") };
                format!("{} sentences of {range} tokens", lengths.len())
            }
        }
    }

    /// The work of one run: operations, or elements.
    ///
    /// ```
    /// assert_eq!(
    ///     minilm_ladder::Case::Product { rows: 8, k: 384, n: 1152 }.amount(),
    ///     2.0 * 8.0 * 384.0 * 1152.0
    /// );
    /// ```
    pub fn amount(self) -> f64 {
        let amount = match self {
            Case::Product { rows, k, n } | Case::Gradient { rows, k, n } => 2 * rows * k * n,
            Case::Rows { rows, cols } => rows * cols,
            // Two products of L·L·D multiply-adds for each head.
            Case::Sentences(lengths) => 2 * 2 * HIDDEN * squares(lengths),
            // Five.
            Case::GradientSentences(lengths) => 5 * 2 * HIDDEN * squares(lengths),
        };
        amount as f64
    }
}

/// Pairs of tokens of one sentence.
fn squares(lengths: &[usize]) -> usize {
    lengths.iter().map(|l| l * l).sum()
}

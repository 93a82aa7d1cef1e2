//! The ladders: what is computed, on which shapes, in which unit, and how fast it could be at
//! best.

use crate::{
    Peaks, STEPS, Step, YARDSTICKS,
    attention::{Batch, Scratch},
    exp,
    steps::Operation,
};
use minilm_kernels::{
    Level,
    counting::{Operations, count},
    gelu::Gelu,
    layer_norm::LayerNorm,
    simd::{Kernel, LANES},
    softmax::Softmax,
    tiles::Avx2,
};
use minilm_testing::Random;
use std::time::{Duration, Instant};

/// A kernel's way from the plain loop to what is shipped.
#[derive(Clone, Copy, Debug)]
pub struct Ladder {
    /// Its name, and that of its folder.
    pub name: &'static str,
    /// The unit of its speed.
    pub unit: Unit,
    /// The operations per vector of the rung with the fewest multiplications, counted by running
    /// it; none for a ladder of products, all of whose operations are useful ones.
    ///
    /// They bound the time from below: whatever else there is to do, the multiplications have to go
    /// through the units whose rate the peak is.
    pub least: Option<fn() -> Operations>,
    /// The shapes it is measured on: those of the model.
    pub cases: &'static [Case],
    /// The rung, or the rival's function, that the others are measured against.
    pub yardstick: &'static str,
}

/// Every ladder, in the order of [`STEPS`].
pub const LADDERS: [Ladder; 7] = [
    Ladder {
        name: "gemm",
        unit: Unit::Gflops,
        least: None,
        cases: &PRODUCTS,
        yardstick: "matrixmultiply",
    },
    Ladder {
        name: "layer_norm",
        unit: Unit::Nanoseconds,
        least: Some(|| {
            per_vector(|x| {
                let ones = [1.0; LANES];
                operations(LayerNorm::new(x, &ones, &ones, 0.0))
            })
        }),
        cases: &[ROWS],
        yardstick: "three_passes",
    },
    Ladder {
        name: "softmax",
        unit: Unit::Nanoseconds,
        least: Some(|| per_vector(|x| operations(Softmax::new(x, LANES)))),
        cases: &SCORES,
        yardstick: "max_shifted",
    },
    Ladder {
        name: "gelu",
        unit: Unit::Nanoseconds,
        least: Some(|| per_vector(|x| operations(Gelu(x)))),
        cases: &[ROWS],
        yardstick: "library",
    },
    Ladder {
        name: "exp",
        unit: Unit::Nanoseconds,
        least: Some(|| per_vector(|x| operations(exp::reduced::Exp(x)))),
        cases: &[ROWS],
        yardstick: "library",
    },
    Ladder {
        name: "attention",
        unit: Unit::Gflops,
        least: None,
        cases: &BATCHES,
        yardstick: "matrixmultiply",
    },
    Ladder {
        name: "rounded_gemm",
        unit: Unit::Gops,
        least: None,
        cases: &PRODUCTS,
        yardstick: "dots",
    },
];

/// The operations that `count` counts on one vector.
fn per_vector(count: impl Fn(&mut [f32]) -> Operations) -> Operations {
    count(&mut [1.0; LANES])
}

/// Those of an operation that has no tile.
fn operations(kernel: impl Kernel) -> Operations {
    count::<Avx2, _>(kernel).1
}

/// The linear layers: fused query, key and value; feed-forward up and down.
const PRODUCTS: [Case; 9] = [
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
const ROWS: Case = Case::Rows { rows: 64, cols: 384 };
/// The scores of twelve heads of a short sentence, and of one head of the longest.
const SCORES: [Case; 2] = [Case::Rows { rows: 192, cols: 16 }, Case::Rows { rows: 256, cols: 256 }];
/// Equal sentences, unequal ones, and the longest; 12 heads of 32.
const BATCHES: [Case; 3] = [
    Case::Sentences(&[16, 16, 16, 16, 16, 16, 16, 16]),
    Case::Sentences(&[4, 7, 9, 12, 14, 19, 23, 40]),
    Case::Sentences(&[256]),
];
/// Weights of the model's linear layers. A product is measured with as many matrices in turn, so
/// that each comes from as far as in the model, which uses it once a pass. One matrix alone would
/// stay in a cache and flatter everyone.
const WEIGHTS: usize = 6 * 12 * 384 * 384;
const HIDDEN: usize = 384;
const HEADS: usize = 12;

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
}

impl Case {
    /// As it is printed.
    ///
    /// ```
    /// assert_eq!(minilm_ladder::Case::Rows { rows: 64, cols: 384 }.name(), "64 × 384");
    /// ```
    pub fn name(self) -> String {
        match self {
            Case::Product { rows, k, n } => format!("{k} → {n}, {rows} rows"),
            Case::Rows { rows, cols } => format!("{rows} × {cols}"),
            Case::Sentences([l]) => format!("1 sentence of {l} tokens"),
            Case::Sentences(lengths) => {
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
            Case::Product { rows, k, n } => 2 * rows * k * n,
            Case::Rows { rows, cols } => rows * cols,
            // Two products of L·L·D multiply-adds for each head.
            Case::Sentences(lengths) => {
                2 * 2 * HIDDEN * lengths.iter().map(|l| l * l).sum::<usize>()
            }
        };
        amount as f64
    }
}

impl Ladder {
    /// Its rungs.
    ///
    /// ```
    /// let gemm = minilm_ladder::LADDERS[0];
    /// assert_eq!(gemm.steps().next().map(|step| step.name), Some("naive"));
    /// ```
    pub fn steps(self) -> impl Iterator<Item = &'static Step> {
        STEPS.iter().filter(move |step| step.ladder == self.name)
    }

    /// The best value that a core of these peaks could reach.
    ///
    /// ```
    /// use minilm_ladder::{LADDERS, Peaks};
    /// let (gemm, gelu) = (LADDERS[0], LADDERS[3]);
    /// let peaks = Peaks { flops: 64e9, ops: 128e9 };
    /// assert_eq!(gemm.ceiling(peaks), 64.0);
    /// // 64 GFLOP/s are two multiply-adds of sixteen lanes per ns, and GELU has nine.
    /// assert_eq!(gelu.ceiling(peaks), 4.5 / 16.0);
    /// ```
    pub fn ceiling(self, peaks: Peaks) -> f64 {
        let peak = if self.unit == Unit::Gops { peaks.ops } else { peaks.flops };
        match self.least {
            None => self.unit.value(peak, 1.0),
            Some(count) => {
                // A multiplication takes as long as a multiply-add, which is two FLOP per lane.
                let flop = count().multiplications() as f64 * 2.0 * LANES as f64;
                self.unit.value(LANES as f64, flop / peak)
            }
        }
    }

    /// The rival: another library's function for the same, if there is one.
    ///
    /// ```
    /// let gemm = minilm_ladder::LADDERS[0];
    /// assert_eq!(gemm.rival().map(|step| step.name), Some("matrixmultiply"));
    /// ```
    pub fn rival(self) -> Option<&'static Step> {
        YARDSTICKS.iter().find(|step| step.ladder == self.name)
    }
}

/// Runs a rung once and tells how long it took.
pub type Work = Box<dyn FnMut() -> Duration>;

impl Step {
    /// The rung on the shape of `case`, with inputs of its own.
    ///
    /// # Panics
    /// If the case is not one of the rung's ladder.
    ///
    /// ```
    /// use minilm_ladder::LADDERS;
    /// let (ladder, level) = (LADDERS[4], minilm_kernels::Level::detect());
    /// for step in ladder.steps() {
    ///     println!("{}: {:?}", step.name, step.work(ladder.cases[0], level)());
    /// }
    /// ```
    pub fn work(&self, case: Case, level: Level) -> Work {
        let mut random = Random(1);
        match (self.operation, case) {
            (Operation::Gemm(linear), Case::Product { rows, k, n }) => {
                let (x, mut y) = (random.values(rows * k), vec![0.0; rows * n]);
                let weight = random.values(n * k);
                let layers: Vec<_> =
                    (0..(WEIGHTS / (n * k)).max(1)).map(|_| linear(level, &weight, k)).collect();
                let mut next = 0;
                Box::new(move || {
                    next = (next + 1) % layers.len();
                    timed(|| layers[next](&x, &mut y))
                })
            }
            (Operation::Attention(attention), Case::Sentences(lengths)) => {
                let mut starts = vec![0];
                starts.extend(lengths.iter().scan(0, |end, l| {
                    *end += l;
                    Some(*end)
                }));
                let tokens: usize = lengths.iter().sum();
                let (qkv, mut context) =
                    (random.values(tokens * 3 * HIDDEN), vec![0.0; tokens * HIDDEN]);
                let mut scratch = Scratch::default();
                Box::new(move || {
                    let batch = Batch { hidden: HIDDEN, heads: HEADS, starts: &starts };
                    timed(|| attention(level, &qkv, batch, &mut scratch, &mut context))
                })
            }
            (Operation::LayerNorm(layer_norm), Case::Rows { rows, cols }) => {
                let (gamma, beta) = (random.values(cols), random.values(cols));
                in_place(random.spread(rows * cols, 3.0), move |x| {
                    layer_norm(level, x, &gamma, &beta, 1e-12)
                })
            }
            (Operation::Softmax(softmax), Case::Rows { rows, cols }) => {
                let mut sums = vec![0.0; rows];
                in_place(random.spread(rows * cols, 5.0), move |x| softmax(level, x, &mut sums))
            }
            (Operation::Gelu(gelu), Case::Rows { rows, cols }) => {
                in_place(random.spread(rows * cols, 4.0), move |x| gelu(level, x))
            }
            (Operation::Exp(exp), Case::Rows { rows, cols }) => {
                in_place(random.spread(rows * cols, 10.0), move |x| exp(level, x))
            }
            (_, case) => panic!("the ladder {} has no case {case:?}", self.ladder),
        }
    }
}

/// An operation that overwrites its input: it gets the same in each run, and copying it does not
/// count.
fn in_place(input: Vec<f32>, mut operation: impl FnMut(&mut [f32]) + 'static) -> Work {
    let mut x = input.clone();
    Box::new(move || {
        x.copy_from_slice(&input);
        timed(|| operation(&mut x))
    })
}

fn timed(run: impl FnOnce()) -> Duration {
    let start = Instant::now();
    run();
    start.elapsed()
}

//! The ladders: what is computed, on which shapes, in which unit, and how fast it could be at
//! best.

use crate::{
    Peaks, STEPS, Step, YARDSTICKS,
    attention::{Batch, Scratch},
    attention_backward,
    cases::{
        BATCHES, Case, GRADIENT_BATCHES, GRADIENTS, HEADS, HIDDEN, PRODUCTS, ROWS, SCORES, Unit,
        WEIGHTS,
    },
    exp,
    steps::Operation,
};
use minilm_kernels::{
    AlignedVec, Level,
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
pub const LADDERS: [Ladder; 9] = [
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
    Ladder {
        name: "weight_gradient",
        unit: Unit::Gflops,
        least: None,
        cases: &GRADIENTS,
        yardstick: "matrixmultiply",
    },
    Ladder {
        name: "attention_backward",
        unit: Unit::Gflops,
        least: None,
        cases: &GRADIENT_BATCHES,
        yardstick: "per_head",
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
                let (starts, tokens) = (starts(lengths), lengths.iter().sum::<usize>());
                let (qkv, mut context) =
                    (random.values(tokens * 3 * HIDDEN), vec![0.0; tokens * HIDDEN]);
                let mut scratch = Scratch::default();
                Box::new(move || {
                    let batch = Batch { hidden: HIDDEN, heads: HEADS, starts: &starts };
                    timed(|| attention(level, &qkv, batch, &mut scratch, &mut context))
                })
            }
            (Operation::WeightGradient(gradient), Case::Gradient { rows, k, n }) => {
                let (dy, x) = (random.values(rows * n), random.values(rows * k));
                let mut layers = vec![vec![0.0; n * k]; (WEIGHTS / (n * k)).max(1)];
                let (mut scratch, mut next) = (AlignedVec::default(), 0);
                Box::new(move || {
                    next = (next + 1) % layers.len();
                    timed(|| gradient(level, &dy, &x, k, &mut scratch, &mut layers[next]))
                })
            }
            (Operation::AttentionBackward(attention), Case::GradientSentences(lengths)) => {
                let (starts, tokens) = (starts(lengths), lengths.iter().sum::<usize>());
                let qkv = random.values(tokens * 3 * HIDDEN);
                let (d_context, mut d_qkv) = (random.values(tokens * HIDDEN), qkv.clone());
                let mut scratch = attention_backward::Scratch::default();
                Box::new(move || {
                    let batch = Batch { hidden: HIDDEN, heads: HEADS, starts: &starts };
                    timed(|| attention(level, &qkv, &d_context, batch, &mut scratch, &mut d_qkv))
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

/// Where sentences of these lengths start, and where the last ends.
fn starts(lengths: &[usize]) -> Vec<usize> {
    let ends = lengths.iter().scan(0, |end, l| {
        *end += l;
        Some(*end)
    });
    [0].into_iter().chain(ends).collect()
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

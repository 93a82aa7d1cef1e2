//! All variants of all levels in turns, as the rungs of a ladder are measured.
//!
//! ```text
//! round:  for each level  the peak, then for each number of rows and each variant:
//!                         the four products of a layer
//! ```
//!
//! Each variant has its own weights, and those of all others pass before its next turn. They come
//! from memory, unless the last cache is larger than a hundred megabytes. x and y are the same for
//! all. The first in a round finds them where the last round has left them, all others in a cache,
//! so each round begins with another variant.

use super::{
    ROWS, SHAPES, Variant,
    table::{BakeOff, Entry, LevelTable, Samples},
};
use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::tuning::{Layer, Packed},
    linear::{Epilogue, Linear},
    peak,
};
use minilm_testing::Random;
use std::time::Instant;

/// Rounds that are made however long they take.
const LEAST_ROUNDS: usize = 5;

/// Measures every variant of these levels, and what is shipped, for about `seconds` together.
///
/// ```no_run
/// use minilm_kernels::Level;
/// println!("{}", minilm_ladder::bakeoff::measure(&[Level::detect()], 10.0));
/// ```
pub fn measure(levels: &[Level], seconds: f64) -> BakeOff {
    let data = Data::new();
    let mut contests: Vec<Contest> =
        levels.iter().map(|&level| Contest::new(level, &data)).collect();
    let mut y = vec![0.0; data.most_outputs()];
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds < LEAST_ROUNDS || start.elapsed().as_secs_f64() < seconds {
        for contest in &mut contests {
            contest.peak = contest.peak.max(peak::fma(contest.level));
            for rows in 0..ROWS.len() {
                // The first finds x and y far away, so another one is first in each round.
                let first = rounds % contest.contestants.len();
                let (later, earlier) = contest.contestants.split_at_mut(first);
                for contestant in earlier.iter_mut().chain(later) {
                    contestant.turn(contest.level, &data, rows, &mut y);
                }
            }
        }
        rounds += 1;
    }
    BakeOff { rounds, levels: contests.into_iter().map(Contest::table).collect() }
}

/// The numbers that all compute with.
struct Data {
    x: [Vec<f32>; SHAPES.len()],       // [the largest M, K]
    weights: [Vec<f32>; SHAPES.len()], // [N, K]
    biases: [Vec<f32>; SHAPES.len()],  // [N]
}

impl Data {
    fn new() -> Data {
        let mut random = Random(1);
        let rows = ROWS[ROWS.len() - 1];
        Data {
            x: SHAPES.map(|(_, k)| random.values(rows * k)),
            weights: SHAPES.map(|(n, k)| random.values(n * k)),
            biases: SHAPES.map(|(n, _)| random.values(n)),
        }
    }

    fn most_outputs(&self) -> usize {
        SHAPES.iter().map(|(n, _)| n * ROWS[ROWS.len() - 1]).max().unwrap_or_default()
    }

    /// The products of a layer.
    fn layers(&self) -> Vec<Layer<'_>> {
        let layer = |i: usize| Layer {
            weight: Rows::new(&self.weights[i], SHAPES[i].1),
            bias: &self.biases[i],
        };
        (0..SHAPES.len()).map(layer).collect()
    }
}

/// One level.
struct Contest {
    level: Level,
    peak: f64,
    contestants: Vec<Contestant>,
}

struct Contestant {
    products: Products,
    samples: Samples,
}

/// The products of a layer.
enum Products {
    Shipped(Vec<Linear>),
    Variant(Variant, Vec<Packed>),
}

impl Contest {
    fn new(level: Level, data: &Data) -> Contest {
        let shipped = Linear::pack_together(level, |packer| {
            let layers = data.weights.iter().zip(&data.biases);
            layers.map(|(weight, bias)| packer.linear(weight, bias.len()).with_bias(bias)).collect()
        });
        let shipped = Products::Shipped(shipped.expect("there is memory"));
        let layers = data.layers();
        let variant = |v: Variant| Products::Variant(v, v.pack(level, &layers));
        let products = [shipped].into_iter().chain(Variant::all(level).into_iter().map(variant));
        let contestants =
            products.map(|products| Contestant { products, samples: Samples::default() }).collect();
        Contest { level, peak: 0.0, contestants }
    }

    fn table(self) -> LevelTable {
        let peak = self.peak;
        let entry = |contestant: Contestant| match contestant.products {
            Products::Shipped(_) => Entry::new("shipped".to_owned(), &contestant.samples, peak),
            Products::Variant(variant, _) => Entry::new(variant.name(), &contestant.samples, peak),
        };
        let variants = self.contestants.into_iter().map(entry).collect();
        LevelTable { level: self.level.name(), peak_flops: peak, variants }
    }
}

impl Contestant {
    /// Runs the four products of a layer and notes how long each took.
    fn turn(&mut self, level: Level, data: &Data, rows: usize, y: &mut [f32]) {
        let m = ROWS[rows];
        for (i, (n, k)) in SHAPES.into_iter().enumerate() {
            let (x, y) = (Rows::new(&data.x[i][..m * k], k), RowsMut::new(&mut y[..m * n], n));
            let start = Instant::now();
            match &self.products {
                Products::Shipped(linear) => linear[i].forward_with(x, y, Epilogue::Identity),
                Products::Variant(variant, packed) => variant.run(level, x, &packed[i], y),
            }
            self.samples[rows][i].push(start.elapsed().as_secs_f64());
        }
    }
}

//! t-SNE: points on a plane whose neighbours are those of the rows.
//!
//! ```text
//! p(i, j)   how much rows i and j want to be near          affinities.rs
//! q(i, j)   = w(i, j) / Σ w,  w = 1 / (1 + |yᵢ − yⱼ|²)     how near their points are
//! minimise  Σ p·ln(p/q);  its gradient at yᵢ is  4·Σⱼ (p − q)·w·(yᵢ − yⱼ)
//!
//! y = the first two principal components, very small, and a little noise
//! 250 steps with p exaggerated 12 times, which lets groups find each other; then the rest as it is
//! ```
//!
//! p has few entries per row, so its pull is a short sum. The push of all points on each is a sum
//! over the squares of a tree. A step is a gradient step with momentum, where each coordinate has a
//! gain that grows while it keeps its direction. All is `f64`.
//!
//! References: L. van der Maaten and G. Hinton, *Visualizing Data using t-SNE*, JMLR 9, 2008. L.
//! van der Maaten, *Accelerating t-SNE using Tree-Based Algorithms*, JMLR 15, 2014. A. Belkina et
//! al., *Automated optimized parameters for t-SNE*, Nature Communications 10, 2019 (the step). D.
//! Kobak and P. Berens, *The art of using t-SNE for single-cell transcriptomics*, Nature
//! Communications 10, 2019 (the start).

use super::{
    affinities::{Affinities, affinities},
    pca::Pca,
    tree::{Point, Tree},
};
use crate::{Error, cluster::random::Random};
use minilm_kernels::Level;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// Steps with exaggerated p, and the factor.
const EARLY: usize = 250;
const EXAGGERATION: f64 = 12.0;

/// The spread of the points at the start, and of the noise that parts equal rows.
const START: f64 = 1e-4;
const NOISE: f64 = 1e-6;

/// With fewer rows there are no neighbours to choose among.
const LEAST: usize = 4;

/// Points that one task moves.
const BLOCK: usize = 64;

/// A layout and its options.
///
/// ```
/// use minilm_tasks::map::Layout;
/// use ndarray::Array2;
/// let rows = Array2::from_shape_fn(
///     (20, 3),
///     |(i, k)| if i % 2 == k { 1.0 } else { 0.01 * i as f32 },
/// );
/// let points = Layout::new().seed(7).run(rows.view(), |_done, _of| {})?;
/// let distance =
///     |i: usize, j: usize| (&points.row(i) - &points.row(j)).mapv(|x| x * x).sum();
/// assert!(distance(0, 2) < distance(0, 1));
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    dimensions: usize,
    perplexity: f64,
    steps: usize,
    seed: u64,
    level: Level,
}

impl Default for Layout {
    fn default() -> Self {
        Layout { dimensions: 50, perplexity: 30.0, steps: 750, seed: 0, level: Level::detect() }
    }
}

impl Layout {
    /// 50 principal components, perplexity 30, 750 steps, seed 0.
    pub fn new() -> Layout {
        Layout::default()
    }

    /// The number of principal components that stand for each row.
    #[must_use]
    pub fn dimensions(self, dimensions: usize) -> Layout {
        Layout { dimensions, ..self }
    }

    /// The approximate number of neighbours of a row that count. Of n rows it is at most (n − 1)/3.
    #[must_use]
    pub fn perplexity(self, perplexity: f64) -> Layout {
        Layout { perplexity, ..self }
    }

    /// The number of steps; the first 250 only bring groups together.
    #[must_use]
    pub fn steps(self, steps: usize) -> Layout {
        Layout { steps, ..self }
    }

    /// The same seed gives the same points.
    #[must_use]
    pub fn seed(self, seed: u64) -> Layout {
        Layout { seed, ..self }
    }

    /// The instruction set; the points are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> Layout {
        Layout { level, ..self }
    }

    /// A point `[n, 2]` for each row of `embeddings` `[n, d]`; their mean is the origin. After each
    /// step `progress` is called with the number of steps done and of all. Fewer than four rows lie
    /// as their first two principal components do.
    ///
    /// # Errors
    /// As [`Pca::fit`], and [`Error::Option`] for a perplexity that is not at least 1 or for no
    /// dimensions.
    pub fn run(
        &self,
        embeddings: ArrayView2<f32>,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Array2<f32>, Error> {
        if self.perplexity.is_nan() || self.perplexity < 1.0 {
            return Err(Error::Option {
                option: "perplexity",
                reason: format!("it is {}, but at least 1 is needed", self.perplexity),
            });
        }
        if self.dimensions == 0 {
            return Err(Error::Option {
                option: "dimensions",
                reason: "at least one is needed".to_owned(),
            });
        }
        let mut rows = Pca::fit(embeddings, self.dimensions)?.transform(embeddings)?;
        let largest = rows.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        if largest > 0.0 {
            rows /= largest;
        }
        let n = rows.nrows();
        let points = if n < LEAST {
            first_two(&rows)
        } else {
            let perplexity = self.perplexity.min((n - 1) as f64 / 3.0);
            let affinities = affinities(rows.view(), perplexity, self.level)?;
            let mut moving = Moving::new(start(&rows, self.seed));
            for step in 0..self.steps {
                moving.step(&affinities, step < EARLY);
                progress(step + 1, self.steps);
            }
            moving.points
        };
        Ok(Array2::from_shape_fn((n, 2), |(i, axis)| points[i][axis] as f32))
    }
}

/// The first two components, 0 where there are none.
fn first_two(rows: &Array2<f32>) -> Vec<Point> {
    rows.outer_iter()
        .map(|row| [0, 1].map(|axis| row.get(axis).map_or(0.0, |&x| f64::from(x))))
        .collect()
}

fn start(rows: &Array2<f32>, seed: u64) -> Vec<Point> {
    let mut points = first_two(rows);
    let mut random = Random(seed);
    let spread = (points.iter().map(|p| p[0] * p[0]).sum::<f64>() / points.len() as f64).sqrt();
    let scale = if spread > 0.0 { START / spread } else { 0.0 };
    for x in points.as_flattened_mut() {
        *x = *x * scale + NOISE * (random.fraction() - 0.5);
    }
    points
}

/// Points on their way.
struct Moving {
    points: Vec<Point>,
    speeds: Vec<Point>,
    gains: Vec<Point>,
}

impl Moving {
    fn new(points: Vec<Point>) -> Moving {
        let n = points.len();
        Moving { points, speeds: vec![[0.0; 2]; n], gains: vec![[1.0; 2]; n] }
    }

    fn step(&mut self, affinities: &Affinities, early: bool) {
        let (exaggeration, momentum) = if early { (EXAGGERATION, 0.5) } else { (1.0, 0.8) };
        let rate = (self.points.len() as f64 / EXAGGERATION / 4.0).max(50.0);
        let gradients = gradients(&self.points, affinities, exaggeration);
        let coordinates = self.points.as_flattened_mut().iter_mut().zip(gradients.as_flattened());
        let moving = self.speeds.as_flattened_mut().iter_mut().zip(self.gains.as_flattened_mut());
        for ((x, gradient), (speed, gain)) in coordinates.zip(moving) {
            let turns = (*gradient > 0.0) == (*speed > 0.0); // uphill so far
            *gain = if turns { (*gain * 0.8).max(0.01) } else { *gain + 0.2 };
            *speed = momentum * *speed - rate * *gain * gradient;
            *x += *speed;
        }
        let n = self.points.len() as f64;
        let mean = [0, 1].map(|axis| self.points.iter().map(|p| p[axis]).sum::<f64>() / n);
        self.points.iter_mut().for_each(|p| *p = [p[0] - mean[0], p[1] - mean[1]]);
    }
}

/// 4·Σⱼ (p − q)·w·(yᵢ − yⱼ) of each point.
fn gradients(points: &[Point], affinities: &Affinities, exaggeration: f64) -> Vec<Point> {
    let tree = Tree::new(points);
    let forces = tree.order.par_iter().with_min_len(BLOCK).map(|&i| {
        let point = points[i as usize];
        let (push, total) = tree.push(point);
        (pull(point, points, &affinities[i as usize]), push, total - 1.0) // without itself
    });
    let forces: Vec<(Point, Point, f64)> = forces.collect();
    let all = forces.iter().map(|(.., total)| total).sum::<f64>().max(f64::MIN_POSITIVE);
    let mut gradients = vec![[0.0; 2]; points.len()];
    for (&i, (pull, push, _)) in tree.order.iter().zip(&forces) {
        gradients[i as usize] =
            [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push[axis] / all));
    }
    gradients
}

/// Σⱼ p·w·(y − yⱼ)
fn pull(point: Point, points: &[Point], near: &[(u32, f64)]) -> Point {
    near.iter().fold([0.0; 2], |sum, &(j, p)| {
        let other = points[j as usize];
        let (x, y) = (point[0] - other[0], point[1] - other[1]);
        let weight = p / (1.0 + x * x + y * y);
        [sum[0] + weight * x, sum[1] + weight * y]
    })
}

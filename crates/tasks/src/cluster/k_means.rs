//! k-means: k centres with a small sum of the squared distances of all rows to their nearest
//! centre.
//!
//! ```text
//! first centres: k-means++
//! repeat:  each row goes to its nearest centre: argmin |x − c|² = argmax x·c − |c|²/2,
//!          a GEMM with a bias
//!          each centre becomes the mean of its rows; a centre without rows moves to the row that
//!          is farthest from its own
//! until nothing changes, or hardly anything
//! ```
//!
//! This finds a minimum that depends on the start, so it is done several times, and the best is
//! taken. Means are added up in `f64` in blocks of a fixed size, so the result does not depend on
//! the number of threads.
//!
//! Reference: S. Lloyd, *Least Squares Quantization in PCM*, IEEE Transactions on Information
//! Theory 28(2), 1982.

mod step;

use step::Step;

use super::{random::Random, seeding::first_centres};
use crate::{Error, matrix::Matrix, stop::NEVER};
use minilm_kernels::Level;
use ndarray::{Array2, ArrayView2};
use std::sync::atomic::AtomicBool;

/// k-means and its options.
///
/// ```
/// use minilm_tasks::cluster::KMeans;
/// use ndarray::array;
/// let rows = array![[0.0, 1.0], [5.0, 5.0], [0.0, 1.2], [5.0, 5.4]];
/// let found = KMeans::new(2).seed(7).run(rows.view())?;
/// assert_eq!(found.labels[0], found.labels[2]);
/// assert_eq!(found.labels[1], found.labels[3]);
/// assert_ne!(found.labels[0], found.labels[1]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KMeans {
    clusters: usize,
    seed: u64,
    restarts: usize,
    max_iterations: usize,
    tolerance: f64,
    level: Level,
}

/// The result of [`KMeans`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct KMeansClusters {
    /// The cluster of each row, from 0.
    pub labels: Vec<usize>,
    /// The mean of each cluster `[clusters, d]`.
    pub centres: Array2<f32>,
    /// Σ |x − c|², each row with its centre.
    pub inertia: f64,
    /// The number of iterations, each of which moved the centres.
    pub iterations: usize,
}

impl KMeans {
    /// The start of a search for this number of clusters: seed 0, four starts of at most 300
    /// iterations, tolerance 10⁻⁴.
    pub fn new(clusters: usize) -> KMeans {
        KMeans {
            clusters,
            seed: 0,
            restarts: 4,
            max_iterations: 300,
            tolerance: 1e-4,
            level: Level::detect(),
        }
    }

    /// The same seed gives the same clusters.
    #[must_use]
    pub fn seed(self, seed: u64) -> KMeans {
        KMeans { seed, ..self }
    }

    /// The number of different starts.
    #[must_use]
    pub fn restarts(self, restarts: usize) -> KMeans {
        KMeans { restarts, ..self }
    }

    /// The largest number of iterations.
    #[must_use]
    pub fn max_iterations(self, max_iterations: usize) -> KMeans {
        KMeans { max_iterations, ..self }
    }

    /// The tolerance: the search ends when the centres move, all together, by at most this times
    /// the mean variance of a column, as a squared distance.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> KMeans {
        KMeans { tolerance, ..self }
    }

    /// The instruction set; the clusters are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> KMeans {
        KMeans { level, ..self }
    }

    /// Clusters the rows of `embeddings` `[n, d]`.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NotFinite`], [`Error::TooLong`], [`Error::TooFew`] if there
    /// are fewer rows than clusters, or [`Error::Option`] for no clusters or no starts.
    pub fn run(&self, embeddings: ArrayView2<f32>) -> Result<KMeansClusters, Error> {
        self.run_until(embeddings, &NEVER)
    }

    /// As [`KMeans::run`], but it ends soon after another thread has set `stop`.
    ///
    /// # Errors
    /// As [`KMeans::run`], and [`Error::Stopped`].
    pub fn run_until(
        &self,
        embeddings: ArrayView2<f32>,
        stop: &AtomicBool,
    ) -> Result<KMeansClusters, Error> {
        let rows = self.check(embeddings)?;
        let mut random = Random(self.seed);
        let mut best: Option<KMeansClusters> = None;
        for _ in 0..self.restarts {
            let centres = first_centres(&rows, self.clusters, &mut random, self.level, stop)?;
            let centres = centres.into_iter().flat_map(|row| rows.row(row).to_vec()).collect();
            let found = self.descend(&rows, centres, stop)?;
            // The first of equally good ones.
            if best.as_ref().is_none_or(|best| found.inertia < best.inertia) {
                best = Some(found);
            }
        }
        best.ok_or_else(|| Error::Option {
            option: "restarts",
            reason: "at least one start is needed".to_owned(),
        })
    }

    /// Clusters the rows of `embeddings` `[n, d]`, from given centres `[clusters, d]`: one start,
    /// nothing random.
    ///
    /// # Errors
    /// As [`KMeans::run`], and [`Error::Columns`] or [`Error::Count`] for the centres.
    pub fn run_from(
        &self,
        embeddings: ArrayView2<f32>,
        centres: ArrayView2<f32>,
    ) -> Result<KMeansClusters, Error> {
        let rows = self.check(embeddings)?;
        let centres =
            Matrix::new("centres", centres)?.with_columns_of(&rows)?.with_rows(self.clusters)?;
        centres.lengths(self.level)?;
        self.descend(&rows, centres.values(0..self.clusters).to_vec(), &NEVER)
    }

    fn check<'a>(&self, embeddings: ArrayView2<'a, f32>) -> Result<Matrix<'a>, Error> {
        if self.clusters == 0 {
            return Err(Error::Option {
                option: "clusters",
                reason: "at least one is needed".to_owned(),
            });
        }
        let rows = Matrix::new("embeddings", embeddings)?;
        if rows.rows() < self.clusters {
            return Err(Error::TooFew {
                what: "embeddings",
                found: rows.rows(),
                least: self.clusters,
            });
        }
        rows.lengths(self.level)?;
        Ok(rows)
    }

    /// Lloyd's iteration from `centres` `[clusters, d]`.
    fn descend(
        &self,
        rows: &Matrix,
        mut centres: Vec<f32>,
        stop: &AtomicBool,
    ) -> Result<KMeansClusters, Error> {
        let hardly = self.tolerance * mean_variance(rows);
        let mut step = Step::assign(self.level, rows, &centres, stop)?;
        let mut iterations = 0;
        while iterations < self.max_iterations {
            iterations += 1;
            let moved = step.means(rows, self.clusters);
            let shift: f64 = moved
                .iter()
                .zip(&centres)
                .map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2))
                .sum();
            centres = moved;
            let next = Step::assign(self.level, rows, &centres, stop)?;
            let same = next.labels == step.labels;
            step = next;
            if same || shift <= hardly {
                break;
            }
        }
        let inertia = step.distances.iter().sum();
        let shape = (self.clusters, rows.columns());
        let centres =
            Array2::from_shape_vec(shape, centres).expect("as many values as the shape says");
        Ok(KMeansClusters { labels: step.labels, centres, inertia, iterations })
    }
}

/// The mean over the columns of the variance in each.
fn mean_variance(rows: &Matrix) -> f64 {
    let (n, d) = (rows.rows() as f64, rows.columns());
    let mut sums = vec![0.0; d];
    (0..rows.rows())
        .for_each(|i| sums.iter_mut().zip(rows.row(i)).for_each(|(sum, x)| *sum += f64::from(*x)));
    let square = |i: usize| {
        rows.row(i).iter().zip(&sums).map(|(x, sum)| (f64::from(*x) - sum / n).powi(2)).sum::<f64>()
    };
    (0..rows.rows()).map(square).sum::<f64>() / (n * d as f64)
}

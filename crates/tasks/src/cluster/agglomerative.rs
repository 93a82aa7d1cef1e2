//! Agglomerative clustering: the two nearest clusters become one, again and again, until all are
//! too far apart.
//!
//! The distance of two clusters follows from the distances of their parts, without the rows (Lance
//! and Williams). With `a` and `b` joined, sizes nₐ, n_b, n_c, and c any other cluster:
//!
//! | linkage | d(ab, c) |
//! |---|---|
//! | single | min(d(a,c), d(b,c)) |
//! | complete | max(d(a,c), d(b,c)) |
//! | average | (nₐ·d(a,c) + n_b·d(b,c)) / (nₐ + n_b) |
//! | Ward | √(((nₐ + n_c)·d(a,c)² + (n_b + n_c)·d(b,c)² − n_c·d(a,b)²) / (nₐ + n_b + n_c)) |
//!
//! None of these makes two clusters nearer than their parts were, so two clusters that are each
//! other's nearest may be joined at once, whatever else is joined later. A chain of nearest
//! neighbours ends at such a pair; the whole takes time for each pair of rows a few times over, and
//! memory for each pair once.
//!
//! Reference: F. Murtagh, *A Survey of Recent Advances in Hierarchical Clustering Algorithms*, The
//! Computer Journal 26(4), 1983.

mod tree;

use tree::{Clusters, Pairs, Tree};

use crate::{
    Error,
    matrix::Matrix,
    stop::{NEVER, check},
};
use minilm_kernels::{
    Level,
    dot::{Product, products, squared_distances},
};
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// The distance of two clusters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Linkage {
    /// As their nearest rows.
    Single,
    /// As their farthest rows.
    Complete,
    /// The mean over all pairs of rows.
    Average,
    /// By how much the sum of squared distances to the means grows if they are joined: √2 times the
    /// root of it. For Euclidean distances.
    #[default]
    Ward,
}

/// The distance of two rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Distance {
    /// |a − b|
    #[default]
    Euclidean,
    /// 1 − a·b / (|a|·|b|)
    Cosine,
}

/// Agglomerative clustering and its options (`sklearn.cluster.AgglomerativeClustering` with a
/// `distance_threshold`).
///
/// ```
/// use minilm_tasks::cluster::{Agglomerative, Distance, Linkage};
/// use ndarray::array;
/// let rows = array![[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]];
/// let labels = Agglomerative::new(0.4)
///     .linkage(Linkage::Average)
///     .distance(Distance::Cosine)
///     .run(rows.view())?;
/// assert_eq!(labels, [0, 1, 0, 1]);
/// # Ok::<(), minilm_tasks::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Agglomerative {
    threshold: f64,
    linkage: Linkage,
    distance: Distance,
    level: Level,
}

impl Agglomerative {
    /// Joins clusters that are less than `threshold` apart, by Ward's linkage.
    pub fn new(threshold: f64) -> Agglomerative {
        Agglomerative {
            threshold,
            linkage: Linkage::default(),
            distance: Distance::default(),
            level: Level::detect(),
        }
    }

    /// The distance of two clusters.
    #[must_use]
    pub fn linkage(self, linkage: Linkage) -> Agglomerative {
        Agglomerative { linkage, ..self }
    }

    /// The distance of two rows.
    #[must_use]
    pub fn distance(self, distance: Distance) -> Agglomerative {
        Agglomerative { distance, ..self }
    }

    /// The instruction set; the clusters are the same on each.
    #[must_use]
    pub fn level(self, level: Level) -> Agglomerative {
        Agglomerative { level, ..self }
    }

    /// The cluster of each row of `embeddings` `[n, d]`. Clusters are numbered in the order of
    /// their first rows.
    ///
    /// Memory is four bytes for each pair of rows: 200 MB for 10 000 rows.
    ///
    /// # Errors
    /// [`Error::NoColumns`], [`Error::NotFinite`], [`Error::TooLong`], [`Error::Memory`], or
    /// [`Error::Option`] for a threshold of NaN, and for Ward's linkage of anything but Euclidean
    /// distances.
    pub fn run(&self, embeddings: ArrayView2<f32>) -> Result<Vec<usize>, Error> {
        self.run_until(embeddings, &NEVER)
    }

    /// As [`Agglomerative::run`], but it ends soon after another thread has set `stop`.
    ///
    /// # Errors
    /// As [`Agglomerative::run`], and [`Error::Stopped`].
    pub fn run_until(
        &self,
        embeddings: ArrayView2<f32>,
        stop: &AtomicBool,
    ) -> Result<Vec<usize>, Error> {
        if self.threshold.is_nan() {
            return Err(Error::Option { option: "threshold", reason: "it is NaN".to_owned() });
        }
        if self.linkage == Linkage::Ward && self.distance != Distance::Euclidean {
            return Err(Error::Option {
                option: "distance",
                reason: "Ward's linkage is of Euclidean distances".to_owned(),
            });
        }
        let rows = Matrix::new("embeddings", embeddings)?;
        let lengths = rows.lengths(self.level)?;
        let distances = self.distances(&rows, &lengths, stop)?;
        let mut tree = Tree::new(distances, self.linkage, rows.rows());
        let mut clusters = Clusters::new(rows.rows());
        tree.joins(stop, |a, b, distance| {
            if distance < self.threshold {
                clusters.join(a, b);
            }
        })?;
        Ok(clusters.labels())
    }

    /// The distance of each pair.
    fn distances(&self, rows: &Matrix, lengths: &[f64], stop: &AtomicBool) -> Result<Pairs, Error> {
        let mut pairs = Pairs::new(rows.rows(), stop)?;
        let first: Vec<(usize, &mut [f32])> = pairs.rows_mut();
        first.into_par_iter().try_for_each(|(i, to)| {
            check(stop)?;
            let later = rows.slice(i + 1..rows.rows());
            match self.distance {
                Distance::Euclidean => {
                    squared_distances(self.level, later, rows.row(i), to);
                    to.iter_mut().for_each(|d| *d = d.sqrt());
                }
                Distance::Cosine => {
                    let mut found = vec![Product::default(); to.len()];
                    products(self.level, later, rows.row(i), &mut found);
                    for ((to, product), length) in to.iter_mut().zip(&found).zip(&lengths[i + 1..])
                    {
                        *to =
                            (1.0 - f64::from(product.dot) / (lengths[i] * length)).max(0.0) as f32;
                    }
                }
            }
            Ok(())
        })?;
        Ok(pairs)
    }
}

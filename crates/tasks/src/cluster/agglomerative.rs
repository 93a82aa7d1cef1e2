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

/// Distances that are made room for at once, 64 MiB.
const BLOCK: usize = 1 << 24;

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
        let mut tree = Tree { distances, linkage: self.linkage, sizes: vec![1; rows.rows()] };
        let mut clusters = Clusters((0..rows.rows()).collect());
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

/// A number for each pair of n rows, the second row after the first: n·(n − 1)/2 of them.
struct Pairs {
    values: Vec<f32>,
    n: usize,
}

impl Pairs {
    fn new(n: usize, stop: &AtomicBool) -> Result<Pairs, Error> {
        let too_much = || Error::Memory { what: "the distances of all pairs", rows: n };
        let count = n.checked_mul(n.saturating_sub(1)).ok_or_else(too_much)? / 2;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| too_much())?;
        // The system gives memory when it is first written, and gigabytes take seconds.
        while values.len() < count {
            check(stop)?;
            values.resize(count.min(values.len() + BLOCK), 0.0);
        }
        Ok(Pairs { values, n })
    }

    /// Each row with its pairs.
    fn rows_mut(&mut self) -> Vec<(usize, &mut [f32])> {
        let mut rest = &mut self.values[..];
        let mut rows = Vec::with_capacity(self.n);
        for i in 0..self.n {
            let (row, others) = rest.split_at_mut(self.n - i - 1);
            rows.push((i, row));
            rest = others;
        }
        rows
    }

    fn place(&self, a: usize, b: usize) -> usize {
        let (i, j) = (a.min(b), a.max(b));
        i * (2 * self.n - i - 1) / 2 + (j - i - 1)
    }
}

/// The clusters while they are joined. A cluster goes by the number of one of its rows.
struct Tree {
    distances: Pairs,
    linkage: Linkage,
    sizes: Vec<usize>, // 0: the row is in another's cluster
}

impl Tree {
    /// Joins all clusters, and returns the joined pairs with their distances.
    fn joins(
        &mut self,
        stop: &AtomicBool,
        mut joined: impl FnMut(usize, usize, f64),
    ) -> Result<(), Error> {
        let n = self.sizes.len();
        let mut chain: Vec<usize> = Vec::new();
        for _ in 1..n {
            if chain.is_empty() {
                chain.extend(self.sizes.iter().position(|&size| size > 0));
            }
            let (a, b, distance) = self.neighbours(stop, &mut chain)?;
            joined(a, b, f64::from(distance));
            self.join(a.min(b), a.max(b));
        }
        Ok(())
    }

    /// Goes along the chain of nearest neighbours until two are each other's, and takes them off
    /// it.
    fn neighbours(
        &self,
        stop: &AtomicBool,
        chain: &mut Vec<usize>,
    ) -> Result<(usize, usize, f32), Error> {
        loop {
            check(stop)?;
            let last = chain[chain.len() - 1];
            let before = chain.len().checked_sub(2).map(|i| chain[i]);
            // The cluster before is preferred to others that are as near: otherwise the chain would
            // run in a circle.
            let mut nearest = before.map(|before| (before, self.distance(last, before)));
            for other in
                (0..self.sizes.len()).filter(|&other| other != last && self.sizes[other] > 0)
            {
                let distance = self.distance(last, other);
                if nearest.is_none_or(|(_, least)| distance < least) {
                    nearest = Some((other, distance));
                }
            }
            match nearest {
                Some((other, distance)) if Some(other) == before => {
                    chain.truncate(chain.len() - 2);
                    return Ok((last, other, distance));
                }
                Some((other, _)) => chain.push(other),
                None => unreachable!("there are two clusters"),
            }
        }
    }

    fn distance(&self, a: usize, b: usize) -> f32 {
        self.distances.values[self.distances.place(a, b)]
    }

    /// `a` becomes part of `b`.
    fn join(&mut self, a: usize, b: usize) {
        let between = f64::from(self.distance(a, b));
        let [na, nb] = [self.sizes[a], self.sizes[b]].map(|size| size as f64);
        for c in (0..self.sizes.len()).filter(|&c| c != a && c != b && self.sizes[c] > 0) {
            let nc = self.sizes[c] as f64;
            let [ac, bc] = [self.distance(a, c), self.distance(b, c)].map(f64::from);
            let joined = match self.linkage {
                Linkage::Single => ac.min(bc),
                Linkage::Complete => ac.max(bc),
                Linkage::Average => (na * ac + nb * bc) / (na + nb),
                Linkage::Ward => {
                    let squares =
                        (na + nc) * ac * ac + (nb + nc) * bc * bc - nc * between * between;
                    (squares.max(0.0) / (na + nb + nc)).sqrt()
                }
            };
            let place = self.distances.place(b, c);
            self.distances.values[place] = joined as f32;
        }
        self.sizes[b] += self.sizes[a];
        self.sizes[a] = 0;
    }
}

/// Disjoint sets of rows: each points to another of its set, the lowest to itself.
struct Clusters(Vec<usize>);

impl Clusters {
    fn find(&mut self, mut row: usize) -> usize {
        while self.0[row] != row {
            self.0[row] = self.0[self.0[row]];
            row = self.0[row];
        }
        row
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }

    fn labels(mut self) -> Vec<usize> {
        let mut labels = vec![0; self.0.len()];
        let mut next = 0;
        for row in 0..labels.len() {
            let first = self.find(row);
            labels[row] = if first == row { next } else { labels[first] };
            next += usize::from(first == row);
        }
        labels
    }
}

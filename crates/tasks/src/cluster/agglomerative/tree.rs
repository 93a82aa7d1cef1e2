//! The distances of all pairs, and the clusters that are joined by them.

use super::Linkage;
use crate::{Error, stop::check};
use std::sync::atomic::AtomicBool;

/// Distances that are made room for at once, 64 MiB.
const BLOCK: usize = 1 << 24;

/// A number for each pair of n rows, the second row after the first: n·(n − 1)/2 of them.
pub(super) struct Pairs {
    values: Vec<f32>,
    n: usize,
}

impl Pairs {
    /// Zeros.
    pub(super) fn new(n: usize, stop: &AtomicBool) -> Result<Pairs, Error> {
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
    pub(super) fn rows_mut(&mut self) -> Vec<(usize, &mut [f32])> {
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
pub(super) struct Tree {
    distances: Pairs,
    linkage: Linkage,
    sizes: Vec<usize>, // 0: the row is in another's cluster
}

impl Tree {
    /// Each row is a cluster.
    pub(super) fn new(distances: Pairs, linkage: Linkage, rows: usize) -> Tree {
        Tree { distances, linkage, sizes: vec![1; rows] }
    }

    /// Joins all clusters, and returns the joined pairs with their distances.
    pub(super) fn joins(
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
pub(super) struct Clusters(Vec<usize>);

impl Clusters {
    /// Each row by itself.
    pub(super) fn new(rows: usize) -> Clusters {
        Clusters((0..rows).collect())
    }

    fn find(&mut self, mut row: usize) -> usize {
        while self.0[row] != row {
            self.0[row] = self.0[self.0[row]];
            row = self.0[row];
        }
        row
    }

    pub(super) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.find(a), self.find(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// The number of each row's cluster, in the order of their first rows.
    pub(super) fn labels(mut self) -> Vec<usize> {
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

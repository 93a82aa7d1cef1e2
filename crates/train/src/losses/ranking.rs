//! Multiple negatives ranking: each anchor finds its positive among all candidates of the batch.
//!
//! With unit vectors a of the anchors and c of the candidates, the positives first and the hard
//! negatives behind them, and own(i) = i:
//!
//! ```text
//! s_ij = scale·(aᵢ·cⱼ)        z_i = log Σⱼ exp s_ij        ℓ = mean (z_i − s_ii)
//! p_ij = exp(s_ij − z_i)      g_ij = p_ij for j ≠ i        g_ii = −Σ_{j≠i} p_ij
//! ∂ℓ/∂aᵢ = scale/B·Σⱼ g_ij·cⱼ                              ∂ℓ/∂cⱼ = scale/B·Σᵢ g_ij·aᵢ
//! ```
//!
//! - g_ii is p_ii − 1, written as a sum of the others: no digits cancel when p_ii is nearly 1.
//! - The matrix of s is never stored. A pass over anchors gives z and the first derivative, a pass
//!   over candidates computes s again for the second: memory grows with the batch, not with its
//!   square.
//! - Each derivative is a sum in the order of the batch that one thread computes, so the number of
//!   threads changes no bit.

use super::{
    Examples, Same, Value,
    unit::{Unit, add, dot},
};
use ndarray::{Array2, CowArray, Ix2};
use rayon::prelude::*;

pub(super) fn value(
    embeddings: CowArray<f64, Ix2>,
    examples: &Examples,
    scale: f64,
    symmetric: bool,
) -> Value {
    assert!(examples.columns >= 2, "an anchor and a positive");
    let unit = Unit::of(embeddings);
    let rows = unit.slices();
    let batch = rows.len() / examples.columns;
    let (anchors, candidates) = rows.split_at(batch);
    let share = if symmetric { 0.5 } else { 1.0 };
    let mut gradient = Array2::zeros(unit.rows.dim());
    let width = unit.rows.ncols();
    let all = gradient.as_slice_mut().expect("standard layout");
    let (d_anchors, d_candidates) = all.split_at_mut(batch * width);
    let forth =
        Direction { queries: anchors, candidates, column: 1, same: examples.same, scale, share };
    let mut loss = share * forth.run(d_anchors, d_candidates);
    if symmetric {
        let positives = &candidates[..batch];
        let back = Direction { queries: positives, candidates: anchors, column: 0, ..forth };
        loss += share * back.run(&mut d_candidates[..batch * width], d_anchors);
    }
    Value { loss, gradient: unit.pull_back(gradient) }
}

/// Queries that look for the candidate of their own number.
struct Direction<'a> {
    queries: &'a [&'a [f64]],
    candidates: &'a [&'a [f64]],
    /// The column of the batch in which the first candidates are.
    column: usize,
    same: Option<&'a Same>,
    scale: f64,
    /// What the direction counts.
    share: f64,
}

/// What one query gives.
struct Query {
    loss: f64,
    /// z
    normaliser: f64,
    /// g_ii
    own: f64,
}

impl Direction<'_> {
    /// The loss; adds to the derivatives of the queries and candidates `[n, H]`, row by row.
    fn run(&self, d_queries: &mut [f64], d_candidates: &mut [f64]) -> f64 {
        let width = d_queries.len() / self.queries.len();
        let rows = d_queries.par_chunks_exact_mut(width).enumerate();
        let queries: Vec<Query> = rows.map(|(i, row)| self.query(i, row)).collect();
        let rows = d_candidates.par_chunks_exact_mut(width).enumerate();
        rows.for_each(|(j, row)| self.candidate(j, &queries, row));
        queries.iter().map(|query| query.loss).sum::<f64>() / self.queries.len() as f64
    }

    /// Whether candidate `j` counts for query `i`: its own does, and those that are wrong.
    fn counts(&self, i: usize, j: usize) -> bool {
        let batch = self.queries.len();
        let (column, row) = (self.column + j / batch, j % batch);
        j == i || self.same.is_none_or(|same| !same.is_right(i, column, row))
    }

    fn logit(&self, i: usize, j: usize) -> f64 {
        self.scale * dot(self.queries[i], self.candidates[j])
    }

    fn query(&self, i: usize, row: &mut [f64]) -> Query {
        let logits: Vec<(usize, f64)> = (0..self.candidates.len())
            .filter(|&j| self.counts(i, j))
            .map(|j| (j, self.logit(i, j)))
            .collect();
        let top = logits.iter().map(|&(_, s)| s).fold(f64::NEG_INFINITY, f64::max);
        let others: f64 =
            logits.iter().filter(|&&(j, _)| j != i).map(|&(_, s)| libm::exp(s - top)).sum();
        let own_logit = self.logit(i, i);
        let own_share = libm::exp(own_logit - top);
        let sum = own_share + others;
        let loss =
            if own_logit == top { libm::log1p(others) } else { top - own_logit + libm::log(sum) };
        let (normaliser, own) = (top + libm::log(sum), -others / sum);
        let factor = self.scale / self.queries.len() as f64;
        let mut gradient = vec![0.0; row.len()];
        for &(j, s) in &logits {
            let g = if j == i { own } else { libm::exp(s - normaliser) };
            add(&mut gradient, factor * g, self.candidates[j]);
        }
        add(row, self.share, &gradient);
        Query { loss, normaliser, own }
    }

    fn candidate(&self, j: usize, queries: &[Query], row: &mut [f64]) {
        let factor = self.scale / self.queries.len() as f64;
        let mut gradient = vec![0.0; row.len()];
        for (i, query) in queries.iter().enumerate().filter(|&(i, _)| self.counts(i, j)) {
            let g = if j == i { query.own } else { libm::exp(self.logit(i, j) - query.normaliser) };
            add(&mut gradient, factor * g, self.queries[i]);
        }
        add(row, self.share, &gradient);
    }
}

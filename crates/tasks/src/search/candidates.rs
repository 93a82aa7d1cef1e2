//! The best hits of each query of a chunk so far, and the bar that a candidate has to reach.

use super::{Hit, Metric, TopK};
use crate::matrix::short_length;
use minilm_kernels::dot::Product;

/// The heaps of some queries, and the bars that a product has to reach: α + β·|c| − γ·ρ for a row
/// of length |c| that is off by up to ρ.
pub(super) struct Candidates<'a> {
    metric: Metric,
    lengths: &'a [f64], // [Q]
    slacks: Vec<f64>,   // [Q]
    tops: Vec<TopK>,    // [Q]
    alphas: Vec<f32>,   // [Q]
    betas: Vec<f32>,    // [Q]
    gammas: Vec<f32>,   // [Q]
}

impl<'a> Candidates<'a> {
    /// Queries of these lengths that will keep `top_k` rows, each of at least its floor. Their
    /// products are off by `slack` · |q|·|c|.
    pub(super) fn new(
        metric: Metric,
        slack: f64,
        lengths: &'a [f64],
        top_k: usize,
        floors: &[f32],
    ) -> Candidates<'a> {
        let n = lengths.len();
        let tops: Vec<TopK> = floors.iter().map(|&floor| TopK::at_least(top_k, floor)).collect();
        let none = || vec![0.0; n];
        let (slacks, alphas, betas, gammas) = (vec![slack; n], none(), none(), none());
        let mut new = Candidates { metric, lengths, slacks, tops, alphas, betas, gammas };
        (0..n).for_each(|query| new.raise(query));
        new
    }

    /// The same where the queries are rounded, each to within its distance.
    pub(super) fn with_rounded(mut self, distances: impl Iterator<Item = f64>) -> Candidates<'a> {
        for (query, distance) in distances.enumerate() {
            self.slacks[query] += distance / self.lengths[query];
            self.gammas[query] = (self.lengths[query] + distance) as f32;
            self.raise(query);
        }
        self
    }

    /// Takes the bar of a query from its worst hit.
    fn raise(&mut self, query: usize) {
        let (limit, length) = (self.tops[query].limit(), self.lengths[query]);
        (self.alphas[query], self.betas[query]) =
            self.metric.bar(limit, length, self.slacks[query]);
    }

    /// Whether any of these rows' products reaches the bar of a query.
    pub(super) fn any_reached(&self, query: usize, products: &[Product]) -> bool {
        let (alpha, beta) = (self.alphas[query], self.betas[query]);
        // As in `reached`, the compiler vectorises this. A row's share of the time is small beside
        // the time to read the row.
        products.iter().fold(false, |any, p| any | (p.dot >= alpha + beta * short_length(p.square)))
    }

    /// Calls `f` with each query, from `first` on, whose bar for a row of `length`, off by up to
    /// `distance`, the product reaches.
    #[inline]
    pub(super) fn reached(
        &mut self,
        products: &[f32],
        first: usize,
        [length, distance]: [f32; 2],
        mut f: impl FnMut(&mut Self, usize),
    ) {
        const STEP: usize = 16;
        for (at, products) in (first..).step_by(STEP).zip(products.chunks(STEP)) {
            let those = at..at + products.len();
            let factors = self.alphas[those.clone()].iter().zip(&self.betas[those.clone()]);
            let bars = factors.zip(&self.gammas[those]);
            // Without a branch inside, so that the compiler vectorises it. Almost always nothing is
            // reached.
            let any = products.iter().zip(bars).fold(false, |any, (p, ((alpha, beta), gamma))| {
                any | (*p >= alpha + beta * length - gamma * distance)
            });
            if any {
                for (query, p) in (at..).zip(products) {
                    let bar = self.alphas[query] + self.betas[query] * length;
                    if *p >= bar - self.gammas[query] * distance {
                        f(self, query);
                    }
                }
            }
        }
    }

    /// A row of this length has this dot product with a query.
    pub(super) fn push(&mut self, query: usize, corpus_id: usize, dot: f32, length: f64) {
        let score = self.metric.score(dot, self.lengths[query], length);
        self.tops[query].push(Hit { corpus_id, score });
        self.raise(query);
    }

    pub(super) fn into_tops(self) -> Vec<TopK> {
        self.tops
    }
}

//! The best hits of each query of a chunk so far, and the bar that a candidate has to reach.

use super::{Hit, Metric, TopK};
use crate::matrix::short_length;
use minilm_kernels::dot::Product;

/// The heaps of some queries, and the bars that a product has to reach: α + β·|c| for a row of
/// length |c|.
pub(super) struct Candidates<'a> {
    metric: Metric,
    lengths: &'a [f64], // [Q]
    slack: f64,
    tops: Vec<TopK>,  // [Q]
    alphas: Vec<f32>, // [Q]
    betas: Vec<f32>,  // [Q]
}

impl<'a> Candidates<'a> {
    /// Queries of these lengths that will keep `top_k` rows, each of at least its floor.
    pub(super) fn new(
        metric: Metric,
        slack: f64,
        lengths: &'a [f64],
        top_k: usize,
        floors: &[f32],
    ) -> Candidates<'a> {
        let tops: Vec<TopK> = floors.iter().map(|&floor| TopK::at_least(top_k, floor)).collect();
        let bars =
            tops.iter().zip(lengths).map(|(top, &length)| metric.bar(top.limit(), length, slack));
        let (alphas, betas) = bars.unzip();
        Candidates { metric, lengths, slack, tops, alphas, betas }
    }

    /// Whether any of these rows' products reaches the bar of a query.
    pub(super) fn any_reached(&self, query: usize, products: &[Product]) -> bool {
        let (alpha, beta) = (self.alphas[query], self.betas[query]);
        // As in `reached`, the compiler vectorises this. A row's share of the time is small beside
        // the time to read the row.
        products.iter().fold(false, |any, p| any | (p.dot >= alpha + beta * short_length(p.square)))
    }

    /// Calls `f` with each query, from `first` on, whose bar for a row of `length` the product
    /// reaches.
    #[inline]
    pub(super) fn reached(
        &mut self,
        products: &[f32],
        first: usize,
        length: f32,
        mut f: impl FnMut(&mut Self, usize),
    ) {
        const STEP: usize = 16;
        for (at, products) in (first..).step_by(STEP).zip(products.chunks(STEP)) {
            let bars = self.alphas[at..at + products.len()]
                .iter()
                .zip(&self.betas[at..at + products.len()]);
            // Without a branch inside, so that the compiler vectorises it. Almost always nothing is
            // reached.
            let any = products
                .iter()
                .zip(bars)
                .fold(false, |any, (p, (alpha, beta))| any | (*p >= alpha + beta * length));
            if any {
                for (query, p) in (at..).zip(products) {
                    if *p >= self.alphas[query] + self.betas[query] * length {
                        f(self, query);
                    }
                }
            }
        }
    }

    /// A row of this length has this dot product with a query.
    pub(super) fn push(&mut self, query: usize, corpus_id: usize, dot: f32, length: f64) {
        let score = self.metric.score(dot, self.lengths[query], length);
        let top = &mut self.tops[query];
        top.push(Hit { corpus_id, score });
        (self.alphas[query], self.betas[query]) =
            self.metric.bar(top.limit(), self.lengths[query], self.slack);
    }

    pub(super) fn into_tops(self) -> Vec<TopK> {
        self.tops
    }
}

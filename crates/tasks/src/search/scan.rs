//! One chunk of the queries against one part of the corpus, on one thread.

use super::{Search, TopK, candidates::Candidates, metric::slack};
use crate::matrix::{Matrix, is_usable, length};
use minilm_kernels::{
    RowsMut,
    dot::{Product, dot, products},
    gemm::PART,
    linear::{Epilogue, Linear},
};
use std::ops::Range;

/// Rows of the corpus at a time: with 384 columns 192 KiB, beside the scores and a panel of queries
/// in a second-level cache of 1 MiB.
const BLOCK: usize = 128;

/// Queries that are packed into one matrix, whole panels of it on each level: for a part of a panel
/// the GEMM computes all of it. With 384 columns 576 KiB, which pass by once for each block, and
/// 192 KiB of scores for a block.
const PACKED: usize = 4 * PART;

/// Up to this many queries the dot products are faster: a GEMM computes whole panels, up to 64
/// columns wide.
const FEW: usize = 24;

pub(super) struct Scan<'a> {
    pub search: &'a Search<'a>,
    pub queries: &'a Matrix<'a>,
    pub chunk: Range<usize>, // of the queries
    pub lengths: &'a [f64],  // of the queries in the chunk
    pub floors: &'a [f32],   // of the queries in the chunk: lower scores are of no use
    pub corpus: &'a Matrix<'a>,
    pub part: Range<usize>, // of the corpus
    pub fed: usize,         // rows of the corpus that came before this matrix
}

/// A row of the corpus that is not finite, or too long.
pub(super) struct BadRow(pub usize);

impl Scan<'_> {
    /// The best of the part for each query of the chunk.
    pub(super) fn run(&self) -> Result<Vec<TopK>, BadRow> {
        let Search { metric, top_k, .. } = *self.search;
        let slack = slack(self.queries.columns());
        let mut candidates = Candidates::new(metric, slack, self.lengths, top_k, self.floors);
        // If most rows are kept, a cheaper first pass gains nothing.
        let keeps_most = top_k > self.part.len() / 4 && self.search.min_score == f32::NEG_INFINITY;
        if self.chunk.len() <= FEW || keeps_most {
            self.by_dot_products(&mut candidates)?;
        } else {
            self.by_matrix_products(&mut candidates)?;
        }
        Ok(candidates.into_tops())
    }

    fn by_dot_products(&self, candidates: &mut Candidates) -> Result<(), BadRow> {
        let mut found = [Product::default(); BLOCK];
        for block in self.blocks() {
            let found = &mut found[..block.len()];
            for query in self.chunk.clone() {
                let place = query - self.chunk.start;
                products(
                    self.search.level,
                    self.corpus.slice(block.clone()),
                    self.queries.row(query),
                    found,
                );
                if let Some(bad) = first_unusable(found) {
                    return Err(BadRow(block.start + bad));
                }
                if !candidates.any_reached(place, found) {
                    continue;
                }
                for (row, product) in block.clone().zip(found.iter()) {
                    let length = length(product.square);
                    candidates.reached(
                        &[product.dot],
                        place,
                        length as f32,
                        |candidates, place| {
                            if self.allows(query, row) {
                                candidates.push(place, self.fed + row, product.dot, length);
                            }
                        },
                    );
                }
            }
        }
        Ok(())
    }

    fn by_matrix_products(&self, candidates: &mut Candidates) -> Result<(), BadRow> {
        let level = self.search.level;
        let packed: Vec<Linear> = self.packed();
        let mut scores = vec![0.0; BLOCK * PACKED.min(self.chunk.len())];
        let mut squares = [Product::default(); BLOCK];
        for block in self.blocks() {
            let x = self.corpus.slice(block.clone()); // [BLOCK, d]
            let squares = &mut squares[..block.len()];
            // for the squares alone
            products(level, x, self.queries.row(self.chunk.start), squares);
            if let Some(bad) = first_unusable(squares) {
                return Err(BadRow(block.start + bad));
            }
            for (first, linear) in (0..).step_by(PACKED).zip(&packed) {
                let n = linear.outputs();
                let scores = &mut scores[..block.len() * n]; // [BLOCK, n]
                linear.forward_with(x, RowsMut::new(scores, n), Epilogue::Identity);
                for ((row, product), scores) in
                    block.clone().zip(squares.iter()).zip(scores.chunks_exact(n))
                {
                    let length = length(product.square);
                    candidates.reached(scores, first, length as f32, |candidates, place| {
                        let query = self.chunk.start + place;
                        if self.allows(query, row) {
                            let dot = dot(level, self.queries.row(query), self.corpus.row(row));
                            candidates.push(place, self.fed + row, dot, length);
                        }
                    });
                }
            }
        }
        Ok(())
    }

    fn packed(&self) -> Vec<Linear> {
        let groups = self
            .chunk
            .clone()
            .step_by(PACKED)
            .map(|first| first..self.chunk.end.min(first + PACKED));
        let pack = |group: Range<usize>| {
            Linear::pack(self.search.level, self.queries.values(group.clone()), group.len())
        };
        groups.map(pack).collect()
    }

    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let Range { start, end } = self.part;
        (start..end).step_by(BLOCK).map(move |first| first..end.min(first + BLOCK))
    }

    fn allows(&self, query: usize, row: usize) -> bool {
        self.search.filter.is_none_or(|filter| filter(query, self.fed + row))
    }
}

/// The first row of a block that cannot be computed with.
fn first_unusable(products: &[Product]) -> Option<usize> {
    // Without a branch inside, so that the compiler vectorises it. Almost always all are usable.
    let all = products.iter().fold(true, |all, product| all & is_usable(product.square));
    if all { None } else { products.iter().position(|product| !is_usable(product.square)) }
}

//! One chunk of the queries against one part of the corpus, on one thread.

use super::{
    Corpus, Search, TopK,
    candidates::Candidates,
    metric::slack,
    rounded::{RoundedQueries, distance},
};
use crate::{
    matrix::{Matrix, is_usable, length},
    stop::check,
};
use minilm_kernels::{
    dot::{Product, dot, products},
    gemm::PART,
    quantise::{QuantisedRows, Rotation},
};
use std::ops::Range;

/// Rows of the corpus at a time: with 384 columns 192 KiB, beside the scores and a panel of queries
/// in a second-level cache of 1 MiB.
const BLOCK: usize = 128;

/// Queries that are packed into one matrix, whole panels of it on each level: for a part of a panel
/// the GEMM computes all of it. With 384 columns 288 KiB, which pass by once for each block, and
/// 192 KiB of scores for a block.
const PACKED: usize = 4 * PART;

/// Up to this many queries the dot products are faster: a GEMM computes whole panels, up to 64
/// columns wide.
const FEW: usize = 24;

pub(super) struct Scan<'a, C> {
    pub search: &'a Search<'a>,
    pub queries: &'a Matrix<'a>,
    pub chunk: Range<usize>, // of the queries
    pub lengths: &'a [f64],  // of the queries in the chunk
    pub floors: &'a [f32],   // of the queries in the chunk: lower scores are of no use
    pub corpus: &'a C,
    pub part: Range<usize>, // of the corpus
    pub fed: usize,         // rows of the corpus that came before this matrix
}

/// The reason why a part has no result.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Failure {
    Stopped,
    /// A row of the corpus that is not finite, or too long.
    BadRow(usize),
}

impl<C: Corpus> Scan<'_, C> {
    /// The best of the part for each query of the chunk.
    pub(super) fn run(&self) -> Result<Vec<TopK>, Failure> {
        let Search { metric, top_k, .. } = *self.search;
        let slack = slack(self.queries.columns());
        let candidates = Candidates::new(metric, slack, self.lengths, top_k, self.floors);
        // If most rows are kept, a cheaper first pass gains nothing.
        let keeps_most = top_k > self.part.len() / 4 && self.search.min_score == f32::NEG_INFINITY;
        let candidates = if self.chunk.len() <= FEW || keeps_most {
            self.by_dot_products(candidates)?
        } else {
            self.by_matrix_products(candidates)?
        };
        Ok(candidates.into_tops())
    }

    fn by_dot_products<'c>(
        &self,
        mut candidates: Candidates<'c>,
    ) -> Result<Candidates<'c>, Failure> {
        let level = self.search.level;
        let mut found = [Product::default(); BLOCK];
        let mut buffer = Vec::new();
        for block in blocks(&self.part) {
            self.go_on()?;
            let found = &mut found[..block.len()];
            // A block that is read once is not restored in memory.
            let one = self.chunk.len() == 1;
            let x = (!one).then(|| self.corpus.block(level, block.clone(), &mut buffer));
            for query in self.chunk.clone() {
                let place = query - self.chunk.start;
                let asked = self.queries.row(query);
                match x {
                    Some(x) => products(level, x, asked, found),
                    None => self.corpus.products(level, block.clone(), asked, found),
                }
                if let Some(bad) = first_unusable(found) {
                    return Err(Failure::BadRow(block.start + bad));
                }
                if !candidates.any_reached(place, found) {
                    continue;
                }
                for (row, product) in block.clone().zip(found.iter()) {
                    let length = length(product.square);
                    candidates.reached(
                        &[product.dot],
                        place,
                        [length as f32, 0.0],
                        |candidates, place| {
                            if self.allows(query, row) {
                                candidates.push(place, self.fed + row, product.dot, length);
                            }
                        },
                    );
                }
            }
        }
        Ok(candidates)
    }

    fn by_matrix_products<'c>(
        &self,
        candidates: Candidates<'c>,
    ) -> Result<Candidates<'c>, Failure> {
        let level = self.search.level;
        let packed: Vec<RoundedQueries> = self.packed();
        let distances = packed.iter().flat_map(|queries| &queries.distances);
        let mut candidates = candidates.with_rounded(distances.copied());
        let mut scores = vec![0.0; BLOCK * PACKED.min(self.chunk.len())];
        let mut squares = [Product::default(); BLOCK];
        let (mut buffer, mut rounded) = (Vec::new(), QuantisedRows::default());
        for block in blocks(&self.part) {
            self.go_on()?;
            let x = self.corpus.block(level, block.clone(), &mut buffer); // [BLOCK, d]
            let squares = &mut squares[..block.len()];
            // for the squares alone
            products(level, x, self.queries.row(self.chunk.start), squares);
            if let Some(bad) = first_unusable(squares) {
                return Err(Failure::BadRow(block.start + bad));
            }
            rounded.quantise(level, x, Rotation::Plain);
            for (first, queries) in (0..).step_by(PACKED).zip(&packed) {
                let n = queries.len();
                let scores = &mut scores[..block.len() * n]; // [BLOCK, n]
                queries.products(&rounded, scores);
                for (row, scores) in scores.chunks_exact(n).enumerate() {
                    let length = length(squares[row].square);
                    let bounds = [length as f32, distance(&rounded, row, x.row(row)) as f32];
                    candidates.reached(scores, first, bounds, |candidates, place| {
                        let (query, at) = (self.chunk.start + place, block.start + row);
                        if self.allows(query, at) {
                            let dot = dot(level, self.queries.row(query), x.row(row));
                            candidates.push(place, self.fed + at, dot, length);
                        }
                    });
                }
            }
        }
        Ok(candidates)
    }

    fn packed(&self) -> Vec<RoundedQueries> {
        let Range { start, end } = self.chunk;
        let groups = (start..end).step_by(PACKED).map(|first| first..end.min(first + PACKED));
        let pack = |group: Range<usize>| {
            let values = self.queries.values(group.clone());
            RoundedQueries::pack(self.search.level, self.queries.slice(group), values)
        };
        groups.map(pack).collect()
    }

    fn go_on(&self) -> Result<(), Failure> {
        check(self.search.stop).map_err(|_| Failure::Stopped)
    }

    fn allows(&self, query: usize, row: usize) -> bool {
        self.search.filter.is_none_or(|filter| filter(query, self.fed + row))
    }
}

/// The blocks of a part of the corpus.
fn blocks(part: &Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
    let Range { start, end } = *part;
    (start..end).step_by(BLOCK).map(move |first| first..end.min(first + BLOCK))
}

/// The first row of a block that cannot be computed with.
fn first_unusable(products: &[Product]) -> Option<usize> {
    // Without a branch inside, so that the compiler vectorises it. Almost always all are usable.
    let all = products.iter().fold(true, |all, product| all & is_usable(product.square));
    if all { None } else { products.iter().position(|product| !is_usable(product.square)) }
}

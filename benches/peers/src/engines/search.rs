//! minilm's exact search; and, on the same rows in the same memory, the limit of its speed.

use super::Failure;
use crate::{
    sets::Lookup,
    vectors::{self, DIMENSION},
};
use minilm::{
    Level,
    kernels::{
        AlignedVec, Rows, RowsMut,
        gemm::PART,
        linear::{Epilogue, Linear},
        peak::Read,
    },
    ndarray::Array2,
    tasks::search::{Metric, Search},
};
use rayon::prelude::*;
use std::hint::black_box;

/// Rows of a product at a time, and queries: as the search has them, whole panels.
const BLOCK: [usize; 2] = [128, 4 * PART];

/// Vectors in memory.
pub struct Corpus {
    queries: Array2<f32>,
    rows: Array2<f32>,
    packed: Vec<Linear>,
}

impl Corpus {
    pub fn load(lookup: &Lookup) -> Result<Corpus, Failure> {
        let queries = vectors::read(&vectors::queries(&lookup.folder), lookup.queries)?;
        let rows = vectors::read(&vectors::rows(&lookup.folder), lookup.rows)?;
        let pack =
            |some: &[f32]| Linear::pack(Level::detect(), some, some.len() / DIMENSION);
        let packed = queries.chunks(BLOCK[1] * DIMENSION).map(pack).collect();
        let queries = Array2::from_shape_vec((lookup.queries, DIMENSION), queries)?;
        Ok(Corpus {
            queries,
            rows: Array2::from_shape_vec((lookup.rows, DIMENSION), rows)?,
            packed,
        })
    }

    /// Score and row of each hit, best first: `[queries, top_k, 2]`. An f32 has every whole number
    /// up to 2²⁴.
    pub fn search(&self, lookup: &Lookup) -> Result<Vec<f32>, Failure> {
        let search = Search::new().metric(Metric::Dot).top_k(lookup.top_k);
        let hits = search.run(self.queries.view(), self.rows.view())?;
        Ok(hits.iter().flatten().flat_map(|hit| [hit.score, hit.corpus_id as f32]).collect())
    }

    /// For one query a plain sum of all rows, for more their product with the rows alone; each
    /// thread has its part of the rows.
    pub fn limit(&self) -> Result<(), Failure> {
        let rows = self.rows.as_slice().ok_or("the rows are not end to end")?;
        let part = self.rows.nrows().div_ceil(rayon::current_num_threads()) * DIMENSION;
        let work = |part| {
            if self.queries.nrows() == 1 {
                Level::detect().run(Read(part))
            } else {
                self.products(part)
            }
        };
        black_box(rows.par_chunks(part).map(work).sum::<f32>());
        Ok(())
    }

    /// The products of some rows with all queries, of which nothing is kept.
    fn products(&self, rows: &[f32]) -> f32 {
        let mut scores = AlignedVec::zeroed(BLOCK[0] * BLOCK[1]);
        for block in rows.chunks(BLOCK[0] * DIMENSION) {
            for queries in &self.packed {
                let n = queries.outputs();
                let scores = &mut scores[..block.len() / DIMENSION * n];
                queries.forward_with(
                    Rows::new(block, DIMENSION),
                    RowsMut::new(scores, n),
                    Epilogue::Identity,
                );
            }
        }
        scores[0]
    }
}

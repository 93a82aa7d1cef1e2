//! Search beside its limits: one query beside the memory's bandwidth, many beside the GEMM alone.
//!
//! `cargo bench --bench search`; criterion's `B/s` are bytes of the corpus per second, its `elem/s`
//! FLOP/s. On one thread, with rows of 384.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minilm::{
    kernels::{
        AlignedVec, Level, Rows, RowsMut,
        gemm::PART,
        linear::{Epilogue, Linear},
        peak::Read,
    },
    ndarray::Array2,
    tasks::search::Search,
};
use minilm_testing::Random;
use std::hint::black_box;

const D: usize = 384;

/// Unit rows that are nearly at right angles to each other, as random ones are.
fn rows(n: usize, seed: u64) -> Array2<f32> {
    let mut random = Random(seed);
    let mut rows = Array2::from_shape_simple_fn((n, D), || random.value());
    rows.rows_mut().into_iter().for_each(|mut row| {
        let length = row.dot(&row).sqrt();
        row /= length;
    });
    rows
}

fn one_query(c: &mut Criterion) {
    let (corpus, query) = (rows(1_000_000, 1), rows(1, 2));
    let mut group = c.benchmark_group("one query");
    group.sample_size(10).throughput(Throughput::Bytes((corpus.len() * size_of::<f32>()) as u64));
    let values = corpus.as_slice().unwrap();
    group.bench_function("plain sum", |b| b.iter(|| Level::detect().run(Read(black_box(values)))));
    for level in Level::available().into_iter().filter(|&level| level != Level::PORTABLE) {
        let search = Search::new().level(level);
        group.bench_function(level.name(), |b| {
            b.iter(|| search.run(query.view(), corpus.view()).unwrap())
        });
    }
}

fn many_queries(c: &mut Criterion) {
    let (corpus, queries) = (rows(100_000, 3), rows(1000, 4));
    let mut group = c.benchmark_group("1000 queries");
    group
        .sample_size(10)
        .throughput(Throughput::Elements((2 * corpus.len() * queries.nrows()) as u64));
    let values = corpus.as_slice().unwrap();
    for level in Level::available().into_iter().filter(|&level| level != Level::PORTABLE) {
        // The same products by blocks of the same size, and nothing done with them.
        let packed = queries
            .as_slice()
            .unwrap()
            .chunks(4 * PART * D)
            .map(|some| Linear::pack(level, some, some.len() / D));
        let packed: Vec<Linear> = packed.collect();
        let mut scores = AlignedVec::zeroed(128 * 4 * PART);
        group.bench_function(BenchmarkId::new("gemm alone", level.name()), |b| {
            b.iter(|| {
                for block in values.chunks(128 * D) {
                    for linear in &packed {
                        let n = linear.outputs();
                        let y = RowsMut::new(&mut scores[..block.len() / D * n], n);
                        linear.forward_with(Rows::new(block, D), y, Epilogue::Identity);
                    }
                }
                scores[0]
            });
        });
        let search = Search::new().level(level);
        group.bench_function(BenchmarkId::new("search", level.name()), |b| {
            b.iter(|| search.run(queries.view(), corpus.view()).unwrap());
        });
    }
}

fn one_thread(_: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().unwrap();
}

criterion_group!(benches, one_thread, one_query, many_queries);
criterion_main!(benches);

//! Search beside its limits: one query beside the memory's bandwidth, many beside the GEMM alone.
//!
//! `cargo bench --bench search`; criterion's `B/s` are bytes of the corpus per second, its `elem/s`
//! FLOP/s. With rows of 384, on one thread, or on as many as `MINILM_BENCH_THREADS` says; a plain
//! sum and the GEMM alone are always on one.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use minilm::{
    kernels::{
        AlignedVec, Level, Rows, RowsMut,
        gemm::PART,
        linear::{Epilogue, Linear, QuantisedLinear},
        peak::Read,
        quantise::{QuantisedRows, Rotation},
    },
    ndarray::Array2,
    tasks::{
        quantize::{QuantizedSearch, Ranges},
        search::Search,
    },
};
use minilm_testing::Random;
use std::{env, hint::black_box};

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
    bytes_of_one_query(&mut group, &corpus, &query);
    group.finish();
}

/// The same rows in a byte for each dimension: a quarter of the bytes to read.
fn bytes_of_one_query(
    group: &mut BenchmarkGroup<WallTime>,
    corpus: &Array2<f32>,
    query: &Array2<f32>,
) {
    let ranges = Ranges::of(corpus.view()).unwrap();
    let bytes = ranges.to_u8(corpus.view()).unwrap();
    // As many bytes as `f32`, whose values do not matter to a sum. Zeros would share one page.
    let as_floats = vec![1.0; bytes.len() / size_of::<f32>()];
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("plain sum of bytes", |b| {
        b.iter(|| Level::detect().run(Read(black_box(&as_floats))));
    });
    for level in Level::available().into_iter().filter(|&level| level != Level::PORTABLE) {
        let search = QuantizedSearch::new().level(level);
        group.bench_function(BenchmarkId::new("bytes", level.name()), |b| {
            b.iter(|| search.scalar(query.view(), bytes.view(), &ranges, None).unwrap())
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
        rounded_alone(&mut group, level, &corpus, &queries);
        let search = Search::new().level(level);
        group.bench_function(BenchmarkId::new("search", level.name()), |b| {
            b.iter(|| search.run(queries.view(), corpus.view()).unwrap());
        });
        let ranges = Ranges::of(corpus.view()).unwrap();
        let bytes = ranges.to_u8(corpus.view()).unwrap();
        let search = QuantizedSearch::new().level(level);
        group.bench_function(BenchmarkId::new("search of bytes", level.name()), |b| {
            b.iter(|| search.scalar(queries.view(), bytes.view(), &ranges, None).unwrap());
        });
    }
}

/// The same products of integers of sixteen bits, which search makes first.
fn rounded_alone(
    group: &mut BenchmarkGroup<WallTime>,
    level: Level,
    corpus: &Array2<f32>,
    queries: &Array2<f32>,
) {
    let (plain, values) = (Rotation::Plain, corpus.as_slice().unwrap());
    let packed = queries.as_slice().unwrap().chunks(4 * PART * D);
    let packed = packed
        .map(|some| QuantisedLinear::<i16>::pack(level, some, some.len() / D, plain))
        .collect::<Vec<_>>();
    let mut scores = AlignedVec::zeroed(128 * 4 * PART);
    let mut x = QuantisedRows::default();
    group.bench_function(BenchmarkId::new("rounded gemm alone", level.name()), |b| {
        b.iter(|| {
            for block in values.chunks(128 * D) {
                x.quantise(level, Rows::new(block, D), plain);
                for linear in &packed {
                    let n = linear.outputs();
                    let y = RowsMut::new(&mut scores[..block.len() / D * n], n);
                    linear.forward(&x, y, Epilogue::Identity);
                }
            }
            scores[0]
        });
    });
}

fn threads(_: &mut Criterion) {
    let threads = env::var("MINILM_BENCH_THREADS").map_or(1, |threads| threads.parse().unwrap());
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
}

criterion_group!(benches, threads, one_query, many_queries);
criterion_main!(benches);

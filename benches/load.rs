//! From a directory to the first embedding, with the files in the page cache.
//!
//! `cargo bench --bench load`
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{Criterion, criterion_group, criterion_main};
use minilm::{Level, SentenceEncoder, model::Bert};

const MODEL: &str = "weights/all-MiniLM-L6-v2";

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    group.sample_size(20);
    group.bench_function("weights: map, check, pack", |b| b.iter(|| Bert::load(MODEL.as_ref(), Level::detect()).unwrap()));
    group.bench_function("encoder: weights and tokenizer", |b| b.iter(|| SentenceEncoder::load(MODEL).unwrap()));
    group.bench_function("encoder and one embedding", |b| {
        b.iter(|| SentenceEncoder::load(MODEL).unwrap().encode_one("This is an example sentence").unwrap());
    });
}

criterion_group!(benches, load);
criterion_main!(benches);

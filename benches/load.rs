//! From a directory to the first embedding: warm, with the files in the page cache, and cold, where
//! Linux can be asked to forget them.
//!
//! `cargo bench --bench load`; criterion's `B/s` are bytes of the weights' file. Cold is what the
//! disk makes of it; that of a virtual machine may have a cache of its own.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minilm::{Level, SentenceEncoder, model::Bert};
use std::{fs, hint::black_box};

const MODEL: &str = "weights/all-MiniLM-L6-v2";
const WEIGHTS: &str = "weights/all-MiniLM-L6-v2/model.safetensors";

fn first_embedding() -> f32 {
    SentenceEncoder::load(MODEL).unwrap().encode_one("This is an example sentence").unwrap()[0]
}

fn load(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    group.sample_size(20).throughput(Throughput::Bytes(fs::metadata(WEIGHTS).unwrap().len()));
    group.bench_function("weights: map, check, pack", |b| {
        b.iter(|| Bert::load(MODEL.as_ref(), Level::detect()).unwrap())
    });
    group.bench_function("encoder: weights and tokenizer", |b| {
        b.iter(|| SentenceEncoder::load(MODEL).unwrap())
    });
    group.bench_function("encoder and one embedding", |b| b.iter(first_embedding));
    #[cfg(target_os = "linux")]
    group.bench_function("encoder and one embedding, cold", |b| {
        b.iter_batched(
            forget,
            |()| black_box(first_embedding()),
            criterion::BatchSize::PerIteration,
        );
    });
}

/// Drops the model's large files from the page cache. Pages that a program has mapped stay there.
#[cfg(target_os = "linux")]
fn forget() {
    use rustix::fs::{Advice, fadvise};
    for name in [WEIGHTS, "weights/all-MiniLM-L6-v2/tokenizer.json"] {
        let file = fs::File::open(name).unwrap();
        file.sync_all().unwrap(); // only what is on the disk is dropped
        fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    }
}

criterion_group!(benches, load);
criterion_main!(benches);

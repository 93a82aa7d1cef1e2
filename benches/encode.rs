//! Text in, embeddings out: tokens per second by length, batch and threads.
//!
//! `cargo bench --bench encode`
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minilm::SentenceEncoder;

/// Different texts of exactly `tokens` tokens, `[CLS]` and `[SEP]` among them.
fn texts(count: usize, tokens: usize) -> Vec<String> {
    const WORDS: [&str; 8] =
        ["river", "stone", "green", "letter", "music", "seven", "window", "paper"];
    let word = |text: usize, i: usize| WORDS[(text / 8_usize.pow(i as u32 % 4) + i) % 8];
    (0..count)
        .map(|text| (0..tokens - 2).map(|i| word(text, i)).collect::<Vec<_>>().join(" "))
        .collect()
}

fn encode(c: &mut Criterion) {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in if cpus > 1 { vec![1, cpus] } else { vec![1] } {
        let encoder =
            SentenceEncoder::builder().threads(threads).load("weights/all-MiniLM-L6-v2").unwrap();
        let mut group = c.benchmark_group(format!("encode, {threads} threads"));
        for (count, tokens) in
            [(1, 8), (1, 16), (1, 32), (1, 128), (1, 256), (32, 16), (32, 32), (32, 128), (8, 256)]
        {
            let texts = texts(count, tokens);
            assert!(texts.iter().all(|text| encoder.count_tokens(text).unwrap().used == tokens));
            group.throughput(Throughput::Elements((count * tokens) as u64));
            group.sample_size(if count * tokens > 1000 { 10 } else { 50 });
            group.bench_function(BenchmarkId::from_parameter(format!("{count}x{tokens}")), |b| {
                b.iter(|| encoder.encode(&texts).unwrap());
            });
        }
    }
}

fn tokenize(c: &mut Criterion) {
    let encoder = SentenceEncoder::builder().threads(1).load("weights/all-MiniLM-L6-v2").unwrap();
    let texts = texts(512, 16);
    let mut group = c.benchmark_group("tokenize");
    group.throughput(Throughput::Elements(512 * 16));
    group.bench_function("512x16", |b| {
        b.iter(|| texts.iter().map(|t| encoder.tokenize(t).unwrap().ids.len()).sum::<usize>())
    });
}

criterion_group!(benches, encode, tokenize);
criterion_main!(benches);

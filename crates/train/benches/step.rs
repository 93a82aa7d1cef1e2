//! Criterion benchmarks of training: each backward kernel at the shapes of all-MiniLM-L6-v2, and
//! whole steps.
//!
//! Kernels run on one thread, for 128 tokens (a pack) or 1024 (a chunk); a step on all threads.

#![allow(missing_docs, reason = "criterion's macro makes a public function")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minilm_kernels::{
    AlignedVec, Level, Rows, RowsMut,
    adamw::{self, adamw},
    attention::{BackwardScratch, attention_backward, split},
    column_sums::column_sums,
    dropout::Dropout as Mask,
    gelu::gelu_backward,
    gemm::{input_gradient, weight_gradient},
    layer_norm::layer_norm_backward,
};
use minilm_testing::Random;
use minilm_train::{AdamW, Dropout, Network, Tokens};
use std::hint::black_box;

const H: usize = 384;
const F: usize = 1536;

/// K and N of the linear layers of a layer.
const LAYERS: [(usize, usize); 4] = [(H, 3 * H), (H, H), (H, F), (F, H)];

fn values(len: usize) -> Vec<f32> {
    Random(len as u64).values(len)
}

fn linear(c: &mut Criterion) {
    let level = Level::detect();
    let mut group = c.benchmark_group("linear_backward");
    for (k, n) in LAYERS {
        let t = 128;
        group.throughput(Throughput::Elements((2 * t * k * n) as u64));
        let (dy, w, mut dx) = (values(t * n), values(n * k), vec![0.0; t * k]);
        group.bench_function(BenchmarkId::new("input", format!("{k}x{n}")), |b| {
            b.iter(|| {
                let (dy, w) = (Rows::new(&dy, n), Rows::new(&w, k));
                input_gradient(level, black_box(dy), w, None, RowsMut::new(&mut dx, k));
            })
        });
        let t = 1024;
        group.throughput(Throughput::Elements((2 * t * k * n) as u64));
        let (dy, x, mut dw) = (values(t * n), values(t * k), vec![0.0; n * k]);
        let mut scratch = AlignedVec::default();
        group.bench_function(BenchmarkId::new("weight", format!("{k}x{n}")), |b| {
            b.iter(|| {
                let (dy, x) = (Rows::new(&dy, n), Rows::new(&x, k));
                weight_gradient(level, black_box(dy), x, &mut scratch, RowsMut::new(&mut dw, k));
            })
        });
    }
}

fn operations(c: &mut Criterion) {
    let (level, t) = (Level::detect(), 128);
    let mut group = c.benchmark_group("backward");
    group.throughput(Throughput::Elements(t as u64));
    for l in [16, 32, 128] {
        let starts: Vec<usize> = (0..=t / l).map(|i| i * l).collect();
        let (qkv, d, mut out) = (values(t * 3 * H), values(t * H), vec![0.0; t * 3 * H]);
        let mut scratch = BackwardScratch::default();
        group.bench_function(BenchmarkId::new("attention", l), |b| {
            b.iter(|| {
                let (qkv, d) = (split(Rows::new(&qkv, 3 * H)), Rows::new(black_box(&d), H));
                let out = RowsMut::new(&mut out, 3 * H);
                attention_backward(level, qkv, d, 12, &starts, None, &mut scratch, out);
            })
        });
    }
    let (mut h, mut d) = (values(t * F), values(t * F));
    group.bench_function("gelu", |b| {
        b.iter(|| gelu_backward(level, RowsMut::new(&mut h, F), RowsMut::new(&mut d, F)))
    });
    let (x, gamma, scale, mut out) = (values(t * H), values(H), values(t), vec![0.0; t * H]);
    group.bench_function("layer_norm", |b| {
        b.iter(|| {
            let (dy, x, out) = (Rows::new(&d[..t * H], H), Rows::new(&x, H), &mut out);
            layer_norm_backward(level, dy, x, &scale, &gamma, RowsMut::new(out, H));
        })
    });
    group.bench_function("dropout", |b| {
        let mask = Mask::new(0.1, [1, 2, 3]);
        b.iter(|| mask.apply(level, 0, &[0, t], RowsMut::new(&mut out, H)))
    });
    let mut sums = vec![0.0; F];
    group.bench_function("column_sums", |b| {
        b.iter(|| column_sums(level, Rows::new(&d, F), &mut sums))
    });
}

fn optimiser(c: &mut Criterion) {
    let n = F * H;
    let [mut w, mut g, mut m] = [values(n), values(n), values(n)];
    let mut v = vec![1.0; n];
    let step = adamw::Step::new((0.9, 0.999), 1e-8, 0.01, 2e-5, 1.0, 10);
    let mut group = c.benchmark_group("optimiser");
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("adamw", |b| {
        b.iter(|| adamw(Level::detect(), &step, &mut w, &mut g, &mut m, &mut v))
    });
}

fn steps(c: &mut Criterion) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
    let mut network = Network::load(path.as_ref()).expect("the weights are in the repository");
    let mut group = c.benchmark_group("step");
    group.sample_size(10);
    for (sentences, length) in [(32, 16), (64, 32)] {
        let mut random = Random(1);
        let mut sentence = || (0..length).map(|_| 1000 + random.below(29_000) as u32).collect();
        let batch: Tokens = (0..sentences).map(|_| -> Vec<u32> { sentence() }).collect();
        group.throughput(Throughput::Elements(batch.len() as u64));
        let dropout = Dropout { hidden: 0.1, attention: 0.1, seed: 42, step: 0 };
        for (name, dropout) in [("plain", None), ("dropout", Some(&dropout))] {
            let id = BenchmarkId::new(name, format!("{sentences}x{length}"));
            group.bench_function(id, |b| {
                b.iter(|| {
                    let embeddings = network.forward(&batch, dropout).expect("a valid batch");
                    let gradient = embeddings.mapv(f64::from);
                    network.backward(&batch, gradient.view(), dropout).expect("a valid batch");
                    network.update(&AdamW::default(), 0.0, Some(1.0))
                })
            });
        }
    }
}

criterion_group!(benches, linear, operations, optimiser, steps);
criterion_main!(benches);

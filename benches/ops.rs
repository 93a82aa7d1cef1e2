//! The kernels besides GEMM, in elements per second, on every level but the portable.
//!
//! `cargo bench --bench ops`
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use minilm::kernels::{
    Level, Rows, RowsMut,
    attention::{Scratch, attention, split},
    exp::exp_slice,
    gelu::gelu_slice,
    layer_norm::layer_norm,
    softmax::softmax,
};
use minilm_testing::ramp;

/// Values between −2 and 2.
fn values(len: usize) -> Vec<f32> {
    ramp(len).into_iter().map(|x| 4.0 * x).collect()
}

fn levels() -> impl Iterator<Item = Level> {
    Level::available().into_iter().filter(|&level| level != Level::PORTABLE)
}

/// Operations that take a vector to a vector in place: 64 rows of 384.
fn elementwise(c: &mut Criterion) {
    let (gamma, beta) = (vec![1.0; 384], vec![0.0; 384]);
    type Operation = Box<dyn Fn(Level, &mut [f32])>;
    let operations: [(&str, Operation); 4] = [
        ("exp", Box::new(exp_slice)),
        ("gelu", Box::new(gelu_slice)),
        ("softmax", Box::new(|level, x| softmax(level, x, 384))),
        ("layer_norm", Box::new(move |level, x| layer_norm(level, x, &gamma, &beta, 1e-12))),
    ];
    for (name, operation) in operations {
        let mut group = c.benchmark_group(name);
        let from = values(64 * 384);
        let mut x = from.clone();
        group.throughput(Throughput::Elements(x.len() as u64));
        for level in levels() {
            group.bench_function(level.name(), |b| {
                b.iter(|| {
                    x.copy_from_slice(&from); // the same input each time
                    operation(level, &mut x);
                });
            });
        }
    }
}

/// Attention of the model, 12 heads of 32, in score elements per second.
fn heads(c: &mut Criterion) {
    let mut group = c.benchmark_group("attention");
    for length in [8, 16, 64, 256] {
        let (qkv, mut context) = (values(length * 1152), vec![0.0; length * 384]);
        let mut scratch = Scratch::default();
        group.throughput(Throughput::Elements((12 * length * length) as u64));
        for level in levels() {
            group.bench_function(BenchmarkId::new(level.name(), length), |b| {
                b.iter(|| {
                    let context = RowsMut::new(&mut context, 384);
                    attention(
                        level,
                        split(Rows::new(&qkv, 1152)),
                        12,
                        &[0, length],
                        &mut scratch,
                        context,
                    );
                });
            });
        }
    }
}

criterion_group!(benches, elementwise, heads);
criterion_main!(benches);

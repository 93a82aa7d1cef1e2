//! GEMM by shape, rows and level; each group also has the two rows that give it meaning: the peak
//! of the core, and `matrixmultiply`.
//!
//! `cargo bench --bench gemm`; criterion's `elem/s` are FLOP/s. Other tiles than the shipped ones:
//! `cargo bench -p minilm-ladder --bench tiles`.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
    measurement::WallTime,
};
use minilm::kernels::{Level, Linear, peak::Fma};
use minilm::ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};
use minilm_testing::ramp;

/// N and K of the model's products: fused QKV, attention output, and the two of the feed-forward.
const SHAPES: [(usize, usize); 4] = [(1152, 384), (384, 384), (1536, 384), (384, 1536)];
const ROWS: [usize; 4] = [8, 16, 64, 128];

fn levels() -> impl Iterator<Item = Level> {
    Level::available().into_iter().filter(|&level| level != Level::PORTABLE)
}

fn peak(group: &mut BenchmarkGroup<WallTime>) {
    let work = Fma { steps: 300_000 };
    group.throughput(Throughput::Elements(work.flops() as u64));
    for level in levels() {
        group
            .bench_function(BenchmarkId::new("peak", level.name()), |b| b.iter(|| level.run(work)));
    }
}

fn gemm(c: &mut Criterion) {
    for (n, k) in SHAPES {
        let (weight, bias) = (ramp(n * k), ramp(n));
        let mut group = c.benchmark_group(format!("gemm {k} to {n}"));
        peak(&mut group);
        for rows in ROWS {
            let (x, mut y) = (ramp(rows * k), vec![0.0; rows * n]);
            group.throughput(Throughput::Elements((2 * rows * n * k) as u64));
            for level in levels() {
                let linear = Linear::pack(level, &weight, bias.len()).with_bias(&bias);
                group.bench_function(BenchmarkId::new(level.name(), rows), |b| {
                    b.iter(|| linear.forward(&x, &mut y))
                });
            }
            // ndarray's product of f32 is the crate matrixmultiply, which packs both matrices in
            // every call.
            let x = ArrayView2::from_shape((rows, k), &x).unwrap();
            let weight = ArrayView2::from_shape((n, k), &weight).unwrap();
            let mut y = ArrayViewMut2::from_shape((rows, n), &mut y).unwrap();
            group.bench_function(BenchmarkId::new("matrixmultiply", rows), |b| {
                b.iter(|| general_mat_mul(1.0, &x, &weight.t(), 0.0, &mut y));
            });
        }
    }
}

criterion_group!(benches, gemm);
criterion_main!(benches);

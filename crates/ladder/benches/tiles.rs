//! Every tile of the bake-off on every product of the model, beside the core's peak, the shipped
//! kernel and `matrixmultiply`.
//!
//! `cargo bench -p minilm-ladder --bench tiles`, or `… -- "384 to 1536, 64 rows"` for one table;
//! criterion's `elem/s` are FLOP/s. Criterion runs one row after the other; `minilm-ladder bakeoff`
//! runs them in turns, which is fairer on a machine that does other things as well.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{
    BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use minilm_kernels::{
    Level, Rows, RowsMut,
    gemm::tuning::Layer,
    linear::{Epilogue, Linear},
    peak::Fma,
};
use minilm_ladder::{
    Operation, YARDSTICKS,
    bakeoff::{LAYERS, ROWS, SHAPES, Variant},
};
use minilm_testing::ramp;
use std::time::Duration;

/// x `[M, K]`, W `[N, K]` and b `[N]` of one product.
struct Case {
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    k: usize,
}

impl Case {
    fn new(rows: usize, (n, k): (usize, usize)) -> Case {
        Case { x: ramp(rows * k), weight: ramp(n * k), bias: ramp(n), k }
    }

    /// As many equal layers as the model has, so that the weights come from where they do in a
    /// forward pass.
    fn layers(&self) -> [Layer<'_>; LAYERS] {
        [Layer { weight: Rows::new(&self.weight, self.k), bias: &self.bias }; LAYERS]
    }

    /// Measures `product(layer, x, y)`, with the layers in turn.
    fn bench(
        &self,
        group: &mut BenchmarkGroup<WallTime>,
        name: &str,
        mut product: impl FnMut(usize, Rows, RowsMut),
    ) {
        let n = self.bias.len();
        let rows = self.x.len() / self.k;
        let (mut y, mut layer) = (vec![0.0; rows * n], 0);
        group.throughput(Throughput::Elements((2 * rows * n * self.k) as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                layer = (layer + 1) % LAYERS;
                product(layer, Rows::new(&self.x, self.k), RowsMut::new(&mut y, n));
            })
        });
    }
}

fn tiles(c: &mut Criterion) {
    for (n, k) in SHAPES {
        for rows in ROWS {
            let case = Case::new(rows, (n, k));
            let mut group = c.benchmark_group(format!("{k} to {n}, {rows} rows"));
            group
                .warm_up_time(Duration::from_millis(200))
                .measurement_time(Duration::from_secs(1))
                .sample_size(30);
            for level in Level::available().into_iter().filter(|&level| level != Level::PORTABLE) {
                level_rows(&mut group, &case, level);
            }
            matrixmultiply(&mut group, &case);
        }
    }
}

/// The peak, what is shipped, and each variant.
fn level_rows(group: &mut BenchmarkGroup<WallTime>, case: &Case, level: Level) {
    let work = Fma { steps: 100_000 };
    group.throughput(Throughput::Elements(work.flops() as u64));
    group.bench_function(format!("{level}, peak"), |b| b.iter(|| level.run(work)));
    let shipped: Vec<Linear> = Linear::pack_together(level, |packer| {
        let pack = |_| packer.linear(&case.weight, case.bias.len()).with_bias(&case.bias);
        (0..LAYERS).map(pack).collect()
    })
    .expect("there is memory");
    case.bench(group, &format!("{level}, shipped"), |layer, x, y| {
        shipped[layer].forward_with(x, y, Epilogue::Identity)
    });
    for variant in Variant::all(level) {
        let packed = variant.pack(level, &case.layers());
        case.bench(group, &format!("{level}, {}", variant.name()), |layer, x, y| {
            variant.run(level, x, &packed[layer], y)
        });
    }
}

fn matrixmultiply(group: &mut BenchmarkGroup<WallTime>, case: &Case) {
    for yardstick in YARDSTICKS {
        let Operation::Gemm(linear) = yardstick.operation else { continue };
        let layers: Vec<_> =
            (0..LAYERS).map(|_| linear(Level::PORTABLE, &case.weight, case.k)).collect();
        let mut whole = vec![0.0; case.x.len() / case.k * case.bias.len()];
        case.bench(group, yardstick.name, |layer, _, _| layers[layer](&case.x, &mut whole));
    }
}

criterion_group!(benches, tiles);
criterion_main!(benches);

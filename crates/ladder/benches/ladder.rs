//! Every rung on every shape of its ladder, and the yardsticks.
//!
//! `cargo bench -p minilm-ladder --bench ladder`, or `… -- gemm` for one ladder. Criterion runs one
//! rung after the other; the program of this crate runs them in turns, which is fairer on a machine
//! that does other things as well.
#![allow(missing_docs, reason = "criterion_group! makes public functions")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use minilm_kernels::Level;
use minilm_ladder::LADDERS;

fn ladders(c: &mut Criterion) {
    for ladder in LADDERS {
        for &case in ladder.cases {
            let mut group = c.benchmark_group(format!("{} {}", ladder.name, case.name()));
            group.throughput(Throughput::Elements(case.amount() as u64)); // FLOP or values
            for step in ladder.steps().chain(ladder.rival()) {
                let mut work = step.work(case, Level::detect());
                group.bench_function(step.name, |b| {
                    b.iter_custom(|runs| (0..runs).map(|_| work()).sum())
                });
            }
        }
    }
}

criterion_group!(benches, ladders);
criterion_main!(benches);

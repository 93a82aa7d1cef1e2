//! Waking a thread: how long it takes until a second thread works on its share.
//!
//! ```sh
//! cargo run --release -p minilm-ladder --example waking
//! ```
//!
//! Two threads do the same amount of work. The second one has slept for three milliseconds, as it
//! does between two products that one thread computes alone. The caller wakes it and does its own
//! share at once. An operating system may start the woken thread on the caller's core, where it
//! waits until the caller is done; the column `late` counts these runs.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Runs of each line.
const RUNS: usize = 300;
/// The pause before a run, in which the second thread goes to sleep.
const PAUSE: Duration = Duration::from_millis(3);

fn main() {
    println!("share of a thread   until the second starts      late   both, over one share");
    println!("                      median           90 %                median");
    for share in [20, 100, 500, 1000, 3000] {
        line(Duration::from_micros(share));
    }
}

fn line(share: Duration) {
    let steps = steps_within(share);
    let (mut starts, mut wholes, mut late) = (Vec::new(), Vec::new(), 0);
    for _ in 0..RUNS {
        wait(PAUSE);
        let (mut started, mut own) = (Duration::ZERO, Duration::ZERO);
        let start = Instant::now();
        rayon::in_place_scope(|scope| {
            scope.spawn(|_| {
                started = start.elapsed();
                work(steps);
            });
            work(steps);
            own = start.elapsed();
        });
        wholes.push(start.elapsed().as_secs_f64() / own.as_secs_f64());
        starts.push(started);
        late += usize::from(started >= own);
    }
    starts.sort();
    wholes.sort_by(f64::total_cmp);
    println!(
        "{:>12} µs   {:>10} µs {:>11} µs {:>8.0} % {:>17.2}",
        share.as_micros(),
        starts[RUNS / 2].as_micros(),
        starts[RUNS * 9 / 10].as_micros(),
        100.0 * late as f64 / RUNS as f64,
        wholes[RUNS / 2],
    );
}

/// Steps of [`work`] that take about as long as `share`.
fn steps_within(share: Duration) -> u32 {
    const STEPS: u32 = 1_000_000;
    let start = Instant::now();
    work(STEPS);
    (share.as_secs_f64() / start.elapsed().as_secs_f64() * f64::from(STEPS)) as u32
}

/// A sum in which each step waits for the one before.
fn work(steps: u32) {
    let mut sum = 0.0_f64;
    for _ in 0..steps {
        sum = black_box(sum + 1.0);
    }
    black_box(sum);
}

/// Keeps the core busy, so that it does not go to sleep as well.
fn wait(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

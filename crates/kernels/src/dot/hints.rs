//! Which of two ways to fetch rows ahead is faster on this machine.
//!
//! ```text
//! call 0, 1, 2 … [TRIALS]:  one way or the other by the parity of the ones in the call's number;
//!                           the times per row are added up
//! after that:               the way that took less
//! ```
//!
//! A caller may read every block of rows once from memory and then again from a cache. The parity
//! of the ones (the Thue-Morse sequence) gives both ways as many calls of either kind. A trial that
//! was interrupted counts no more than a few times the shortest.
//!
//! In the book: `docs/11-tasks.md`.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// What is prefetched of the row that comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hints {
    EveryLine,
    FirstLine,
}

/// Calls that are timed, half of them each way.
const TRIALS: u32 = 128;

/// Rows of a call that is worth its time: fewer take no longer than the clock.
const LEAST_ROWS: usize = 64;

/// A trial counts at most this many times the shortest one.
const OUTLIER: u64 = 4;

static TRIED: Trials = Trials::new();

/// Calls `run` with the way of this call, and takes its time if it is one of the first.
pub(super) fn tried(rows: usize, run: impl FnOnce(Hints)) {
    // WebAssembly has no such instruction, and not always a clock.
    if rows < LEAST_ROWS || cfg!(target_family = "wasm") {
        return run(Hints::FirstLine);
    }
    let Some(call) = TRIED.next() else { return run(TRIED.faster()) };
    let hints = way(call);
    let start = Instant::now();
    run(hints);
    // In 2⁻⁸ ns per row, so that whole numbers are exact enough.
    let time = start.elapsed().as_nanos() as u64 * 256 / rows as u64;
    TRIED.add(hints, time);
}

fn way(call: u32) -> Hints {
    if call.count_ones().is_multiple_of(2) { Hints::FirstLine } else { Hints::EveryLine }
}

/// Sums of the times of each way.
struct Trials {
    calls: AtomicU32,
    shortest: AtomicU64,
    every_line: AtomicU64,
    first_line: AtomicU64,
}

impl Trials {
    const fn new() -> Trials {
        Trials {
            calls: AtomicU32::new(0),
            shortest: AtomicU64::new(u64::MAX / OUTLIER),
            every_line: AtomicU64::new(0),
            first_line: AtomicU64::new(0),
        }
    }

    /// The number of this call, if it is a trial.
    fn next(&self) -> Option<u32> {
        if self.calls.load(Relaxed) >= TRIALS {
            return None;
        }
        Some(self.calls.fetch_add(1, Relaxed)).filter(|&call| call < TRIALS)
    }

    fn add(&self, hints: Hints, time: u64) {
        let shortest = self.shortest.fetch_min(time, Relaxed).min(time);
        let sum = match hints {
            Hints::EveryLine => &self.every_line,
            Hints::FirstLine => &self.first_line,
        };
        sum.fetch_add(time.min(OUTLIER * shortest), Relaxed);
    }

    fn faster(&self) -> Hints {
        match self.every_line.load(Relaxed) < self.first_line.load(Relaxed) {
            true => Hints::EveryLine,
            false => Hints::FirstLine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_have_as_many_calls_at_any_even_distance() {
        for step in [1, 2, 4] {
            let calls = (0..TRIALS).step_by(step).map(way);
            let every_line = calls.filter(|&way| way == Hints::EveryLine).count();
            assert_eq!(2 * every_line, TRIALS as usize / step);
        }
    }

    /// Trials in which either way takes so long.
    fn after(every_line: u64, first_line: u64, interrupted: u32) -> Hints {
        let trials = Trials::new();
        while let Some(call) = trials.next() {
            let time = if way(call) == Hints::EveryLine { every_line } else { first_line };
            trials.add(way(call), if call == interrupted { 1_000_000 } else { time });
        }
        assert_eq!(trials.next(), None);
        trials.faster()
    }

    #[test]
    fn the_faster_way_wins_and_one_interruption_changes_nothing() {
        for interrupted in 1..TRIALS {
            assert_eq!(after(100, 90, interrupted), Hints::FirstLine);
            assert_eq!(after(90, 100, interrupted), Hints::EveryLine);
        }
    }
}

//! Which of four ways to read rows is the fastest on this machine.
//!
//! ```text
//! call 0, 1, 2 … [TRIALS]:  one of the ways by two bits: the parity of the ones in the call's
//!                           number, and in every second bit of it; the times per row are added up
//! after that:               the way that took least
//! ```
//!
//! A caller may read every block of rows once from memory and then again from a cache. The parity
//! of ones (the Thue-Morse sequence) gives all ways as many calls of either kind. A trial that was
//! interrupted counts no more than a few times the shortest.
//!
//! In the book: `docs/11-tasks.md`.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    time::Instant,
};

/// A way to read rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Every line of a later row is prefetched.
    EveryLine,
    /// The first line of a later row is prefetched.
    FirstLine,
    /// One row after the other.
    Rows,
    /// A row of each half at a time.
    Halves,
}

/// All of them.
const WAYS: [Way; 4] = [Way::Rows, Way::FirstLine, Way::Halves, Way::EveryLine];

/// Calls that are timed, a quarter of them each way.
const TRIALS: u32 = 128;

/// Rows of a call that is worth its time: fewer take no longer than the clock.
const LEAST_ROWS: usize = 64;

/// A trial counts at most this many times the shortest one.
const OUTLIER: u64 = 4;

static TRIED: Trials = Trials::new();

/// Calls `run` with the way of this call, and takes its time if it is one of the first.
pub(super) fn tried(rows: usize, run: impl FnOnce(Way)) {
    // WebAssembly has no prefetches, and not always a clock.
    if rows < LEAST_ROWS || cfg!(target_family = "wasm") {
        return run(Way::FirstLine);
    }
    let Some(call) = TRIED.next() else { return run(TRIED.fastest()) };
    let way = way(call);
    let start = Instant::now();
    run(WAYS[way]);
    // In 2⁻⁸ ns per row, so that whole numbers are exact enough.
    let time = start.elapsed().as_nanos() as u64 * 256 / rows as u64;
    TRIED.add(way, time);
}

/// The place in [`WAYS`] for a call.
fn way(call: u32) -> usize {
    let parity = |bits: u32| (bits.count_ones() % 2) as usize;
    2 * parity(call) + parity(call & 0x5555_5555)
}

/// Sums of the times of each way.
struct Trials {
    calls: AtomicU32,
    shortest: AtomicU64,
    times: [AtomicU64; WAYS.len()],
}

impl Trials {
    const fn new() -> Trials {
        Trials {
            calls: AtomicU32::new(0),
            shortest: AtomicU64::new(u64::MAX / OUTLIER),
            times: [const { AtomicU64::new(0) }; WAYS.len()],
        }
    }

    /// The number of this call, if it is a trial.
    fn next(&self) -> Option<u32> {
        if self.calls.load(Relaxed) >= TRIALS {
            return None;
        }
        Some(self.calls.fetch_add(1, Relaxed)).filter(|&call| call < TRIALS)
    }

    fn add(&self, way: usize, time: u64) {
        let shortest = self.shortest.fetch_min(time, Relaxed).min(time);
        self.times[way].fetch_add(time.min(OUTLIER * shortest), Relaxed);
    }

    fn fastest(&self) -> Way {
        let times = WAYS.iter().zip(&self.times);
        let fastest = times.min_by_key(|(_, time)| time.load(Relaxed));
        *fastest.expect("there are four").0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_have_as_many_calls_at_any_even_distance() {
        for step in [1, 2, 4] {
            for one in 0..WAYS.len() {
                let calls = (0..TRIALS).step_by(step).filter(|&call| way(call) == one).count();
                assert_eq!(WAYS.len() * calls, TRIALS as usize / step);
            }
        }
    }

    /// Trials in which one way takes 80 and the others 100.
    fn after(fastest: usize, interrupted: u32) -> Way {
        let trials = Trials::new();
        while let Some(call) = trials.next() {
            let time = if way(call) == fastest { 80 } else { 100 };
            trials.add(way(call), if call == interrupted { 1_000_000 } else { time });
        }
        assert_eq!(trials.next(), None);
        trials.fastest()
    }

    #[test]
    fn the_fastest_way_wins_and_one_interruption_changes_nothing() {
        for interrupted in 1..TRIALS {
            for fastest in 0..WAYS.len() {
                assert_eq!(after(fastest, interrupted), WAYS[fastest]);
            }
        }
    }
}

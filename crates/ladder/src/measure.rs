//! Fair timing on a machine that does other things as well.
//!
//! ```text
//! round 1: rung 1, rung 2, rung 3 …        a slow moment meets all rungs alike
//! round 2: rung 1, rung 2, rung 3 …        and the median forgets it
//! ```

use crate::ladders::Work;
use std::time::{Duration, Instant};

/// A rung's turn in a round: as many runs as fit, at least one.
const TURN: Duration = Duration::from_millis(1);
/// Rounds that are made however long they take.
const LEAST_ROUNDS: usize = 5;

/// The median time of one run of each, in seconds, after rounds for about `seconds` together.
pub fn medians(works: &mut [Work], seconds: f64) -> Vec<f64> {
    let runs: Vec<u32> = works.iter_mut().map(runs_of_a_turn).collect();
    let mut samples = vec![Vec::new(); works.len()];
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < LEAST_ROUNDS || start.elapsed().as_secs_f64() < seconds {
        for ((work, &runs), samples) in works.iter_mut().zip(&runs).zip(&mut samples) {
            if runs > 1 {
                work(); // brings its data back into the caches
            }
            let turn: Duration = (0..runs).map(|_| work()).sum();
            samples.push(turn.as_secs_f64() / f64::from(runs));
        }
        rounds += 1;
    }
    samples.into_iter().map(median).collect()
}

fn runs_of_a_turn(work: &mut Work) -> u32 {
    work(); // the first run meets cold caches and fresh memory
    let once = work().as_nanos().max(1);
    (TURN.as_nanos() / once).clamp(1, 1000) as u32
}

/// The middle value, or the mean of the two in the middle.
pub fn median(mut samples: Vec<f64>) -> f64 {
    samples.sort_by(f64::total_cmp);
    let half = samples.len() / 2;
    if samples.len().is_multiple_of(2) {
        (samples[half - 1] + samples[half]) / 2.0
    } else {
        samples[half]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, rc::Rc};

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_middle_ones() {
        assert_eq!(median(vec![5.0, 1.0, 100.0]), 5.0);
        assert_eq!(median(vec![5.0, 1.0, 100.0, 7.0]), 6.0);
    }

    #[test]
    fn each_gets_its_own_median_and_one_outlier_does_not_count() {
        let works = [2, 30].map(|ms| {
            let calls = Rc::new(Cell::new(0));
            let work: Work = Box::new(move || {
                calls.set(calls.get() + 1);
                Duration::from_millis(if calls.get() == 4 { 1000 } else { ms })
            });
            work
        });
        assert_eq!(medians(&mut works.into_iter().collect::<Vec<_>>(), 0.0), [0.002, 0.030]);
    }

    #[test]
    fn short_runs_are_repeated_within_a_turn() {
        let mut short: Work = Box::new(|| Duration::from_micros(10));
        assert_eq!(runs_of_a_turn(&mut short), 100);
        let mut long: Work = Box::new(|| Duration::from_secs(1));
        assert_eq!(runs_of_a_turn(&mut long), 1);
    }
}

//! Times, and the ceilings that speeds are compared with.

use crate::{error::Error, progress::Progress};
use minilm::{Level, Precision, kernels::peak};
use serde::Serialize;
use std::time::{Duration, Instant};

/// A run that is timed takes at least this long; shorter work is repeated.
const SHORTEST: f64 = 200e-6;

/// Part of the whole time that one run of the model may take, and seconds that it may take in any
/// case.
const LONGEST: (f64, f64) = (0.1, 1.0);

/// Bytes whose reading is timed: a first-level cache, a second-level cache, memory.
const READ: [usize; 3] = [16 << 10, 512 << 10, 256 << 20];

/// The time of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub best: f64,
    pub median: f64,
}

/// The measured ceilings of this core.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ceilings {
    /// Multiply-adds on registers, two operations for each lane.
    pub flops_per_second: f64,
    /// Products of small integers with their sums, two operations each, if the precision has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integer_operations_per_second: Option<f64>,
    /// Vector operations on registers, of sixteen lanes each, half of them multiply-adds.
    pub operations_per_second: f64,
    /// Divisions on registers, one for each lane.
    pub divisions_per_second: f64,
    pub read: Vec<Read>,
}

/// Reading memory from start to end, again and again.
#[derive(Debug, Serialize)]
pub(super) struct Read {
    pub bytes: usize,
    pub bytes_per_second: f64,
}

/// Hands out the time there is, and looks at the core's ceiling now and then.
pub(super) struct Clock {
    pub level: Level,
    pub precision: Precision,
    seconds: f64,
    /// Operations per second of the whole model, as last measured.
    model: Option<f64>,
    ceilings: Ceilings,
    progress: Progress,
}

impl Clock {
    pub(super) fn new(
        level: Level,
        precision: Precision,
        seconds: f64,
        progress: Progress,
    ) -> Clock {
        progress.note(|| "ceilings".to_owned());
        let read = READ.map(|bytes| Read { bytes, bytes_per_second: peak::read(level, bytes) });
        let ceilings = Ceilings { read: read.into(), ..Ceilings::default() };
        Clock { level, precision, seconds, model: None, ceilings, progress }
    }

    /// The whole time.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// Notes how fast the whole model is.
    pub(super) fn learn(&mut self, flops_per_second: f64) {
        self.model = Some(flops_per_second);
    }

    /// Operations of the whole model that may be one run. On a slow level a long text would take
    /// minutes.
    pub(super) fn longest(&self) -> f64 {
        self.model.map_or(f64::INFINITY, |flops_per_second| {
            flops_per_second * LONGEST.1.max(LONGEST.0 * self.seconds)
        })
    }

    /// Runs `work` again and again for about `share` of the whole time, and once at the least.
    pub(super) fn sample(
        &mut self,
        share: f64,
        work: impl FnMut() -> Result<(), Error>,
    ) -> Result<Sample, Error> {
        self.look_up();
        sample(self.seconds * share, work)
    }

    /// The time of each single call, of calls for about `share` of the whole time.
    pub(super) fn times(
        &mut self,
        share: f64,
        mut call: impl FnMut() -> Result<(), Error>,
    ) -> Result<Vec<f64>, Error> {
        self.look_up();
        let (start, budget) = (Instant::now(), Duration::from_secs_f64(self.seconds * share));
        let mut times = Vec::new();
        while times.is_empty() || start.elapsed() < budget {
            times.push(seconds(&mut call)?);
        }
        Ok(times)
    }

    /// Shows on standard error what is measured next.
    pub(super) fn note(&self, what: &str) {
        self.progress.note(|| what.to_owned());
    }

    /// The ceilings, for the last time.
    pub(super) fn finish(mut self) -> Ceilings {
        self.look_up();
        self.progress.finish();
        self.ceilings
    }

    fn look_up(&mut self) {
        let integers: Option<fn(Level) -> f64> = match self.precision {
            Precision::Int16 => Some(peak::integers::<i16>),
            Precision::Int8 => Some(peak::integers::<i8>),
            _ => None,
        };
        if let Some(peak) = integers {
            let most = &mut self.ceilings.integer_operations_per_second;
            *most = Some(most.unwrap_or(0.0).max(peak(self.level)));
        }
        let Ceilings { flops_per_second, operations_per_second, divisions_per_second, .. } =
            &mut self.ceilings;
        *flops_per_second = flops_per_second.max(peak::fma(self.level));
        *operations_per_second = operations_per_second.max(peak::operations(self.level));
        *divisions_per_second = divisions_per_second.max(peak::divide(self.level));
    }
}

fn sample(budget: f64, mut work: impl FnMut() -> Result<(), Error>) -> Result<Sample, Error> {
    let first = seconds(&mut work)?; // caches and branch predictors get to know it
    if first > 2.0 * budget {
        return Ok(Sample { best: first, median: first });
    }
    let start = Instant::now();
    let once = seconds(&mut work)?;
    let repetitions = (SHORTEST / once).ceil().clamp(1.0, 1e6) as usize;
    let mut times = vec![once; usize::from(repetitions == 1)];
    while times.is_empty() || start.elapsed().as_secs_f64() < budget {
        let time = seconds(|| (0..repetitions).try_for_each(|_| work()))?;
        times.push(time / repetitions as f64);
    }
    times.sort_by(f64::total_cmp);
    Ok(Sample { best: times[0], median: percentile(&times, 50) })
}

/// The smallest of the times, in ascending order, that `percent` of them do not exceed.
pub(super) fn percentile(ascending: &[f64], percent: usize) -> f64 {
    ascending[(ascending.len() * percent).div_ceil(100).max(1) - 1]
}

fn seconds(work: impl FnOnce() -> Result<(), Error>) -> Result<f64, Error> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64().max(1e-9)) // a clock may be coarse, but no time is nothing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Size;
    use std::thread::sleep;

    #[test]
    fn a_percentile_is_one_of_the_times() {
        let times: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(
            [50, 90, 99, 100].map(|percent| percentile(&times, percent)),
            [100.0, 180.0, 198.0, 200.0]
        );
        assert_eq!([1, 50, 99].map(|percent| percentile(&[7.0], percent)), [7.0; 3]);
    }

    #[test]
    fn a_sample_is_the_time_of_one_run() {
        let sample = sample(0.01, || {
            sleep(Duration::from_millis(1));
            Ok(())
        });
        let Sample { best, median } = sample.expect("sleeping does not fail");
        assert!(1e-3 <= best && best <= median && median < 0.1, "{best} {median}");
    }

    #[test]
    fn what_takes_far_too_long_runs_once() {
        let mut runs = 0;
        let sample = sample(0.001, || {
            runs += 1;
            sleep(Duration::from_millis(5));
            Ok(())
        });
        assert!(sample.expect("sleeping does not fail").best >= 5e-3);
        assert_eq!(runs, 1);
    }

    #[test]
    fn a_run_of_a_slow_model_is_a_small_part_of_the_time() {
        let clock = |seconds, model| {
            let ceilings = Ceilings::default();
            Clock {
                level: Level::PORTABLE,
                precision: Precision::F32,
                seconds,
                model,
                ceilings,
                progress: Progress::new(false, Size::Unknown),
            }
        };
        assert_eq!(clock(30.0, None).longest(), f64::INFINITY);
        assert_eq!(clock(30.0, Some(1e9)).longest(), 3e9);
        assert_eq!(clock(1.0, Some(1e9)).longest(), 1e9);
    }

    #[test]
    fn an_error_ends_a_sample() {
        let mut runs = 0;
        let result = sample(1.0, || {
            runs += 1;
            if runs == 3 { Err(Error::Text("enough".to_owned())) } else { Ok(()) }
        });
        assert_eq!((result.unwrap_err().to_string().as_str(), runs), ("enough", 3));
    }
}

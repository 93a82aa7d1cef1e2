//! One comparison with one number of threads: the engines take turns, set by set, round by round.
//!
//! ```text
//! each engine:  start, write the vectors of every set once (the warm-up), compare with minilm's
//! each round:   each set:   measure the core's peak, or in minilm's process the search's limit
//!                           each engine:  go on, time, stop   the first changes every round
//! ```
//!
//! So a slow minute of the machine slows all engines alike, and no engine works while another is
//! timed.

use crate::{
    agreement::Agreement,
    engines::Rival,
    error::Error,
    process::{Place, Process},
    sets::{Kind, Set},
};
use minilm::kernels::{Level, peak};

/// Seconds that the calls of one turn shall take at the least, if the machine were at its limit.
const TURN: f64 = 0.1;

/// An engine in this comparison.
pub struct Runner {
    pub rival: &'static Rival,
    pub version: String,
    process: Option<Process>,
    /// The reason why it has no process any more.
    pub failure: Option<String>,
    /// For each set.
    samples: Vec<Samples>,
    /// For each search, what it cannot be faster than: minilm only.
    limits: Vec<Samples>,
}

#[derive(Default, Clone)]
struct Samples {
    /// Seconds of a call: for each round the median of its calls.
    rounds: Vec<f64>,
    /// Seconds of the fastest call.
    best: f64,
    agreement: Option<Agreement>,
    memory: Option<u64>,
}

impl Samples {
    /// The calls of a round, if they came about.
    fn add(&mut self, seconds: Option<Vec<f64>>) {
        let Some(mut seconds) = seconds else { return };
        if seconds.len() > 1 {
            seconds.remove(0); // the caches were another engine's
        }
        self.best = seconds.iter().copied().fold(self.best, f64::min);
        self.rounds.push(median(&seconds));
    }
}

/// An engine's line of a table.
pub struct Row<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub median: f64,
    pub best: f64,
    pub agreement: Agreement,
    /// Whether the answers may differ by more than rounding of `f32`.
    pub rounded: bool,
    /// Bytes at the most, of a process that trains.
    pub memory: Option<u64>,
}

impl Row<'_> {
    /// Whether the answers are what they have to be.
    pub fn agrees(&self) -> bool {
        self.rounded || self.agreement.holds()
    }
}

/// Seconds, the same twice if they are computed and not measured.
pub struct Limit {
    pub median: f64,
    pub best: f64,
}

/// The result.
pub struct Outcome {
    pub threads: usize,
    pub rounds: usize,
    /// FLOP/s of one core, the best of the run.
    pub peak: f64,
    pub runners: Vec<Runner>,
}

impl Outcome {
    /// The least time of set number `i`: measured for a search, else the time of its FLOPs.
    pub fn limit(&self, i: usize, set: &Set) -> Limit {
        let minilm = self.runners.iter().find(|runner| runner.rival.is_minilm());
        match minilm.map(|runner| &runner.limits[i]) {
            Some(limits) if set.kind == Kind::Search => {
                Limit { median: median(&limits.rounds), best: limits.best }
            }
            _ => Limit { median: self.at_peak(set), best: self.at_peak(set) },
        }
    }

    /// Seconds that the FLOPs of a set take at the peak.
    pub fn at_peak(&self, set: &Set) -> f64 {
        set.flop / (self.peak * self.threads as f64)
    }

    /// The engines that did set number `set` in every round, fastest first.
    pub fn rows(&self, set: usize) -> Vec<Row<'_>> {
        let done =
            self.runners.iter().filter(|runner| runner.samples[set].rounds.len() == self.rounds);
        let mut rows: Vec<Row> = done.filter_map(|runner| runner.row(set)).collect();
        rows.sort_by(|a, b| a.median.total_cmp(&b.median));
        rows
    }
}

/// Measures every engine on every set that it takes.
pub fn compare(
    place: &Place,
    rivals: &[&'static Rival],
    sets: &[Set],
    threads: usize,
    rounds: usize,
) -> Result<Outcome, Error> {
    let runners =
        rivals.iter().map(|rival| Runner::start(place, rival, sets.len(), threads)).collect();
    let mut outcome = Outcome { threads, rounds, peak: peak::fma(Level::detect()), runners };
    check(place, &mut outcome.runners, sets)?;
    for round in 0..rounds {
        eprintln!("threads {threads}: round {} of {rounds}", round + 1);
        for (i, set) in sets.iter().enumerate() {
            outcome.peak = outcome.peak.max(peak::fma(Level::detect()));
            let calls = calls(outcome.at_peak(set));
            let count = outcome.runners.len();
            if let Some(minilm) = outcome
                .runners
                .iter_mut()
                .find(|runner| runner.rival.is_minilm() && set.kind == Kind::Search)
            {
                minilm.time_limit(i, calls);
            }
            for turn in 0..count {
                let runner = &mut outcome.runners[(round + turn) % count];
                if runner.rival.takes(set) {
                    runner.time(i, calls);
                }
            }
        }
        minilm_lives(&outcome.runners)?;
    }
    outcome.runners.iter_mut().for_each(|runner| runner.process = None);
    Ok(outcome)
}

/// Compares the vectors, or hits, of all engines.
fn check(place: &Place, runners: &mut [Runner], sets: &[Set]) -> Result<(), Error> {
    let path = place.temporary.join("vectors.f32");
    for (i, set) in sets.iter().enumerate() {
        eprintln!("comparing answers: {}", set.name);
        let mut ours = Vec::new(); // minilm is the first
        for runner in runners.iter_mut().filter(|runner| runner.rival.takes(set)) {
            let theirs = runner.ask(|process| process.vectors(i, &path));
            if set.kind.is_training() {
                runner.samples[i].memory = runner.ask(|process| process.memory());
            }
            if runner.rival.is_minilm() {
                ours = theirs.clone().unwrap_or_default();
            }
            let agreement = theirs.map(|theirs| Agreement::between(set, &ours, &theirs));
            match agreement {
                Some(Ok(agreement)) => runner.samples[i].agreement = Some(agreement),
                Some(Err(why)) => runner.fail(why),
                None => {}
            }
        }
        minilm_lives(runners)?;
    }
    Ok(())
}

fn minilm_lives(runners: &[Runner]) -> Result<(), Error> {
    let failure = runners
        .iter()
        .find(|runner| runner.rival.is_minilm())
        .and_then(|runner| runner.failure.clone());
    failure.map_or(Ok(()), |why| Err(Error::Reference(why)))
}

/// Calls of one turn, for a set that takes at least `limit` seconds. If there are several, the
/// first does not count.
fn calls(limit: f64) -> usize {
    if limit > 2.0 * TURN { 1 } else { 1 + (TURN / limit).ceil().clamp(2.0, 50.0) as usize }
}

impl Runner {
    fn start(place: &Place, rival: &'static Rival, sets: usize, threads: usize) -> Runner {
        eprintln!("threads {threads}: starting {}", rival.name);
        let samples = vec![Samples { best: f64::INFINITY, ..Samples::default() }; sets];
        let limits = samples.clone();
        let mut runner =
            Runner { rival, version: String::new(), process: None, failure: None, samples, limits };
        match Process::start(place, rival, threads) {
            Ok((process, version)) => (runner.process, runner.version) = (Some(process), version),
            Err(why) => runner.fail(why),
        }
        runner
    }

    fn time(&mut self, set: usize, calls: usize) {
        let seconds = self.ask(|process| process.time(set, calls));
        self.samples[set].add(seconds);
    }

    fn time_limit(&mut self, set: usize, calls: usize) {
        let seconds = self.ask(|process| process.limit(set, calls));
        self.limits[set].add(seconds);
    }

    /// The engine's answer. An engine that fails is asked no more.
    fn ask<T>(&mut self, question: impl FnOnce(&mut Process) -> Result<T, String>) -> Option<T> {
        let answer = question(self.process.as_mut()?);
        answer.map_err(|why| self.fail(why)).ok()
    }

    fn fail(&mut self, why: String) {
        self.process = None;
        self.failure = Some(why);
    }

    fn row(&self, set: usize) -> Option<Row<'_>> {
        let samples = &self.samples[set];
        let agreement = samples.agreement?;
        Some(Row {
            name: self.rival.name,
            version: &self.version,
            median: median(&samples.rounds),
            best: samples.best,
            agreement,
            rounded: self.rival.rounded,
            memory: samples.memory,
        })
    }
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn short_calls_are_made_often() {
        assert_eq!(calls(7.0), 1);
        assert_eq!(calls(0.1), 3);
        assert_eq!(calls(0.001), 51);
    }
}

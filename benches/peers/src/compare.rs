//! One comparison with one number of threads: the engines take turns, set by set, round by round.
//!
//! ```text
//! each engine:  start, write the vectors of every set once (the warm-up), compare them with minilm's
//! each round:   each set:   measure the core's peak
//!                           each engine:  go on, time, stop       the first one changes from round to round
//! ```
//!
//! So a slow minute of the machine slows all engines alike, and no engine works while another is timed.

use crate::{
    engines::Rival,
    error::Error,
    process::{Place, Process},
    sets::{DIMENSION, Set},
};
use minilm::kernels::{Level, peak};
use serde::Serialize;

/// Largest difference of a value, and of a cosine from 1, at which two vectors are the same but for rounding.
const TOLERANCE: f64 = 1e-3;

/// Seconds that the calls of one turn shall take at the least, if the machine were at its limit.
const TURN: f64 = 0.1;

/// How alike an engine's vectors and minilm's are, over all texts of a set.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Agreement {
    pub min_cosine: f64,
    pub max_difference: f64,
}

impl Agreement {
    /// Two lists of vectors of length 1.
    fn between(ours: &[f32], theirs: &[f32]) -> Result<Agreement, String> {
        if ours.len() != theirs.len() {
            return Err(format!("it gave {} values instead of {}", theirs.len(), ours.len()));
        }
        let (mut distance, mut difference) = (0.0, 0.0);
        for (a, b) in ours.chunks_exact(DIMENSION).zip(theirs.chunks_exact(DIMENSION)) {
            let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
            let (dot, aa, bb) = pairs().fold((0.0, 0.0, 0.0), |(dot, aa, bb), (a, b)| (dot + a * b, aa + a * a, bb + b * b));
            distance = larger(distance, 1.0 - dot / f64::sqrt(aa * bb));
            difference = pairs().fold(difference, |so_far, (a, b)| larger(so_far, (a - b).abs()));
        }
        Ok(Agreement { min_cosine: 1.0 - distance, max_difference: difference })
    }

    pub fn holds(&self) -> bool {
        self.max_difference <= TOLERANCE && self.min_cosine >= 1.0 - TOLERANCE
    }
}

/// An engine in this comparison.
pub struct Runner {
    pub rival: &'static Rival,
    pub version: String,
    process: Option<Process>,
    /// Why it has no process any more.
    pub failure: Option<String>,
    /// For each set.
    samples: Vec<Samples>,
}

#[derive(Default, Clone)]
struct Samples {
    /// Seconds of a call: for each round the median of its calls.
    rounds: Vec<f64>,
    /// Seconds of the fastest call.
    best: f64,
    agreement: Option<Agreement>,
}

/// An engine's line of a table.
pub struct Row<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub median: f64,
    pub best: f64,
    pub agreement: Agreement,
}

/// What came out.
pub struct Outcome {
    pub threads: usize,
    pub rounds: usize,
    /// FLOP/s of one core, the best of the run.
    pub peak: f64,
    pub runners: Vec<Runner>,
}

impl Outcome {
    /// Seconds that a set takes at least.
    pub fn limit(&self, set: &Set) -> f64 {
        set.flops() / (self.peak * self.threads as f64)
    }

    /// The engines that did set number `set` in every round, fastest first.
    pub fn rows(&self, set: usize) -> Vec<Row<'_>> {
        let done = self.runners.iter().filter(|runner| runner.samples[set].rounds.len() == self.rounds);
        let mut rows: Vec<Row> = done.filter_map(|runner| runner.row(set)).collect();
        rows.sort_by(|a, b| a.median.total_cmp(&b.median));
        rows
    }
}

/// Measures every engine on every set that it takes.
pub fn compare(place: &Place, rivals: &[&'static Rival], sets: &[Set], threads: usize, rounds: usize) -> Result<Outcome, Error> {
    let runners = rivals.iter().map(|rival| Runner::start(place, rival, sets.len(), threads)).collect();
    let mut outcome = Outcome { threads, rounds, peak: peak::fma(Level::detect()), runners };
    check(place, &mut outcome.runners, sets)?;
    for round in 0..rounds {
        eprintln!("threads {threads}: round {} of {rounds}", round + 1);
        for (i, set) in sets.iter().enumerate() {
            outcome.peak = outcome.peak.max(peak::fma(Level::detect()));
            let calls = calls(outcome.limit(set));
            let count = outcome.runners.len();
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

/// Compares the vectors of all engines.
fn check(place: &Place, runners: &mut [Runner], sets: &[Set]) -> Result<(), Error> {
    let path = place.temporary.join("vectors.f32");
    for (i, set) in sets.iter().enumerate() {
        eprintln!("comparing vectors: {}", set.name);
        let mut ours = Vec::new(); // minilm is the first
        for runner in runners.iter_mut().filter(|runner| runner.rival.takes(set)) {
            let theirs = runner.ask(|process| process.vectors(i, &path));
            if runner.rival.is_minilm() {
                ours = theirs.clone().unwrap_or_default();
            }
            let agreement = theirs.map(|theirs| Agreement::between(&ours, &theirs));
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
    let failure = runners.iter().find(|runner| runner.rival.is_minilm()).and_then(|runner| runner.failure.clone());
    failure.map_or(Ok(()), |why| Err(Error::Reference(why)))
}

/// Calls of one turn, for a set that takes at least `limit` seconds. If there are several, the first does not count.
fn calls(limit: f64) -> usize {
    if limit > 2.0 * TURN { 1 } else { 1 + (TURN / limit).ceil().clamp(2.0, 50.0) as usize }
}

impl Runner {
    fn start(place: &Place, rival: &'static Rival, sets: usize, threads: usize) -> Runner {
        eprintln!("threads {threads}: starting {}", rival.name);
        let samples = vec![Samples { best: f64::INFINITY, ..Samples::default() }; sets];
        let mut runner = Runner { rival, version: String::new(), process: None, failure: None, samples };
        match Process::start(place, rival, threads) {
            Ok((process, version)) => (runner.process, runner.version) = (Some(process), version),
            Err(why) => runner.fail(why),
        }
        runner
    }

    fn time(&mut self, set: usize, calls: usize) {
        let Some(mut seconds) = self.ask(|process| process.time(set, calls)) else { return };
        if seconds.len() > 1 {
            seconds.remove(0); // the caches were another engine's
        }
        let samples = &mut self.samples[set];
        samples.best = seconds.iter().copied().fold(samples.best, f64::min);
        samples.rounds.push(median(&seconds));
    }

    /// What the engine answers. One that fails is asked no more.
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
        })
    }
}

/// The larger of two numbers, or NaN if one is, unlike `f64::max`.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a >= b { a } else { b }
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

    fn axis(i: usize) -> Vec<f32> {
        (0..DIMENSION).map(|j| f32::from(i == j)).collect()
    }

    #[test]
    fn only_vectors_that_are_alike_agree() {
        let ours = [axis(0), axis(1)].concat();
        let mut theirs = ours.clone();
        assert!(Agreement::between(&ours, &theirs).unwrap().holds());
        theirs[DIMENSION] = 0.002;
        let agreement = Agreement::between(&ours, &theirs).unwrap();
        assert!(!agreement.holds() && agreement.min_cosine < 1.0 && agreement.max_difference > 0.0019, "{agreement:?}");
        assert!(!Agreement::between(&ours, &[axis(1), axis(0)].concat()).unwrap().holds());
        theirs[DIMENSION] = f32::NAN;
        assert!(!Agreement::between(&ours, &theirs).unwrap().holds());
        assert!(!Agreement::between(&ours, &vec![0.0; 2 * DIMENSION]).unwrap().holds());
        assert!(Agreement::between(&ours, &axis(0)).is_err());
    }

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

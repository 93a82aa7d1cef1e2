//! The results as JSON, and whether the engines agree.

use crate::{
    agreement::Agreement,
    compare::{Limit, Outcome, Row},
    cpus,
    error::Error,
    sets::{Kind, Lookup, Set},
};
use minilm::Level;
use serde::Serialize;
use std::{fs, path::Path};

/// All comparisons of a run.
#[derive(Serialize)]
pub struct Report {
    machine: Machine,
    /// FLOP/s of one core, the best of the run.
    peak_flops: f64,
    rounds: usize,
    texts: Vec<Texts>,
    one_text: Vec<Shape>,
    ids: Vec<Shape>,
    search: Vec<Search>,
    training: Vec<Training>,
    missing: Vec<Missing>,
    #[serde(skip)]
    disagreements: Vec<String>,
}

#[derive(Serialize)]
struct Machine {
    cpu: String,
    /// CPUs that the run could use.
    cores: usize,
    level: &'static str,
}

/// Many texts in one call.
#[derive(Serialize)]
struct Texts {
    set: String,
    texts: usize,
    tokens: usize,
    threads: usize,
    limit_seconds: f64,
    engines: Vec<Engine<Seconds>>,
}

/// `batch` texts of `tokens` tokens each in one call.
#[derive(Serialize)]
struct Shape {
    batch: usize,
    tokens: usize,
    threads: usize,
    limit_ms: f64,
    engines: Vec<Engine<Milliseconds>>,
}

/// For each of `queries` the nearest of `rows`.
#[derive(Serialize)]
struct Search {
    queries: usize,
    rows: usize,
    threads: usize,
    flop: f64,
    /// Of the rows.
    bytes: f64,
    limit_seconds: f64,
    limit_best_seconds: f64,
    engines: Vec<Engine<Seconds>>,
}

/// Steps of training on pairs.
#[derive(Serialize)]
struct Training {
    set: String,
    texts: usize,
    tokens: usize,
    /// Pairs of a step.
    batch: usize,
    threads: usize,
    limit_seconds: f64,
    engines: Vec<Engine<Steps>>,
}

#[derive(Serialize)]
struct Steps {
    median_seconds: f64,
    best_seconds: f64,
    /// Of the process, at the most.
    bytes: u64,
}

#[derive(Serialize)]
struct Engine<T> {
    name: String,
    version: String,
    #[serde(flatten)]
    time: T,
    #[serde(flatten)]
    agreement: Agreement,
}

#[derive(Serialize)]
struct Seconds {
    median_seconds: f64,
    best_seconds: f64,
}

#[derive(Serialize)]
struct Milliseconds {
    median_ms: f64,
    best_ms: f64,
}

/// An engine that could not be measured.
#[derive(Serialize)]
struct Missing {
    name: String,
    threads: usize,
    why: String,
}

impl Report {
    pub fn new() -> Result<Report, Error> {
        let machine = Machine {
            cpu: cpu_name(),
            cores: cpus::allowed()?.len(),
            level: Level::detect().name(),
        };
        Ok(Report {
            machine,
            peak_flops: 0.0,
            rounds: 0,
            texts: Vec::new(),
            one_text: Vec::new(),
            ids: Vec::new(),
            search: Vec::new(),
            training: Vec::new(),
            missing: Vec::new(),
            disagreements: Vec::new(),
        })
    }

    /// Adds what came out with one number of threads.
    pub fn add(&mut self, outcome: &Outcome, sets: &[Set]) {
        self.peak_flops = self.peak_flops.max(outcome.peak);
        self.rounds = outcome.rounds;
        for (i, set) in sets.iter().enumerate() {
            let rows = outcome.rows(i);
            self.disagreements
                .extend(rows.iter().filter(|row| !row.agrees()).map(|row| disagreement(row, set)));
            let limit = outcome.limit(i, set);
            match set.kind {
                Kind::Texts => self.texts.push(texts(outcome, set, &rows)),
                Kind::One => self.one_text.push(shape(outcome, set, &rows)),
                Kind::Ids => self.ids.push(shape(outcome, set, &rows)),
                Kind::Step | Kind::Pairs => self.training.push(training(outcome, set, &rows)),
                Kind::Search => self.search.extend(
                    set.search.as_ref().map(|lookup| search(outcome, lookup, set, limit, &rows)),
                ),
            }
        }
        for runner in &outcome.runners {
            if let Some(why) = &runner.failure {
                self.missing.push(Missing {
                    name: runner.rival.name.to_owned(),
                    threads: outcome.threads,
                    why: why.clone(),
                });
            }
        }
    }

    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let json = serde_json::to_string_pretty(self);
        let json =
            json.map_err(|source| Error::Json { what: path.display().to_string(), source })?;
        fs::write(path, json + "\n").map_err(Error::at(path))
    }

    /// Fails if an engine's vectors are not minilm's.
    pub fn verdict(self) -> Result<(), Error> {
        if self.disagreements.is_empty() {
            Ok(())
        } else {
            Err(Error::Disagreement(self.disagreements.join("\n")))
        }
    }
}

fn texts(outcome: &Outcome, set: &Set, rows: &[Row]) -> Texts {
    Texts {
        set: set.name.clone(),
        texts: set.texts.len(),
        tokens: set.tokens(),
        threads: outcome.threads,
        limit_seconds: outcome.at_peak(set),
        engines: rows.iter().map(|row| engine(row, seconds(row))).collect(),
    }
}

fn shape(outcome: &Outcome, set: &Set, rows: &[Row]) -> Shape {
    let milliseconds =
        |row: &Row| Milliseconds { median_ms: row.median * 1e3, best_ms: row.best * 1e3 };
    Shape {
        batch: set.texts.len(),
        tokens: set.ids.first().map_or(0, Vec::len),
        threads: outcome.threads,
        limit_ms: outcome.at_peak(set) * 1e3,
        engines: rows.iter().map(|row| engine(row, milliseconds(row))).collect(),
    }
}

fn search(outcome: &Outcome, lookup: &Lookup, set: &Set, limit: Limit, rows: &[Row]) -> Search {
    Search {
        queries: lookup.queries,
        rows: lookup.rows,
        threads: outcome.threads,
        flop: set.flop,
        bytes: lookup.bytes(),
        limit_seconds: limit.median,
        limit_best_seconds: limit.best,
        engines: rows.iter().map(|row| engine(row, seconds(row))).collect(),
    }
}

fn training(outcome: &Outcome, set: &Set, rows: &[Row]) -> Training {
    let steps = |row: &Row| Steps {
        median_seconds: row.median,
        best_seconds: row.best,
        bytes: row.memory.unwrap_or_default(),
    };
    Training {
        set: set.name.clone(),
        texts: set.texts.len(),
        tokens: set.tokens(),
        batch: set.lesson.map_or(0, |lesson| lesson.batch),
        threads: outcome.threads,
        limit_seconds: outcome.at_peak(set),
        engines: rows.iter().map(|row| engine(row, steps(row))).collect(),
    }
}

fn seconds(row: &Row) -> Seconds {
    Seconds { median_seconds: row.median, best_seconds: row.best }
}

fn engine<T>(row: &Row, time: T) -> Engine<T> {
    Engine {
        name: row.name.to_owned(),
        version: row.version.to_owned(),
        time,
        agreement: row.agreement,
    }
}

fn disagreement(row: &Row, set: &Set) -> String {
    let what = match row.agreement {
        Agreement::Vectors { min_cosine, .. } => format!("smallest cosine {min_cosine:.7}"),
        Agreement::Hits { same_rows, .. } => format!("{:.2} % of the rows", 100.0 * same_rows),
    };
    let difference = row.agreement.max_difference();
    format!(
        "{} disagrees with minilm on {}: {what}, largest difference {difference:.1e}",
        row.name, set.name
    )
}

/// The operating system's name of the CPU, where it has a file with it.
fn cpu_name() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.trim().to_owned())
}

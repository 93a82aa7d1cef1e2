//! Faults on purpose: writers that are killed, system calls that fail, disks that are full, servers
//! that misbehave. Linux only, because its kernel lets them fail.
//!
//! ```text
//! lab.rs       a directory with a small model and inputs; the program, run in it
//! cases.rs     the commands that write, and what is there before and after each
//! verdict.rs   what must hold after a fault
//! kills.rs     killed at a random moment
//! training.rs  a run of training that is killed, fails or has no room, again and again
//! calls.rs     the n-th system call of a kind fails, for each n (tests/faults)
//! disk.rs      a full disk
//! tmpfs.rs     what stands for one
//! servers.rs   downloads from hostile servers
//! soak.rs      callers that share an encoder for minutes
//! ```
//!
//! In the book: `docs/09-testing.md`.

mod calls;
mod cases;
mod disk;
mod kills;
mod lab;
mod servers;
mod soak;
mod tmpfs;
mod training;
mod verdict;

use crate::{Outcome, cargo::Workspace, files};
use lab::Lab;
use minilm_testing::Random;
use serde_json::{Map, Value, json};
use std::{
    env,
    time::{Duration, Instant},
};

/// What a part has done: a name and a count for each thing.
type Counts = Vec<(&'static str, u64)>;

/// How much of a part is run.
struct Extent {
    /// Everything, or else samples for this time.
    sample: Option<Duration>,
    random: Random,
}

impl Extent {
    /// Whether there is time for more samples.
    fn goes_on(&self, start: Instant) -> bool {
        self.sample.is_none_or(|time| start.elapsed() < time)
    }
}

/// A part: its name, what it runs, and the seconds of its samples in `cargo xtask check`.
type Part = (&'static str, fn(&Lab, &mut Extent) -> Result<Counts, String>, u64);

const PARTS: [Part; 5] = [
    ("kills", kills::run, 12),
    ("training", training::run, 8),
    ("calls", calls::run, 25),
    ("disk", disk::run, 5),
    ("servers", servers::run, 5),
];

/// The seed of a run without `--seed`.
const SEED: u64 = 1;

/// The sums of all runs.
const RECORD: &str = "benches/record/faults.json";

/// A sample of each part.
pub fn check(workspace: &Workspace) -> Outcome {
    if !cfg!(target_os = "linux") {
        return Ok("skipped: it needs Linux".to_owned());
    }
    let lab = Lab::new(workspace)?;
    let mut remarks = Vec::new();
    for (name, run, seconds) in PARTS {
        let sample = Some(Duration::from_secs(seconds));
        let counts = run_part(&lab, name, run, Extent { sample, random: Random(SEED) }, SEED)?;
        remarks.push(told(&counts));
    }
    Ok(remarks.join(", "))
}

/// The parts that are named, or all but `soak`, in full.
pub fn faults(workspace: &Workspace, arguments: &[&str]) -> Outcome {
    let Request { seed, minutes, names } = Request::parse(arguments)?;
    if !cfg!(target_os = "linux") {
        return Err("faults need Linux".to_owned());
    }
    println!("seed {seed}");
    if names.contains(&"soak") {
        let counts = soak::run(workspace, minutes)?;
        println!("{:10} {}", "soak", told(&counts));
        record(workspace, "soak", &counts)?;
    }
    let parts: Vec<&Part> =
        PARTS.iter().filter(|part| names.is_empty() || names.contains(&part.0)).collect();
    if parts.is_empty() {
        return Ok(format!("sums are in {RECORD}"));
    }
    let lab = Lab::new(workspace)?;
    for (name, run, _) in parts {
        let extent = Extent { sample: None, random: Random(seed) };
        let counts = run_part(&lab, name, *run, extent, seed)?;
        println!("{name:10} {}", told(&counts));
        record(workspace, name, &counts)?;
    }
    Ok(format!("sums are in {RECORD}"))
}

fn run_part(
    lab: &Lab,
    name: &str,
    run: fn(&Lab, &mut Extent) -> Result<Counts, String>,
    mut extent: Extent,
    seed: u64,
) -> Result<Counts, String> {
    let again = format!("again: cargo xtask faults {name} --seed {seed}");
    run(lab, &mut extent).map_err(|error| format!("{error}\n{again}"))
}

/// What the command line asks for.
struct Request<'a> {
    seed: u64,
    minutes: f64,
    names: Vec<&'a str>,
}

impl<'a> Request<'a> {
    fn parse(arguments: &[&'a str]) -> Result<Request<'a>, String> {
        let mut request = Request { seed: SEED, minutes: 10.0, names: Vec::new() };
        let mut arguments = arguments.iter();
        while let Some(&word) = arguments.next() {
            let mut number = || arguments.next().ok_or(format!("{word} takes a number"));
            let wrong = |_| format!("{word} takes a number");
            match word {
                "--seed" => request.seed = number()?.parse().map_err(wrong)?,
                "--minutes" => {
                    let text = number()?;
                    request.minutes =
                        text.parse().map_err(|_| format!("{word} takes a number, not {text}"))?;
                }
                name if name == "soak" || PARTS.iter().any(|part| part.0 == name) => {
                    request.names.push(name);
                }
                name => return Err(format!("no part is called {name:?}")),
            }
        }
        Ok(request)
    }
}

fn told(counts: &Counts) -> String {
    let told: Vec<String> = counts.iter().map(|(what, count)| format!("{count} {what}")).collect();
    told.join(", ")
}

/// Adds the counts to the sums of all runs.
fn record(workspace: &Workspace, name: &str, counts: &Counts) -> Result<(), String> {
    let path = workspace.root.join(RECORD);
    let mut all: Map<String, Value> = if path.exists() {
        files::read_json(&path)?.as_object().cloned().unwrap_or_default()
    } else {
        Map::new()
    };
    let mut part = all.remove(name).unwrap_or_else(|| json!({}));
    for (what, count) in counts {
        part[*what] = json!(part[*what].as_u64().unwrap_or(0) + count);
    }
    all.insert(name.to_owned(), part);
    files::write_json(&path, &Value::Object(all))
}

/// Whether a test of the environment asks to fail where something cannot be tried.
fn is_required() -> bool {
    env::var_os("MINILM_REQUIRE_FAULTS").is_some()
}

#[cfg(test)]
mod tests {
    use super::Request;

    #[test]
    fn the_command_line_names_parts_seed_and_minutes() {
        let words = ["kills", "--seed", "7", "soak", "--minutes", "0.5"];
        let request = Request::parse(&words).expect("a request");
        assert_eq!((request.seed, request.minutes), (7, 0.5));
        assert_eq!(request.names, ["kills", "soak"]);
        let error = |words: &[&str]| Request::parse(words).err().expect("an error");
        assert_eq!(error(&["calls", "--seed"]), "--seed takes a number");
        assert_eq!(error(&["keels"]), "no part is called \"keels\"");
    }
}

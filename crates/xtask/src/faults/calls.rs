//! System calls that fail: the n-th of a kind, for each n until a run has fewer of them.

use super::{
    Counts, Extent,
    cases::{self, Case},
    is_required,
    lab::Lab,
    verdict::{ended, next_run, whole},
};
use std::{fmt, time::Instant};

/// A fault, as the preloaded library reads it.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub call: &'static str,
    pub number: u64,
    pub what: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.call, self.number, self.what)
    }
}

/// How each kind of call can fail.
pub const FAULTS: [(&str, &[&str]); 7] = [
    ("open", &["EMFILE", "EACCES", "EINTR", "KILL"]),
    ("read", &["EIO", "EINTR", "SHORT"]),
    ("write", &["ENOSPC", "EIO", "EINTR", "SHORT", "KILL"]),
    ("fsync", &["EIO", "ENOSPC", "KILL"]),
    ("rename", &["EIO", "ENOSPC", "EACCES", "KILL"]),
    ("mmap", &["ENOMEM", "EACCES"]),
    ("close", &["EIO", "EINTR", "KILL"]),
];

/// No command makes so many calls of a kind.
const MOST: u64 = 10_000;

/// Failures that are shown.
const SHOWN: usize = 40;

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    if lab.injector.is_none() {
        return if is_required() {
            Err("no system call can fail here: it needs Linux with glibc".to_owned())
        } else {
            Ok(vec![("failing calls", 0)])
        };
    }
    let cases = cases::all(lab)?;
    let mut tally = Tally::default();
    match extent.sample {
        None => {
            for case in &cases {
                for (call, whats) in FAULTS {
                    for what in whats {
                        every(lab, case, call, what, &mut tally)?;
                    }
                }
            }
        }
        Some(_) => samples(lab, &cases, extent, &mut tally)?,
    }
    tally.counts(cases.len())
}

/// The n-th call, for every n.
fn every(
    lab: &Lab,
    case: &Case,
    call: &'static str,
    what: &'static str,
    tally: &mut Tally,
) -> Result<(), String> {
    for number in 1..MOST {
        if !tally.strike(lab, case, &Fault { call, number, what })? {
            return Ok(());
        }
    }
    Err(format!("{}: more than {MOST} calls of {call}", case.name))
}

/// Faults by chance, as long as there is time.
fn samples(
    lab: &Lab,
    cases: &[Case],
    extent: &mut Extent,
    tally: &mut Tally,
) -> Result<(), String> {
    let start = Instant::now();
    while extent.goes_on(start) {
        let random = &mut extent.random;
        let case = &cases[random.below(cases.len())];
        let (call, whats) = FAULTS[random.below(FAULTS.len())];
        let what = whats[random.below(whats.len())];
        let mut number = 1 + random.below(40) as u64;
        while !tally.strike(lab, case, &Fault { call, number, what })? && number > 1 {
            number /= 2;
        }
    }
    Ok(())
}

/// What has come of all faults so far.
#[derive(Default)]
struct Tally {
    struck: u64,
    killed: u64,
    tolerated: u64,
    refused: u64,
    failures: Vec<String>,
}

impl Tally {
    /// Runs a command with a fault; whether it struck.
    fn strike(&mut self, lab: &Lab, case: &Case, fault: &Fault) -> Result<bool, String> {
        case.restore()?;
        let (ran, struck) = lab.run_with(&case.folder, &case.arguments, fault)?;
        let Some(struck) = struck else {
            return match ran.status.code() {
                Some(0) => Ok(false),
                _ => Err(format!("{} without a fault: {}\n{}", case.name, ran.status, ran.stderr)),
            };
        };
        self.struck += 1;
        let verdict = if fault.what == "KILL" {
            self.killed += 1;
            whole(case, true).and_then(|state| next_run(lab, case, state))
        } else {
            let ended = ended(case, &ran, &struck);
            let count = if ran.status.success() { &mut self.tolerated } else { &mut self.refused };
            *count += 1;
            ended.map(drop)
        };
        if let Err(error) = verdict {
            self.failures.push(format!("{} {fault} ({struck}): {error}", case.name));
        }
        Ok(true)
    }

    fn counts(self, cases: usize) -> Result<Counts, String> {
        let failed = self.failures.len();
        if failed > 0 {
            let shown: Vec<String> = self.failures.into_iter().take(SHOWN).collect();
            return Err(format!("{failed} of {} faults:\n{}", self.struck, shown.join("\n")));
        }
        Ok(vec![
            ("commands", cases as u64),
            ("failing calls", self.struck),
            ("kills at a call", self.killed),
            ("tolerated", self.tolerated),
            ("refused with a message", self.refused),
        ])
    }
}

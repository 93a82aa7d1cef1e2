//! Training that is killed, or whose system calls fail, again and again, and that goes on: nothing
//! is lost, and the bits are those of a run that was never stopped.

use super::{
    Counts, Extent,
    calls::{self, Fault},
    cases::{Files, files},
    lab::{Lab, Ran},
    verdict::{is_temporary, names_file},
};
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

const BEGIN: &str =
    "train -q ../in/pairs.csv -o out --batch 4 --max-steps 12 --save-steps 2 --threads 1";
const RESUME: &str = "train -q --resume out --threads 1";

/// Blows in a run without a limit of time, of which about half are kills.
const BLOWS: u64 = 120;

/// Blows to one run of training. Without an end, on a busy machine it might never get on.
const MOST: usize = 6;

/// What happens to a run.
#[derive(Clone, Debug)]
enum Blow {
    KillAfter(Duration),
    Call(Fault),
}

/// The directory of the runs.
struct Training<'l> {
    lab: &'l Lab,
    folder: PathBuf,
    /// What a run that nothing happens to leaves, and the time that it takes.
    whole: Files,
    time: Duration,
    kills: u64,
    failures: u64,
}

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let mut training = Training::new(lab)?;
    let mut runs = 0;
    let start = Instant::now();
    while training.kills + training.failures < BLOWS && extent.goes_on(start) {
        training.interrupted(extent)?;
        runs += 1;
    }
    Ok(vec![("runs", runs), ("kills", training.kills), ("failing calls", training.failures)])
}

impl Training<'_> {
    fn new(lab: &Lab) -> Result<Training<'_>, String> {
        let folder = lab.root.join("training");
        let mut training = Training {
            lab,
            folder,
            whole: Files::new(),
            time: Duration::ZERO,
            kills: 0,
            failures: 0,
        };
        training.empty()?;
        let start = Instant::now();
        let ran = lab.run(&training.folder, &words(BEGIN))?;
        if !ran.status.success() {
            return Err(format!("minilm {BEGIN}: {}\n{}", ran.status, ran.stderr));
        }
        (training.time, training.whole) = (start.elapsed(), training.files()?);
        Ok(training)
    }

    /// A run that meets blows until it ends by itself.
    fn interrupted(&mut self, extent: &mut Extent) -> Result<(), String> {
        self.empty()?;
        let mut blows: Vec<Blow> = Vec::new();
        loop {
            let line = if self.checkpoints() > 0 { RESUME } else { BEGIN };
            let blow = (blows.len() < MOST).then(|| self.blow(extent));
            let ended = self.step(line, blow.as_ref());
            let ended = ended.map_err(|e| format!("training, after {blows:?}, {blow:?}: {e}"))?;
            let found = self.files()?;
            if found == self.whole {
                return Ok(());
            }
            let is_done = found.iter().filter(|(name, _)| !is_temporary(name)).eq(&self.whole);
            if is_done {
                return self.clean();
            }
            if ended {
                let names = found.keys().chain(self.whole.keys());
                let odd = names.filter(|name| found.get(*name) != self.whole.get(*name));
                let odd: Vec<&String> = odd.collect();
                return Err(format!("training, after {blows:?}: other files: {odd:?}"));
            }
            blows.extend(blow);
        }
    }

    /// All is there, and a part of the last checkpoint, which was being removed. The next run
    /// refuses to write the model again, and removes that part.
    fn clean(&self) -> Result<(), String> {
        let ran = self.lab.run(&self.folder, &words(BEGIN))?;
        if ran.status.code() == Some(1) && self.files()? == self.whole {
            return Ok(());
        }
        Err(format!("training, once it was done: {}: {}", ran.status, ran.stderr.trim_end()))
    }

    fn blow(&self, extent: &mut Extent) -> Blow {
        if self.lab.injector.is_some() && extent.random.below(2) == 0 {
            let (call, whats) = calls::FAULTS[extent.random.below(calls::FAULTS.len())];
            let what = whats[extent.random.below(whats.len())];
            Blow::Call(Fault { call, number: 1 + extent.random.below(100) as u64, what })
        } else {
            Blow::KillAfter(self.time.mul_f64(f64::from(extent.random.value()).abs()))
        }
    }

    /// Runs the program once; whether it has ended with success.
    fn step(&mut self, line: &str, blow: Option<&Blow>) -> Result<bool, String> {
        let words = words(line);
        match blow {
            None => succeeded(line, &self.lab.run(&self.folder, &words)?),
            Some(Blow::KillAfter(time)) => match self.lab.run_for(&self.folder, &words, *time)? {
                Some(ran) => succeeded(line, &ran),
                None => {
                    self.kills += 1;
                    Ok(false)
                }
            },
            Some(Blow::Call(fault)) => {
                let (ran, struck) = self.lab.run_with(&self.folder, &words, fault)?;
                let Some(struck) = struck else { return succeeded(line, &ran) };
                if fault.what == "KILL" {
                    self.kills += 1;
                    return Ok(false);
                }
                self.failures += 1;
                match ran.status.code() {
                    Some(0) => Ok(true),
                    Some(1) => names_file(ran.stderr.trim_end(), &struck).map(|()| false),
                    _ => succeeded(line, &ran),
                }
            }
        }
    }

    fn empty(&self) -> Result<(), String> {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))
    }

    /// The number of checkpoints.
    fn checkpoints(&self) -> usize {
        let entries = fs::read_dir(self.folder.join("out")).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("checkpoint-"))
            .count()
    }

    /// The files, without what tells how long a step took.
    fn files(&self) -> Result<Files, String> {
        let mut found = files(&self.folder)?;
        for (name, bytes) in &mut found {
            if name.ends_with("training.json")
                && let Ok(mut json) = serde_json::from_slice(bytes)
            {
                forget_seconds(&mut json);
                *bytes = json.to_string().into_bytes();
            }
        }
        Ok(found)
    }
}

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn succeeded(line: &str, ran: &Ran) -> Result<bool, String> {
    if ran.status.success() {
        return Ok(true);
    }
    Err(format!("minilm {line}: {}: {}", ran.status, ran.stderr.trim_end()))
}

fn forget_seconds(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(forget_seconds),
        Value::Object(fields) => {
            fields.remove("seconds");
            fields.values_mut().for_each(forget_seconds);
        }
        _ => {}
    }
}

//! Training that is killed, whose system calls fail, or whose disk is full, again and again, and
//! that goes on: no checkpoint is lost, and the bits are those of a run that was never stopped.

mod blow;

use super::{
    Counts, Extent,
    cases::{Files, files},
    lab::{Lab, Ran},
    tmpfs::{self, Tmpfs},
    verdict::is_temporary,
};
use blow::Blow;
use serde_json::Value;
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

const BEGIN: &str =
    "train -q ../in/pairs.csv -o out --batch 4 --max-steps 12 --save-steps 2 --threads 1";
const RESUME: &str = "train -q --resume out --threads 1";

/// Blows of each place in a run without a limit of time: kills and failing calls, and full disks.
const BLOWS: u64 = 120;

/// The kilobytes of the disk: two checkpoints and the model have room.
const SIZE: usize = 4096;

/// Blows to one run of training. Without an end, on a busy machine it might never get on.
const MOST: usize = 6;

/// The directory of the runs.
struct Training<'l> {
    lab: &'l Lab,
    folder: PathBuf,
    /// The disk of the folder, if it is one that can be full.
    disk: Option<&'l Tmpfs>,
    /// What a run that nothing happens to leaves, and the time that it takes.
    whole: Files,
    time: Duration,
    kills: u64,
    failures: u64,
    full: u64,
}

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let disk = Tmpfs::mount(lab.root.join("disk"), SIZE)?;
    let mut places = vec![Training::new(lab, lab.root.join("training"), None)?];
    if let Some(disk) = &disk {
        places.push(Training::new(lab, disk.folder.clone(), Some(disk))?);
    }
    let mut runs = 0;
    let start = Instant::now();
    while extent.goes_on(start) && places.iter().any(|training| training.blows() < BLOWS) {
        for training in places.iter_mut().filter(|training| training.blows() < BLOWS) {
            training.interrupted(extent)?;
            runs += 1;
        }
    }
    let sum = |count: fn(&Training) -> u64| places.iter().map(count).sum();
    Ok(vec![
        ("runs", runs),
        ("kills", sum(|training| training.kills)),
        ("failing calls", sum(|training| training.failures)),
        if disk.is_some() { ("full disks", sum(|training| training.full)) } else { tmpfs::NONE },
    ])
}

impl<'l> Training<'l> {
    fn new(lab: &'l Lab, folder: PathBuf, disk: Option<&'l Tmpfs>) -> Result<Self, String> {
        let mut training = Training {
            lab,
            folder,
            disk,
            whole: Files::new(),
            time: Duration::ZERO,
            kills: 0,
            failures: 0,
            full: 0,
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

    /// Blows that have struck so far.
    fn blows(&self) -> u64 {
        self.kills + self.failures + self.full
    }

    /// A run that meets blows until it ends by itself.
    fn interrupted(&mut self, extent: &mut Extent) -> Result<(), String> {
        self.empty()?;
        let mut blows: Vec<Blow> = Vec::new();
        loop {
            let last = self.checkpoint();
            let line = if last.is_some() { RESUME } else { BEGIN };
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
            if self.checkpoint() < last {
                return Err(format!("training, after {blows:?}, {blow:?}: {last:?} is lost"));
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

    fn empty(&self) -> Result<(), String> {
        if let Some(disk) = self.disk {
            return disk.empty().map_err(|error| format!("{}: {error}", self.folder.display()));
        }
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(&self.folder)
            .map_err(|error| format!("{}: {error}", self.folder.display()))
    }

    /// The step of the last checkpoint.
    fn checkpoint(&self) -> Option<u64> {
        let entries = fs::read_dir(self.folder.join("out")).into_iter().flatten().flatten();
        let step = |name: &str| name.strip_prefix("checkpoint-")?.parse().ok();
        entries.filter_map(|entry| step(&entry.file_name().to_string_lossy())).max()
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

//! A disk that is full: a small tmpfs, with less and less room.

use super::{
    Counts, Extent,
    cases::{self, Case},
    is_required,
    lab::Lab,
    verdict::{State, next_run, whole},
};
use crate::cargo;
use std::{fs, io, os::unix::process::ExitStatusExt, path::Path, process::Command, time::Instant};

/// Room that is left in turn, in kilobytes.
const ROOM: [usize; 6] = [0, 4, 12, 28, 60, 124];

/// A mounted file system, which is unmounted when this is dropped.
struct Mounted<'p>(&'p Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).output();
    }
}

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let mut cases = cases::all(lab)?;
    cases.retain(|case| case.new != case.old);
    let disk = lab.root.join("disk");
    fs::create_dir_all(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", "size=2m", "minilm-faults"]).arg(&disk);
    if let Err(error) = cargo::run(&mut mount) {
        return if is_required() {
            Err(error)
        } else {
            Ok(vec![("full disks (no tmpfs can be mounted here)", 0)])
        };
    }
    let _mounted = Mounted(&disk);
    let (mut full, mut fit) = (0, 0);
    let start = Instant::now();
    for case in &mut cases {
        // A folder on the disk, from which the inputs are as far as from the old one.
        case.folder = disk.clone();
        for room in ROOM {
            if !extent.goes_on(start) {
                break;
            }
            let is_full = crowded(lab, case, room)
                .map_err(|error| format!("{} with {room} KB left: {error}", case.name))?;
            *(if is_full { &mut full } else { &mut fit }) += 1;
        }
    }
    Ok(vec![("full disks", full), ("disks with room", fit)])
}

/// Runs the command with so much room; whether that was too little.
fn crowded(lab: &Lab, case: &Case, room: usize) -> Result<bool, String> {
    let failed = |error: io::Error| error.to_string();
    let filler = lab.root.join("disk/filler");
    for entry in fs::read_dir(&case.folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            .map_err(failed)?;
    }
    for (name, bytes) in &case.old {
        fs::write(case.folder.join(name), bytes).map_err(failed)?;
    }
    // Fills the disk, and gives some of it back.
    let mut size = 4096 << 10;
    while size > 0 && fs::write(&filler, vec![0; size]).is_err() {
        size = fs::metadata(&filler).map_or(0, |found| found.len() as usize).min(size - 4096);
    }
    let size = size.saturating_sub(room << 10);
    fs::OpenOptions::new()
        .write(true)
        .open(&filler)
        .and_then(|file| file.set_len(size as u64))
        .map_err(failed)?;
    let ran = lab.run(&case.folder, &case.arguments)?;
    fs::remove_file(&filler).map_err(failed)?;
    let message = ran.stderr.trim_end();
    let state = whole(case, false)?;
    match ran.status.code() {
        Some(0) if state == State::New => return Ok(false),
        Some(1) if message.contains("out") && message.lines().count() == 1 => {}
        _ => {
            let signal = ran.status.signal();
            return Err(format!("{} (signal {signal:?}) leaves {state:?}: {message}", ran.status));
        }
    }
    next_run(lab, case, state)?;
    Ok(true)
}

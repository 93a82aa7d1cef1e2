//! A disk that is full: a small tmpfs, with more and more room.

use super::{
    Counts, Extent,
    cases::{self, Case},
    lab::Lab,
    tmpfs::{self, Tmpfs, is_told},
    verdict::{State, next_run, whole},
};
use std::{fs, io, os::unix::process::ExitStatusExt, time::Instant};

/// Room that is left in turn, in kilobytes.
const ROOM: [usize; 6] = [0, 4, 12, 28, 60, 124];

/// The kilobytes of the disk.
const SIZE: usize = 2048;

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let mut cases = cases::all(lab)?;
    cases.retain(|case| case.new != case.old);
    let Some(disk) = Tmpfs::mount(lab.root.join("disk"), SIZE)? else {
        return Ok(vec![tmpfs::NONE]);
    };
    let (mut full, mut fit) = (0, 0);
    let start = Instant::now();
    for case in &mut cases {
        // A folder on the disk, from which the inputs are as far as from the old one.
        case.folder = disk.folder.clone();
        for room in ROOM {
            if !extent.goes_on(start) {
                break;
            }
            let is_full = crowded(lab, &disk, case, room)
                .map_err(|error| format!("{} with {room} KB left: {error}", case.name))?;
            *(if is_full { &mut full } else { &mut fit }) += 1;
        }
    }
    Ok(vec![("full disks", full), ("disks with room", fit)])
}

/// Runs the command with so much room; whether that was too little.
fn crowded(lab: &Lab, disk: &Tmpfs, case: &Case, room: usize) -> Result<bool, String> {
    let failed = |error: io::Error| error.to_string();
    disk.empty().map_err(failed)?;
    for (name, bytes) in &case.old {
        fs::write(case.folder.join(name), bytes).map_err(failed)?;
    }
    disk.leave(room).map_err(failed)?;
    let ran = lab.run(&case.folder, &case.arguments)?;
    disk.free().map_err(failed)?;
    let message = ran.stderr.trim_end();
    let state = whole(case, false)?;
    match ran.status.code() {
        Some(0) if state == State::New => return Ok(false),
        Some(1) if is_told(message) => {}
        _ => {
            let signal = ran.status.signal();
            return Err(format!("{} (signal {signal:?}) leaves {state:?}: {message}", ran.status));
        }
    }
    next_run(lab, case, state)?;
    Ok(true)
}

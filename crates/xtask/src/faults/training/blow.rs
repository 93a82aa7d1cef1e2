//! What happens to a run of training, and whether the program bears it.

use super::{Training, succeeded, words};
use crate::faults::{
    Extent,
    calls::{self, Fault},
    tmpfs::is_told,
    verdict::{is_temporary, names_file},
};
use std::time::Duration;

#[derive(Clone, Debug)]
pub(super) enum Blow {
    KillAfter(Duration),
    Call(Fault),
    /// After a time, others take the disk but for so many kilobytes.
    FullAfter(Duration, usize),
}

/// The most kilobytes that are left of a full disk: a checkpoint takes a little less.
const MOST_ROOM: usize = 1400;

impl Training<'_> {
    /// Some blow, by chance.
    pub(super) fn blow(&self, extent: &mut Extent) -> Blow {
        let after = self.time.mul_f64(f64::from(extent.random.value()).abs());
        if self.disk.is_some() {
            Blow::FullAfter(after, extent.random.below(MOST_ROOM))
        } else if self.lab.injector.is_some() && extent.random.below(2) == 0 {
            let (call, whats) = calls::FAULTS[extent.random.below(calls::FAULTS.len())];
            let what = whats[extent.random.below(whats.len())];
            Blow::Call(Fault { call, number: 1 + extent.random.below(100) as u64, what })
        } else {
            Blow::KillAfter(after)
        }
    }

    /// Runs the program once; whether it has ended with success.
    pub(super) fn step(&mut self, line: &str, blow: Option<&Blow>) -> Result<bool, String> {
        match blow {
            None => succeeded(line, &self.lab.run(&self.folder, &words(line))?),
            Some(Blow::KillAfter(time)) => {
                match self.lab.run_for(&self.folder, &words(line), *time)? {
                    Some(ran) => succeeded(line, &ran),
                    None => {
                        self.kills += 1;
                        Ok(false)
                    }
                }
            }
            Some(Blow::Call(fault)) => self.failing_call(line, fault),
            Some(Blow::FullAfter(time, room)) => self.full_disk(line, *time, *room),
        }
    }

    fn failing_call(&mut self, line: &str, fault: &Fault) -> Result<bool, String> {
        let (ran, struck) = self.lab.run_with(&self.folder, &words(line), fault)?;
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

    fn full_disk(&mut self, line: &str, time: Duration, room: usize) -> Result<bool, String> {
        let Some(disk) = self.disk else { return Err("no disk can be full here".to_owned()) };
        let full = |_: &mut _| disk.leave(room).map_err(|error| error.to_string());
        let ran = self.lab.run_and(&self.folder, &words(line), time, full)?;
        disk.free().map_err(|error| error.to_string())?;
        let message = ran.stderr.trim_end();
        if ran.status.code() != Some(1) || !is_told(message) {
            return succeeded(line, &ran);
        }
        self.full += 1;
        match self.files()?.keys().find(|name| is_temporary(name)) {
            Some(name) => Err(format!("a full disk leaves {name}")),
            None => Ok(false),
        }
    }
}

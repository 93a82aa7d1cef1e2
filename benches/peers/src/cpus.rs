//! The CPUs of an engine, and the process that runs: Linux only; elsewhere nothing is pinned or
//! stopped.

use crate::{args::Options, error::Error};
use std::process::Child;

/// The CPUs of each comparison: one for each thread.
pub fn choose(options: &Options) -> Result<Vec<Vec<usize>>, Error> {
    let cpus = options.cpus.clone().map_or_else(allowed, Ok)?;
    let threads = match &options.threads {
        Some(threads) => threads.iter().copied().map(usize::from).collect(),
        None if cpus.len() > 1 => vec![1, 2],
        None => vec![1],
    };
    let first = |n: usize| cpus.get(..n).map(<[_]>::to_vec).ok_or(n);
    threads.into_iter().map(first).collect::<Result<_, usize>>().map_err(|n| {
        let there = cpus.len();
        Error::Usage(format!(
            "{n} threads need {n} CPUs, there are {there}; see --threads and --cpus"
        ))
    })
}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Child, Error};
    use rustix::{
        process::{self, Pid, Signal},
        thread::{self, CpuSet},
    };
    use std::{fs, io};

    /// The CPUs that this process may use.
    pub fn allowed() -> Result<Vec<usize>, Error> {
        let set = thread::sched_getaffinity(None).map_err(failed("sched_getaffinity"))?;
        Ok((0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
    }

    /// Restricts this thread, and every process that it starts from now on, to `cpus`.
    pub fn pin(cpus: &[usize]) -> Result<(), Error> {
        let mut set = CpuSet::new();
        for &cpu in cpus {
            if cpu >= CpuSet::MAX_CPU {
                return Err(Error::Usage(format!("there is no CPU {cpu}")));
            }
            set.set(cpu);
        }
        thread::sched_setaffinity(None, &set).map_err(failed("sched_setaffinity, see --cpus"))
    }

    /// Stops a process with all its threads: an idle pool that spins would take the next engine's
    /// time.
    pub fn stop(child: &Child) {
        signal(child, Signal::STOP);
    }

    /// Lets a stopped process go on.
    pub fn go_on(child: &Child) {
        signal(child, Signal::CONT);
    }

    /// Makes this process end when the one that started it does, even if it is stopped.
    pub fn end_with_parent() -> Result<(), Error> {
        process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("prctl"))
    }

    /// The most bytes of memory that a process had at once since this was asked before.
    pub fn peak_memory(child: &Child) -> io::Result<u64> {
        let folder = format!("/proc/{}", child.id());
        let status = fs::read_to_string(format!("{folder}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
        let kilobytes: u64 = kilobytes.ok_or_else(|| io::Error::other("no VmHWM in status"))?;
        fs::write(format!("{folder}/clear_refs"), "5")?; // forgets the peak
        Ok(1024 * kilobytes)
    }

    /// A process that has ended gets no signal; what became of it shows when it is spoken to.
    fn signal(child: &Child, signal: Signal) {
        let _ = process::kill_process(Pid::from_child(child), signal);
    }

    fn failed(what: &str) -> impl FnOnce(rustix::io::Errno) -> Error {
        move |errno| Error::Io { what: what.to_owned(), source: errno.into() }
    }
}

#[cfg(target_os = "linux")]
pub use linux::{allowed, end_with_parent, go_on, peak_memory, pin, stop};

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Child, Error};

    pub fn allowed() -> Result<Vec<usize>, Error> {
        Ok((0..std::thread::available_parallelism().map_or(1, usize::from)).collect())
    }

    pub fn pin(_cpus: &[usize]) -> Result<(), Error> {
        Ok(())
    }

    pub fn stop(_child: &Child) {}

    pub fn peak_memory(_child: &Child) -> std::io::Result<u64> {
        Err(std::io::Error::other("the memory of a process is known on Linux only"))
    }

    pub fn go_on(_child: &Child) {}

    pub fn end_with_parent() -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{allowed, end_with_parent, go_on, peak_memory, pin, stop};

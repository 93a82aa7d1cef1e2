//! The machine, as far as a program can see it.

use serde::Serialize;
use std::{env, fs, num::NonZero, thread};

#[derive(Debug, Serialize)]
pub(super) struct Machine {
    pub cpu: String,
    /// CPUs that the process may use, by its affinity and the limits of its container.
    pub cpus: usize,
}

impl Machine {
    pub(super) fn here() -> Machine {
        Machine { cpu: cpu(), cpus: thread::available_parallelism().map_or(1, NonZero::get) }
    }
}

/// The CPU's name, from where Linux or Windows has it.
fn cpu() -> String {
    let linux = fs::read_to_string("/proc/cpuinfo").ok();
    let linux = linux.and_then(|text| model_name(&text).map(str::to_owned));
    linux
        .or_else(|| env::var("PROCESSOR_IDENTIFIER").ok())
        .unwrap_or_else(|| format!("unknown ({})", env::consts::ARCH))
}

fn model_name(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    line.split_once(':').map(|(_, name)| name.trim())
}

#[cfg(test)]
mod tests {
    use super::model_name;

    #[test]
    fn the_name_is_in_cpuinfo() {
        assert_eq!(
            model_name("processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nstepping\t: 1\n"),
            Some("AMD EPYC")
        );
        assert_eq!(model_name("processor\t: 0\n"), None);
    }
}

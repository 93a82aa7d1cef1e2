//! The machine that is measured on, as Linux describes it.

use crate::{
    Outcome,
    cargo::{self, Workspace, text},
};
use minilm_kernels::Level;
use serde_json::{Value, json};
use std::{fs, num::NonZero, process::Command, thread};

/// The properties of the machine and of the build that a measurement depends on.
pub fn describe(workspace: &Workspace) -> Result<Value, String> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| value_of(&cpuinfo, name, ':');
    let number = |name: &str| field(name).and_then(|text| text.parse::<u64>().ok());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = value_of(&memory, "MemTotal", ':')
        .and_then(|text| text.trim_end_matches(" kB").parse::<u64>().ok());
    let os = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let levels: Vec<&str> = Level::available().iter().map(|level| level.name()).collect();
    Ok(json!({
        "cpu": field("model name"),
        "vendor": field("vendor_id"),
        "family": number("cpu family"),
        "model": number("model"),
        "stepping": number("stepping"),
        "cpus": thread::available_parallelism().map_or(1, NonZero::get),
        "caches": caches(),
        "levels": levels,
        "memory_bytes": memory.map(|kib| kib << 10),
        "os": value_of(&os, "PRETTY_NAME", '=').map(|name| name.trim_matches('"').to_owned()),
        "kernel": fs::read_to_string("/proc/sys/kernel/osrelease")
            .ok()
            .map(|release| release.trim().to_owned()),
        "rustc": rustc(workspace)?,
        "commit": commit(workspace)?,
        "date": output(Command::new("date").args(["-u", "+%F"]))?,
    }))
}

/// A folder's name for the machine: `amd-epyc-zen4`.
pub fn slug(machine: &Value) -> String {
    let architecture =
        match (text(machine, "vendor"), machine["family"].as_u64(), machine["model"].as_u64()) {
            ("AuthenticAMD", Some(23), Some(model)) => {
                Some(if model < 0x30 { "zen" } else { "zen2" }.to_owned())
            }
            ("AuthenticAMD", Some(25), Some(0x10..0x20 | 0x60..)) => Some("zen4".to_owned()),
            ("AuthenticAMD", Some(25), Some(_)) => Some("zen3".to_owned()),
            ("AuthenticAMD", Some(26), Some(_)) => Some("zen5".to_owned()),
            (_, Some(family), Some(model)) => Some(format!("family-{family}-model-{model}")),
            _ => None,
        };
    let name =
        format!("{} {}", text(machine, "cpu"), architecture.unwrap_or_default()).to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let slug = words.collect::<Vec<_>>().join("-");
    if slug.is_empty() { format!("unknown-{}", std::env::consts::ARCH) } else { slug }
}

/// The compiler's name and version.
pub fn rustc(workspace: &Workspace) -> Outcome {
    output(
        Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()))
            .arg("--version")
            .current_dir(&workspace.root),
    )
}

/// The commit that is measured, with a `+` if the files differ from it.
fn commit(workspace: &Workspace) -> Outcome {
    let git = |arguments: &[&str]| {
        output(Command::new("git").args(arguments).current_dir(&workspace.root))
    };
    let changed =
        git(&["status", "--porcelain", "--untracked-files=no", "--", ".", ":!benches/record"])?;
    Ok(git(&["rev-parse", "--short=12", "HEAD"])? + if changed.is_empty() { "" } else { "+" })
}

/// Level, kind and size of each cache of the first CPU.
fn caches() -> Vec<Value> {
    let read = |i: usize, file: &str| {
        let text =
            fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{i}/{file}"));
        text.ok().map(|text| text.trim().to_owned())
    };
    let cache = |i| {
        let (level, kind, size) = (read(i, "level")?, read(i, "type")?, read(i, "size")?);
        Some(json!({ "level": level, "type": kind, "size": size }))
    };
    (0..).map_while(cache).collect()
}

/// The value on the first line `name SEPARATOR value`.
fn value_of(text: &str, name: &str, separator: char) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(separator));
    let found = pairs.map(|(key, value)| (key.trim(), value.trim())).find(|&(key, _)| key == name);
    found.map(|(_, value)| value.to_owned())
}

fn output(command: &mut Command) -> Outcome {
    cargo::run(command).map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_named_after_the_cpu() {
        let machine = |cpu, vendor, family, model| {
            let (cpu, vendor) = (json!(cpu), json!(vendor));
            json!({ "cpu": cpu, "vendor": vendor, "family": family, "model": model })
        };
        assert_eq!(slug(&machine("AMD EPYC", "AuthenticAMD", 25, 17)), "amd-epyc-zen4");
        assert_eq!(
            slug(&machine("AMD Ryzen 9 5950X", "AuthenticAMD", 25, 33)),
            "amd-ryzen-9-5950x-zen3"
        );
        assert_eq!(
            slug(&machine("Intel(R) Xeon(R)", "GenuineIntel", 6, 143)),
            "intel-r-xeon-r-family-6-model-143"
        );
        assert!(slug(&json!({})).starts_with("unknown-"));
    }

    #[test]
    fn values_are_found_by_their_whole_name() {
        let text = "model\t\t: 17\nmodel name\t: AMD EPYC\n";
        assert_eq!(value_of(text, "model", ':').as_deref(), Some("17"));
        assert_eq!(value_of(text, "model name", ':').as_deref(), Some("AMD EPYC"));
        assert_eq!(value_of(text, "name", ':'), None);
    }
}

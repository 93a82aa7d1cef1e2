//! Fuzzing: the targets of `tests/fuzz`, built for libFuzzer by the stable compiler.
//!
//! `cargo fuzz` wants a nightly compiler for its sanitizers. The counters of edges and the traces
//! of comparisons, by which libFuzzer finds its way, are a pass of LLVM that the stable compiler
//! runs too. libFuzzer itself is C++, so the targets are a workspace of their own, and the check is
//! left out where there is no compiler for it.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use serde_json::{Map, Value, json};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Counters, their places, and the operands of comparisons, at every edge.
const FLAGS: &str = "--cfg fuzzing -C passes=sancov-module \
    -C llvm-args=-sanitizer-coverage-level=4 \
    -C llvm-args=-sanitizer-coverage-inline-8bit-counters \
    -C llvm-args=-sanitizer-coverage-pc-table \
    -C llvm-args=-sanitizer-coverage-trace-compares \
    -C codegen-units=1";

/// The time that each target gets beyond its corpus in `cargo xtask check`.
const CHECK: Duration = Duration::from_secs(5);

/// Limits of one input: seconds, many because a busy machine may suspend a target, and megabytes of
/// the whole process.
const LIMITS: [&str; 2] = ["-timeout=100", "-rss_limit_mb=2048"];

/// The longest input of targets whose seeds are short. A model's weights have 6 kB, and a text is
/// cut into pieces of 40 kB.
const LENGTHS: [(&str, usize); 3] = [("safetensors", 8192), ("text", 65536), ("windows", 65536)];
const LENGTH: usize = 4096;

/// What was run of a target.
struct Run {
    executions: u64,
    edges: u64,
    /// Edges by how often they were reached, and comparisons by how near they were.
    features: u64,
}

/// Each target over its committed corpus and a short while beyond.
pub fn check(workspace: &Workspace) -> Outcome {
    if env::var_os("MINILM_REQUIRE_FUZZ").is_none() {
        return Ok("skipped: MINILM_REQUIRE_FUZZ=1 runs it, in about ten minutes".to_owned());
    }
    let compiler = env::var("CXX").unwrap_or("c++".to_owned());
    cargo::run(Command::new(&compiler).arg("--version"))
        .map_err(|_| format!("libFuzzer needs a C++ compiler, and {compiler} is none"))?;
    let targets = targets(workspace)?;
    let binaries = build(workspace)?;
    let mut executions = 0;
    for target in &targets {
        executions += run(workspace, &binaries, target, CHECK)?.executions;
    }
    Ok(format!("{} targets, {executions} inputs", targets.len()))
}

/// All targets in turn, or those named, for so long together. Adds what was run to the record.
pub fn fuzz(workspace: &Workspace, minutes: f64, names: &[&str]) -> Outcome {
    let mut targets = targets(workspace)?;
    if let Some(unknown) = names.iter().find(|name| targets.iter().all(|target| target != *name)) {
        return Err(format!("no target is called {unknown:?}; there are {}", targets.join(", ")));
    }
    targets.retain(|target| names.is_empty() || names.contains(&target.as_str()));
    let binaries = build(workspace)?;
    let each = Duration::from_secs_f64(minutes * 60.0 / targets.len() as f64);
    for target in &targets {
        let found = run(workspace, &binaries, target, each)?;
        println!("{target:20} {:>12} inputs, {:>6} edges", found.executions, found.edges);
        record(workspace, target, &found)?;
    }
    Ok(format!("{} targets; sums are in {RECORD}", targets.len()))
}

/// The sums of all runs.
const RECORD: &str = "benches/record/fuzz.json";

fn record(workspace: &Workspace, target: &str, run: &Run) -> Result<(), String> {
    let path = workspace.root.join(RECORD);
    let before = if path.exists() { files::read_json(&path)? } else { json!({}) };
    let mut all: Map<String, Value> = before.as_object().cloned().unwrap_or_default();
    let most = |field: &str| all.get(target).and_then(|was| was[field].as_u64()).unwrap_or(0);
    let now = json!({
        "executions": most("executions") + run.executions,
        "edges": most("edges").max(run.edges),
        "features": most("features").max(run.features),
    });
    all.insert(target.to_owned(), now);
    files::write_json(&path, &Value::Object(all))
}

/// The names of the targets.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let sources = files::directly_in(&workspace.root.join("tests/fuzz/fuzz_targets"), "rs")?;
    let stem = |path: &PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
    Ok(sources.iter().filter_map(stem).collect())
}

/// Builds all targets, and returns the folder that they are in.
fn build(workspace: &Workspace) -> Result<PathBuf, String> {
    let target = workspace.target.join("fuzz");
    let version = cargo::run(
        Command::new(env::var_os("RUSTC").unwrap_or("rustc".into())).arg("--version").arg("-v"),
    )?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.ok_or("rustc does not tell its host")?;
    let mut command = cargo::cargo(&workspace.root.join("tests/fuzz"));
    // With a target, the flags are not those of build scripts and procedural macros.
    command.args(["build", "--release", "--quiet", "--locked", "--target", host, "--target-dir"]);
    command.arg(&target).env("RUSTFLAGS", FLAGS);
    cargo::run(&mut command)?;
    Ok(target.join(host).join("release"))
}

/// Runs a target over its corpus and on. What it finds worth to keep goes to a folder in Cargo's
/// target directory; the committed corpus is not changed.
fn run(
    workspace: &Workspace,
    binaries: &Path,
    target: &str,
    time: Duration,
) -> Result<Run, String> {
    let folder = |name: &str| workspace.target.join(format!("fuzz/{name}/{target}"));
    let (grown, artifacts) = (folder("corpus"), folder("artifacts"));
    for folder in [&grown, &artifacts] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let committed = workspace.root.join("tests/fuzz/corpus").join(target);
    let length = LENGTHS.iter().find(|(name, _)| *name == target).map_or(LENGTH, |found| found.1);
    let mut command = Command::new(binaries.join(target));
    command
        .current_dir(&workspace.root)
        .args(LIMITS)
        .arg(format!("-max_len={length}"))
        .arg(format!("-max_total_time={}", time.as_secs().max(1)))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .args(["-print_final_stats=1", "-detect_leaks=0"])
        .arg(&grown);
    if committed.is_dir() {
        command.arg(&committed);
    }
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        let last: Vec<&str> = log.lines().rev().take(40).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        return Err(format!("{target}: {}\n{}", output.status, last.join("\n")));
    }
    Ok(Run {
        executions: number_after(&log, "stat::number_of_executed_units:").unwrap_or(0),
        edges: number_after(&log, " cov:").unwrap_or(0),
        features: number_after(&log, " ft:").unwrap_or(0),
    })
}

/// The number behind the last `name`.
fn number_after(log: &str, name: &str) -> Option<u64> {
    let (_, rest) = log.rsplit_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_after;

    #[test]
    fn the_log_tells_what_was_run() {
        let log = "#2 INITED cov: 12 ft: 13 corp: 1/1b\n#9 DONE   cov: 40 ft: 50\n\
            stat::number_of_executed_units: 1234\nstat::average_exec_per_sec:     617\n";
        assert_eq!(number_after(log, " cov:"), Some(40));
        assert_eq!(number_after(log, "stat::number_of_executed_units:"), Some(1234));
        assert_eq!(number_after("", " cov:"), None);
    }
}

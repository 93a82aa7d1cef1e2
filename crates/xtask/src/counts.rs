//! No kernel takes more instructions than it did.
//!
//! ```text
//! for each case of crates/kernels/examples/counts.rs:
//!     instructions per element = (count(2·N repetitions) − count(N repetitions)) / (N · elements)
//!     within 3 % of benches/record/counts.json
//! ```
//!
//! valgrind's callgrind counts the instructions that the program executes, to the same number each
//! time, however busy the machine is. The difference of two runs leaves out everything besides the
//! kernel: start, inputs, first touch of memory.
//!
//! Limits: callgrind knows AVX2 but not AVX-512. The portable level has no count, because the
//! instructions of its multiply-add depend on the operands. Fewer instructions need not be faster;
//! more of them, without a reason, are a sign of a function that was not inlined, a loop that
//! was not unrolled, or a check in a loop.

use crate::{
    Outcome,
    cargo::{self, Workspace, text},
    files, machine,
};
use minilm_kernels::Level;
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The level that is counted.
const LEVEL: &str = "avx2";

/// Repetitions of the shorter run.
const REPETITIONS: u64 = 4;

/// The largest relative change that is not reported.
const TOLERANCE: f64 = 0.03;

/// The path of the record, from the root.
const RECORD: &str = "benches/record/counts.json";

const UPDATE: &str = "cargo xtask counts --update";

/// Instructions per element of one kernel.
struct Count {
    name: String,
    element: String,
    instructions: f64,
}

/// Compares with the record.
pub fn check(workspace: &Workspace) -> Outcome {
    if !cfg!(target_arch = "x86_64") || LEVEL.parse::<Level>().is_err() {
        return Ok(format!("skipped: this CPU has no {LEVEL}"));
    }
    let record: Value = files::read_json(&workspace.root.join(RECORD))?;
    let rustc = machine::rustc(workspace)?;
    let verdict = compare(&record, &count(workspace)?);
    let compiler = match text(&record, "rustc") {
        recorded if recorded == rustc => String::new(),
        recorded => format!(
            "\nThe record is of {recorded}, this is {rustc}: the compiler may be the reason."
        ),
    };
    verdict.map_err(|list| {
        format!("{list}{compiler}\nIf it is the price of something better, record it: {UPDATE}")
    })
}

/// Writes the record.
pub fn update(workspace: &Workspace) -> Outcome {
    let counts = count(workspace)?;
    let list = counts.iter().map(|count| {
        let rounded: f64 = format!("{:.4}", count.instructions).parse().unwrap_or_default();
        (count.name.clone(), json!({ "instructions": rounded, "element": count.element }))
    });
    let list: serde_json::Map<String, Value> = list.collect();
    let record = json!({ "level": LEVEL, "rustc": machine::rustc(workspace)?, "counts": list });
    files::write_json(&workspace.root.join(RECORD), &record)?;
    Ok(format!("{} kernels in {RECORD}", counts.len()))
}

/// The changes; an error if a count has grown.
fn compare(record: &Value, counts: &[Count]) -> Outcome {
    let (mut grown, mut shrunk) = (Vec::new(), Vec::new());
    for Count { name, element, instructions } in counts {
        let Some(recorded) = record["counts"][name]["instructions"].as_f64() else {
            grown.push(format!("  {name:14} is not in {RECORD}"));
            continue;
        };
        let change = instructions / recorded - 1.0;
        let line = format!(
            "  {name:14} {recorded:.4} → {instructions:.4} instructions a {element}, {:+.1} %",
            100.0 * change
        );
        match change {
            c if c > TOLERANCE => grown.push(line),
            c if c < -TOLERANCE => shrunk.push(line),
            _ => {}
        }
    }
    if !grown.is_empty() {
        return Err(format!(
            "more instructions than in {RECORD}, on level {LEVEL}:\n{}",
            grown.join("\n")
        ));
    }
    if !shrunk.is_empty() {
        return Ok(format!("fewer instructions, which {UPDATE} records:\n{}", shrunk.join("\n")));
    }
    Ok(format!("{} kernels, level {LEVEL}", counts.len()))
}

fn count(workspace: &Workspace) -> Result<Vec<Count>, String> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err(
            "valgrind is not there: install it, on Debian by `apt-get install valgrind`".into()
        );
    }
    workspace.cargo([
        "build",
        "--release",
        "--quiet",
        "--package",
        "minilm-kernels",
        "--example",
        "counts",
    ])?;
    let program = workspace.target.join("release/examples/counts");
    let out = workspace.target.join("xtask/callgrind.out");
    files::make_parent(&out)?;
    let cases = cargo::run(&mut Command::new(&program))?;
    cases.lines().map(|case| one(&program, &out, case)).collect()
}

/// One case, by its line of the program's list.
fn one(program: &PathBuf, out: &Path, case: &str) -> Result<Count, String> {
    let mut words = case.splitn(3, ' ');
    let (Some(name), Some(Ok(elements)), Some(element)) =
        (words.next(), words.next().map(str::parse::<f64>), words.next())
    else {
        return Err(format!("{}: what is {case:?}?", program.display()));
    };
    let run = |repetitions: u64| {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())])
            .arg(program);
        cargo::run(command.args([LEVEL, name, &repetitions.to_string()]))?;
        total(&files::read(out)?).ok_or_else(|| format!("{}: there is no total", out.display()))
    };
    let (short, long) = (run(REPETITIONS)?, run(2 * REPETITIONS)?);
    let instructions = (long - short) / (REPETITIONS as f64 * elements);
    Ok(Count { name: name.into(), element: element.into(), instructions })
}

/// All instructions of a run, from callgrind's file.
fn total(profile: &str) -> Option<f64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("totals:").or_else(|| line.strip_prefix("summary:")));
    line?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(instructions: f64) -> Outcome {
        let record = json!({ "counts": { "gelu": { "instructions": 2.0 } } });
        compare(&record, &[Count { name: "gelu".into(), element: "value".into(), instructions }])
    }

    #[test]
    fn growth_fails_and_names_the_kernel() {
        let message = verdict(2.07).unwrap_err();
        assert!(
            message.contains("gelu           2.0000 → 2.0700 instructions a value, +3.5 %"),
            "{message}"
        );
    }

    #[test]
    fn a_small_change_is_fine_and_a_saving_asks_for_an_update() {
        assert_eq!(verdict(2.05).unwrap(), "1 kernels, level avx2");
        assert_eq!(verdict(1.95).unwrap(), "1 kernels, level avx2");
        let remark = verdict(1.9).unwrap();
        assert!(remark.contains("-5.0 %") && remark.contains(UPDATE), "{remark}");
    }

    #[test]
    fn a_kernel_without_a_record_fails() {
        let message = compare(
            &json!({}),
            &[Count { name: "new".into(), element: "value".into(), instructions: 1.0 }],
        )
        .unwrap_err();
        assert!(
            message.contains("new            is not in benches/record/counts.json"),
            "{message}"
        );
    }

    #[test]
    fn the_total_is_found() {
        assert_eq!(total("version: 1\nevents: Ir\nsummary: 123\n"), Some(123.0));
        assert_eq!(total("fn=(1) main\n16 400\n\ntotals: 456\n"), Some(456.0));
        assert_eq!(total("version: 1\n"), None);
    }
}

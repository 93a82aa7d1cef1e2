//! The largest error of each function of one variable over all 2³² floats.
//!
//! The sweeps are the ignored tests of `minilm-kernels`. Each prints lines that this task puts into
//! `benches/record/errors.json`:
//!
//! ```text
//! worst | FUNCTION | RANGE | UNIT | ERROR | BITS OF THE INPUT
//! ```
//!
//! The report computes the error again at each of these inputs (`crates/book/src/accuracy.rs`), so
//! a kernel that has changed there is noticed without a sweep.

use crate::{Outcome, cargo::Workspace, files};
use serde_json::{Value, json};

/// The path of the record, from the root.
const RECORD: &str = "benches/record/errors.json";

/// Runs the sweeps and writes the record.
pub fn update(workspace: &Workspace) -> Outcome {
    let tests =
        ["test", "--release", "--package", "minilm-kernels", "--test", "exp", "--test", "gelu"];
    let printed = workspace.cargo(tests.iter().chain(&["--", "--ignored", "--nocapture"]))?;
    let errors = printed
        .lines()
        .filter_map(|line| line.strip_prefix("worst | "))
        .map(entry)
        .collect::<Result<Vec<_>, _>>()?;
    if errors.is_empty() {
        return Err(format!("the sweeps have found nothing:\n{printed}"));
    }
    files::write_json(&workspace.root.join(RECORD), &json!({ "errors": errors }))?;
    Ok(format!("{} ranges in {RECORD}; `cargo xtask report` makes the table of them", errors.len()))
}

/// The part of a line behind its first word.
fn entry(line: &str) -> Result<Value, String> {
    let what = || format!("what is \"worst | {line}\"?");
    let [function, range, unit, error, bits] = line.split(" | ").collect::<Vec<_>>()[..] else {
        return Err(what());
    };
    let error: f64 = error.parse().map_err(|_| what())?;
    Ok(json!({ "function": function, "range": range, "unit": unit, "error": error, "bits": bits }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_an_entry() {
        let expected = json!({
            "function": "exp", "range": "all", "unit": "ULP", "error": 0.988, "bits": "c26fc28f"
        });
        assert_eq!(entry("exp | all | ULP | 9.88e-1 | c26fc28f"), Ok(expected));
        assert_eq!(
            entry("exp | all | ULP | many | 0").unwrap_err(),
            "what is \"worst | exp | all | ULP | many | 0\"?"
        );
        assert_eq!(entry("exp | all").unwrap_err(), "what is \"worst | exp | all\"?");
    }
}

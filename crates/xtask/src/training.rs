//! The training run of the book: BANKING77, cut to `docs/data/banking77`.
//!
//! The run has the same bits on every machine. So the record has no machine, and another run that
//! gives another record has found a mistake.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use serde_json::{Map, Value};
use std::{fs, process::Command};

/// The path of the record, from the root.
const RECORD: &str = "benches/record/training.json";

/// What the run is asked for, beside the model and the folder.
const ARGUMENTS: [&str; 6] = [
    "train",
    "docs/data/banking77/train.csv",
    "--eval",
    "docs/data/banking77/test.csv",
    "--eval-steps",
    "3",
];

/// The parts of `training.json` that the record keeps.
const KEPT: [&str; 6] =
    ["base_sha256", "data_sha256", "weights_sha256", "before", "after", "log_history"];

/// Trains, and writes the record.
pub fn update(workspace: &Workspace) -> Outcome {
    workspace.cargo(["build", "--release", "--quiet", "--package", "minilm-cli"])?;
    let output = workspace.target.join("xtask/training");
    if output.exists() {
        fs::remove_dir_all(&output).map_err(|error| format!("{}: {error}", output.display()))?;
    }
    files::make_parent(&output)?;
    let mut train = Command::new(workspace.target.join("release/minilm"));
    train.args(ARGUMENTS).arg("--output").arg(&output).current_dir(&workspace.root);
    train.args(["--model", "weights/all-MiniLM-L6-v2"]);
    cargo::run(&mut train)?;
    let record = record(&files::read_json(&output.join("training.json"))?)?;
    files::write_json(&workspace.root.join(RECORD), &record)?;
    Ok(format!("{RECORD}; `cargo xtask report` makes the table and the figure of it"))
}

/// The run without what differs from machine to machine: its times.
fn record(training: &Value) -> Result<Value, String> {
    let part = |name: &&str| {
        let value = training.get(name).ok_or_else(|| format!("training.json has no {name:?}"))?;
        Ok(((*name).to_owned(), value.clone()))
    };
    let mut record: Map<String, Value> = KEPT.iter().map(part).collect::<Result<_, String>>()?;
    let log = record.get_mut("log_history").and_then(Value::as_array_mut);
    for line in log.ok_or("\"log_history\" is no list")?.iter_mut().filter_map(Value::as_object_mut)
    {
        line.remove("seconds");
    }
    Ok(Value::Object(record))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_has_no_times() {
        let mut training = json!({
            "version": 1, "base_sha256": "a", "data_sha256": "b", "weights_sha256": "c",
            "before": [], "after": [], "log_history": [{ "step": 1, "loss": 0.5, "seconds": 2.0 }]
        });
        let expected = json!({
            "base_sha256": "a", "data_sha256": "b", "weights_sha256": "c", "before": [],
            "after": [], "log_history": [{ "step": 1, "loss": 0.5 }]
        });
        assert_eq!(record(&training), Ok(expected));
        training.as_object_mut().expect("an object").remove("after");
        assert_eq!(record(&training).unwrap_err(), "training.json has no \"after\"");
    }
}

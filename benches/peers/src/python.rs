//! The Python side: an environment with the rivals, and the model in their forms. Made on first
//! use, kept in the target directory.

use crate::engines::Rival;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const REQUIREMENTS: &str = include_str!("../requirements.txt");
const EXPORT: &str = include_str!("../export.py");

/// Prints where ONNX Runtime's library is, which fastembed loads as well.
const FIND_LIBRARY: &str = "\
import glob, importlib.util, os
folder = os.path.dirname(importlib.util.find_spec('onnxruntime').origin)
print(sorted(glob.glob(os.path.join(folder, 'capi', 'libonnxruntime.so.*')) + \
glob.glob(os.path.join(folder, 'capi', 'libonnxruntime.*dylib')))[0])";

pub struct Python {
    /// An interpreter that has the rivals, or why there is none.
    pub interpreter: Result<PathBuf, String>,
    /// The folder of the graphs, which may be missing.
    pub graphs: PathBuf,
    /// ONNX Runtime's library.
    pub onnxruntime: Option<PathBuf>,
}

/// Prepares the environment and the graphs. An error here is the reason why rivals are missing
/// later.
pub fn prepare(
    here: &Path,
    home: &Path,
    model: &Path,
    rivals: &[&Rival],
    unwanted: bool,
) -> Python {
    let graphs = home.join("graphs");
    if unwanted || !rivals.iter().any(|rival| rival.python || rival.graph) {
        return Python { interpreter: Err("--no-python".to_owned()), graphs, onnxruntime: None };
    }
    let interpreter = interpreter(here, home).and_then(|python| {
        if rivals.iter().all(|rival| !rival.graph) {
            return Ok(python);
        }
        let made = format!("{REQUIREMENTS}{EXPORT}");
        once(&graphs.join("made-by"), &made, || {
            eprintln!("exporting the model for the rivals");
            let mut export = Command::new(&python);
            run(export
                .arg(here.join("export.py"))
                .arg(model)
                .arg(&graphs)
                .env("HF_HUB_OFFLINE", "1"))
        })?;
        Ok(python)
    });
    let library = interpreter
        .as_ref()
        .ok()
        .and_then(|python| run(Command::new(python).args(["-c", FIND_LIBRARY])).ok());
    Python { interpreter, graphs, onnxruntime: library.map(|line| PathBuf::from(line.trim())) }
}

/// `PEERS_PYTHON`, or an environment made from the requirements.
fn interpreter(here: &Path, home: &Path) -> Result<PathBuf, String> {
    if let Some(python) = env::var_os("PEERS_PYTHON") {
        return Ok(python.into());
    }
    let environment = home.join("venv");
    let python = environment.join("bin/python");
    once(&environment.join("made-by"), REQUIREMENTS, || {
        eprintln!(
            "installing the rivals of Python in {}: some minutes, and about 7 GB",
            environment.display()
        );
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "-r"])
            .arg(here.join("requirements.txt")))
    })?;
    Ok(python)
}

/// Does `work` unless the file `stamp` says that it was done from the same `source`.
fn once(
    stamp: &Path,
    source: &str,
    work: impl FnOnce() -> Result<String, String>,
) -> Result<(), String> {
    if fs::read_to_string(stamp).is_ok_and(|made| made == source) {
        return Ok(());
    }
    work()?;
    fs::write(stamp, source).map_err(|error| format!("{}: {error}", stamp.display()))
}

/// Runs a program to its end: what it printed, or the last line of what it complained.
fn run(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    let (printed, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.success() {
        return Ok(printed.into_owned());
    }
    let line =
        complained.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(format!("{name}: {}: {line}", output.status))
}

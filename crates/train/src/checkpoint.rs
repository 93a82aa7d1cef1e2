//! Checkpoints: `checkpoint-N` in the output directory, after step N.
//!
//! ```text
//! model's files              the weights; a directory that every reader of models loads
//! optimizer.safetensors      the moments of AdamW, NAME.exp_avg and NAME.exp_avg_sq, and the ids
//!                            of the word embeddings that have any
//! trainer_state.json         the step, the settings, digests of the data and of the base, the log
//! ```
//!
//! Batches and dropout follow from the seed and the step, so there is no state of random numbers.
//! The folder gets its name when all of it is on the disk: a process that is killed leaves the
//! checkpoint before.

use crate::{
    Arguments, Error, Loss, Network,
    model_files::{Base, failed, pretty, write_file},
    network::{Moments, State},
    tensors::{self, Entry},
    trainer::Record,
};
use minilm::Level;
use minilm_model::Mapped;
use minilm_tasks::replace::{TemporaryFolder, remove_abandoned_folders, sync_name};
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fs,
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// What a checkpoint says besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TrainerState {
    /// The version of minilm: another one may compute other bits.
    pub version: String,
    pub global_step: usize,
    pub arguments: Arguments,
    pub loss: Loss,
    /// SHA-256 of the data and of the base's weights.
    pub data: String,
    pub base: String,
    pub best: Option<Best>,
    /// Evaluations since the best one.
    pub worse: usize,
    pub log_history: Vec<Record>,
    /// What the program that trains wants to know again.
    pub origin: serde_json::Value,
}

/// The best evaluation so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// After this step.
    pub step: usize,
    /// The number that tells it.
    pub value: f64,
}

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The folder of a checkpoint.
pub(crate) fn folder(output: &Path, step: usize) -> PathBuf {
    output.join(format!("checkpoint-{step}"))
}

/// The steps of the checkpoints in a directory, ascending.
pub(crate) fn steps(output: &Path) -> Result<Vec<usize>, Error> {
    let step = |path: &PathBuf| {
        let step = path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.parse().ok()?;
        path.is_dir().then_some(step)
    };
    let mut steps: Vec<usize> = entries(output)?.iter().filter_map(step).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// What is in a directory; nothing if there is none.
pub(crate) fn entries(output: &Path) -> Result<Vec<PathBuf>, Error> {
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(output)?.map(|entry| entry.map(|entry| entry.path())).collect()
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.map_err(|source| Error::Read { path: output.to_owned(), source }),
    }
}

/// Removes what a run that was killed has left of a checkpoint without a name.
pub(crate) fn clean(output: &Path) {
    remove_abandoned_folders(output, "checkpoint-");
}

/// Writes a checkpoint, unless there is one of that step.
pub(crate) fn write(
    output: &Path,
    base: &Base,
    network: &Network,
    state: &TrainerState,
) -> Result<PathBuf, Error> {
    let path = folder(output, state.global_step);
    let json = pretty(&serde_json::to_value(state).expect("plain data"));
    if path.exists() {
        // Its weights are the same; the log may tell of an evaluation that came after it.
        write_file(&path.join("trainer_state.json"), json.as_bytes())?;
        return Ok(path);
    }
    fs::create_dir_all(output).map_err(failed(output))?;
    let temporary = TemporaryFolder::beside(&path).map_err(failed(&path))?;
    write_optimizer(network, &temporary.path().join("optimizer.safetensors"))
        .and_then(|()| base.write(network.tensors(), temporary.path()))
        .and_then(|()| write_file(&temporary.path().join("trainer_state.json"), json.as_bytes()))
        .map_err(|error| renamed(error, temporary.path(), &path))?;
    fs::rename(temporary.path(), &path).map_err(failed(&path))?;
    sync_name(&path);
    Ok(path)
}

/// The error with the name that the folder would have had.
pub(crate) fn renamed(error: Error, temporary: &Path, path: &Path) -> Error {
    match error {
        Error::Write { path: file, source } => {
            let inside = file.strip_prefix(temporary).map(Path::to_owned).unwrap_or_default();
            Error::Write { path: path.join(inside), source }
        }
        other => other,
    }
}

fn write_optimizer(network: &Network, path: &Path) -> Result<(), Error> {
    let state = network.state();
    let ids: Vec<u8> = state.words.iter().flat_map(|id| id.to_le_bytes()).collect();
    let mut entries = vec![Entry {
        name: "words".to_owned(),
        dtype: Dtype::U32,
        shape: vec![state.words.len()],
        bytes: ids.into(),
    }];
    for Moments { name, first, second } in &state.moments {
        for (moment, values) in [("exp_avg", first), ("exp_avg_sq", second)] {
            entries.push(Entry::floats(&format!("{name}.{moment}"), &[values.len()], values));
        }
    }
    let write = || {
        let mut file = BufWriter::new(fs::File::create_new(path)?);
        tensors::write(&mut file, &entries)?;
        file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
    };
    write().map_err(failed(path))
}

/// Reads what a checkpoint says.
pub(crate) fn read_state(path: &Path) -> Result<TrainerState, Error> {
    let path = path.join("trainer_state.json");
    let bytes = fs::read(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let wrong = |reason: String| Error::Checkpoint { path: path.clone(), reason };
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let version = value["version"].as_str().unwrap_or("unknown");
    if version != VERSION {
        return Err(wrong(format!(
            "it is of minilm {version}, and this is {VERSION}, which may compute other bits: go on \
             with that version, or train anew"
        )));
    }
    let state: TrainerState =
        serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    let step = state.global_step;
    match path.parent().is_some_and(|of| of.ends_with(format!("checkpoint-{step}"))) {
        true => Ok(state),
        false => Err(wrong(format!("it is of step {step}, and the directory of another step"))),
    }
}

/// The network of a checkpoint, with its moments.
pub(crate) fn load(path: &Path, level: Level, steps: usize) -> Result<Network, Error> {
    let mut network = Network::load_on(path, level)?;
    let file = path.join("optimizer.safetensors");
    let mapped =
        Mapped::open(&file).map_err(|source| Error::Read { path: file.clone(), source })?;
    let wrong = |reason| Error::Checkpoint { path: file.clone(), reason };
    let tensors = tensors::read(&mapped).map_err(wrong)?;
    let state = moments(&tensors, steps).map_err(wrong)?;
    network
        .restore(&state)
        .map_err(|name| wrong(format!("the moments of {name} are missing or of another model")))?;
    Ok(network)
}

fn moments(file: &SafeTensors, steps: usize) -> Result<State<'static>, String> {
    let words = file.tensor("words").map_err(|_| "the tensor words is missing".to_owned())?;
    let words = words.data().as_chunks().0.iter().map(|&id| u32::from_le_bytes(id)).collect();
    let names = file.names();
    let mut names: Vec<&str> =
        names.into_iter().filter_map(|name| name.strip_suffix(".exp_avg")).collect();
    names.sort_unstable();
    let read = |name: String, least: f32| {
        let values = tensors::floats(file, &name);
        let values = values.ok_or_else(|| format!("the tensor {name} is missing"))?;
        match values.iter().position(|value| !value.is_finite() || *value < least) {
            Some(at) => Err(format!("the value {at} of the tensor {name} is {}", values[at])),
            None => Ok(Cow::Owned(values)),
        }
    };
    let moments = names.into_iter().map(|name| {
        Ok(Moments {
            name: Cow::Owned(name.to_owned()),
            first: read(format!("{name}.exp_avg"), f32::MIN)?,
            second: read(format!("{name}.exp_avg_sq"), 0.0)?, // means of squares
        })
    });
    Ok(State { steps: steps as u64, words, moments: moments.collect::<Result<_, String>>()? })
}

/// Removes a checkpoint. It loses its name first: a process that is killed meanwhile leaves no part
/// of a checkpoint for the next run to go on from.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    let temporary = TemporaryFolder::beside(path).map_err(failed(path))?;
    fs::rename(path, temporary.path().join("old")).map_err(failed(path))
}

/// Removes all checkpoints but the last `keep` and the best.
pub(crate) fn prune(output: &Path, keep: usize, best: Option<usize>) {
    let Ok(steps) = steps(output) else { return }; // the next checkpoint does it
    let old = steps.len().saturating_sub(keep);
    for &step in steps[..old].iter().filter(|&&step| Some(step) != best) {
        let _ = remove(&folder(output, step));
    }
}

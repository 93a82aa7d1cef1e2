//! Training: `minilm_train::Trainer` for Python.
//!
//! Settings and losses cross as JSON, in the form that the library itself writes into checkpoints,
//! and events come back the same way. Python's classes have their names already.

use crate::{
    arguments::named,
    encoder::Encoder,
    errors::{from_encoder, from_train},
    watch::watched,
};
use minilm::{Level, install};
use minilm_train::{
    Arguments, Dataset, Evaluation, Event, Loss, Outcome, Setup, Trainer,
    columns::{infer, kind},
};
use pyo3::{
    exceptions::{PyRuntimeError, PyValueError},
    prelude::*,
    pybacked::PyBackedStr,
    sync::MutexExt,
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard},
};

/// The names of a table's columns, and the columns.
type Table = (Vec<String>, Vec<Vec<PyBackedStr>>);

/// A run of training.
#[pyclass(frozen, module = "minilm._minilm")]
pub(crate) struct Training {
    /// `None` once the model is written.
    trainer: Mutex<Option<Trainer>>,
}

#[pymethods]
impl Training {
    /// Begins a run, or goes on with the one that stopped in `output`.
    #[staticmethod]
    #[expect(clippy::too_many_arguments, reason = "they are a setup's parts")]
    fn begin(
        py: Python<'_>,
        base: PathBuf,
        output: PathBuf,
        table: Table,
        loss: Option<&str>,
        arguments: &str,
        evaluations: Vec<(String, Table)>,
        average: f64,
        kept_tokens: Option<usize>,
        level: Option<&str>,
        teacher: Option<&Encoder>,
        resume: bool,
    ) -> PyResult<Training> {
        let mut setup = Setup::new(base, dataset(table)?, output);
        if let Some(loss) = loss {
            setup.loss = from_json::<Loss>("loss", loss)?;
        }
        setup.arguments = changed(arguments)?;
        setup.average = average;
        setup.kept_tokens = kept_tokens;
        if let Some(level) = level {
            setup.level = named::<Level>(level)?;
        }
        if let Some(teacher) = teacher {
            let vectors = py.detach(|| teacher.encoder.encode(setup.data.texts()));
            setup.vectors = Some(vectors.map_err(from_encoder)?);
        }
        for (name, table) in evaluations {
            setup.evaluations.push(Evaluation { name, data: dataset(table)? });
        }
        let work = |_: &_| {
            install(|| match resume {
                true => Trainer::resume(setup),
                false => Trainer::new(setup),
            })
        };
        let trainer = watched(py, work, || Ok(()))?.map_err(from_train)?;
        Ok(Training { trainer: Mutex::new(Some(trainer)) })
    }

    /// What happens next, as JSON; `None` at the end. Ctrl-C is raised once the step has ended, and
    /// the run can go on.
    fn next(&self, py: Python<'_>) -> PyResult<Option<String>> {
        let mut place = self.lock(py)?;
        let trainer = place.as_mut().ok_or_else(over)?;
        let event = py.detach(|| install(|| trainer.next())).transpose().map_err(from_train)?;
        py.check_signals()?;
        Ok(event.map(|event| told(&event).to_string()))
    }

    /// Writes the model with the best weights, or the last, and removes the checkpoints.
    fn finish(&self, py: Python<'_>) -> PyResult<String> {
        self.end(py, Trainer::finish)
    }

    /// Writes a checkpoint, and the model as it is now.
    fn stop(&self, py: Python<'_>) -> PyResult<String> {
        self.end(py, Trainer::stop)
    }

    /// Writes a checkpoint now, from which the run can go on.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<PathBuf> {
        let mut place = self.lock(py)?;
        let trainer = place.as_mut().ok_or_else(over)?;
        py.detach(|| trainer.checkpoint()).map_err(from_train)
    }

    /// Steps of the whole run.
    #[getter]
    fn steps(&self, py: Python<'_>) -> PyResult<usize> {
        self.lock(py)?.as_ref().map(Trainer::steps).ok_or_else(over)
    }

    /// Steps so far.
    #[getter]
    fn step(&self, py: Python<'_>) -> PyResult<usize> {
        self.lock(py)?.as_ref().map(Trainer::step).ok_or_else(over)
    }

    /// What is unusual about the data.
    #[getter]
    fn findings(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let place = self.lock(py)?;
        let trainer = place.as_ref().ok_or_else(over)?;
        Ok(trainer.findings().iter().map(ToString::to_string).collect())
    }
}

impl Training {
    /// The trainer, once no other thread has it; the GIL is released meanwhile.
    fn lock(&self, py: Python<'_>) -> PyResult<MutexGuard<'_, Option<Trainer>>> {
        let broken = |_| PyRuntimeError::new_err("a step of this run panicked");
        self.trainer.lock_py_attached(py).map_err(broken)
    }

    fn end(
        &self,
        py: Python<'_>,
        end: impl FnOnce(Trainer) -> Result<Outcome, minilm_train::Error> + Send,
    ) -> PyResult<String> {
        let trainer = self.lock(py)?.take().ok_or_else(over)?;
        let outcome = py.detach(|| install(|| end(trainer))).map_err(from_train)?;
        let Outcome { step, before, after, digest, .. } = outcome;
        Ok(json!({"step": step, "before": before, "after": after, "sha256": digest}).to_string())
    }
}

fn over() -> PyErr {
    PyRuntimeError::new_err("the model is written: this run is over")
}

fn from_json<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> PyResult<T> {
    serde_json::from_str(text).map_err(|error| PyValueError::new_err(format!("{what}: {error}")))
}

/// The original's settings, but for those that `given` has.
fn changed(given: &str) -> PyResult<Arguments> {
    let given: serde_json::Map<String, Value> = from_json("arguments", given)?;
    let failed = |error: serde_json::Error| PyValueError::new_err(format!("arguments: {error}"));
    let mut all = serde_json::to_value(Arguments::default()).map_err(failed)?;
    for (name, value) in given {
        match all.get_mut(&name) {
            Some(place) => *place = value,
            None => return Err(PyValueError::new_err(format!("arguments: there is no {name}"))),
        }
    }
    serde_json::from_value(all).map_err(failed)
}

/// The rows of a table; what they are is told by the names of its columns, and by the values.
fn dataset((names, columns): Table) -> PyResult<Dataset> {
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = infer(&all).map_err(from_train)?;
    let column = |name: &String| {
        let place = names.iter().position(|one| one == name).expect("it is one of the names");
        &columns[place]
    };
    let texts: Vec<&Vec<PyBackedStr>> = found.texts.iter().map(column).collect();
    let values = found.value.as_ref().map(column);
    let kind = kind(&found, values.into_iter().flatten().map(|value| &**value));
    let mut data = Dataset::new(kind.map_err(from_train)?, texts.len());
    for i in 0..columns[0].len() {
        let row: Vec<&str> = texts.iter().map(|column| &*column[i]).collect();
        let value = values.map(|column| &*column[i]);
        data.push(&format!("row {i}"), &row, value).map_err(from_train)?;
    }
    Ok(data)
}

/// An event with a name.
fn told(event: &Event) -> Value {
    match event {
        Event::Step(step) => {
            let mut told = json!(step);
            told["event"] = json!("step");
            told
        }
        Event::Evaluation { step, scores, is_best } => {
            json!({"event": "evaluation", "step": step, "scores": scores, "is_best": is_best})
        }
        Event::Checkpoint { step, path } => {
            json!({"event": "checkpoint", "step": step, "path": path})
        }
        _ => json!({"event": "other"}),
    }
}

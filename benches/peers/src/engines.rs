//! The engines: their names, their abilities, and the engines written in Rust.

#[cfg(feature = "rivals")]
mod candle;
#[cfg(feature = "rivals")]
mod fastembed;
#[cfg(feature = "rivals")]
mod lattice;
mod minilm;
#[cfg(feature = "rivals")]
mod rten;
mod search;
mod training;

use crate::{
    args::Worker,
    sets::{Kind, Set},
};
use ::minilm::Precision;

/// The reason why an engine could not do something, in its own words.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Texts that are padded to one length and computed together, where an engine leaves that to its
/// caller or asks for a number.
#[cfg(feature = "rivals")]
const BATCH: usize = 32;

/// Texts whose vectors are compared after training.
const PROBES: usize = 64;

/// An engine with its model in memory.
pub trait Engine {
    /// One vector of length 1 for each text of the set, end to end: `[texts, 384]`. Of a search,
    /// score and row of each hit: `[queries, top_k, 2]`.
    fn run(&mut self, set: &Set) -> Result<Vec<f32>, Failure>;

    /// What is compared with minilm's. After training it is what the model has become: the vectors
    /// of the first [`PROBES`] texts.
    fn answer(&mut self, set: &Set) -> Result<Vec<f32>, Failure> {
        self.run(set)
    }

    /// Does what a search cannot be faster than. Only minilm is asked.
    fn limit(&mut self, set: &Set) -> Result<(), Failure> {
        Err(format!("it has no limit for {}", set.name).into())
    }
}

/// An engine that takes part.
pub struct Rival {
    pub name: &'static str,
    /// Whether it lives in `workers.py`.
    pub python: bool,
    /// Whether it needs the model in a form that the Python side makes, such as an ONNX graph.
    pub graph: bool,
    kinds: &'static [Kind],
    /// Whether it rounds values to fewer bits than an `f32` has, so that its vectors may differ.
    pub rounded: bool,
}

const ALL: &[Kind] = &[Kind::Texts, Kind::One, Kind::Ids, Kind::Search, Kind::Step, Kind::Pairs];
const TRAINED: &[Kind] = &[Kind::Texts, Kind::One, Kind::Ids, Kind::Pairs];
const MODEL: &[Kind] = &[Kind::Texts, Kind::One, Kind::Ids];
const TEXTS: &[Kind] = &[Kind::Texts, Kind::One];
const IDS: &[Kind] = &[Kind::Ids];
const SEARCH: &[Kind] = &[Kind::Search];
const STEP: &[Kind] = &[Kind::Step];

/// minilm first: the others are compared with it.
pub const RIVALS: [Rival; 20] = [
    Rival { name: "minilm", python: false, graph: false, kinds: ALL, rounded: false },
    Rival { name: "openvino", python: true, graph: true, kinds: MODEL, rounded: false },
    Rival { name: "ctranslate2", python: true, graph: true, kinds: MODEL, rounded: false },
    Rival { name: "onnxruntime", python: true, graph: true, kinds: MODEL, rounded: false },
    Rival {
        name: "sentence-transformers",
        python: true,
        graph: false,
        kinds: TRAINED,
        rounded: false,
    },
    Rival { name: "lattice", python: false, graph: false, kinds: TEXTS, rounded: false },
    Rival { name: "fastembed", python: false, graph: true, kinds: TEXTS, rounded: false },
    Rival { name: "candle", python: false, graph: false, kinds: MODEL, rounded: false },
    Rival { name: "rten", python: false, graph: true, kinds: IDS, rounded: false },
    Rival { name: "minilm-int8", python: false, graph: false, kinds: MODEL, rounded: true },
    Rival { name: "minilm-int16", python: false, graph: false, kinds: MODEL, rounded: true },
    Rival { name: "openvino-bf16", python: true, graph: true, kinds: MODEL, rounded: true },
    Rival { name: "ctranslate2-int8", python: true, graph: true, kinds: MODEL, rounded: true },
    Rival { name: "onnxruntime-int8", python: true, graph: true, kinds: MODEL, rounded: true },
    Rival { name: "fastembed-int8", python: false, graph: true, kinds: TEXTS, rounded: true },
    Rival { name: "rten-int8", python: false, graph: true, kinds: IDS, rounded: true },
    Rival { name: "faiss-cpu", python: true, graph: false, kinds: SEARCH, rounded: false },
    Rival { name: "numpy", python: true, graph: false, kinds: SEARCH, rounded: false },
    Rival { name: "pytorch", python: true, graph: false, kinds: STEP, rounded: false },
    Rival { name: "pytorch-bf16", python: true, graph: false, kinds: STEP, rounded: true },
];

impl Rival {
    pub fn is_minilm(&self) -> bool {
        self.name == "minilm"
    }

    pub fn takes(&self, set: &Set) -> bool {
        self.kinds.contains(&set.kind)
    }

    /// Whether it knows vectors only, and no model.
    pub fn only_searches(&self) -> bool {
        self.kinds == SEARCH
    }
}

/// Loads an engine of Rust for some sets; its version is the second.
pub fn open(worker: &Worker, sets: &[Set]) -> Result<(Box<dyn Engine>, String), Failure> {
    let (engine, package): (Box<dyn Engine>, _) = match worker.engine.as_str() {
        "minilm" if sets.iter().all(|set| set.kind.is_training()) => {
            (Box::new(training::Trainer::load(worker)?), "minilm-train")
        }
        "minilm" => (minilm(worker, Precision::F32)?, "minilm"),
        "minilm-int8" => (minilm(worker, Precision::Int8)?, "minilm"),
        "minilm-int16" => (minilm(worker, Precision::Int16)?, "minilm"),
        #[cfg(feature = "rivals")]
        "lattice" => (Box::new(lattice::Lattice::load(worker)?), "lattice-model-bert"),
        #[cfg(feature = "rivals")]
        "fastembed" => (fastembed(worker, "fused.onnx")?, "fastembed"),
        #[cfg(feature = "rivals")]
        "fastembed-int8" => (fastembed(worker, "fused-int8.onnx")?, "fastembed"),
        #[cfg(feature = "rivals")]
        "candle" => (Box::new(candle::Candle::load(worker)?), "candle-transformers"),
        #[cfg(feature = "rivals")]
        "rten" => (rten(worker, "plain.onnx")?, "rten"),
        #[cfg(feature = "rivals")]
        "rten-int8" => (rten(worker, "plain-int8.onnx")?, "rten"),
        other => return Err(format!("no engine of Rust here is called {other:?}").into()),
    };
    Ok((engine, version(package).unwrap_or("?").to_owned()))
}

fn minilm(worker: &Worker, precision: Precision) -> Result<Box<dyn Engine>, Failure> {
    Ok(Box::new(minilm::Minilm::load(worker, precision)?))
}

#[cfg(feature = "rivals")]
fn fastembed(worker: &Worker, graph: &str) -> Result<Box<dyn Engine>, Failure> {
    Ok(Box::new(fastembed::Fastembed::load(worker, graph)?))
}

#[cfg(feature = "rivals")]
fn rten(worker: &Worker, graph: &str) -> Result<Box<dyn Engine>, Failure> {
    Ok(Box::new(rten::Rten::load(worker, graph)?))
}

/// The version of a package that this program was built with.
fn version(package: &str) -> Option<&'static str> {
    let lockfile = include_str!("../Cargo.lock");
    let (_, entry) = lockfile.split_once(&format!("name = \"{package}\"\nversion = \""))?;
    entry.split('"').next()
}

/// The indices of `lengths`, longest first: a batch of neighbours has little padding.
#[cfg(feature = "rivals")]
fn longest_first(lengths: impl Iterator<Item = usize>) -> Vec<usize> {
    let lengths: Vec<usize> = lengths.collect();
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(lengths[i]));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_has_a_version() {
        for package in ["minilm", "lattice-model-bert", "fastembed", "candle-transformers", "rten"]
        {
            assert!(version(package).is_some_and(|version| version.contains('.')), "{package}");
        }
        assert_eq!(version("no-such-package"), None);
    }
}

//! Support for the tests of the network: fixtures, and losses in `f64`.
#![allow(dead_code, reason = "each test file uses its own part")]

pub mod losses;

use minilm_kernels::Level;
use minilm_model::{Checkpoint, Config};
use minilm_train::{Network, Tokens};
use safetensors::SafeTensors;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A file of `gradients/`.
pub fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "gradients", name].iter().collect()
}

/// A JSON file.
pub fn json(name: &str) -> Value {
    serde_json::from_slice(&fs::read(path(name)).unwrap()).unwrap()
}

/// The tensors that PyTorch has computed for a case.
pub struct Case(Vec<u8>);

pub fn fixture(name: &str) -> Case {
    Case(fs::read(path(name)).unwrap())
}

impl Case {
    fn tensor<const N: usize, T>(&self, name: &str, value: fn([u8; N]) -> T) -> Vec<T> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        tensor.data().as_chunks().0.iter().map(|b| value(*b)).collect()
    }

    pub fn f32s(&self, name: &str) -> Vec<f32> {
        self.tensor(name, f32::from_le_bytes)
    }

    pub fn f64s(&self, name: &str) -> Vec<f64> {
        self.tensor(name, f64::from_le_bytes)
    }

    /// The places of the sampled values of a tensor.
    pub fn i64s(&self, name: &str) -> Vec<i64> {
        self.tensor(&format!("{name}.at"), i64::from_le_bytes)
    }
}

/// The ids of sentences.
pub fn ids(value: &Value) -> Vec<Vec<u32>> {
    serde_json::from_value(value.clone()).unwrap()
}

/// The twelve sentences of the small model.
pub fn tokens() -> Tokens {
    ids(&json("tiny/index.json")["ids"]).into_iter().collect()
}

/// The small model.
pub fn network(level: Level) -> Network {
    let config = Config::read(&path("tiny/config.json")).unwrap();
    let checkpoint = Checkpoint::open(&path("tiny/model.safetensors")).unwrap();
    Network::new(config, &checkpoint, true, level).unwrap()
}

/// The directory of all-MiniLM-L6-v2.
pub fn weights() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../weights/all-MiniLM-L6-v2"].iter().collect()
}

//! Support for the tests: the files of `tests/original`, random matrices.
#![allow(dead_code, reason = "every test file uses its own part")]

pub mod notes;

pub use minilm_testing::Random;
use ndarray::{Array2, ArrayD, Ix2};
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::{fs, path::PathBuf, sync::LazyLock};

/// `expected.json`.
pub static EXPECTED: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_slice(&read("expected.json")).expect("expected.json"));

static VECTORS: LazyLock<Vec<u8>> = LazyLock::new(|| read("vectors.safetensors"));

fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/original").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An `f32` matrix of `vectors.safetensors`.
pub fn vectors(name: &str) -> Array2<f32> {
    let (shape, bytes) = tensor(name, Dtype::F32);
    let values = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    ArrayD::from_shape_vec(shape, values).unwrap().into_dimensionality::<Ix2>().expect(name)
}

/// The bytes of an `int8` or `uint8` tensor.
pub fn bytes(name: &str, dtype: Dtype) -> (Vec<usize>, Vec<u8>) {
    tensor(name, dtype)
}

fn tensor(name: &str, dtype: Dtype) -> (Vec<usize>, Vec<u8>) {
    let file = SafeTensors::deserialize(&VECTORS).expect("vectors.safetensors");
    let tensor = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(tensor.dtype(), dtype, "{name}");
    (tensor.shape().to_vec(), tensor.data().to_vec())
}

/// The number at a path of `expected.json`.
pub fn number(path: &[&str]) -> f64 {
    value(path).as_f64().unwrap_or_else(|| panic!("{path:?} is no number"))
}

/// The value at a path of `expected.json`.
pub fn value(path: &[&str]) -> &'static Value {
    path.iter().fold(&*EXPECTED, |value, name| {
        value.get(name).unwrap_or_else(|| panic!("{path:?}: there is no {name}"))
    })
}

/// A list of numbers.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// A list of indices.
pub fn indices(value: &Value) -> Vec<usize> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|x| x.as_u64().expect("an index") as usize)
        .collect()
}

/// `got` is at most 1e-9 from the original's number.
#[track_caller]
pub fn assert_near(name: &str, got: f64, want: f64) {
    assert!(
        (got - want).abs() <= 1e-9,
        "{name}: got {got}, the original has {want}, difference {:e}",
        (got - want).abs()
    );
}

/// Random matrices.
pub trait Matrices {
    /// Values between −1 and 1.
    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f32>;

    /// Integers from −2 to 2: scores are exact, and many are equal.
    fn integer_matrix(&mut self, rows: usize, columns: usize) -> Array2<f32>;
}

impl Matrices for Random {
    fn matrix(&mut self, rows: usize, columns: usize) -> Array2<f32> {
        Array2::from_shape_simple_fn((rows, columns), || self.value())
    }

    fn integer_matrix(&mut self, rows: usize, columns: usize) -> Array2<f32> {
        Array2::from_shape_simple_fn((rows, columns), || self.below(5) as f32 - 2.0)
    }
}

//! The tensors that PyTorch wrote, by name (`tests/golden/README.md`).

use safetensors::SafeTensors;
use serde_json::Value;
use std::{fs, path::PathBuf};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A text with the ids of the Hugging Face tokenizer, and which token rows of it are stored.
pub struct Text {
    pub text: String,
    pub ids: Vec<u32>,
    pub rows: Vec<usize>,
}

/// The texts of a JSON file.
pub fn texts(file: &str) -> Vec<Text> {
    let json: Value = serde_json::from_slice(&fs::read(path(file)).unwrap()).unwrap();
    let list = json.as_array().or_else(|| json["texts"].as_array()).expect("a list of texts");
    let numbers = |value: &Value| {
        value.as_array().into_iter().flatten().map(|n| n.as_u64().unwrap() as usize).collect()
    };
    let text = |entry: &Value| Text {
        text: entry["text"].as_str().unwrap().to_owned(),
        ids: {
            let ids: Vec<usize> = numbers(&entry["ids"]);
            ids.into_iter().map(|id| id as u32).collect()
        },
        rows: numbers(&entry["rows"]),
    };
    list.iter().map(text).collect()
}

/// A safetensors file of F32 and F64 tensors.
pub struct Tensors(Vec<u8>);

impl Tensors {
    pub fn open(file: &str) -> Tensors {
        Tensors(fs::read(path(file)).unwrap())
    }

    /// The names of all tensors.
    pub fn names(&self) -> Vec<String> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        tensors.names().into_iter().map(|name| name.to_string()).collect()
    }

    /// The values as `f64`, whichever way they are stored.
    pub fn get(&self, name: &str) -> Vec<f64> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap_or_else(|_| panic!("no tensor {name}"));
        let (bytes, _) = tensor.data().as_chunks::<4>();
        match tensor.dtype() {
            safetensors::Dtype::F32 => {
                bytes.iter().map(|b| f32::from_le_bytes(*b).into()).collect()
            }
            safetensors::Dtype::F64 => {
                tensor.data().as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()
            }
            other => panic!("{name} is {other:?}"),
        }
    }
}

/// The largest difference, and where; panics with coordinates and both values if it is above
/// `bound`.
pub fn compare(
    name: &str,
    got: impl IntoIterator<Item = f32>,
    want: &[f64],
    cols: usize,
    bound: f64,
) -> f64 {
    let mut largest = 0.0_f64;
    let mut count = 0;
    for (i, (got, want)) in got.into_iter().zip(want).enumerate() {
        let difference = (f64::from(got) - want).abs();
        let (row, col) = (i / cols, i % cols);
        assert!(
            difference <= bound,
            "{name}[{row}, {col}] is {got}, but PyTorch has {want}: {difference:.2e} > {bound:.2e}"
        );
        largest = largest.max(difference);
        count += 1;
    }
    assert_eq!(count, want.len(), "{name}: number of values");
    largest
}

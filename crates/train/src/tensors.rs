//! Files of tensors: safetensors, written tensor by tensor so that no copy of all is in memory.

use minilm_model::Mapped;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Map, Value, json};
use std::{
    borrow::Cow,
    io::{self, Write},
};

/// A tensor of a file.
pub(crate) struct Entry<'a> {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
    pub bytes: Cow<'a, [u8]>,
}

impl<'a> Entry<'a> {
    /// Values of `f32`.
    pub(crate) fn floats(name: &str, shape: &[usize], values: &'a [f32]) -> Entry<'a> {
        let bytes = Cow::Borrowed(bytemuck::cast_slice(values));
        Entry { name: name.to_owned(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }
}

/// Writes a file whose tensors are these, as PyTorch would read it (`format: pt`).
pub(crate) fn write(mut to: impl Write, entries: &[Entry]) -> io::Result<()> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut end = 0;
    for entry in entries {
        let begin = end;
        end += entry.bytes.len();
        let about = json!({
            "dtype": entry.dtype,
            "shape": entry.shape,
            "data_offsets": [begin, end],
        });
        header.insert(entry.name.clone(), about);
    }
    let mut header = Value::Object(header).to_string();
    // The data begin at a multiple of eight.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    to.write_all(&(header.len() as u64).to_le_bytes())?;
    to.write_all(header.as_bytes())?;
    for entry in entries {
        to.write_all(&entry.bytes)?;
    }
    Ok(())
}

/// The tensors of a mapped file.
pub(crate) fn read(file: &Mapped) -> Result<SafeTensors<'_>, String> {
    SafeTensors::deserialize(file.as_ref()).map_err(|error| error.to_string())
}

/// The values of a tensor in `f32`; `None` for one of another type.
pub(crate) fn floats(file: &SafeTensors, name: &str) -> Option<Vec<f32>> {
    let tensor = file.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::F32)?;
    Some(tensor.data().as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let values = [1.5_f32, -2.0, 0.0, f32::MIN_POSITIVE, 7.0, 8.0];
        let entries = [
            Entry::floats("a.weight", &[2, 2], &values[..4]),
            Entry::floats("b", &[2], &values[4..]),
        ];
        let mut bytes = Vec::new();
        write(&mut bytes, &entries).expect("memory");
        let file = SafeTensors::deserialize(&bytes).expect("a file of tensors");
        assert_eq!(floats(&file, "a.weight").as_deref(), Some(&values[..4]));
        assert_eq!(file.tensor("a.weight").expect("a tensor").shape(), [2, 2]);
        assert_eq!(floats(&file, "b").as_deref(), Some(&values[4..]));
    }
}

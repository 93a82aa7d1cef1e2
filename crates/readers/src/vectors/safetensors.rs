//! A matrix in a safetensors file, mapped; and an index, which is such a file with texts.

use super::{Part, Row, Source, Wrong};
use ::safetensors::{Dtype, SafeTensors};
use minilm_tasks::index::Index;
use std::{ops::Range, path::Path};

struct Tensor<B> {
    bytes: B,
    rows: Range<usize>,
    start: usize,   // in the file
    columns: usize, // of four bytes
    index: Option<Index<B>>,
}

/// The matrix in the bytes of a file; an index has to be a whole one.
pub(super) fn open<B: AsRef<[u8]> + Clone + 'static>(
    bytes: B,
    name: &str,
    is_index: bool,
    part: &Part,
) -> Result<Box<dyn Source>, Wrong> {
    let index = is_index.then(|| Index::new(Path::new(name), bytes.clone())).transpose()?;
    index.as_ref().map(Index::check).transpose()?;
    let tensors = SafeTensors::deserialize(bytes.as_ref())
        .map_err(|error| Wrong::Content(format!("no safetensors file: {error}")))?;
    let name = the_matrix(&tensors, part.tensor.as_deref())?;
    let view = tensors.tensor(&name).map_err(|error| Wrong::Content(error.to_string()))?;
    let (Dtype::F32, &[rows, columns]) = (view.dtype(), view.shape()) else {
        return Err(Wrong::Content(format!(
            "{name} is {:?} {:?}, not F32 [rows, columns]",
            view.dtype(),
            view.shape()
        )));
    };
    let start = view.data().as_ptr().addr() - bytes.as_ref().as_ptr().addr();
    Ok(Box::new(Tensor { rows: 0..rows, start, columns, index, bytes }))
}

/// The matrix of that name, or the only one.
fn the_matrix(tensors: &SafeTensors, name: Option<&str>) -> Result<String, Wrong> {
    let is_matrix = |tensor: &str| tensors.tensor(tensor).is_ok_and(|view| view.shape().len() == 2);
    let mut matrices: Vec<&str> =
        tensors.names().into_iter().filter(|tensor| is_matrix(tensor)).collect();
    matrices.sort_unstable();
    let content = |reason: String| Err(Wrong::Content(reason));
    match (name, &matrices[..]) {
        (Some(name), _) if tensors.tensor(name).is_ok() => Ok(name.to_owned()),
        (Some(name), _) => {
            content(format!("there is no tensor {name:?}; it has {}", matrices.join(", ")))
        }
        (None, [name]) => Ok((*name).to_owned()),
        (None, []) => content("there is no matrix in it".to_owned()),
        (None, several) => content(format!("--tensor has to name one of {}", several.join(", "))),
    }
}

impl<B: AsRef<[u8]>> Source for Tensor<B> {
    fn next(&mut self) -> Result<Option<Row>, Wrong> {
        let Some(row) = self.rows.next() else { return Ok(None) };
        let size = 4 * self.columns;
        let bytes = &self.bytes.as_ref()[self.start + row * size..self.start + (row + 1) * size];
        let values = bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let text = self.index.as_ref().map(|index| index.text(row).map(str::to_owned));
        let text = text.transpose()?;
        Ok(Some(Row { text, values }))
    }
}

//! A matrix in a safetensors file, mapped; and an index, which is such a file with texts.

use super::{Row, Source, Wrong};
use crate::corpus::{Opening, is_index};
use ::safetensors::{Dtype, SafeTensors};
use minilm::{model::Mapped, tasks::index::Index};
use std::{fs::File, ops::Range, path::Path};

pub(super) struct Tensor {
    bytes: Mapped,
    rows: Range<usize>,
    start: usize,   // in the file
    columns: usize, // of four bytes
    index: Option<Index<Mapped>>,
}

impl Tensor {
    /// Opens a file; an index has to be a whole one.
    pub(super) fn open(path: &Path, name: Option<&str>, opening: Opening) -> Result<Tensor, Wrong> {
        let content = |reason: String| Wrong::Content(reason);
        let bytes = opening.bytes(&File::open(path)?)?;
        let index = is_index(path).then(|| Index::new(path, bytes.clone())).transpose()?;
        index.as_ref().map(Index::check).transpose()?;
        let tensors = SafeTensors::deserialize(bytes.as_ref())
            .map_err(|error| content(format!("no safetensors file: {error}")))?;
        let is_matrix =
            |tensor: &str| tensors.tensor(tensor).is_ok_and(|view| view.shape().len() == 2);
        let mut matrices: Vec<&str> =
            tensors.names().into_iter().filter(|tensor| is_matrix(tensor)).collect();
        matrices.sort_unstable();
        let name = match (name, &matrices[..]) {
            (Some(name), _) => name,
            (None, [name]) => name,
            (None, []) => return Err(content("there is no matrix in it".to_owned())),
            (None, several) => {
                return Err(content(format!("--tensor has to name one of {}", several.join(", "))));
            }
        };
        let view = tensors.tensor(name).map_err(|_| {
            content(format!("there is no tensor {name:?}; it has {}", matrices.join(", ")))
        })?;
        let (Dtype::F32, &[rows, columns]) = (view.dtype(), view.shape()) else {
            return Err(content(format!(
                "{name} is {:?} {:?}, not F32 [rows, columns]",
                view.dtype(),
                view.shape()
            )));
        };
        let start = view.data().as_ptr().addr() - bytes.as_ref().as_ptr().addr();
        Ok(Tensor { rows: 0..rows, start, columns, index, bytes })
    }
}

impl Source for Tensor {
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

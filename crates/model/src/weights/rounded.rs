//! A checkpoint whose weights are rounded already.
//!
//! ```text
//! NAME.weight        I8  [outputs, inputs]     rotated as `Precision::Int8` rotates them
//! NAME.weight_scale  F32 [outputs, chunks]     what an integer is worth in a chunk of 384 inputs
//! __metadata__       minilm.precision: int8, minilm.form: 1
//! ```
//!
//! The word embeddings are stored so as well, without a rotation: a row has few values that stand
//! out, and it is read one at a time. Everything else is `F32`.
//!
//! In the book: `docs/16-rounding.md`.

use super::{Checkpoint, SafetensorsFile, Stored, Table, Values};
use crate::{Config, Error, Precision};
use minilm_kernels::{
    Level, Rows, naive,
    quantise::{CHUNK, Rotation, quantise_weights},
};
use safetensors::{Dtype, serialize, tensor::TensorView};
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// The key of the precision in the metadata.
const PRECISION: &str = "minilm.precision";

/// The key, and the number, of the arrangement of tensors: another rotation or chunk is another.
const FORM: (&str, &str) = ("minilm.form", "1");

/// The one tensor outside of the encoder that is rounded.
const WORDS: &str = "embeddings.word_embeddings.weight";

/// The linear layers of an encoder layer, and whether their inputs are rotated.
pub(crate) const LINEAR: [(&str, Rotation); 6] = [
    ("attention.self.query", Rotation::Rotated),
    ("attention.self.key", Rotation::Rotated),
    ("attention.self.value", Rotation::Rotated),
    // What attention gives has no channel that stands out.
    ("attention.output.dense", Rotation::Plain),
    ("intermediate.dense", Rotation::Rotated),
    ("output.dense", Rotation::Rotated),
];

impl SafetensorsFile {
    fn noted(&self, key: &str) -> Option<&str> {
        self.metadata.metadata().as_ref()?.get(key).map(String::as_str)
    }
}

impl Checkpoint {
    /// The precision in which the weights are stored; `None` if they are floats, which can be
    /// rounded to any.
    ///
    /// # Errors
    /// [`Error::Form`] if this version does not read the file's arrangement of integers.
    pub fn precision(&self) -> Result<Option<Precision>, Error> {
        let noted = |key| self.files.iter().find_map(|file| Some((file, file.noted(key)?)));
        let Some((file, precision)) = noted(PRECISION) else { return Ok(None) };
        let form = noted(FORM.0).map_or("none", |(_, form)| form);
        match precision.parse() {
            Ok(Precision::Int8) if form == FORM.1 => Ok(Some(Precision::Int8)),
            _ => Err(Error::Form {
                path: file.path.clone(),
                found: format!("{precision}, form {form}"),
            }),
        }
    }

    /// Checks that the weights can be loaded in `wanted`: floats in any precision.
    pub(crate) fn check_precision(&self, wanted: Precision) -> Result<(), Error> {
        match self.precision()? {
            Some(found) if found != wanted => {
                Err(Error::Precision { path: self.files[0].path.clone(), found, wanted })
            }
            _ => Ok(()),
        }
    }

    /// Weights that are stored as integers, `[outputs, inputs]`, and their scales `[outputs,
    /// chunks]`.
    pub(crate) fn int8(
        &self,
        name: &str,
        shape: [usize; 2],
    ) -> Result<(&[i8], Cow<'_, [f32]>), Error> {
        let Stored { file, range, dtype } = self.locate(name, &shape)?;
        if dtype != Dtype::I8 {
            return Err(Error::Form {
                path: file.path.clone(),
                found: format!("tensor {name} in {dtype:?}"),
            });
        }
        let q: &[i8] = bytemuck::cast_slice(&file.bytes[range]);
        if let Some(index) = place_of_minimum(q) {
            let (path, tensor) = (file.path.clone(), name.to_owned());
            return Err(Error::Rounded { path, tensor, index, value: -128.0 });
        }
        let name = format!("{name}_scale");
        let scales = self.tensor(&name, &[shape[0], shape[1].div_ceil(CHUNK)])?;
        if let Some(index) = scales.iter().position(|&scale| scale <= 0.0) {
            let (path, value) = (file.path.clone(), scales[index]);
            return Err(Error::Rounded { path, tensor: name, index, value });
        }
        Ok((q, scales))
    }

    /// The word embeddings of a rounded checkpoint.
    pub(super) fn int8_table(&self, name: &str, shape: [usize; 2]) -> Result<Table, Error> {
        let (_, scales) = self.int8(name, shape)?;
        let scales = scales.into_owned();
        let Stored { file, range, .. } = self.locate(name, &shape)?;
        let values = Values::Int8 { bytes: Arc::clone(&file.bytes), range, scales };
        Ok(Table { values, cols: shape[1] })
    }

    /// The bytes of a safetensors file with the weights rounded to [`Precision::Int8`]: about a
    /// quarter of the size. [`Bert`](crate::Bert) gives other vectors with it than with the floats
    /// at that precision, since the word embeddings are rounded too. The pooler is left out.
    ///
    /// # Errors
    /// As [`Bert::new`](crate::Bert::new), and [`Error::Form`] if the weights are rounded already.
    pub fn rounded(&self, config: &Config) -> Result<Vec<u8>, Error> {
        if let Some(precision) = self.precision()? {
            let path = self.files[0].path.clone();
            return Err(Error::Form { path, found: format!("{precision} already") });
        }
        let (mut tensors, h) = (Tensors::default(), config.hidden_size);
        tensors.round(WORDS, &self.tensor(WORDS, &[config.vocab_size, h])?, h, Rotation::Plain);
        for (name, shape, rotation) in others(config) {
            match rotation {
                Some(rotation) => {
                    tensors.round(&name, &self.tensor(&name, &shape)?, shape[1], rotation);
                }
                None => tensors.float(&name, &shape, &self.tensor(&name, &shape)?),
            }
        }
        let (key, form) = FORM;
        let notes = [("format", "pt"), (PRECISION, Precision::Int8.name()), (key, form)];
        tensors.file(&notes)
    }

    /// The cosine of each row of the word embeddings with the same row of `other`: what rounding
    /// them costs. Rows of zeros have none and are left out.
    ///
    /// # Errors
    /// As [`Bert::new`](crate::Bert::new), for either checkpoint.
    pub fn word_cosines(&self, other: &Checkpoint, config: &Config) -> Result<Vec<f64>, Error> {
        let (rows, h) = (config.vocab_size, config.hidden_size);
        let (a, b) = (self.table(WORDS, rows, h)?, other.table(WORDS, rows, h)?);
        let (mut x, mut y) = (vec![0.0; h], vec![0.0; h]);
        let cosines = (0..rows).filter_map(|i| {
            a.read(i, &mut x);
            b.read(i, &mut y);
            let dot = |x: &[f32], y: &[f32]| -> f64 {
                x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
            };
            let squares = dot(&x, &x) * dot(&y, &y);
            (squares > 0.0).then(|| dot(&x, &y) / squares.sqrt())
        });
        Ok(cosines.collect())
    }

    /// The bytes of a safetensors file with the weights of a rounded one as floats, for programs
    /// that know no rotation: `f32` vectors of it are near to those of the integers.
    ///
    /// # Errors
    /// As [`Bert::new`](crate::Bert::new), and [`Error::Form`] if the weights are floats already.
    pub fn widened(&self, config: &Config) -> Result<Vec<u8>, Error> {
        if self.precision()?.is_none() {
            let path = self.files[0].path.clone();
            return Err(Error::Form { path, found: "floats already".to_owned() });
        }
        let (mut tensors, h) = (Tensors::default(), config.hidden_size);
        let words = self.widen(WORDS, [config.vocab_size, h], Rotation::Plain)?;
        tensors.float(WORDS, &[config.vocab_size, h], &words);
        for (name, shape, rotation) in others(config) {
            let values = match rotation {
                Some(rotation) => self.widen(&name, [shape[0], shape[1]], rotation)?.into(),
                None => self.tensor(&name, &shape)?,
            };
            tensors.float(&name, &shape, &values);
        }
        tensors.file(&[("format", "pt")])
    }

    /// Integers times their scales, rotated back.
    fn widen(&self, name: &str, shape: [usize; 2], rotation: Rotation) -> Result<Vec<f32>, Error> {
        let (q, scales) = self.int8(name, shape)?;
        let [_, k] = shape;
        let rows = q.chunks_exact(k).zip(scales.chunks_exact(k.div_ceil(CHUNK)));
        let values = rows.flat_map(|(row, scales)| {
            row.chunks(CHUNK).zip(scales).flat_map(move |(q, &scale)| {
                let v: Vec<f64> = q.iter().map(|&q| f64::from(q) * f64::from(scale)).collect();
                match rotation {
                    Rotation::Rotated => naive::rotate_back(&v),
                    Rotation::Plain => v,
                }
            })
        });
        Ok(values.map(|v| v as f32).collect())
    }
}

/// Where −128 is, which no value is rounded to.
fn place_of_minimum(q: &[i8]) -> Option<usize> {
    // Blocks without a branch inside, so that the compiler vectorises the scan.
    let block = q
        .chunks(4096)
        .position(|block| block.iter().fold(false, |bad, &q| bad | (q == i8::MIN)))?;
    q[block * 4096..].iter().position(|&q| q == i8::MIN).map(|place| block * 4096 + place)
}

/// All tensors of the model but the word embeddings, with their shapes; rounded ones with their
/// rotation.
fn others(config: &Config) -> Vec<(String, Vec<usize>, Option<Rotation>)> {
    let (h, f) = (config.hidden_size, config.intermediate_size);
    let mut all = Vec::new();
    let mut add = |name: String, shape: &[usize], rotation| {
        all.push((name, shape.to_vec(), rotation));
    };
    let tables =
        [("position", config.max_position_embeddings), ("token_type", config.type_vocab_size)];
    for (name, rows) in tables {
        add(format!("embeddings.{name}_embeddings.weight"), &[rows, h], None);
    }
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for n in 0..config.num_hidden_layers {
        for (part, rotation) in LINEAR {
            let shape = match part {
                "intermediate.dense" => [f, h],
                "output.dense" => [h, f],
                _ => [h, h],
            };
            let name = format!("encoder.layer.{n}.{part}");
            add(format!("{name}.weight"), &shape, Some(rotation));
            add(format!("{name}.bias"), &shape[..1], None);
        }
        norms.extend(
            ["attention.output", "output"]
                .map(|part| format!("encoder.layer.{n}.{part}.LayerNorm")),
        );
    }
    for name in norms {
        add(format!("{name}.weight"), &[h], None);
        add(format!("{name}.bias"), &[h], None);
    }
    all
}

/// The tensors of a file that is to be written.
#[derive(Default)]
struct Tensors(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    fn float(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let bytes = bytemuck::cast_slice(values).to_vec();
        self.0.push((name.to_owned(), Dtype::F32, shape.to_vec(), bytes));
    }

    /// The rows of `values` `[.., k]` as integers, and their scales.
    fn round(&mut self, name: &str, values: &[f32], k: usize, rotation: Rotation) {
        let (q, scales) = quantise_weights::<i8>(Level::detect(), Rows::new(values, k), rotation);
        let n = values.len() / k;
        self.float(&format!("{name}_scale"), &[n, k.div_ceil(CHUNK)], &scales);
        let bytes = bytemuck::cast_slice(&q).to_vec();
        self.0.push((name.to_owned(), Dtype::I8, vec![n, k], bytes));
    }

    fn file(&self, notes: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
        let wrong = |source: safetensors::SafeTensorError| Error::Safetensors {
            path: "the new file".into(),
            source: source.into(),
        };
        let views = self.0.iter().map(|(name, dtype, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).map_err(wrong)?))
        });
        let views = views.collect::<Result<Vec<_>, Error>>()?;
        let notes: HashMap<String, String> =
            notes.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect();
        let mut file = serialize(views, Some(notes)).map_err(wrong)?;
        sort_header(&mut file);
        Ok(file)
    }
}

/// Sorts the header of a safetensors file, whose metadata come in a random order: the same weights
/// make the same file.
fn sort_header(file: &mut [u8]) {
    let Some((length, rest)) = file.split_first_chunk_mut::<8>() else { return };
    let length = u64::from_le_bytes(*length) as usize;
    let Ok(header) = serde_json::from_slice::<Header>(&rest[..length]) else { return };
    // The same pairs in another order are as long; spaces fill the rest as before.
    let sorted = serde_json::to_vec(&header).unwrap_or_default();
    if let Some((start, padding)) = rest[..length].split_at_mut_checked(sorted.len()) {
        start.copy_from_slice(&sorted);
        padding.fill(b' ');
    }
}

/// Names, and the fields of each.
type Header = BTreeMap<String, BTreeMap<String, serde_json::Value>>;

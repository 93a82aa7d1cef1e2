//! A safetensors file in memory, and its tensors.
//!
//! In the book: `docs/02-memory.md`.

mod rounded;

use crate::{Error, Mapped, kind::kind};
use half::{bf16, f16};
use minilm_kernels::quantise::CHUNK;
use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::{
    borrow::Cow,
    fmt,
    fs::File,
    ops::{Deref, Range},
    path::{Path, PathBuf},
    sync::Arc,
};

#[cfg(target_endian = "big")]
compile_error!("safetensors are little-endian, and tensors are read in place");

/// A safetensors file, memory-mapped or given as bytes, with a validated header, or several files
/// that share a model's tensors. Clones share the bytes.
///
/// ```no_run
/// let path = "weights/all-MiniLM-L6-v2/model.safetensors";
/// let checkpoint = minilm_model::Checkpoint::open(path.as_ref())?;
/// let gamma = checkpoint.tensor("embeddings.LayerNorm.weight", &[384])?;
/// # Ok::<(), minilm_model::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    files: Vec<SafetensorsFile>,
}

#[derive(Clone, Debug)]
struct SafetensorsFile {
    path: PathBuf,
    bytes: Arc<Bytes>,
    metadata: Metadata,
    data: usize, // where the tensors' bytes begin in the file
}

/// A tensor as it is stored.
struct Stored<'c> {
    file: &'c SafetensorsFile,
    range: Range<usize>,
    dtype: Dtype,
}

/// The content of a file. It stays at its address for as long as it lives.
enum Bytes {
    Mapped(Mapped),
    Given(Cow<'static, [u8]>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map.as_ref(),
            Bytes::Given(bytes) => bytes,
        }
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

impl Checkpoint {
    /// Maps the file and validates its header: sizes, offsets and types must agree with each other
    /// and with the file.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Safetensors`].
    pub fn open(path: &Path) -> Result<Checkpoint, Error> {
        let mapped = File::open(path)
            .and_then(|file| Mapped::map(&file))
            .map_err(|source| Error::Read { path: path.to_owned(), source })?;
        Checkpoint::new(Bytes::Mapped(mapped), path)
    }

    /// Takes the file's content as it is, for instance from [`include_bytes!`]; errors name it
    /// `path`.
    ///
    /// Tensors in `f32` are read in place if they lie at a multiple of four, and copied otherwise.
    ///
    /// ```
    /// let bytes = b"\x02\0\0\0\0\0\0\0{}";
    /// let checkpoint = minilm_model::Checkpoint::from_bytes(bytes, "none.safetensors".as_ref())?;
    /// assert!(checkpoint.tensor("embeddings.LayerNorm.weight", &[384]).is_err());
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Safetensors`].
    pub fn from_bytes(
        bytes: impl Into<Cow<'static, [u8]>>,
        path: &Path,
    ) -> Result<Checkpoint, Error> {
        Checkpoint::new(Bytes::Given(bytes.into()), path)
    }

    /// The tensors of this checkpoint and of `other`: those of a model that is stored in shards.
    ///
    /// ```
    /// # use minilm_model::Checkpoint;
    /// let bytes = b"\x02\0\0\0\0\0\0\0{}";
    /// let [a, b] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    ///     .map(|name| Checkpoint::from_bytes(bytes, name.as_ref()));
    /// assert_eq!(a?.join(b?).files().count(), 2);
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    #[must_use]
    pub fn join(mut self, other: Checkpoint) -> Checkpoint {
        self.files.extend(other.files);
        self
    }

    /// The bytes of each file, header and tensors.
    pub fn files(&self) -> impl Iterator<Item = &[u8]> {
        self.files.iter().map(|file| &**file.bytes)
    }

    /// Lets go of the files that have only tensors whose names begin with `prefix`.
    pub(crate) fn release(&mut self, prefix: &str) {
        let of_prefix = |name: &String| name.trim_start_matches("bert.").starts_with(prefix);
        self.files.retain(|file| !file.metadata.tensors().keys().all(of_prefix));
    }

    fn new(bytes: Bytes, path: &Path) -> Result<Checkpoint, Error> {
        let path = path.to_owned();
        match SafeTensors::read_metadata(&bytes) {
            Ok((header, metadata)) => {
                let data = size_of::<u64>() + header;
                let file = SafetensorsFile { path, bytes: Arc::new(bytes), metadata, data };
                Ok(Checkpoint { files: vec![file] })
            }
            Err(source) => Err(match kind(&bytes) {
                Some(kind) => Error::Kind { path, kind },
                None => Error::Safetensors { path, source: source.into() },
            }),
        }
    }

    /// The shape of a tensor, if there is one of that name.
    ///
    /// ```no_run
    /// # use minilm_model::Checkpoint;
    /// let file = "weights/all-MiniLM-L6-v2/model.safetensors";
    /// let checkpoint = Checkpoint::open(file.as_ref())?;
    /// assert_eq!(checkpoint.shape("embeddings.LayerNorm.weight"), Some([384].as_slice()));
    /// # Ok::<(), minilm_model::Error>(())
    /// ```
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        let info = self.files.iter().find_map(|file| file.metadata.info(name));
        info.map(|info| info.shape.as_slice())
    }

    /// The tensor as `f32`, in place if it is stored so. Every value is finite.
    ///
    /// The name may be stored with the prefix `bert.`, and LayerNorm's `weight` and `bias` as
    /// `gamma` and `beta`.
    ///
    /// # Errors
    /// [`Error::MissingTensor`], [`Error::Shape`], [`Error::Dtype`] or [`Error::NotFinite`].
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Cow<'_, [f32]>, Error> {
        let Stored { file, range, dtype } = self.locate(name, shape)?;
        let bytes = &file.bytes[range];
        let values = match dtype {
            Dtype::F32 => match bytemuck::try_cast_slice(bytes) {
                Ok(values) => Cow::Borrowed(values),
                // The header's length, or where the bytes were put, left the data on an odd
                // address.
                Err(_) => Cow::Owned(convert(bytes, f32::from_le_bytes)),
            },
            Dtype::F16 => Cow::Owned(convert(bytes, |b| f16::from_le_bytes(b).to_f32())),
            Dtype::F64 => Cow::Owned(convert(bytes, |b| f64::from_le_bytes(b) as f32)),
            Dtype::BF16 => Cow::Owned(convert(bytes, |b| bf16::from_le_bytes(b).to_f32())),
            Dtype::I8 if self.precision()?.is_some() => {
                return Err(Error::Form {
                    path: file.path.clone(),
                    found: format!("tensor {name} in I8"),
                });
            }
            other => {
                return Err(Error::Dtype {
                    path: file.path.clone(),
                    tensor: name.to_owned(),
                    found: format!("{other:?}"),
                });
            }
        };
        file.check_finite(name, &values)?;
        Ok(values)
    }

    /// A table that stays in the file if it is stored as `f32`, and keeps the file's bytes alive.
    ///
    /// # Errors
    /// As [`Checkpoint::tensor`].
    pub(crate) fn table(&self, name: &str, rows: usize, cols: usize) -> Result<Table, Error> {
        if self.precision()?.is_some() && self.locate(name, &[rows, cols])?.dtype == Dtype::I8 {
            return self.int8_table(name, [rows, cols]);
        }
        let values = match self.tensor(name, &[rows, cols])? {
            Cow::Borrowed(_) => {
                let Stored { file, range, .. } = self.locate(name, &[rows, cols])?;
                Values::InPlace { bytes: Arc::clone(&file.bytes), range }
            }
            Cow::Owned(values) => Values::Owned(values),
        };
        Ok(Table { values, cols })
    }

    /// Where the tensor's bytes are in the file, and their type.
    fn locate(&self, name: &str, shape: &[usize]) -> Result<Stored<'_>, Error> {
        let old = name
            .replace("LayerNorm.weight", "LayerNorm.gamma")
            .replace("LayerNorm.bias", "LayerNorm.beta");
        let names = [name.to_owned(), format!("bert.{name}"), format!("bert.{old}"), old];
        let in_file = |name: &String| {
            self.files.iter().find_map(|file| Some((file, file.metadata.info(name)?)))
        };
        let (file, info) = names.iter().find_map(in_file).ok_or_else(|| Error::MissingTensor {
            path: self.files[0].path.clone(), // there is always one
            tensor: name.to_owned(),
        })?;
        if info.shape != shape {
            return Err(Error::Shape {
                path: file.path.clone(),
                tensor: name.to_owned(),
                found: info.shape.clone(),
                expected: shape.to_owned(),
            });
        }
        let (start, end) = info.data_offsets;
        Ok(Stored { file, range: file.data + start..file.data + end, dtype: info.dtype })
    }
}

impl SafetensorsFile {
    fn check_finite(&self, name: &str, values: &[f32]) -> Result<(), Error> {
        // Blocks without a branch inside, so that the compiler vectorises the scan.
        let suspect = |block: &[f32]| block.iter().fold(false, |bad, x| bad | !x.is_finite());
        let Some(block) = values.chunks(4096).position(suspect) else { return Ok(()) };
        let index = block * 4096
            + values[block * 4096..].iter().position(|x| !x.is_finite()).unwrap_or_default();
        Err(Error::NotFinite {
            path: self.path.clone(),
            tensor: name.to_owned(),
            index,
            value: values[index],
        })
    }
}

fn convert<const N: usize>(bytes: &[u8], value: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|b| value(*b)).collect()
}

/// A matrix `[rows, cols]` of which single rows are read.
#[derive(Debug)]
pub(crate) struct Table {
    values: Values,
    cols: usize,
}

#[derive(Debug)]
enum Values {
    InPlace {
        bytes: Arc<Bytes>,
        range: Range<usize>,
    },
    Owned(Vec<f32>),
    /// Integers in the file, and what they are worth in each chunk of each row.
    Int8 {
        bytes: Arc<Bytes>,
        range: Range<usize>,
        scales: Vec<f32>,
    },
}

impl Table {
    /// to ← row `i` `[cols]`.
    pub(crate) fn read(&self, i: usize, to: &mut [f32]) {
        self.for_each(i, to, |to, value| *to = value);
    }

    /// to ← to + row `i` `[cols]`.
    pub(crate) fn add(&self, i: usize, to: &mut [f32]) {
        self.for_each(i, to, |to, value| *to += value);
    }

    fn for_each(&self, i: usize, to: &mut [f32], update: impl Fn(&mut f32, f32)) {
        let row = i * self.cols..(i + 1) * self.cols;
        let floats = |to: &mut [f32], values: &[f32]| {
            to.iter_mut().zip(values).for_each(|(to, value)| update(to, *value));
        };
        match &self.values {
            Values::InPlace { bytes, range } => {
                floats(to, &bytemuck::cast_slice(&bytes[range.clone()])[row]);
            }
            Values::Owned(values) => floats(to, &values[row]),
            Values::Int8 { bytes, range, scales } => {
                let q: &[i8] = &bytemuck::cast_slice(&bytes[range.clone()])[row];
                let scales = scales.chunks_exact(self.cols.div_ceil(CHUNK)).nth(i);
                let chunks = to.chunks_mut(CHUNK).zip(q.chunks(CHUNK));
                for ((to, q), scale) in chunks.zip(scales.unwrap_or_default()) {
                    to.iter_mut().zip(q).for_each(|(to, &q)| update(to, f32::from(q) * scale));
                }
            }
        }
    }
}

//! The classifier in a model's directory.
//!
//! ```text
//! classifier/model.safetensors   weight [K, H] and bias [K], f64
//! classifier/config.json         the labels, the strength of the data, the digest of the weights
//!                                of the model whose embeddings it reads
//! ```

use super::Classifier;
use crate::{
    Error,
    model_files::{failed, pretty, write_file},
    tensors::{self, Entry},
};
use minilm_model::Mapped;
use minilm_tasks::replace::Replacement;
use ndarray::{Array2, ArrayView2};
use safetensors::Dtype;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, BufWriter},
    path::Path,
};

/// A classifier with the names of its classes.
///
/// ```
/// use minilm_train::classifier::{Classifier, Labelled};
/// use ndarray::array;
/// let x = array![[1.0, 0.0], [0.0, 1.0]];
/// let classifier = Classifier::fit(x.view(), &[0, 1], 2, 10.0)?;
/// let labels = vec!["card".to_owned(), "pin".to_owned()];
/// let labelled = Labelled { classifier, labels, c: 10.0, model: "digest".to_owned() };
/// assert_eq!(labelled.classify(x.view())[1].0, "pin");
/// # Ok::<(), minilm_train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Weights for each label.
    pub classifier: Classifier,
    /// The names of the classes.
    pub labels: Vec<String>,
    /// The strength of the data with which it was fitted.
    pub c: f64,
    /// SHA-256 of the weights of the model whose embeddings it reads.
    pub model: String,
}

#[derive(Serialize, Deserialize)]
struct Config {
    labels: Vec<String>,
    c: f64,
    model_sha256: String,
}

impl Labelled {
    /// The most probable label of each embedding `[n, H]`, and its probability. Of equal ones the
    /// first counts.
    ///
    /// # Panics
    /// If the embeddings have another width than the weights.
    pub fn classify(&self, embeddings: ArrayView2<f32>) -> Vec<(&str, f64)> {
        let probabilities = self.classifier.probabilities(embeddings);
        let best = |row: ndarray::ArrayView1<f64>| {
            let all = row.iter().copied().enumerate();
            let (class, p) = all.fold(
                (0, f64::MIN),
                |best, (class, p)| {
                    if p > best.1 { (class, p) } else { best }
                },
            );
            (self.labels[class].as_str(), p)
        };
        probabilities.rows().into_iter().map(best).collect()
    }

    /// Writes the classifier into a model's directory.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, model: &Path) -> Result<(), Error> {
        let folder = model.join("classifier");
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let entry = |name: &str, shape: Vec<usize>, values: &mut dyn Iterator<Item = f64>| Entry {
            name: name.to_owned(),
            dtype: Dtype::F64,
            shape,
            bytes: values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>().into(),
        };
        let Classifier { weights, biases } = &self.classifier;
        let entries = [
            entry("bias", vec![biases.len()], &mut biases.iter().copied()),
            entry("weight", weights.shape().to_vec(), &mut weights.iter().copied()),
        ];
        let path = folder.join("model.safetensors");
        let write = || {
            let mut file = BufWriter::new(Replacement::of(&path)?);
            tensors::write(&mut file, &entries)?;
            file.into_inner().map_err(io::IntoInnerError::into_error)?.finish()
        };
        write().map_err(failed(&path))?;
        let config =
            Config { labels: self.labels.clone(), c: self.c, model_sha256: self.model.clone() };
        let config = serde_json::to_value(config).expect("plain data");
        write_file(&folder.join("config.json"), pretty(&config).as_bytes())
    }

    /// Reads the classifier of a model's directory.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Untrainable`] for files that do not fit together, or belong to
    /// other weights than the model's.
    pub fn load(model: &Path) -> Result<Labelled, Error> {
        let path = model.join("classifier/config.json");
        let read = |source| Error::Read { path: path.clone(), source };
        let wrong = |reason: String| Error::Untrainable { path: path.clone(), reason };
        let bytes = fs::read(&path).map_err(read)?;
        let config: Config =
            serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        let base = crate::Base::open(model)?;
        if base.digest()? != config.model_sha256 {
            return Err(wrong(
                "it was fitted to embeddings of other weights; fit it again".to_owned(),
            ));
        }
        let file = model.join("classifier/model.safetensors");
        let mapped = Mapped::open(&file).map_err(|source| Error::Read { path: file, source })?;
        let tensors = tensors::read(&mapped).map_err(wrong)?;
        let values = |name: &str| {
            let tensor = tensors.tensor(name).ok().filter(|tensor| tensor.dtype() == Dtype::F64)?;
            let values = tensor.data().as_chunks().0.iter().map(|&x| f64::from_le_bytes(x));
            Some((tensor.shape().to_vec(), values.collect::<Vec<f64>>()))
        };
        let found =
            values("weight").zip(values("bias")).and_then(|((shape, weights), (_, biases))| {
                let [classes, width] = shape[..] else { return None };
                let fits = classes == biases.len() && classes == config.labels.len();
                let weights = Array2::from_shape_vec((classes, width), weights).ok()?;
                fits.then_some(Classifier { weights, biases })
            });
        let classifier =
            found.ok_or_else(|| wrong("the tensors do not fit the labels".to_owned()))?;
        Ok(Labelled { classifier, labels: config.labels, c: config.c, model: config.model_sha256 })
    }
}

//! Search by meaning in the page of a map. The page contains what it needs for that:
//!
//! ```text
//! <script type="importmap">     minilm/index.js and the others: data:text/javascript;base64,…
//! <script id="module">          minilm.wasm
//! <script data-file="NAME">     the model with weights of eight bits, a script for each file
//! <script id="vectors">         [texts, dimensions] signed bytes, in the order of the lists
//! ```
//!
//! Everything is in base64. A vector is divided by its largest value and multiplied by 127 before
//! it is rounded: its length does not matter for a cosine, so no scale is kept.

use super::{Group, package::Package};
use crate::{
    built_in,
    corpus::{Vectors, temporary},
    error::Error,
    html::escape,
    model::{self, Source},
    options::Common,
    sample::{self, Sample},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use minilm::{Precision, Prompt, SentenceEncoder, quantize_model};
use std::{borrow::Cow, fmt::Write, fs, path::Path};

/// The largest value of a vector becomes this one.
const LARGEST: f32 = 127.0;

/// Kinds of files that a model consists of.
const KINDS: [&str; 3] = ["json", "txt", "safetensors"];

/// Files of a model: the path in its directory, with `/`, and the content.
type Files = Vec<(String, Cow<'static, [u8]>)>;

/// What the page gets.
pub(super) struct Meaning {
    package: Package,
    files: Files,
    /// That of queries.
    prompt: String,
    dimensions: usize,
    rows: Vec<u8>, // [texts, dimensions]
}

impl Meaning {
    /// With the model of the command line, of which the vectors have to be.
    pub(super) fn of(
        common: &Common,
        package: Package,
        vectors: &Vectors,
        groups: &[Group],
    ) -> Result<Meaning, Error> {
        let dimensions = vectors.index.dimensions();
        let (files, encoder) = load(common, vectors)?;
        check(vectors, &encoder)?;
        let embeddings = vectors.index.vectors()?;
        let mut rows = Vec::with_capacity(vectors.index.len() * dimensions);
        for &row in groups.iter().flat_map(|group| &group.rows) {
            rows.extend(bytes(embeddings.row(row).iter().copied()));
        }
        let prompt = encoder.default_prompt().to_owned();
        Ok(Meaning { package, files, prompt, dimensions, rows })
    }

    /// The scripts of the page that hold all this.
    pub(super) fn scripts(&self) -> String {
        let mut scripts = self.package.import_map();
        let mut add = |attributes: &str, bytes: &[u8]| {
            let data = BASE64_STANDARD.encode(bytes);
            // a String can be written to
            let _ = writeln!(scripts, "<script type=\"text/plain\" {attributes}>{data}</script>");
        };
        add("id=\"module\"", &self.package.module);
        for (name, bytes) in &self.files {
            add(&format!("data-file=\"{}\"", escape(name)), bytes);
        }
        let (prompt, dimensions) = (escape(&self.prompt), self.dimensions);
        let attributes =
            format!("id=\"vectors\" data-dimensions=\"{dimensions}\" data-prompt=\"{prompt}\"");
        add(&attributes, &self.rows);
        scripts
    }
}

/// The files of the model with weights of eight bits, and an encoder of queries from them.
fn load(common: &Common, vectors: &Vectors) -> Result<(Files, SentenceEncoder), Error> {
    let dimensions = vectors.index.dimensions();
    let builder = || {
        let builder = model::builder(common)?;
        Ok::<_, Error>(builder.prompt(Prompt::Query).truncate_dim(dimensions))
    };
    let too_many = |error| match error {
        minilm::Error::Option { option: "truncate_dim", reason, .. } => {
            Error::Input(format!("{}: vectors of {dimensions} dimensions: {reason}", vectors.name))
        }
        other => Error::from(other),
    };
    let directory = match (model::source(common)?, built_in::parts()) {
        (Source::BuiltIn(files), Some(parts)) => {
            let encoder = builder()?.from_bytes(files).map_err(too_many)?;
            let parts = parts.into_iter();
            let files = parts.map(|(name, bytes)| (name.to_owned(), bytes.into())).collect();
            return Ok((files, encoder));
        }
        (Source::Directory(directory), _) => directory,
        (Source::BuiltIn(_), None) => model::directory(common)?,
    };
    let whole = builder()?.load(&directory).map_err(too_many)?;
    let failed = |source| {
        let name = format!("the rounded model to {}", temporary().display());
        Error::Write { name, source }
    };
    let rounded = tempfile::tempdir_in(temporary()).map_err(failed)?;
    let (encoder, folder) = match whole.precision() {
        Precision::F32 => {
            let folder = rounded.path().join("model");
            quantize_model(&directory, &folder)?;
            (builder()?.load(&folder)?, folder)
        }
        _ => (whole, directory),
    };
    let mut files = Vec::new();
    read_folder(&folder, "", &mut files)?;
    Ok((files, encoder))
}

/// Reads a model's files, also those in folders.
fn read_folder(folder: &Path, inside: &str, files: &mut Files) -> Result<(), Error> {
    let failed = |path: &Path| {
        let name = path.display().to_string();
        |source| Error::Read { name, source }
    };
    let mut paths: Vec<_> = fs::read_dir(folder)
        .map_err(failed(folder))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let kind = path.extension().unwrap_or_default();
        if path.is_dir() {
            read_folder(&path, &format!("{inside}{name}/"), files)?;
        } else if KINDS.iter().any(|known| kind == *known) {
            files.push((format!("{inside}{name}"), fs::read(&path).map_err(failed(&path))?.into()));
        }
    }
    Ok(())
}

/// The vectors are near those that the encoder gives the first texts.
fn check(vectors: &Vectors, encoder: &SentenceEncoder) -> Result<(), Error> {
    let mut sample = Sample::default();
    let embeddings = vectors.index.vectors()?;
    for row in 0..vectors.index.len() {
        if sample.is_full() {
            break;
        }
        sample.push(vectors.text(row)?, &embeddings.row(row).to_vec());
    }
    let remedy = "; --search needs the model that they are of, in --model";
    sample.check(&vectors.name, encoder, sample::NEAR, remedy)
}

/// A vector as signed bytes, up to its length.
fn bytes(vector: impl Iterator<Item = f32> + Clone) -> impl Iterator<Item = u8> {
    let largest = vector.clone().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    vector.map(move |x| (x / largest * LARGEST).round() as i8 as u8)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn the_largest_value_is_the_largest_byte_of_its_sign() {
        let bytes = |vector: &[f32]| -> Vec<i8> {
            super::bytes(vector.iter().copied()).map(|byte| byte as i8).collect()
        };
        assert_eq!(bytes(&[0.5, -0.25, 0.0]), [127, -64, 0]);
        assert_eq!(bytes(&[3e-38, -4e-38]), [95, -127]);
        assert_eq!(bytes(&[0.0, 0.0]), [0, 0]);
    }

    #[test]
    fn bytes_keep_the_direction() {
        let vector: Vec<f32> = (0..384).map(|i| (i as f32 * 0.37).sin() / 20.0).collect();
        let rounded: Vec<f32> =
            bytes(vector.iter().copied()).map(|byte| f32::from(byte as i8)).collect();
        assert!(minilm::similarity::cosine_f64(&vector, &rounded) > 0.9999);
    }
}

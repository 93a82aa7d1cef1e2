//! The one encoder of the module, and what passes between it and JavaScript.

use crate::{panics, texts};
use minilm::{EncodeOptions, Error, Level, ModelFiles, Prompt, SentenceEncoder};
use minilm::{Truncation, ndarray::Array2};
use serde::{Deserialize, Serialize};
use std::{cell::RefCell, error::Error as _, mem};

/// The error of a call.
#[derive(Debug, Serialize)]
pub struct Failure {
    kind: &'static str,
    message: String,
}

impl Failure {
    fn new(kind: &'static str, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into() }
    }
}

/// The message with its sources, since JavaScript gets nothing else of them.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let kind = match &error {
            Error::Option { .. } | Error::Prompt { .. } => "option",
            Error::TooLong { .. } => "too-long",
            Error::Tokenize { .. } => "encode",
            Error::Model(minilm::model::Error::Memory(_)) => "memory",
            _ => "model",
        };
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message += &format!(": {error}");
            source = error.source();
        }
        Failure { kind, message }
    }
}

/// The options of `load`, as `index.d.ts` documents them.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct LoadOptions {
    name: Option<String>,
    precision: Option<String>,
    level: Option<String>,
    max_tokens: Option<usize>,
    truncation: Option<String>,
}

/// The options of `encode`.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct CallOptions {
    normalize: Option<bool>,
    truncate_dim: Option<usize>,
    prompt: Option<String>,
    prompt_name: Option<String>,
}

/// What `load` returns.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Loaded {
    level: &'static str,
    precision: &'static str,
    dimension: usize,
    max_tokens: usize,
}

#[derive(Default)]
pub struct State {
    buffer: Vec<u8>,
    name: String,
    files: ModelFiles,
    encoder: Option<SentenceEncoder>,
    output: Vec<u8>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Gives the state to a call.
pub fn with<R>(call: impl FnOnce(&mut State) -> R) -> R {
    panics::watch();
    STATE.with_borrow_mut(call)
}

impl State {
    /// The buffer's address, once it has so many bytes; 0 if the memory is full.
    pub fn buffer(&mut self, bytes: usize) -> usize {
        self.buffer = Vec::new();
        if self.buffer.try_reserve_exact(bytes).is_err() {
            return 0;
        }
        self.buffer.resize(bytes, 0);
        self.buffer.as_ptr().addr()
    }

    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// 0 if the output is that of the call, 1 if it is its error.
    pub fn call(&mut self, call: fn(&mut State) -> Result<Vec<u8>, Failure>) -> u32 {
        self.output = Vec::new();
        match call(self) {
            Ok(output) => {
                self.output = output;
                0
            }
            Err(failure) => {
                self.output = serde_json::to_vec(&failure).unwrap_or_default();
                1
            }
        }
    }

    pub fn name(&mut self) -> Result<Vec<u8>, Failure> {
        let name = String::from_utf8(mem::take(&mut self.buffer));
        self.name = name.map_err(|_| Failure::new("bug", "the name of a file is not UTF-8"))?;
        Ok(Vec::new())
    }

    pub fn file(&mut self) -> Result<Vec<u8>, Failure> {
        let (name, bytes) = (mem::take(&mut self.name), mem::take(&mut self.buffer));
        self.files = mem::take(&mut self.files).with(name, bytes);
        Ok(Vec::new())
    }

    pub fn load(&mut self) -> Result<Vec<u8>, Failure> {
        let (options, mut files) = (mem::take(&mut self.buffer), mem::take(&mut self.files));
        let options: LoadOptions = serde_json::from_slice(&options)
            .map_err(|error| Failure::new("option", format!("options of load: {error}")))?;
        let mut builder = SentenceEncoder::builder().threads(1);
        if let Some(name) = options.name {
            files = files.named(name);
        }
        if let Some(precision) = options.precision {
            builder = builder.precision(option("precision", &precision)?);
        }
        if let Some(tokens) = options.max_tokens {
            builder = builder.max_tokens(tokens);
        }
        builder = match options.truncation.as_deref() {
            None | Some("silent") => builder,
            Some("error") => builder.truncation(Truncation::Error),
            Some(other) => {
                let message = format!("truncation is \"silent\" or \"error\", not {other:?}");
                return Err(Failure::new("option", message));
            }
        };
        let level = match options.level {
            Some(level) => option("level", &level)?,
            None => Level::detect(),
        };
        let encoder = builder.level(level).from_bytes(files)?;
        let loaded = Loaded {
            level: encoder.level().name(),
            precision: encoder.precision().name(),
            dimension: encoder.dimension(),
            max_tokens: encoder.max_tokens(),
        };
        self.encoder = Some(encoder);
        Ok(serde_json::to_vec(&loaded).unwrap_or_default())
    }

    pub fn encode(&mut self) -> Result<Vec<u8>, Failure> {
        let buffer = mem::take(&mut self.buffer);
        let encoder = self.encoder.as_ref();
        let encoder = encoder.ok_or_else(|| Failure::new("bug", "no model is loaded"))?;
        let parts = texts::parts(&buffer).map_err(|reason| Failure::new("bug", reason))?;
        let (options, texts) =
            parts.split_first().ok_or_else(|| Failure::new("bug", "a buffer without options"))?;
        let encoded = encoder.encode_with(texts, &call_options(options)?)?;
        Ok(bytes(
            &encoded.embeddings,
            encoded.counts.iter().map(|count| [count.used, count.dropped]),
        ))
    }
}

/// A setting by its name.
fn option<T: std::str::FromStr<Err: std::fmt::Display>>(
    option: &str,
    name: &str,
) -> Result<T, Failure> {
    name.parse().map_err(|error| Failure::new("option", format!("{option}: {error}")))
}

fn call_options(json: &str) -> Result<EncodeOptions, Failure> {
    let wrong = |message: String| Failure::new("option", format!("options of encode: {message}"));
    let options: CallOptions = serde_json::from_str(json).map_err(|e| wrong(e.to_string()))?;
    let mut of_call = EncodeOptions::new();
    if let Some(normalize) = options.normalize {
        of_call = of_call.normalize(normalize);
    }
    if let Some(dimensions) = options.truncate_dim {
        of_call = of_call.truncate_dim(dimensions);
    }
    Ok(match (options.prompt, options.prompt_name) {
        (None, None) => of_call,
        (Some(text), None) => of_call.prompt(Prompt::Text(text)),
        (None, Some(name)) => of_call.prompt(Prompt::Named(name)),
        (Some(_), Some(_)) => return Err(wrong("either prompt or promptName".to_owned())),
    })
}

/// Embeddings as `f32`, and behind them numbers as `u32`, little-endian.
fn bytes(embeddings: &Array2<f32>, counts: impl Iterator<Item = [usize; 2]>) -> Vec<u8> {
    let mut bytes: Vec<u8> = embeddings.iter().flat_map(|x| x.to_le_bytes()).collect();
    for count in counts.flatten() {
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    bytes
}

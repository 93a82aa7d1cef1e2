//! Options to an encoder.

use crate::{
    built_in,
    error::Error,
    locate,
    options::{Common, Encoding, Numbers},
};
use minilm::{
    Hub, HubError, Level, ModelFiles, Precision, Prompt, SentenceEncoder, SentenceEncoderBuilder,
    Truncation,
};
use std::{env, ffi::OsString, fmt::Display, path::PathBuf};

/// The folder of this repository's model.
const MODEL: &str = "weights/all-MiniLM-L6-v2";

/// The same model in the cache of Hugging Face.
const NAME: &str = "sentence-transformers/all-MiniLM-L6-v2";

const REMEDY: &str = "nor is sentence-transformers/all-MiniLM-L6-v2 in the cache of Hugging Face; \
                      pass --model DIR or --model NAME, or set MINILM_MODEL";

/// Loads the encoder that a command asks for.
pub(crate) fn load(common: &Common, encoding: &Encoding) -> Result<SentenceEncoder, Error> {
    load_for(common, encoding, None)
}

/// Loads the encoder that a command asks for, with `prompt` if the options name none.
pub(crate) fn load_for(
    common: &Common,
    encoding: &Encoding,
    prompt: Option<Prompt>,
) -> Result<SentenceEncoder, Error> {
    load_in(common, encoding, prompt, precision(&encoding.numbers)?)
}

/// The same in a precision that the command chooses, or in that of the model's file.
pub(crate) fn load_in(
    common: &Common,
    encoding: &Encoding,
    prompt: Option<Prompt>,
    precision: Option<Precision>,
) -> Result<SentenceEncoder, Error> {
    Ok(source(common)?.load(options(common, encoding, prompt, precision)?)?)
}

/// The options of an encoder.
fn options(
    common: &Common,
    encoding: &Encoding,
    prompt: Option<Prompt>,
    precision: Option<Precision>,
) -> Result<SentenceEncoderBuilder, Error> {
    let mut builder = builder(common)?;
    if let Some(precision) = precision {
        builder = builder.precision(precision);
    }
    if let Some(dimensions) = encoding.truncate_dim {
        builder = builder.truncate_dim(dimensions);
    }
    if let Some(tokens) = encoding.max_tokens {
        builder = builder.max_tokens(tokens);
    }
    if encoding.normalize || encoding.no_normalize {
        builder = builder.normalize(encoding.normalize);
    }
    if let Some(prompt) = encoding.prompt().or(prompt) {
        builder = builder.prompt(prompt);
    }
    if encoding.strict {
        builder = builder.truncation(Truncation::Error);
    }
    Ok(builder)
}

/// The files of a model.
pub(crate) enum Source {
    Directory(PathBuf),
    /// In the program.
    BuiltIn(ModelFiles),
}

impl Source {
    pub(crate) fn load(
        self,
        builder: SentenceEncoderBuilder,
    ) -> Result<SentenceEncoder, minilm::Error> {
        match self {
            Source::Directory(directory) => builder.load(directory),
            Source::BuiltIn(files) => builder.from_bytes(files),
        }
    }
}

/// The model that a command encodes with: the one that is named, or else the one in the program, or
/// else that of [`directory`].
pub(crate) fn source(common: &Common) -> Result<Source, Error> {
    match (named_model(common), built_in::files()) {
        (None, Some(files)) => Ok(Source::BuiltIn(files)),
        _ => directory(common).map(Source::Directory),
    }
}

/// The model of a directory, or of a name in the cache, with these options.
#[cfg(feature = "serve")]
pub(crate) fn load_named(
    common: &Common,
    encoding: &Encoding,
    name: &str,
) -> Result<SentenceEncoder, Error> {
    let directory = match PathBuf::from(name) {
        path if path.exists() => path,
        path => named_directory(path, common.quiet)?,
    };
    let builder = options(common, encoding, None, precision(&encoding.numbers)?)?;
    Ok(builder.load(directory)?)
}

/// `--model` or `MINILM_MODEL`.
fn named_model(common: &Common) -> Option<PathBuf> {
    common.model.clone().or_else(|| variable("MINILM_MODEL").map(PathBuf::from))
}

/// An encoder's options that every command shares.
pub(crate) fn builder(common: &Common) -> Result<SentenceEncoderBuilder, Error> {
    let builder = SentenceEncoder::builder().level(level(common)?.unwrap_or_default());
    Ok(match common.threads {
        Some(threads) => builder.threads(threads),
        None => builder,
    })
}

/// Lets the tasks on embeddings use as many threads as the encoder.
pub(crate) fn share_threads(common: &Common) {
    if let Some(threads) = common.threads {
        // It fails if there is such a pool already, which then stays.
        let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    }
}

/// `--model`, `MINILM_MODEL`, or else the model of this repository, here or in the cache. The cache
/// is only read: what the command line does not name is not downloaded.
pub(crate) fn directory(common: &Common) -> Result<PathBuf, Error> {
    match named_model(common) {
        Some(model) if model.exists() => Ok(model),
        Some(model) => named_directory(model, common.quiet),
        None => locate::find(MODEL, REMEDY)
            .or_else(|nowhere| offline().snapshot(NAME, "main").map_err(|_| nowhere)),
    }
}

/// The cache without the network.
fn offline() -> Hub {
    let hub = Hub::from_env();
    #[cfg(feature = "download")]
    let hub = hub.offline(true);
    hub
}

/// The directory of `NAME` or `NAME@REVISION` in the cache of Hugging Face. A text that cannot be a
/// name stays a path, which is missing.
pub(crate) fn named_directory(model: PathBuf, quiet: bool) -> Result<PathBuf, Error> {
    let Some(text) = model.to_str() else { return Ok(model) };
    let (name, revision) = text.split_once('@').unwrap_or((text, "main"));
    match hub(quiet).snapshot(name, revision) {
        Err(minilm::Error::Hub(HubError::Name { .. })) => Ok(model),
        Err(minilm::Error::Hub(error @ (HubError::NotCached { .. } | HubError::NoCache))) => {
            Err(Error::NotFound(format!("there is no directory {text}, and {error}")))
        }
        found => Ok(found?),
    }
}

#[cfg(not(feature = "download"))]
fn hub(_quiet: bool) -> Hub {
    Hub::from_env()
}

/// A hub that shows the progress of a download.
#[cfg(feature = "download")]
fn hub(quiet: bool) -> Hub {
    use crate::{progress::Progress, progress::Size};
    let progress = Progress::new(!quiet, Size::Unknown);
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    Hub::from_env().on_download(move |file| {
        let total =
            file.total.map_or_else(String::new, |total| format!(" of {:.1}", megabytes(total)));
        progress
            .note(|| format!("downloading {}: {:.1}{total} MB", file.file, megabytes(file.done)));
    })
}

/// `--level` or `MINILM_LEVEL`; `None` is `auto`.
pub(crate) fn level(common: &Common) -> Result<Option<Level>, Error> {
    let level: Option<Level> = named(&common.level, ["--level", "MINILM_LEVEL"], |name| {
        if name == "auto" { Ok(None) } else { name.parse().map(Some) }
    })?
    .flatten();
    Ok(level)
}

/// `--precision` or `MINILM_PRECISION`.
pub(crate) fn precision(numbers: &Numbers) -> Result<Option<Precision>, Error> {
    named(&numbers.precision, ["--precision", "MINILM_PRECISION"], str::parse)
}

/// What an option names, or else the variable; the origins are for the message.
fn named<T, E: Display>(
    option: &Option<String>,
    [flag, key]: [&str; 2],
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Option<T>, Error> {
    let option = option.clone().map(|name| (flag, name));
    let variable = || variable(key).map(|name| (key, name.to_string_lossy().into_owned()));
    let parse = |(origin, name): (&str, String)| {
        parse(&name).map_err(|unknown| Error::Usage(format!("{origin}: {unknown}")))
    };
    option.or_else(variable).map(parse).transpose()
}

/// An environment variable, if it is set to anything.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

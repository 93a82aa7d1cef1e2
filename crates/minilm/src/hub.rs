//! Models by name: the cache of Python's `huggingface_hub`.
//!
//! ```text
//! SENTENCE_TRANSFORMERS_HOME, or HF_HUB_CACHE, or HF_HOME/hub,
//! or XDG_CACHE_HOME/huggingface/hub, or ~/.cache/huggingface/hub
//! └─ models--sentence-transformers--all-MiniLM-L6-v2
//!    ├─ refs/main                    the commit that `main` was when it was last asked for
//!    ├─ snapshots/<commit>/…         the files of that commit: links into blobs, or copies
//!    ├─ blobs/<etag>                 their contents, each once
//!    └─ .no_exist/<commit>/…         empty files: what the repository is known not to have
//! ```
//!
//! Nothing is written and nothing is requested, unless the feature `download` is on: then missing
//! files are fetched, see [`Hub::snapshot`].
//!
//! A snapshot without `modules.json` is not used unless the repository is known to have none.
//! `transformers` leaves such snapshots of sentence-transformers models, and a plain transformer
//! made of one would silently give other vectors.
//!
//! In the book: `docs/00-map.md`.

mod cache;
#[cfg(feature = "download")]
mod download;
mod environment;
mod error;
mod name;

#[cfg(feature = "download")]
pub use download::{Download, DownloadError};
pub use error::HubError;

use crate::Error;
use cache::Repository;
use environment::Environment;
use name::{Name, Revision};
use std::{
    env,
    path::{Path, PathBuf},
};

/// The cache that holds models by name, and with the feature `download` the endpoint that serves
/// them.
///
/// ```no_run
/// # fn main() -> Result<(), minilm::Error> {
/// let hub = minilm::Hub::new("models/cache");
/// let directory = hub.snapshot("sentence-transformers/all-MiniLM-L6-v2", "main")?;
/// let name = "sentence-transformers/all-MiniLM-L6-v2";
/// let encoder = minilm::SentenceEncoder::builder().hub(hub).from_hub(name)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Hub {
    cache: Option<PathBuf>,
    #[cfg(feature = "download")]
    remote: download::Remote,
}

impl Hub {
    /// The cache that the environment names, as sentence-transformers finds it:
    /// `SENTENCE_TRANSFORMERS_HOME`, else `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `hub`
    /// in `HF_HOME`, else `huggingface/hub` in `XDG_CACHE_HOME`, else `.cache/huggingface/hub` in
    /// the home directory. `~` and `$NAME` in them are replaced. A variable that is empty counts as
    /// not set.
    ///
    /// With the feature `download` also `HF_ENDPOINT`, `HF_TOKEN`, `HF_HUB_OFFLINE` (and
    /// `TRANSFORMERS_OFFLINE`), `SSL_CERT_FILE`, and the proxies in `HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`.
    ///
    /// ```
    /// println!("{:?}", minilm::Hub::from_env().cache());
    /// ```
    pub fn from_env() -> Hub {
        let environment =
            Environment { variable: &|name| env::var_os(name), home: env::home_dir() };
        Hub {
            cache: environment.cache(),
            #[cfg(feature = "download")]
            remote: download::Remote::from_env(&environment),
        }
    }

    /// The cache at `directory`, independent of the environment.
    ///
    /// ```
    /// assert_eq!(minilm::Hub::new("models").cache(), Some("models".as_ref()));
    /// ```
    pub fn new(directory: impl Into<PathBuf>) -> Hub {
        Hub {
            cache: Some(directory.into()),
            #[cfg(feature = "download")]
            remote: download::Remote::default(),
        }
    }

    /// The cache's directory, which need not exist; `None` if the environment names none and there
    /// is no home directory.
    pub fn cache(&self) -> Option<&Path> {
        self.cache.as_deref()
    }

    /// The directory of a model's files, in the form that
    /// [`SentenceEncoder::load`](crate::SentenceEncoder::load) takes.
    ///
    /// `name` is `organisation/model`; a `model` alone is of `sentence-transformers`, as there.
    /// `revision` is a commit's full hash, or a branch or tag that the cache has a commit for.
    ///
    /// With the feature `download`, a model that is not there, or not whole, is downloaded into the
    /// cache, and only then: a snapshot that is there is used as it is, without asking whether the
    /// branch has moved on.
    ///
    /// # Errors
    /// [`Error::Hub`]: the name or the revision is invalid, or the model is not in the cache. The
    /// error lists every place that was searched.
    pub fn snapshot(&self, name: &str, revision: &str) -> Result<PathBuf, Error> {
        let (name, revision) = (Name::parse(name)?, Revision::parse(revision)?);
        let cache = self.cache.as_deref().ok_or(HubError::NoCache)?;
        let repository = Repository::new(cache, &name);
        let found = repository.find(&name, &revision);
        #[cfg(feature = "download")]
        if let Err(HubError::NotCached { .. } | HubError::Incomplete { .. }) = found {
            return Ok(self.remote.complete(found, &repository, &name, &revision)?);
        }
        Ok(found?)
    }
}

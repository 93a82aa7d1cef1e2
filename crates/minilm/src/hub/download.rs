//! Downloads of files that the cache lacks: the only code of minilm that uses the network.
//!
//! ```text
//! for each file, the weights last:
//!     HEAD <endpoint>/<name>/resolve/<revision>/<file>     commit, etag, size; or: no such file
//!     GET  the same at the commit, from where .incomplete ends                       transfer.rs
//!     SHA-256 (large files) or git's SHA-1 (small ones) is the etag                  digest.rs
//!     rename .incomplete to blobs/<etag>, link snapshots/<commit>/<file> to it       store.rs
//! write refs/<revision>
//! ```
//!
//! The first answer fixes the commit, so a push meanwhile cannot mix two versions. A process that
//! is stopped at any point leaves a cache that Python and this crate can go on with: a blob appears
//! whole or not at all, and an `.incomplete` file is resumed.
//!
//! The token goes to the endpoint's own scheme, host and port, and to no host that it redirects to.
//! A redirect from https to http is refused.
//!
//! TLS is rustls with the cryptography of graviola: Rust and `asm!`, with nothing built in C. It
//! needs x86-64 with AES, AVX2, BMI and ADX, or AArch64 with AES, SHA-2 and PMULL. Elsewhere only
//! `http://` endpoints work, and asking for `https://` is an error.
//!
//! In the book: `docs/00-map.md`.

mod client;
mod digest;
mod error;
mod files;
mod store;
mod tls;
mod transfer;
mod url;

pub use error::DownloadError;

use super::{
    Hub, HubError,
    cache::Repository,
    environment::Environment,
    name::{Name, Revision},
};
use client::Client;
use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

/// The progress of a file's download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download<'a> {
    /// The file's name in the repository.
    pub file: &'a str,
    /// Bytes that are here, those of an earlier attempt among them.
    pub done: u64,
    /// Bytes of the file, if the server says it.
    pub total: Option<u64>,
}

type OnDownload = Arc<dyn Fn(Download) + Send + Sync>;

/// The endpoint of downloads, and the limits of their attempts.
#[derive(Clone)]
pub(super) struct Remote {
    endpoint: String,
    token: Option<String>,
    offline: bool,
    timeout: Duration,
    attempts: u32,
    pause: Duration,
    certificates: Option<PathBuf>,
    proxy_from_env: bool,
    on_download: Option<OnDownload>,
}

impl Default for Remote {
    fn default() -> Remote {
        Remote {
            endpoint: "https://huggingface.co".to_owned(),
            token: None,
            offline: false,
            timeout: Duration::from_secs(20),
            attempts: 5,
            pause: Duration::from_secs(1),
            certificates: None,
            proxy_from_env: false,
            on_download: None,
        }
    }
}

impl Remote {
    pub(super) fn from_env(environment: &Environment) -> Remote {
        let text =
            |name| environment.variable(name).map(|value| value.to_string_lossy().into_owned());
        let is_true = |name| {
            text(name)
                .map(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
        };
        let default = Remote::default();
        Remote {
            endpoint: text("HF_ENDPOINT").unwrap_or(default.endpoint),
            token: text("HF_TOKEN")
                .map(|token| token.trim().to_owned())
                .filter(|token| !token.is_empty()),
            offline: is_true("HF_HUB_OFFLINE")
                .or_else(|| is_true("TRANSFORMERS_OFFLINE"))
                .unwrap_or_default(),
            certificates: environment.path("SSL_CERT_FILE"),
            proxy_from_env: true,
            ..Remote::default()
        }
    }

    /// Downloads the files that a snapshot lacks. `found` is the result without the network, and
    /// stays the result if downloads are not allowed.
    pub(super) fn complete(
        &self,
        found: Result<PathBuf, HubError>,
        repository: &Repository,
        name: &Name,
        revision: &Revision,
    ) -> Result<PathBuf, HubError> {
        if self.offline {
            return found;
        }
        let client = Client::new(self)?;
        files::fetch(&client, repository, name, revision)?;
        repository.find(name, revision)
    }
}

/// The token stays out of messages.
impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("endpoint", &self.endpoint)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("offline", &self.offline)
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// Options of downloads: feature `download`.
///
/// ```no_run
/// # fn main() -> Result<(), minilm::Error> {
/// let hub = minilm::Hub::new("models")
///     .endpoint("https://mirror.example")
///     .on_download(|file| eprintln!("{}: {} of {:?} bytes", file.file, file.done, file.total));
/// let directory = hub.snapshot("sentence-transformers/all-MiniLM-L6-v2", "main")?;
/// # Ok(())
/// # }
/// ```
impl Hub {
    /// The server of the models, `http://…` or `https://…`; by default `https://huggingface.co`.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Hub {
        self.remote.endpoint = url.into();
        self
    }

    /// A token for models with restricted access. It is sent to the endpoint alone, also if that
    /// redirects elsewhere.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Hub {
        self.remote.token = Some(token.into());
        self
    }

    /// `true`: nothing is downloaded.
    #[must_use]
    pub fn offline(mut self, offline: bool) -> Hub {
        self.remote.offline = offline;
        self
    }

    /// The time to wait for a connection, for an answer, and for each next byte; by default 20
    /// seconds. It does not limit the time of a download that makes progress.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Hub {
        self.remote.timeout = timeout;
        self
    }

    /// Attempts in a row that bring nothing before a file is given up (by default 5), and the time
    /// after the first of them (by default one second), which doubles each time. A server's
    /// `Retry-After` is obeyed, up to a minute.
    #[must_use]
    pub fn attempts(mut self, attempts: u32, pause: Duration) -> Hub {
        self.remote.attempts = attempts.max(1);
        self.remote.pause = pause;
        self
    }

    /// Trusts the certificates in a PEM file instead of Mozilla's roots, which are built in.
    #[must_use]
    pub fn certificates(mut self, pem: impl Into<PathBuf>) -> Hub {
        self.remote.certificates = Some(pem.into());
        self
    }

    /// A function that is called as a file grows.
    #[must_use]
    pub fn on_download(mut self, callback: impl Fn(Download) + Send + Sync + 'static) -> Hub {
        self.remote.on_download = Some(Arc::new(callback));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn remote(variables: &[(&str, &str)]) -> Remote {
        let variable = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        Remote::from_env(&Environment { variable: &variable, home: None })
    }

    #[test]
    fn the_environment_sets_endpoint_token_and_offline() {
        let none = remote(&[("HF_TOKEN", " "), ("HF_ENDPOINT", ""), ("HF_HUB_OFFLINE", "0")]);
        assert_eq!(
            (none.endpoint.as_str(), none.token, none.offline),
            ("https://huggingface.co", None, false)
        );
        let all = remote(&[
            ("HF_TOKEN", "hf_x\n"),
            ("HF_ENDPOINT", "http://mirror"),
            ("HF_HUB_OFFLINE", "Yes"),
        ]);
        assert_eq!(
            (all.endpoint.as_str(), all.token.as_deref(), all.offline),
            ("http://mirror", Some("hf_x"), true)
        );
        assert!(remote(&[("TRANSFORMERS_OFFLINE", "1")]).offline);
    }

    #[test]
    fn the_token_is_not_printed() {
        let hub = Hub::new("x").token("hf_secret");
        assert!(!format!("{hub:?}").contains("secret"));
    }
}

//! A model on a server that answers as Hugging Face does, and an empty cache to download it to.

#[allow(unused_imports, reason = "each test uses some of them")]
pub use super::repository::{COMMIT, NAME, WEIGHTS, file};

use super::{
    repository,
    server::{Reply, Request, Server},
    tiny::Tiny,
};
use minilm::{DownloadError, Error, Hub, HubError};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use tempfile::TempDir;

/// The files of the model on the server.
pub static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let directory = Tiny::new().with_modules().write();
    let names = [
        "config.json",
        WEIGHTS,
        "vocab.txt",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ];
    names.map(|name| (name.to_owned(), fs::read(directory.path().join(name)).unwrap())).into()
});

/// The etag of a file.
pub fn etag(file: &str) -> String {
    repository::etag(file, &FILES[file])
}

/// Hugging Face's answer.
pub fn good(request: &Request) -> Reply {
    repository::good(&FILES, request)
}

/// A server that does what `change` says, and otherwise what it should. `change` gets the number of
/// requests like this one so far.
pub fn server(
    method: &'static str,
    end: &'static str,
    change: impl Fn(usize, &Request) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let count = AtomicUsize::new(0);
    Server::new(move |request| {
        let changed =
            request.is(method, end).then(|| change(count.fetch_add(1, Relaxed), request)).flatten();
        changed.unwrap_or_else(|| good(request))
    })
}

/// An empty cache.
pub struct Cache {
    directory: TempDir,
    /// The longest time that a server may be silent.
    patience: Duration,
}

impl Cache {
    pub fn new() -> Cache {
        Cache { directory: tempfile::tempdir().unwrap(), patience: Duration::from_secs(20) }
    }

    /// Waits no longer than a test has to, for a server that stalls.
    pub fn impatient() -> Cache {
        Cache { patience: Duration::from_millis(700), ..Cache::new() }
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn hub(&self, server: &Server) -> Hub {
        Hub::new(self.path())
            .endpoint(&server.url)
            .timeout(self.patience)
            .attempts(3, Duration::from_millis(1))
    }

    /// The folder of the whole model.
    pub fn root(&self) -> PathBuf {
        self.path().join("models--some-org--tiny")
    }

    /// The content of a file, when it has come.
    pub fn blob(&self, file: &str) -> PathBuf {
        self.root().join("blobs").join(etag(file))
    }

    /// The bytes of a file that have come so far.
    pub fn incomplete(&self, file: &str) -> PathBuf {
        self.root().join(format!("blobs/{}.incomplete", etag(file)))
    }

    /// Downloads the model, and checks every byte and that nothing is left over.
    pub fn complete(&self, server: &Server) {
        let snapshot = self.hub(server).snapshot(NAME, "main").unwrap();
        assert_eq!(snapshot, self.root().join("snapshots").join(COMMIT));
        for (name, bytes) in FILES.iter() {
            assert!(&fs::read(snapshot.join(name)).unwrap() == bytes, "{name}");
        }
        assert_eq!(fs::read_to_string(self.root().join("refs/main")).unwrap(), COMMIT);
        assert_eq!(fs::read_dir(self.root().join("blobs")).unwrap().count(), FILES.len());
    }

    /// Downloads the model in vain.
    pub fn error(&self, server: &Server) -> DownloadError {
        match self.hub(server).snapshot(NAME, "main") {
            Err(Error::Hub(HubError::Download(error))) => error,
            other => panic!("{other:?}"),
        }
    }

    /// After an error: the next one to look finds no model.
    pub fn is_not_whole(&self) {
        let found = Hub::new(self.path()).offline(true).snapshot(NAME, "main");
        assert!(matches!(found, Err(Error::Hub(HubError::NotCached { .. }))), "{found:?}");
    }
}

/// The requests for the content of files whose path ends like this.
pub fn gets(server: &Server, end: &str) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.is("GET", end)).collect()
}

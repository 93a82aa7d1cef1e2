//! Downloads: the requests, their order and number, and the layout of the files in the cache.
#![cfg(feature = "download")]

mod support;

use minilm::{DownloadError, Error, Hub, HubError, SentenceEncoder};
use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};
use support::{
    bits,
    hub::{COMMIT, Cache, FILES, NAME, WEIGHTS, etag, gets, good},
    server::{Reply, Server},
    tiny::Tiny,
};

#[test]
fn a_model_is_downloaded_once_and_laid_out_as_python_does_it() {
    let (cache, server) = (Cache::new(), Server::new(good));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let hub = cache.hub(&server).on_download(move |file| {
        log.lock().unwrap().push((file.file.to_owned(), file.done, file.total))
    });
    let encoder = SentenceEncoder::builder().threads(1).hub(hub.clone()).from_hub(NAME).unwrap();
    let text = "the cat sat.";
    let here = Tiny::new().with_modules().write();
    let want = SentenceEncoder::load(here.path()).unwrap().encode_one(text).unwrap();
    assert_eq!(bits(&encoder.encode_one(text).unwrap()), bits(&want));

    let size = FILES[WEIGHTS].len() as u64;
    let seen = seen.lock().unwrap();
    assert_eq!(seen.last(), Some(&(WEIGHTS.to_owned(), size, Some(size))));
    assert!(seen.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 <= pair[1].1));

    let snapshot = cache.root().join("snapshots").join(COMMIT);
    #[cfg(unix)]
    for (name, up) in [(WEIGHTS, "../.."), ("1_Pooling/config.json", "../../..")] {
        let target = fs::read_link(snapshot.join(name)).unwrap();
        assert_eq!(target, Path::new(up).join("blobs").join(etag(name)));
    }
    assert!(cache.root().join(".no_exist").join(COMMIT).join("tokenizer.json").is_file());
    assert_eq!(gets(&server, "").len(), FILES.len());

    let before = server.requests().len();
    for revision in ["main", COMMIT] {
        assert_eq!(hub.snapshot(NAME, revision).unwrap(), snapshot);
    }
    assert_eq!(server.requests().len(), before, "what is there is not asked for");
}

#[test]
fn all_files_are_of_the_commit_that_the_first_answer_names() {
    let (cache, server) = (Cache::new(), Server::new(good));
    cache.complete(&server);
    for (i, request) in server.requests().iter().enumerate() {
        let revision = if i == 0 { "main" } else { COMMIT };
        assert!(
            request.path.starts_with(&format!("/some-org/tiny/resolve/{revision}/")),
            "{}",
            request.path
        );
    }
    let other = Cache::new();
    other.hub(&server).snapshot(NAME, "refs/pr/1").unwrap();
    assert_eq!(fs::read_to_string(other.root().join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert!(
        server
            .requests()
            .iter()
            .any(|request| request.path.starts_with("/some-org/tiny/resolve/refs%2Fpr%2F1/"))
    );
}

#[test]
fn a_model_without_modules_is_one_once_the_server_has_said_so() {
    let server = Server::new(|request| {
        if request.path.contains("modules.json") {
            Reply::new(404).with("X-Repo-Commit", COMMIT)
        } else {
            good(request)
        }
    });
    let cache = Cache::new();
    let snapshot = cache.hub(&server).snapshot(NAME, "main").unwrap();
    assert!(!snapshot.join("modules.json").exists() && snapshot.join(WEIGHTS).is_file());
    Hub::new(cache.path()).offline(true).snapshot(NAME, "main").unwrap();
}

#[test]
fn a_snapshot_that_lacks_files_is_completed() {
    let (cache, server) = (Cache::new(), Server::new(good));
    cache.complete(&server);
    fs::remove_file(cache.root().join("snapshots").join(COMMIT).join(WEIGHTS)).unwrap();
    let before = gets(&server, "").len();
    cache.complete(&server);
    assert_eq!(gets(&server, "").len(), before, "the blob was still there");
    fs::remove_file(cache.blob(WEIGHTS)).unwrap();
    cache.complete(&server);
    assert_eq!(gets(&server, "").len(), before + 1);
}

#[test]
fn several_at_once_download_once() {
    let (cache, server) = (Cache::new(), Server::new(good));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| cache.hub(&server).snapshot(NAME, "main").unwrap());
        }
    });
    cache.complete(&server);
    assert_eq!(gets(&server, "").len(), FILES.len());
}

#[test]
fn offline_nothing_is_asked_for() {
    let (cache, server) = (Cache::new(), Server::new(good));
    let found = cache.hub(&server).offline(true).snapshot(NAME, "main");
    assert!(matches!(found, Err(Error::Hub(HubError::NotCached { .. }))), "{found:?}");
    assert!(server.requests().is_empty() && !cache.root().exists());
}

#[test]
fn a_cache_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::new(good);
    let found = Hub::new(file.path()).endpoint(&server.url).snapshot(NAME, "main");
    assert!(
        matches!(found, Err(Error::Hub(HubError::Download(DownloadError::Write { .. })))),
        "{found:?}"
    );
}

#[test]
fn addresses_and_tokens_that_cannot_be_sent_are_refused() {
    let cache = Cache::new();
    for endpoint in ["", "huggingface.co", "file:///etc", "https://a b"] {
        let found = Hub::new(cache.path()).endpoint(endpoint).snapshot(NAME, "main");
        assert!(
            matches!(found, Err(Error::Hub(HubError::Download(DownloadError::Address { .. })))),
            "{endpoint:?}"
        );
    }
    let server = Server::new(good);
    let error = cache.hub(&server).token("hf\r\nX: y").snapshot(NAME, "main").unwrap_err();
    assert!(
        error.to_string().contains("HF_TOKEN") && !error.to_string().contains("X: y"),
        "{error}"
    );
    assert!(server.requests().is_empty());
}

//! Downloads from a server that stalls, cuts, redirects, refuses and lies.
#![cfg(feature = "download")]

mod support;

use minilm::{DownloadError, Error, Hub, HubError, SentenceEncoder};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};
use support::{
    bits,
    server::{End, Reply, Request, Server},
    tiny::Tiny,
};
use tempfile::TempDir;

const COMMIT: &str = "8b3219a92973c328a8e22fadcfa821b5dc75636a";
const NAME: &str = "some-org/tiny";
const WEIGHTS: &str = "model.safetensors";

/// The files of the model on the server.
static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let directory = Tiny::new().with_modules().write();
    let names = ["config.json", WEIGHTS, "vocab.txt", "modules.json", "1_Pooling/config.json", "sentence_bert_config.json"];
    names.map(|name| (name.to_owned(), fs::read(directory.path().join(name)).unwrap())).into()
});

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The etag that Hugging Face gives a file: of large ones the SHA-256, of others what git calls them.
fn etag(file: &str) -> String {
    let bytes = &FILES[file];
    match file {
        WEIGHTS => hex(Sha256::digest(bytes)),
        _ => hex(Sha1::new_with_prefix(format!("blob {}\0", bytes.len())).chain_update(bytes).finalize()),
    }
}

/// The file that a path names, whatever the revision.
fn file(path: &str) -> &str {
    let rest = path.strip_prefix("/some-org/tiny/resolve/").unwrap_or_else(|| panic!("{path}"));
    rest.split_once('/').expect("a revision and a file").1
}

/// What Hugging Face answers.
fn good(request: &Request) -> Reply {
    let name = file(&request.path);
    let Some(bytes) = FILES.get(name) else {
        return Reply::new(404).with("X-Error-Code", "EntryNotFound").with("X-Repo-Commit", COMMIT);
    };
    let reply = match request.start() {
        0 => Reply::new(200).body(bytes),
        start if start >= bytes.len() => Reply::new(416),
        start => {
            let range = format!("bytes {start}-{}/{}", bytes.len() - 1, bytes.len());
            Reply::new(206).with("Content-Range", range).body(&bytes[start..])
        }
    };
    let reply = reply.with("X-Repo-Commit", COMMIT);
    match name {
        WEIGHTS => {
            reply.with("X-Linked-Etag", format!("\"{}\"", etag(name))).with("X-Linked-Size", bytes.len()).with("ETag", "\"cdn\"")
        }
        _ => reply.with("ETag", format!("W/\"{}\"", etag(name))),
    }
}

/// A server that does what `change` says, and otherwise what it should. `change` gets the number of requests like this one so far.
fn server(
    method: &'static str,
    end: &'static str,
    change: impl Fn(usize, &Request) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    let count = AtomicUsize::new(0);
    Server::new(move |request| {
        let changed = request.is(method, end).then(|| change(count.fetch_add(1, Relaxed), request)).flatten();
        changed.unwrap_or_else(|| good(request))
    })
}

struct Cache(TempDir, Duration);

impl Cache {
    fn new() -> Cache {
        Cache(tempfile::tempdir().unwrap(), Duration::from_secs(20))
    }

    /// Waits no longer than a test has to, for a server that stalls.
    fn impatient() -> Cache {
        Cache(tempfile::tempdir().unwrap(), Duration::from_millis(700))
    }

    fn hub(&self, server: &Server) -> Hub {
        Hub::new(self.0.path()).endpoint(&server.url).timeout(self.1).attempts(3, Duration::from_millis(1))
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("models--some-org--tiny")
    }

    fn blob(&self, file: &str) -> PathBuf {
        self.root().join("blobs").join(etag(file))
    }

    fn incomplete(&self, file: &str) -> PathBuf {
        self.root().join(format!("blobs/{}.incomplete", etag(file)))
    }

    /// Downloads, and checks every byte and that nothing is left over.
    fn complete(&self, server: &Server) {
        let snapshot = self.hub(server).snapshot(NAME, "main").unwrap();
        assert_eq!(snapshot, self.root().join("snapshots").join(COMMIT));
        for (name, bytes) in FILES.iter() {
            assert!(&fs::read(snapshot.join(name)).unwrap() == bytes, "{name}");
        }
        assert_eq!(fs::read_to_string(self.root().join("refs/main")).unwrap(), COMMIT);
        assert_eq!(fs::read_dir(self.root().join("blobs")).unwrap().count(), FILES.len());
    }

    fn error(&self, server: &Server) -> DownloadError {
        match self.hub(server).snapshot(NAME, "main") {
            Err(Error::Hub(HubError::Download(error))) => error,
            other => panic!("{other:?}"),
        }
    }

    /// After an error: the next one to look finds no model.
    fn is_not_whole(&self) {
        let found = Hub::new(self.0.path()).offline(true).snapshot(NAME, "main");
        assert!(matches!(found, Err(Error::Hub(HubError::NotCached { .. }))), "{found:?}");
    }
}

fn gets(server: &Server, end: &str) -> Vec<Request> {
    server.requests().into_iter().filter(|request| request.is("GET", end)).collect()
}

#[test]
fn a_model_is_downloaded_once_and_laid_out_as_python_does_it() {
    let (cache, server) = (Cache::new(), Server::new(good));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let hub = cache.hub(&server).on_download(move |file| log.lock().unwrap().push((file.file.to_owned(), file.done, file.total)));
    let encoder = SentenceEncoder::builder().threads(1).hub(hub.clone()).load_from_hub(NAME).unwrap();
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
        assert!(request.path.starts_with(&format!("/some-org/tiny/resolve/{revision}/")), "{}", request.path);
    }
    let other = Cache::new();
    other.hub(&server).snapshot(NAME, "refs/pr/1").unwrap();
    assert_eq!(fs::read_to_string(other.root().join("refs/refs/pr/1")).unwrap(), COMMIT);
    assert!(server.requests().iter().any(|request| request.path.starts_with("/some-org/tiny/resolve/refs%2Fpr%2F1/")));
}

#[test]
fn a_download_that_stalls_or_is_cut_goes_on_where_it_was() {
    for end in [End::Stall(10_000), End::Cut(10_000)] {
        // Five times in a row, more often than attempts that bring nothing are allowed.
        let server = server("GET", WEIGHTS, move |n, request| (n < 5).then(|| good(request).end(end)));
        let cache = Cache::impatient();
        cache.complete(&server);
        let starts: Vec<usize> = gets(&server, WEIGHTS).iter().map(Request::start).collect();
        assert_eq!(starts, [0, 10_000, 20_000, 30_000, 40_000, 50_000], "{end:?}");
    }
}

#[test]
fn a_connection_that_ends_early_without_having_said_how_much_comes_is_no_end_of_the_file() {
    let server = server("GET", WEIGHTS, |n, request| {
        let mut reply = good(request).with("Content-Length", "");
        reply.body.truncate(10_000);
        (n < 5).then_some(reply)
    });
    Cache::new().complete(&server);
    assert_eq!(gets(&server, WEIGHTS).len(), 6);
}

#[test]
fn a_server_that_only_stalls_is_given_up_and_what_came_is_kept() {
    for (end, kept) in [(End::Stall(0), 0), (End::Stall(5000), 5000)] {
        let server = server("GET", WEIGHTS, move |n, request| {
            Some(if n == 0 {
                good(request).end(end)
            } else {
                Reply::new(206).with("Content-Range", format!("bytes {}-", request.start())).body(&[0]).end(End::Stall(0))
            })
        });
        let cache = Cache::impatient();
        let start = Instant::now();
        let error = cache.error(&server);
        assert!(matches!(error, DownloadError::GaveUp { attempts: 3, .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(20));
        assert_eq!(fs::metadata(cache.incomplete(WEIGHTS)).map(|file| file.len()).unwrap(), kept);
        cache.is_not_whole();
        cache.complete(&Server::new(good));
    }
}

#[test]
fn an_earlier_attempt_is_taken_up_or_thrown_away() {
    let bytes = &FILES[WEIGHTS];
    let half = bytes.len() / 2;
    let mut wrong = bytes[..half].to_vec();
    wrong[7] ^= 1;
    let cases: [(&[u8], &[usize]); 4] = [
        (&bytes[..half], &[half]),
        (bytes, &[]),
        (&wrong, &[half, 0]),                          // the hash tells
        (&[bytes.as_slice(), b"more"].concat(), &[0]), // longer than the file
    ];
    for (left, starts) in cases {
        let (cache, server) = (Cache::new(), Server::new(good));
        fs::create_dir_all(cache.root().join("blobs")).unwrap();
        fs::write(cache.incomplete(WEIGHTS), left).unwrap();
        cache.complete(&server);
        assert_eq!(gets(&server, WEIGHTS).iter().map(Request::start).collect::<Vec<_>>(), starts);
    }
}

#[test]
fn a_server_that_does_not_resume_sends_the_whole_file() {
    type Answer = fn(&Request) -> Reply;
    let whole: Answer = |_| Reply::new(200).body(&FILES[WEIGHTS]);
    let elsewhere: Answer = |_| Reply::new(206).with("Content-Range", "bytes 5-10/20").body(b"123456");
    let never: Answer = |_| Reply::new(416);
    for (i, answer) in [whole, elsewhere, never].into_iter().enumerate() {
        let server = server("GET", WEIGHTS, move |_, request| (request.start() > 0).then(|| answer(request)));
        let cache = Cache::new();
        fs::create_dir_all(cache.root().join("blobs")).unwrap();
        fs::write(cache.incomplete(WEIGHTS), &FILES[WEIGHTS][..1000]).unwrap();
        cache.complete(&server);
        assert_eq!(gets(&server, WEIGHTS).len(), if i == 0 { 1 } else { 2 });
    }
}

#[test]
fn errors_that_pass_are_waited_for() {
    for method in ["HEAD", "GET"] {
        let server = server(method, WEIGHTS, |n, _| match n {
            0 => Some(Reply::new(429).with("Retry-After", 1)),
            1 => Some(Reply::new(503)),
            _ => None,
        });
        let start = Instant::now();
        Cache::new().complete(&server);
        assert!(start.elapsed() >= Duration::from_secs(1), "Retry-After is obeyed");
    }
}

#[test]
fn errors_that_stay_are_reported_and_nothing_is_promised() {
    for (method, status) in [("HEAD", 500), ("GET", 500), ("GET", 429), ("HEAD", 504)] {
        let server = server(method, WEIGHTS, move |_, _| Some(Reply::new(status)));
        let cache = Cache::new();
        let error = cache.error(&server);
        assert!(
            matches!(&error, DownloadError::GaveUp { attempts: 3, reason, .. } if reason.contains(&status.to_string())),
            "{error}"
        );
        cache.is_not_whole();
    }
    let cache = Cache::new();
    let nobody = Server { url: "http://127.0.0.1:9".to_owned(), ..Server::new(good) };
    assert!(matches!(cache.error(&nobody), DownloadError::GaveUp { .. }));
}

#[test]
fn what_does_not_exist_or_is_not_allowed_is_said_at_once() {
    let missing = |code: &'static str| Server::new(move |_| Reply::new(404).with("X-Error-Code", code));
    for (server, status) in [
        (missing("RepoNotFound"), 404),
        (missing("RevisionNotFound"), 404),
        (Server::new(|_| Reply::new(401).with("X-Error-Message", "Invalid username or password.")), 401),
        (Server::new(|_| Reply::new(403).with("X-Error-Code", "GatedRepo")), 403),
    ] {
        let error = Cache::new().error(&server);
        assert!(matches!(error, DownloadError::Refused { status: found, .. } if found == status), "{error}");
        assert!(error.to_string().contains("HF_TOKEN"));
        assert_eq!(server.requests().len(), 1);
    }
    for name in ["config.json", WEIGHTS, "1_Pooling/config.json"] {
        let server = server("HEAD", name, |_, _| Some(Reply::new(404)));
        let error = Cache::new().error(&server);
        assert!(matches!(&error, DownloadError::NotFound { url } if url.ends_with(name)), "{error}");
    }
}

#[test]
fn a_model_without_modules_is_one_once_the_server_has_said_so() {
    let server = Server::new(|request| {
        if request.path.contains("modules.json") { Reply::new(404).with("X-Repo-Commit", COMMIT) } else { good(request) }
    });
    let cache = Cache::new();
    let snapshot = cache.hub(&server).snapshot(NAME, "main").unwrap();
    assert!(!snapshot.join("modules.json").exists() && snapshot.join(WEIGHTS).is_file());
    Hub::new(cache.0.path()).offline(true).snapshot(NAME, "main").unwrap();
}

#[test]
fn a_lie_about_the_content_is_found_out() {
    for name in [WEIGHTS, "config.json"] {
        let server = server("GET", name, move |_, request| {
            let mut reply = good(request);
            reply.body[100] ^= 1;
            Some(reply)
        });
        let cache = Cache::new();
        let error = cache.error(&server);
        let kind_is = if name == WEIGHTS { "SHA-256" } else { "git SHA-1" };
        assert!(
            matches!(&error, DownloadError::Mismatch { kind, expected, .. } if *kind == kind_is && *expected == etag(name)),
            "{error}"
        );
        assert!(!cache.blob(name).exists() && !cache.incomplete(name).exists());
        cache.is_not_whole();
        cache.complete(&Server::new(good));
    }
}

#[test]
fn a_lie_about_the_size_is_found_out() {
    for more in [true, false] {
        let server = server("HEAD", WEIGHTS, move |_, request| {
            let size = FILES[WEIGHTS].len();
            Some(good(request).with("X-Linked-Size", if more { size + 10 } else { size - 10 }))
        });
        let cache = Cache::new();
        match cache.error(&server) {
            DownloadError::GaveUp { .. } if more => {}
            DownloadError::Mismatch { kind: "size", .. } if !more => {}
            other => panic!("{other}"),
        }
        assert!(!cache.blob(WEIGHTS).exists());
        cache.is_not_whole();
    }
}

#[test]
fn the_token_goes_to_the_endpoint_and_not_where_it_redirects() {
    let cdn = Arc::new(Server::new(|request| {
        let start = request.start();
        let range = format!("bytes {start}-{}/{}", FILES[WEIGHTS].len() - 1, FILES[WEIGHTS].len());
        let reply = Reply::new(if start == 0 { 200 } else { 206 }).with("Content-Range", range).body(&FILES[WEIGHTS][start..]);
        if start == 0 { reply.end(End::Cut(1000)) } else { reply }
    }));
    let to = cdn.url.clone();
    let server = Server::new(move |request| {
        if request.path.starts_with("/moved") {
            return good(&Request { path: request.path.replacen("/moved", "", 1), ..request.clone() });
        }
        let reply = good(request);
        match file(&request.path) {
            WEIGHTS => Reply { status: 302, ..reply }.with("Location", format!("{to}/signed?token=x")).body(b""),
            "config.json" => Reply::new(307).with("Location", format!("/moved{}", request.path)),
            _ => reply,
        }
    });
    let cache = Cache::new();
    let hub = cache.hub(&server).token("hf_secret");
    hub.snapshot(NAME, "main").unwrap();
    assert!(server.requests().iter().all(|request| request.header("authorization") == Some("Bearer hf_secret")));
    assert!(server.requests().iter().any(|request| request.path.starts_with("/moved")));
    let elsewhere = cdn.requests();
    assert_eq!(elsewhere.iter().map(Request::start).collect::<Vec<_>>(), [0, 1000], "the range goes along");
    assert!(elsewhere.iter().all(|request| request.header("authorization").is_none() && request.method == "GET"));
}

#[test]
fn redirects_that_lead_nowhere_end() {
    for (location, text) in [("/loop", "redirects"), ("ftp://x/", "neither http nor https"), ("http://u@x/", "more than a host")]
    {
        let server = Server::new(move |_| Reply::new(302).with("Location", location));
        let error = Cache::new().error(&server);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn an_answer_cannot_write_outside_of_the_cache() {
    type Answer = fn(&Request) -> Reply;
    let etag: Answer = |request| good(request).with("ETag", "\"../../../evil\"");
    let none: Answer = |request| Reply { headers: vec![("X-Repo-Commit".into(), COMMIT.into())], ..good(request) };
    let commit: Answer = |request| good(request).with("X-Repo-Commit", "../../evil");
    for answer in [etag, none, commit] {
        let cache = Cache::new();
        let error = cache.error(&Server::new(answer));
        assert!(matches!(error, DownloadError::Answer { .. }), "{error}");
        let inside: Vec<_> = fs::read_dir(cache.0.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(inside.iter().all(|name| name == "models--some-org--tiny" || name == ".locks"), "{inside:?}");
    }
}

#[test]
fn a_module_cannot_be_outside_of_the_model() {
    let modules =
        br#"[{"idx": 0, "path": "../../../..", "type": "x.Transformer"}, {"idx": 1, "path": "/etc", "type": "x.Pooling"}]"#;
    let server = Server::new(move |request| match file(&request.path) {
        "modules.json" => Reply::new(200).with("X-Repo-Commit", COMMIT).with("ETag", "\"modules\"").body(modules),
        _ => good(request),
    });
    let cache = Cache::new();
    let error = SentenceEncoder::builder().hub(cache.hub(&server)).load_from_hub(NAME).map(drop).unwrap_err();
    assert!(matches!(error, Error::Field { field: "path", .. }), "{error}");
    assert!(server.requests().iter().all(|request| !request.path.contains("..") && !request.path.contains("etc/")));
}

#[test]
fn offline_nothing_is_asked_for() {
    let (cache, server) = (Cache::new(), Server::new(good));
    let found = cache.hub(&server).offline(true).snapshot(NAME, "main");
    assert!(matches!(found, Err(Error::Hub(HubError::NotCached { .. }))), "{found:?}");
    assert!(server.requests().is_empty() && !cache.root().exists());
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
fn a_cache_that_cannot_be_written_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let server = Server::new(good);
    let found = Hub::new(file.path()).endpoint(&server.url).snapshot(NAME, "main");
    assert!(matches!(found, Err(Error::Hub(HubError::Download(DownloadError::Write { .. })))), "{found:?}");
}

#[test]
fn addresses_and_tokens_that_cannot_be_sent_are_refused() {
    let cache = Cache::new();
    for endpoint in ["", "huggingface.co", "file:///etc", "https://a b"] {
        let found = Hub::new(cache.0.path()).endpoint(endpoint).snapshot(NAME, "main");
        assert!(matches!(found, Err(Error::Hub(HubError::Download(DownloadError::Address { .. })))), "{endpoint:?}");
    }
    let server = Server::new(good);
    let error = cache.hub(&server).token("hf\r\nX: y").snapshot(NAME, "main").unwrap_err();
    assert!(error.to_string().contains("HF_TOKEN") && !error.to_string().contains("X: y"), "{error}");
    assert!(server.requests().is_empty());
}

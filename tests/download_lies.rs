//! Downloads from a server that lies, redirects, and tells where to write.
#![cfg(feature = "download")]

mod support;

use minilm::{DownloadError, Error, SentenceEncoder};
use std::{fs, sync::Arc};
use support::{
    hub::{COMMIT, Cache, FILES, NAME, WEIGHTS, etag, file, good, server},
    server::{End, Reply, Request, Server},
};

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
            matches!(
                &error,
                DownloadError::Mismatch { kind, expected, .. }
                    if *kind == kind_is && *expected == etag(name)
            ),
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
fn a_file_of_unknown_size_does_not_fill_the_disk() {
    // 65 MiB, sent until the connection ends, and announced by no header.
    let server = Server::new(|request| match request.path.ends_with("/config.json") {
        true => good(request).body(&vec![b' '; 65 << 20]).with("Content-Length", ""),
        false => good(request),
    });
    let cache = Cache::new();
    let error = cache.error(&server).to_string();
    assert!(error.contains("but no size, with which a file has at most 67108864 bytes"), "{error}");
    assert_eq!(fs::metadata(cache.incomplete("config.json")).map_or(0, |found| found.len()), 0);
    cache.is_not_whole();
    cache.complete(&Server::new(good));
}

#[test]
fn the_token_goes_to_the_endpoint_and_not_where_it_redirects() {
    let cdn = Arc::new(Server::new(|request| {
        let start = request.start();
        let range = format!("bytes {start}-{}/{}", FILES[WEIGHTS].len() - 1, FILES[WEIGHTS].len());
        let reply = Reply::new(if start == 0 { 200 } else { 206 })
            .with("Content-Range", range)
            .body(&FILES[WEIGHTS][start..]);
        if start == 0 { reply.end(End::Cut(1000)) } else { reply }
    }));
    let to = cdn.url.clone();
    let server = Server::new(move |request| {
        if request.path.starts_with("/moved") {
            return good(&Request {
                path: request.path.replacen("/moved", "", 1),
                ..request.clone()
            });
        }
        let reply = good(request);
        match file(&request.path) {
            WEIGHTS => Reply { status: 302, ..reply }
                .with("Location", format!("{to}/signed?token=x"))
                .body(b""),
            "config.json" => Reply::new(307).with("Location", format!("/moved{}", request.path)),
            _ => reply,
        }
    });
    let cache = Cache::new();
    let hub = cache.hub(&server).token("hf_secret");
    hub.snapshot(NAME, "main").unwrap();
    assert!(
        server
            .requests()
            .iter()
            .all(|request| request.header("authorization") == Some("Bearer hf_secret"))
    );
    assert!(server.requests().iter().any(|request| request.path.starts_with("/moved")));
    let elsewhere = cdn.requests();
    assert_eq!(
        elsewhere.iter().map(Request::start).collect::<Vec<_>>(),
        [0, 1000],
        "the range goes along"
    );
    assert!(
        elsewhere
            .iter()
            .all(|request| request.header("authorization").is_none() && request.method == "GET")
    );
}

#[test]
fn redirects_that_lead_nowhere_end() {
    for (location, text) in [
        ("/loop", "redirects"),
        ("ftp://x/", "neither http nor https"),
        ("http://u@x/", "more than a host"),
    ] {
        let server = Server::new(move |_| Reply::new(302).with("Location", location));
        let error = Cache::new().error(&server);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn an_answer_cannot_write_outside_of_the_cache() {
    type Answer = fn(&Request) -> Reply;
    let etag: Answer = |request| good(request).with("ETag", "\"../../../evil\"");
    let none: Answer =
        |request| Reply { headers: vec![("X-Repo-Commit".into(), COMMIT.into())], ..good(request) };
    let commit: Answer = |request| good(request).with("X-Repo-Commit", "../../evil");
    for answer in [etag, none, commit] {
        let cache = Cache::new();
        let error = cache.error(&Server::new(answer));
        assert!(matches!(error, DownloadError::Answer { .. }), "{error}");
        let inside: Vec<_> =
            fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            inside.iter().all(|name| name == "models--some-org--tiny" || name == ".locks"),
            "{inside:?}"
        );
    }
}

#[test]
fn a_module_cannot_be_outside_of_the_model() {
    let modules = br#"[
        {"idx": 0, "path": "../../../..", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "path": "/etc", "type": "sentence_transformers.models.Pooling"}
    ]"#;
    let server = Server::new(move |request| match file(&request.path) {
        "modules.json" => {
            Reply::new(200).with("X-Repo-Commit", COMMIT).with("ETag", "\"modules\"").body(modules)
        }
        _ => good(request),
    });
    let cache = Cache::new();
    let error =
        SentenceEncoder::builder().hub(cache.hub(&server)).from_hub(NAME).map(drop).unwrap_err();
    assert!(matches!(error, Error::Field { field: "path", .. }), "{error}");
    assert!(
        server
            .requests()
            .iter()
            .all(|request| !request.path.contains("..") && !request.path.contains("etc/"))
    );
}

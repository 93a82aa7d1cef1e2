//! Downloads over a network that stalls and cuts, from a server that fails or lacks the requested
//! file.
#![cfg(feature = "download")]

mod support;

use minilm::DownloadError;
use std::{
    fs,
    time::{Duration, Instant},
};
use support::{
    hub::{Cache, FILES, WEIGHTS, gets, good, server},
    server::{End, Reply, Request, Server},
};

#[test]
fn a_download_that_stalls_or_is_cut_goes_on_where_it_was() {
    for end in [End::Stall(10_000), End::Cut(10_000)] {
        // Five times in a row, more often than attempts that bring nothing are allowed.
        let server =
            server("GET", WEIGHTS, move |n, request| (n < 5).then(|| good(request).end(end)));
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
                Reply::new(206)
                    .with("Content-Range", format!("bytes {}-", request.start()))
                    .body(&[0])
                    .end(End::Stall(0))
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
    let elsewhere: Answer =
        |_| Reply::new(206).with("Content-Range", "bytes 5-10/20").body(b"123456");
    let never: Answer = |_| Reply::new(416);
    for (i, answer) in [whole, elsewhere, never].into_iter().enumerate() {
        let server = server("GET", WEIGHTS, move |_, request| {
            (request.start() > 0).then(|| answer(request))
        });
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
            matches!(
                &error,
                DownloadError::GaveUp { attempts: 3, reason, .. }
                    if reason.contains(&status.to_string())
            ),
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
    let missing =
        |code: &'static str| Server::new(move |_| Reply::new(404).with("X-Error-Code", code));
    for (server, status) in [
        (missing("RepoNotFound"), 404),
        (missing("RevisionNotFound"), 404),
        (
            Server::new(|_| {
                Reply::new(401).with("X-Error-Message", "Invalid username or password.")
            }),
            401,
        ),
        (Server::new(|_| Reply::new(403).with("X-Error-Code", "GatedRepo")), 403),
    ] {
        let error = Cache::new().error(&server);
        assert!(
            matches!(error, DownloadError::Refused { status: found, .. } if found == status),
            "{error}"
        );
        assert!(error.to_string().contains("HF_TOKEN"));
        assert_eq!(server.requests().len(), 1);
    }
    for name in ["config.json", WEIGHTS, "1_Pooling/config.json"] {
        let server = server("HEAD", name, |_, _| Some(Reply::new(404)));
        let error = Cache::new().error(&server);
        assert!(
            matches!(&error, DownloadError::NotFound { url, .. } if url.ends_with(name)),
            "{error}"
        );
    }
}

//! Downloads from servers that misbehave: the program ends with a message that names the address,
//! in a bounded time, and a good server completes what is there.

#[path = "../../../../tests/support/repository.rs"]
mod repository;
#[allow(dead_code, reason = "the tests of downloads look at more of a request")]
#[path = "../../../../tests/support/server.rs"]
mod server;

use super::{Counts, Extent, lab};
use lab::Lab;
use repository::{NAME, WEIGHTS, good};
use server::{End, Reply, Request, Server};
use std::{
    collections::BTreeMap,
    fs,
    process::Output,
    sync::{Arc, LazyLock},
    thread,
    time::{Duration, Instant},
};

/// The longest that a download may take: five attempts that wait for twenty seconds each, and the
/// pauses between them, twice.
const LONGEST: Duration = Duration::from_secs(300);

static FILES: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    lab::model_files().into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
});

/// A server's answer to the n-th request.
type Answer = fn(usize, &Request) -> Reply;

/// A way to misbehave.
struct Hostile {
    name: &'static str,
    answer: Answer,
    /// Whether the download works all the same.
    works: bool,
    /// Whether the end comes soon, without attempts that are repeated.
    soon: bool,
}

const fn hostile(name: &'static str, works: bool, soon: bool, answer: Answer) -> Hostile {
    Hostile { name, answer, works, soon }
}

fn is_content(request: &Request) -> bool {
    request.is("GET", WEIGHTS)
}

/// What to do with the content of the weights; the rest is as it should be.
fn content(request: &Request, change: impl Fn(Reply) -> Reply) -> Reply {
    let reply = good(&FILES, request);
    if is_content(request) { change(reply) } else { reply }
}

const HOSTILE: [Hostile; 16] = [
    hostile("in drops", true, true, |n, request| match n % 3 {
        0 => good(&FILES, request).end(End::Cut(7)),
        _ => content(request, |reply| reply.end(End::Cut(200_000))),
    }),
    hostile("cut for ever", false, false, |_, request| {
        content(request, |reply| reply.end(End::Cut(0)))
    }),
    hostile("too short", false, false, |_, request| {
        content(request, |reply| {
            let half = reply.body.len() / 2;
            Reply { body: reply.body[..half].to_vec(), ..reply }
        })
    }),
    hostile("too long", false, true, |_, request| {
        content(request, |reply| {
            let body = [reply.body.clone(), vec![0; 100_000]].concat();
            Reply { body, ..reply }
        })
    }),
    hostile("another length announced", true, false, |_, request| {
        content(request, |reply| {
            let length = reply.body.len() + 1000;
            reply.with("Content-Length", length)
        })
    }),
    hostile("a body without end", false, true, |_, request| {
        content(request, |reply| reply.body(&vec![b'x'; 32 << 20]).with("Content-Length", ""))
    }),
    hostile("redirects without end", false, true, |n, _| {
        Reply::new(302).with("Location", format!("/again/{n}"))
    }),
    hostile("a redirect to a file", false, true, |_, _| {
        Reply::new(302).with("Location", "file:///etc/passwd")
    }),
    hostile("garbage as gzip", false, true, |_, request| {
        content(request, |reply| {
            let length = reply.body.len();
            reply.body(&vec![0x1f; length]).with("Content-Encoding", "gzip")
        })
    }),
    hostile("HTML in place of weights", false, true, |_, request| {
        content(request, |reply| {
            let mut page = b"<!DOCTYPE html><title>Please log in</title>".to_vec();
            page.resize(reply.body.len(), b' ');
            reply.body(&page).with("Content-Type", "text/html")
        })
    }),
    hostile("a page for everything", false, true, |_, _| {
        Reply::new(200).body(b"<!DOCTYPE html><title>Please log in</title>")
    }),
    hostile("closes at once", false, false, |_, request| {
        content(request, |reply| Reply { status: 0, ..reply }.body(b"").end(End::Cut(0)))
    }),
    hostile("is busy", false, false, |_, _| Reply::new(503)),
    hostile("wants a token", false, true, |_, _| Reply::new(401)),
    hostile("never resumes", false, false, |n, request| {
        content(request, |reply| match request.start() {
            0 => reply.end(End::Cut(1000 * (n % 2))),
            _ => Reply::new(416),
        })
    }),
    hostile("stalls", false, false, |_, request| {
        content(request, |reply| reply.end(End::Stall(0)))
    }),
];

pub fn run(lab: &Lab, extent: &mut Extent) -> Result<Counts, String> {
    let chosen = HOSTILE.iter().filter(|hostile| hostile.soon || extent.sample.is_none());
    let chosen: Vec<&Hostile> = chosen.collect();
    let failures: Vec<String> = thread::scope(|scope| {
        let downloads: Vec<_> =
            chosen.iter().map(|hostile| scope.spawn(|| download(lab, hostile))).collect();
        let results = downloads.into_iter().map(|download| download.join().expect("no panic"));
        results.filter_map(Result::err).collect()
    });
    if failures.is_empty() {
        Ok(vec![("hostile servers", chosen.len() as u64)])
    } else {
        Err(failures.join("\n"))
    }
}

/// A download from a hostile server, then one from a good server into the same cache.
fn download(lab: &Lab, hostile: &Hostile) -> Result<(), String> {
    let home = lab.root.join("homes").join(hostile.name.replace(' ', "-"));
    fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let answer = hostile.answer;
    let bad = Server::new(move |request| {
        answer(count.fetch_add(1, std::sync::atomic::Ordering::Relaxed), request)
    });
    let embed = |url: &str| -> Result<Output, String> {
        let mut command = lab.command(&lab.root, &["embed", "-q", "--model", NAME, "cat"]);
        command.env("HF_HOME", &home).env("HF_ENDPOINT", url).env_remove("MINILM_MODEL");
        command.output().map_err(|error| format!("{command:?}: {error}"))
    };
    let wrong = |what: &str, output: &Output| {
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(format!("a server that {:?}: {what}: {}: {message}", hostile.name, output.status))
    };
    let start = Instant::now();
    let output = embed(&bad.url)?;
    let message = String::from_utf8_lossy(&output.stderr);
    if start.elapsed() > LONGEST {
        return wrong(&format!("took {:?}", start.elapsed()), &output);
    }
    match output.status.code() {
        Some(0) if hostile.works => {}
        Some(1) if !hostile.works && message.lines().count() == 1 && message.contains("://") => {}
        _ => return wrong("ends wrongly", &output),
    }
    let output = embed(&Server::new(|request| good(&FILES, request)).url)?;
    if !output.status.success() {
        return wrong("then a good server does not help", &output);
    }
    Ok(())
}

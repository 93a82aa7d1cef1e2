//! A model's repository, as Hugging Face serves it.

use super::server::{Reply, Request};
use sha1::{Digest, Sha1};
use sha2::Sha256;
use std::collections::BTreeMap;

/// The only commit of the model, and the server's name of the model.
pub const COMMIT: &str = "8b3219a92973c328a8e22fadcfa821b5dc75636a";
pub const NAME: &str = "some-org/tiny";
pub const WEIGHTS: &str = "model.safetensors";

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The etag that Hugging Face gives a file: of large ones the SHA-256, of others what git calls
/// them.
pub fn etag(file: &str, bytes: &[u8]) -> String {
    match file {
        WEIGHTS => hex(Sha256::digest(bytes)),
        _ => hex(Sha1::new_with_prefix(format!("blob {}\0", bytes.len()))
            .chain_update(bytes)
            .finalize()),
    }
}

/// The file that a path names, whatever the revision.
pub fn file(path: &str) -> &str {
    let rest = path.strip_prefix("/some-org/tiny/resolve/").unwrap_or_else(|| panic!("{path}"));
    rest.split_once('/').expect("a revision and a file").1
}

/// Hugging Face's answer, for a repository with these files.
pub fn good(files: &BTreeMap<String, Vec<u8>>, request: &Request) -> Reply {
    let name = file(&request.path);
    let Some(bytes) = files.get(name) else {
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
    let etag = etag(name, bytes);
    match name {
        WEIGHTS => reply
            .with("X-Linked-Etag", format!("\"{etag}\""))
            .with("X-Linked-Size", bytes.len())
            .with("ETag", "\"cdn\""),
        _ => reply.with("ETag", format!("W/\"{etag}\"")),
    }
}

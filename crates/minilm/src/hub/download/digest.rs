//! The check of a file against the digest in its etag.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The digest of a file's content that its etag holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Promise {
    /// Files in Git LFS: the SHA-256.
    Sha256,
    /// Other files: git's name of the blob, the SHA-1 of `blob <size>\0` and the content.
    Git,
    /// Nothing that can be checked.
    Nothing,
}

impl Promise {
    pub(super) fn of(etag: &str) -> Promise {
        match (etag.len(), etag.bytes().all(|b| b.is_ascii_hexdigit())) {
            (64, true) => Promise::Sha256,
            (40, true) => Promise::Git,
            _ => Promise::Nothing,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Promise::Sha256 => "SHA-256",
            Promise::Git => "git SHA-1",
            Promise::Nothing => "etag",
        }
    }

    /// The digest of a file, in lower-case hexadecimal; `None` if there is nothing to compare it
    /// with.
    pub(super) fn digest(self, path: &Path) -> io::Result<Option<String>> {
        let mut file = File::open(path)?;
        match self {
            Promise::Sha256 => hex(Sha256::new(), &mut file).map(Some),
            Promise::Git => {
                let header = format!("blob {}\0", file.metadata()?.len());
                hex(Sha1::new_with_prefix(header), &mut file).map(Some)
            }
            Promise::Nothing => Ok(None),
        }
    }
}

fn hex<D: Digest>(mut digest: D, file: &mut File) -> io::Result<String> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            n => digest.update(&buffer[..n]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256sum_and_git() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "hello\n").unwrap();
        let digest = |promise: Promise| promise.digest(file.path()).unwrap();
        let sha256 = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";
        // echo hello | git hash-object --stdin
        let git = "ce013625030ba8dba906f756967f9e9ca394464a";
        assert_eq!(digest(Promise::of(sha256)).as_deref(), Some(sha256));
        assert_eq!(digest(Promise::of(git)).as_deref(), Some(git));
        assert_eq!(digest(Promise::of("5f3-abc")), None);
    }
}

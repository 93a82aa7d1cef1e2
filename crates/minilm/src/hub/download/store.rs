//! Blobs, links, and marks of files that do not exist, written as Python writes them.

use super::{
    DownloadError,
    client::{Client, Found},
    digest::Promise,
    transfer::Transfer,
    url::Url,
};
use crate::hub::{cache::Repository, name::Revision};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicUsize, Ordering},
};

/// A file to be stored.
pub(super) struct Entry<'a> {
    pub client: &'a Client<'a>,
    pub repository: &'a Repository,
    pub url: &'a Url,
    pub commit: &'a str,
    /// Its name in the repository.
    pub file: &'a str,
    pub found: &'a Found,
}

impl Entry<'_> {
    /// Downloads the file, unless its blob is there, and links the snapshot to it.
    pub(super) fn store(&self) -> Result<(), DownloadError> {
        let blobs = self.repository.root.join("blobs");
        let blob = blobs.join(&self.found.etag);
        create_directory(&blobs)?;
        let _lock = self.lock()?;
        if !blob.is_file() {
            let incomplete = blobs.join(format!("{}.incomplete", self.found.etag));
            self.download(&incomplete)?;
            rename(&incomplete, &blob)?;
        }
        self.link(&blob)
    }

    fn download(&self, incomplete: &Path) -> Result<(), DownloadError> {
        let Entry { client, url, file, .. } = *self;
        let transfer = Transfer { client, url, file, path: incomplete, size: self.found.size };
        let resumed = transfer.run()?;
        match self.verify(incomplete) {
            // The bytes from before may have been the beginning of another file.
            Err(DownloadError::Mismatch { .. }) if resumed => {
                transfer.run()?;
                self.verify(incomplete)
            }
            verdict => verdict,
        }
    }

    /// Checks the file against its etag, and removes it if they differ.
    fn verify(&self, incomplete: &Path) -> Result<(), DownloadError> {
        let promise = Promise::of(&self.found.etag);
        let digest =
            promise.digest(incomplete).map_err(|source| cannot_write(incomplete, source))?;
        let Some(found) = digest.filter(|digest| !digest.eq_ignore_ascii_case(&self.found.etag))
        else {
            return Ok(());
        };
        fs::remove_file(incomplete).map_err(|source| cannot_write(incomplete, source))?;
        Err(DownloadError::Mismatch {
            url: self.url.to_string(),
            kind: promise.name(),
            expected: self.found.etag.clone(),
            found,
        })
    }

    /// Makes `snapshots/<commit>/<file>` a link to the blob; where there are no links, the file
    /// itself.
    fn link(&self, blob: &Path) -> Result<(), DownloadError> {
        let pointer = self.repository.snapshot(self.commit).join(self.file);
        create_parent(&pointer)?;
        let up = "../".repeat(2 + self.file.matches('/').count());
        let target = format!("{up}blobs/{}", self.found.etag);
        // A dangling link would block the new one.
        if pointer.is_symlink() && !pointer.exists() {
            fs::remove_file(&pointer).map_err(|source| cannot_write(&pointer, source))?;
        }
        match symlink(Path::new(&target), &pointer) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(_) => rename(blob, &pointer),
        }
    }

    /// Keeps other processes, also those in Python, from downloading the same blob at the same
    /// time. If the file system has no locks, two may do the work twice, and the digest says
    /// whether they were in each other's way.
    fn lock(&self) -> Result<File, DownloadError> {
        let root = &self.repository.root;
        let folder = root.file_name().unwrap_or_default();
        let locks = root.with_file_name(".locks").join(folder);
        create_directory(&locks)?;
        let path = locks.join(format!("{}.lock", self.found.etag));
        let file = File::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|source| cannot_write(&path, source))?;
        let _ = file.lock();
        Ok(file)
    }
}

/// Notes that the repository has no such file at this commit.
pub(super) fn note_absence(
    repository: &Repository,
    commit: &str,
    file: &str,
) -> Result<(), DownloadError> {
    let path = repository.absence(commit, file);
    create_parent(&path)?;
    File::create(&path).map(drop).map_err(|source| cannot_write(&path, source))
}

/// Notes which commit a branch or tag is.
pub(super) fn note_reference(
    repository: &Repository,
    revision: &Revision,
    commit: &str,
) -> Result<(), DownloadError> {
    if revision.as_str() == commit {
        return Ok(());
    }
    static WRITTEN: AtomicUsize = AtomicUsize::new(0);
    let path = repository.reference(revision);
    create_parent(&path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    // The name is unique: no other process and no other thread writes this file.
    name.push(format!(".{}-{}.tmp", process::id(), WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let temporary = path.with_file_name(name);
    fs::write(&temporary, commit).map_err(|source| cannot_write(&temporary, source))?;
    rename(&temporary, &path)
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    let target: PathBuf = target.components().collect(); // with the separators of the system
    std::os::windows::fs::symlink_file(target, link)
}

#[cfg(not(any(unix, windows)))]
fn symlink(_: &Path, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn rename(from: &Path, to: &Path) -> Result<(), DownloadError> {
    fs::rename(from, to).map_err(|source| cannot_write(to, source))
}

fn create_parent(path: &Path) -> Result<(), DownloadError> {
    path.parent().map_or(Ok(()), create_directory)
}

fn create_directory(path: &Path) -> Result<(), DownloadError> {
    fs::create_dir_all(path).map_err(|source| cannot_write(path, source))
}

fn cannot_write(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Write { path: PathBuf::from(path), source }
}

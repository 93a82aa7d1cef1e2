//! The bytes of one file, from where an earlier attempt ended.

use super::{Download, DownloadError, client::Client, error::Failure, url::Url};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};
use ureq::{Body, http::Response};

/// The most bytes of a file whose size the server does not say. The weights are larger, and every
/// server says theirs.
const UNANNOUNCED: u64 = 64 << 20;

/// A file on its way.
pub(super) struct Transfer<'a> {
    pub client: &'a Client<'a>,
    pub url: &'a Url,
    /// Its name in the repository.
    pub file: &'a str,
    /// `blobs/<etag>.incomplete`
    pub path: &'a Path,
    pub size: Option<u64>,
}

impl Transfer<'_> {
    /// Gets all bytes into `path`. Returns whether some of them were there before.
    pub(super) fn run(&self) -> Result<bool, DownloadError> {
        let mut to = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path)
            .map_err(|error| self.cannot_write(error))?;
        let mut here = self.length(&to)?;
        if self.size.is_some_and(|size| here > size) {
            here = self.restart(&to)?;
        }
        let resumed = here > 0;
        let (mut most, mut failures) = (here, 0);
        self.report(here);
        while self.size != Some(here) || here == 0 {
            let attempt = self.attempt(&mut to, here);
            here = self.length(&to)?;
            // An attempt that brought new bytes does not count as failed.
            failures = if here > most { 0 } else { failures };
            match attempt {
                Ok(()) if self.size.is_none_or(|size| size == here) => break,
                Ok(()) => self.client.wait(self.url, self.short(here), &mut failures)?,
                Err(failure) => self.client.wait(self.url, failure, &mut failures)?,
            }
            most = most.max(here);
        }
        to.sync_all().map_err(|error| self.cannot_write(error))?;
        Ok(resumed)
    }

    /// One request, appended to `to` until it ends.
    fn attempt(&self, to: &mut File, here: u64) -> Result<(), Failure> {
        let response = self.client.get(self.url, here)?;
        match response.status().as_u16() {
            206 if starts_at(&response) == Some(here) => self.append(response, to, here),
            // The whole file, because the server does not resume or nothing was here.
            200 => {
                self.restart(to)?;
                self.append(response, to, 0)
            }
            status => {
                self.restart(to)?;
                Err(Failure::again(format!("status {status} does not go on from byte {here}")))
            }
        }
    }

    fn append(
        &self,
        response: Response<Body>,
        to: &mut File,
        mut here: u64,
    ) -> Result<(), Failure> {
        let mut from = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let n = match from.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failure::again(error)),
            };
            here += n as u64;
            if here > self.size.unwrap_or(UNANNOUNCED) {
                self.restart(to)?;
                return Err(self.too_long(here).into());
            }
            if let Err(error) = to.write_all(&buffer[..n]) {
                // Bytes that fill the disk are in the way of everything else.
                if error.kind() == io::ErrorKind::StorageFull {
                    self.restart(to)?;
                }
                return Err(self.cannot_write(error).into());
            }
            self.report(here);
        }
    }

    fn too_long(&self, here: u64) -> DownloadError {
        DownloadError::Mismatch {
            url: self.url.to_string(),
            kind: "size",
            expected: match self.size {
                Some(size) => format!("{size} bytes"),
                None => format!("no size, with which a file has at most {UNANNOUNCED} bytes,"),
            },
            found: format!("{here} bytes or more"),
        }
    }

    fn short(&self, here: u64) -> Failure {
        Failure::again(format!(
            "the answer ended after {here} of {} bytes",
            self.size.unwrap_or_default()
        ))
    }

    fn report(&self, done: u64) {
        if let Some(report) = &self.client.remote.on_download {
            report(Download { file: self.file, done, total: self.size });
        }
    }

    /// Removes the bytes that are here.
    fn restart(&self, mut to: &File) -> Result<u64, DownloadError> {
        let emptied = to.set_len(0).and_then(|()| to.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| self.cannot_write(error))
    }

    fn length(&self, to: &File) -> Result<u64, DownloadError> {
        to.metadata().map(|metadata| metadata.len()).map_err(|error| self.cannot_write(error))
    }

    fn cannot_write(&self, source: io::Error) -> DownloadError {
        DownloadError::Write { path: self.path.to_owned(), source }
    }
}

/// The first byte of a partial answer: `Content-Range: bytes 100-199/200`.
fn starts_at(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get("content-range")?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

//! Requests that follow redirects, send the token to the endpoint alone, and are repeated.

use super::{
    DownloadError, Remote,
    error::Failure,
    tls,
    url::{Url, percent_encoded},
};
use crate::hub::name::{Name, is_commit};
use std::{thread, time::Duration};
use ureq::{
    Agent, Body, Proxy,
    http::{HeaderMap, Method, Request, Response, header},
};

/// Most redirects of one request.
const REDIRECTS: usize = 10;
/// Longest that a server may make us wait, in seconds.
const LONGEST_WAIT: u64 = 60;

/// A client for one endpoint.
pub(super) struct Client<'r> {
    agent: Agent,
    endpoint: Url,
    can_https: bool,
    pub remote: &'r Remote,
}

/// The endpoint's description of a file.
#[derive(Debug)]
pub(super) enum Head {
    /// There is no such file at the commit, if it says which.
    Absent {
        commit: Option<String>,
    },
    Found(Found),
}

#[derive(Debug)]
pub(super) struct Found {
    pub commit: Option<String>,
    pub etag: String,
    pub size: Option<u64>,
}

impl Client<'_> {
    pub(super) fn new(remote: &Remote) -> Result<Client<'_>, DownloadError> {
        let endpoint = Url::parse(remote.endpoint.trim_end_matches('/'))?;
        let tls = tls::config(remote.certificates.as_deref())?;
        let can_https = tls.is_some();
        let config = Agent::config_builder()
            .max_redirects(0)
            .http_status_as_error(false)
            .user_agent(concat!("minilm/", env!("CARGO_PKG_VERSION")))
            .accept_encoding("identity") // so that sizes and positions are the file's
            .timeout_resolve(Some(remote.timeout))
            .timeout_connect(Some(remote.timeout))
            .timeout_recv_response(Some(remote.timeout))
            .timeout_per_read(Some(remote.timeout))
            .timeout_per_write(Some(remote.timeout))
            .proxy(if remote.proxy_from_env { Proxy::try_from_env() } else { None });
        let config = tls.into_iter().fold(config, |config, tls| config.tls_config(tls));
        Ok(Client { agent: config.build().new_agent(), endpoint, can_https, remote })
    }

    /// The endpoint's URL of a file.
    pub(super) fn url(&self, name: &Name, revision: &str, file: &str) -> Url {
        let (revision, file) = (percent_encoded(revision, false), percent_encoded(file, true));
        self.endpoint.with_path(&format!("{name}/resolve/{revision}/{file}"))
    }

    /// Requests the description of a file, with repeated attempts.
    pub(super) fn head(&self, url: &Url) -> Result<Head, DownloadError> {
        let mut failures = 0;
        loop {
            match self.try_head(url) {
                Ok(head) => return Ok(head),
                Err(failure) => self.wait(url, failure, &mut failures)?,
            }
        }
    }

    fn try_head(&self, url: &Url) -> Result<Head, Failure> {
        // The endpoint itself describes a large file; the host that it redirects to need not be
        // asked.
        let knows_all = |headers: &HeaderMap| headers.contains_key("x-linked-etag");
        let (said, response) = self.send(&Method::HEAD, url, None, knows_all)?;
        let commit = text(&said, "x-repo-commit").filter(|commit| is_commit(commit));
        let status = response.status().as_u16();
        if status == 404 {
            return match text(response.headers(), "x-error-code").as_deref() {
                None | Some("EntryNotFound") => Ok(Head::Absent { commit }),
                Some(reason) => Err(refused(url, status, reason)),
            };
        }
        check(url, &response)?;
        let etag = text(&said, "x-linked-etag").or_else(|| text(response.headers(), "etag"));
        let length = || {
            text(response.headers(), "content-length").filter(|_| response.status().is_success())
        };
        let size = text(&said, "x-linked-size").or_else(length).and_then(|size| size.parse().ok());
        let etag = etag.map(|etag| etag.trim_start_matches("W/").trim_matches('"').to_owned());
        let Some(etag) = etag.filter(|etag| is_file_name(etag)) else {
            let reason = "the answer has no etag that can name a file".to_owned();
            return Err(DownloadError::Answer { url: url.to_string(), reason }.into());
        };
        Ok(Head::Found(Found { commit, etag, size }))
    }

    /// One request for a file's bytes from `start` on. The answer is 200, 206 or 416.
    pub(super) fn get(&self, url: &Url, start: u64) -> Result<Response<Body>, Failure> {
        let range = (start > 0).then(|| format!("bytes={start}-"));
        let (_, response) = self.send(&Method::GET, url, range.as_deref(), |_| false)?;
        if response.status().as_u16() != 416 {
            check(url, &response)?;
        }
        Ok(response)
    }

    /// Sends a request and follows its redirects until the hub's headers satisfy `is_enough`. Of
    /// several answers with the same header the first counts. Returns the headers and the last
    /// answer.
    fn send(
        &self,
        method: &Method,
        url: &Url,
        range: Option<&str>,
        is_enough: impl Fn(&HeaderMap) -> bool,
    ) -> Result<(HeaderMap, Response<Body>), Failure> {
        let mut at = url.clone();
        let mut said = HeaderMap::new();
        for _ in 0..=REDIRECTS {
            let response = self.send_once(method, &at, range)?;
            for (name, value) in response.headers() {
                if name.as_str().starts_with("x-") && !said.contains_key(name) {
                    said.insert(name, value.clone());
                }
            }
            let location =
                response.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
            let Some(location) =
                location.filter(|_| response.status().is_redirection() && !is_enough(&said))
            else {
                return Ok((said, response));
            };
            let next = at.join(location)?;
            if at.secure && !next.secure {
                return Err(DownloadError::Address {
                    url: next.without_query(),
                    reason: "it leads from https to http",
                }
                .into());
            }
            at = next;
        }
        Err(DownloadError::Answer {
            url: url.to_string(),
            reason: format!("more than {REDIRECTS} redirects"),
        }
        .into())
    }

    fn send_once(
        &self,
        method: &Method,
        url: &Url,
        range: Option<&str>,
    ) -> Result<Response<Body>, Failure> {
        if url.secure && !self.can_https {
            let reason = "https needs a CPU with AES, AVX2, BMI and ADX (x86-64) or AES, SHA-2 and \
                PMULL (AArch64)";
            return Err(DownloadError::Address { url: url.without_query(), reason }.into());
        }
        let mut request = Request::builder().method(method.clone()).uri(url.to_string());
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        if let Some(token) =
            self.remote.token.as_ref().filter(|_| url.has_origin_of(&self.endpoint))
        {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        // The URL is valid, so the token is not.
        let request = request.body(()).map_err(|_| DownloadError::Setting {
            what: "HF_TOKEN",
            reason: "it has a character that cannot be sent".to_owned(),
        })?;
        self.agent
            .run(request)
            .map_err(|error| Failure::again(format!("{}: {error}", url.without_query())))
    }

    /// After a failure: waits before the next attempt, or gives up.
    pub(super) fn wait(
        &self,
        url: &Url,
        failure: Failure,
        failures: &mut u32,
    ) -> Result<(), DownloadError> {
        let (reason, after) = match failure {
            Failure::Final(error) => return Err(error),
            Failure::Again { reason, after } => (reason, after),
        };
        *failures += 1;
        if *failures >= self.remote.attempts {
            return Err(DownloadError::GaveUp {
                url: url.to_string(),
                attempts: *failures,
                reason,
            });
        }
        let pause = self.remote.pause.saturating_mul(1 << (*failures - 1).min(10));
        let asked = Duration::from_secs(after.unwrap_or_default().min(LONGEST_WAIT));
        thread::sleep(pause.min(Duration::from_secs(LONGEST_WAIT)).max(asked));
        Ok(())
    }
}

/// Separates the answers that are no success: those worth another attempt, and those that are not.
fn check(url: &Url, response: &Response<Body>) -> Result<(), Failure> {
    let status = response.status();
    let reason =
        || text(response.headers(), "x-error-message").or(text(response.headers(), "x-error-code"));
    let reason = || {
        reason()
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned())
    };
    match status.as_u16() {
        200..400 => Ok(()),
        408 | 425 | 429 | 500 | 502 | 503 | 504 => {
            let after = text(response.headers(), "retry-after")
                .and_then(|seconds| seconds.trim().parse().ok());
            Err(Failure::Again {
                reason: format!("status {} {}", status.as_u16(), reason()),
                after,
            })
        }
        404 | 410 => Err(DownloadError::NotFound { url: url.to_string() }.into()),
        code => Err(refused(url, code, &reason())),
    }
}

fn refused(url: &Url, status: u16, reason: &str) -> Failure {
    DownloadError::Refused { url: url.to_string(), status, reason: reason.to_owned() }.into()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// Whether an etag can name a file, and no other than in its own folder.
fn is_file_name(etag: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    (1..=200).contains(&etag.len()) && etag.bytes().all(plain) && !etag.starts_with('.')
}

//! The trusted certificates and the cryptography of https.

use super::DownloadError;
use rustls::crypto::CryptoProvider;
use std::{fs, path::Path, sync::Arc};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// The settings for `https`; `None` where the cryptography does not run.
pub(super) fn config(certificates: Option<&Path>) -> Result<Option<TlsConfig>, DownloadError> {
    let Some(provider) = provider() else { return Ok(None) };
    let roots = match certificates {
        None => RootCerts::WebPki,
        Some(path) => RootCerts::new_with_certs(&read(path)?),
    };
    let tls = TlsConfig::builder().provider(TlsProvider::Rustls).root_certs(roots);
    Ok(Some(tls.unversioned_rustls_crypto_provider(Arc::new(provider)).build()))
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn provider() -> Option<CryptoProvider> {
    graviola::util::is_cpu_supported().then(rustls_graviola::default_provider)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn provider() -> Option<CryptoProvider> {
    None
}

/// The certificates of a PEM file.
fn read(path: &Path) -> Result<Vec<Certificate<'static>>, DownloadError> {
    let wrong = |reason: String| DownloadError::Setting {
        what: "certificates",
        reason: format!("{}: {reason}", path.display()),
    };
    let pem = fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() {
        Err(wrong("there is no certificate in it".to_owned()))
    } else {
        Ok(found)
    }
}

#[cfg(test)]
mod tests;

//! https, to a server on loopback whose root only the tests know.
//!
//! `testdata` has a root, and a key with a certificate for `localhost` and 127.0.0.1 that the root
//! has signed, for a hundred years; made with `openssl ecparam -name prime256v1`,
//! `openssl req -x509` and `openssl x509 -req`.

use super::{super::DownloadError, provider};
use crate::{Error, Hub, HubError};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

fn testdata(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "crates/minilm/src/hub/download/testdata", name].iter().collect()
}

/// A server that gives every request the same answer; its URL with the host named as asked for.
fn server(host: &str, answer: String) -> String {
    let certificate = CertificateDer::from_pem_file(testdata("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(testdata("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider().unwrap()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let config =
        Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{host}:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = serve(stream.unwrap(), Arc::clone(&config), &answer); // the client may refuse
        }
    });
    url
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, answer: &str) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.push(byte[0]);
    }
    stream.write_all(answer.as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn error(url: &str, trusts: Option<&str>) -> DownloadError {
    let cache = tempfile::tempdir().unwrap();
    let hub = Hub::new(cache.path())
        .endpoint(url)
        .attempts(1, Duration::ZERO)
        .timeout(Duration::from_secs(5));
    let hub = trusts.into_iter().fold(hub, |hub, name| hub.certificates(testdata(name)));
    match hub.snapshot("a/b", "8b3219a92973c328a8e22fadcfa821b5dc75636a") {
        Err(Error::Hub(HubError::Download(error))) => error,
        other => panic!("{other:?}"),
    }
}

fn absent() -> String {
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
}

#[test]
fn a_server_that_is_trusted_is_heard() {
    for host in ["localhost", "127.0.0.1"] {
        let error = error(&server(host, absent()), Some("ca.pem"));
        assert!(
            matches!(&error, DownloadError::NotFound { url } if url.ends_with("/config.json")),
            "{error}"
        );
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_not() {
    for trusts in [None, Some("server.pem")] {
        let error = error(&server("localhost", absent()), trusts);
        assert!(
            matches!(&error, DownloadError::GaveUp { reason, .. } if reason.contains("ertificate")),
            "{error}"
        );
    }
    let error = error(
        &server("localhost.", absent()).replace("localhost.", "[::ffff:127.0.0.1]"),
        Some("ca.pem"),
    );
    assert!(
        matches!(error, DownloadError::GaveUp { .. }),
        "a certificate for another name: {error}"
    );
}

#[test]
fn https_does_not_lead_to_http() {
    let answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\
        Connection: close\r\n\r\n";
    let error = error(&server("localhost", answer.to_owned()), Some("ca.pem"));
    assert!(
        matches!(error, DownloadError::Address { reason: "it leads from https to http", .. }),
        "{error}"
    );
}

#[test]
fn certificates_that_are_none_are_named() {
    for name in ["server.key", "none.pem"] {
        let error = error("https://localhost:9", Some(name));
        assert!(
            matches!(
                &error,
                DownloadError::Setting { what: "certificates", reason } if reason.contains(name)
            ),
            "{error}"
        );
    }
}

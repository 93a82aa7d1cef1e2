//! A proxy that answers nothing and records the requests.

use std::{
    io::{BufRead, BufReader},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

/// Hosts that Chromium contacts by itself, with any options: the time, updates, accounts.
const CHROMIUMS_OWN: [&str; 3] = [".google.com", ".googleapis.com", ".gvt1.com"];

/// Listens as long as the program runs.
pub(super) struct Network {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Network {
    pub(super) fn listen() -> Result<Network, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .map_err(|error| format!("no port to listen at: {error}"))?;
        let port = listener.local_addr().map_err(|error| error.to_string())?.port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let line = first_line(stream);
                heard.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        Ok(Network { port, requests })
    }

    /// The requests since the last call, without Chromium's own.
    pub(super) fn heard(&self) -> Vec<String> {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.drain(..).filter(|line| !is_chromiums_own(line)).collect()
    }
}

fn first_line(stream: TcpStream) -> String {
    let mut line = String::new();
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    // A connection without a request is recorded too.
    let _ = BufReader::new(stream).read_line(&mut line);
    line.trim_end().to_owned()
}

/// `GET http://host/… HTTP/1.1` or `CONNECT host:443 HTTP/1.1`
fn is_chromiums_own(line: &str) -> bool {
    let address = line.split(' ').nth(1).unwrap_or_default();
    let address = address.split_once("://").map_or(address, |(_, rest)| rest);
    let host = address.split(['/', ':']).next().unwrap_or_default();
    line.is_empty() || CHROMIUMS_OWN.iter().any(|own| host.ends_with(own))
}

#[cfg(test)]
mod tests {
    use super::is_chromiums_own;

    #[test]
    fn only_chromiums_own_requests_are_ignored() {
        for own in [
            "CONNECT update.googleapis.com:443 HTTP/1.1",
            "GET http://clients2.google.com/time/1/current?a=b HTTP/1.1",
            "",
        ] {
            assert!(is_chromiums_own(own), "{own}");
        }
        for page in [
            "GET http://elsewhere.test/.google.com HTTP/1.1",
            "CONNECT google.com.test:443 HTTP/1.1",
            "nonsense",
        ] {
            assert!(!is_chromiums_own(page), "{page}");
        }
    }
}

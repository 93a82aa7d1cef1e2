//! A server on loopback that answers, or misbehaves, as a test says.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// Longer than any client of a test waits.
const FOREVER: Duration = Duration::from_secs(4);

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The first byte that is asked for.
    pub fn start(&self) -> usize {
        let range =
            self.header("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-'));
        range.map_or(0, |start| start.parse().expect("a number"))
    }

    pub fn is(&self, method: &str, end: &str) -> bool {
        self.method == method && self.path.ends_with(end)
    }
}

#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub end: End,
}

/// The part of the body that is sent.
#[derive(Debug, Clone, Copy)]
pub enum End {
    Whole,
    /// So many bytes, and the connection ends.
    Cut(usize),
    /// So many bytes, and nothing more for a long time.
    Stall(usize),
}

impl Reply {
    pub fn new(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new(), end: End::Whole }
    }

    pub fn with(mut self, name: &str, value: impl ToString) -> Reply {
        self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn body(mut self, bytes: &[u8]) -> Reply {
        self.body = bytes.to_vec();
        self
    }

    pub fn end(mut self, end: End) -> Reply {
        self.end = end;
        self
    }

    fn send(&self, method: &str, mut to: TcpStream) -> std::io::Result<()> {
        write!(to, "HTTP/1.1 {} x\r\nConnection: close\r\n", self.status)?;
        // An empty value leaves the header out.
        for (name, value) in self.headers.iter().filter(|(_, value)| !value.is_empty()) {
            write!(to, "{name}: {value}\r\n")?;
        }
        if self.headers.iter().all(|(name, _)| !name.eq_ignore_ascii_case("content-length")) {
            write!(to, "Content-Length: {}\r\n", self.body.len())?;
        }
        write!(to, "\r\n")?;
        if method == "HEAD" {
            return Ok(());
        }
        let sent = match self.end {
            End::Whole => self.body.len(),
            End::Cut(n) | End::Stall(n) => n.min(self.body.len()),
        };
        to.write_all(&self.body[..sent])?;
        to.flush()?;
        if let End::Stall(_) = self.end {
            thread::sleep(FOREVER);
        }
        Ok(())
    }
}

/// Runs until the test program ends.
#[derive(Debug)]
pub struct Server {
    pub url: String,
    pub requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, log) = (Arc::new(answer), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    let stream = stream.unwrap();
                    let Some(request) = read(&stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    // the client may have gone
                    let _ = answer(&request).send(&request.method, stream);
                });
            }
        });
        Server { url, requests }
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), value.trim().to_owned()))
    });
    Some(Request { method, path, headers: headers.collect() })
}

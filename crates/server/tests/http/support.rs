//! A server on a free port, and a client of a few lines.

use minilm::SentenceEncoder;
use minilm_server::{Limits, Server};
use serde_json::Value;
use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// The repository's model.
pub static ENCODER: LazyLock<SentenceEncoder> = LazyLock::new(|| {
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
    SentenceEncoder::load(weights).expect("the repository's model loads")
});

/// A server that runs until it is dropped.
pub struct Running {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of a request that went well.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()
    }
}

/// The model under its name, with the usual limits.
pub fn usual() -> Running {
    start(Server::new("all-MiniLM-L6-v2", ENCODER.clone()))
}

pub fn limited(limits: Limits) -> Running {
    start(Server::new("all-MiniLM-L6-v2", ENCODER.clone()).limits(limits))
}

pub fn start(server: Server) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    let run = move || server.run_until(listener, || asked.load(Ordering::SeqCst));
    Running { address, stop, thread: Some(thread::spawn(run)) }
}

impl Running {
    pub fn post(&self, path: &str, body: &str) -> Answer {
        self.request("POST", path, "", body)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path, "", "")
    }

    pub fn request(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = self.connect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\
             Connection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        answer(stream).expect("an answer")
    }

    /// A connection whose reads do not wait for ever.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream
    }

    /// Asks it to stop.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Stops it, and waits until it has.
    pub fn join(&mut self) -> io::Result<()> {
        self.stop();
        self.thread.take().map_or(Ok(()), |thread| thread.join().expect("no panic"))
    }

    /// The value of a metric, by the beginning of its line.
    pub fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").body;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        let value = line.and_then(|line| line.rsplit(' ').next()?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.join();
    }
}

/// Everything that a server sends until it closes the connection.
pub fn answer(mut stream: TcpStream) -> io::Result<Answer> {
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

/// A list of numbers, read to the bits of `f32`.
#[track_caller]
pub fn vector(value: &Value) -> Vec<f32> {
    let list = value.as_array().expect("a list").iter();
    list.map(|x| x.to_string().parse().expect("a number")).collect()
}

/// The vector that the library gives.
pub fn expected(text: &str) -> Vec<f32> {
    ENCODER.encode_one(text).unwrap().to_vec()
}

//! `minilm serve`, from the command line to its stop: `--features serve`. The interfaces have
//! their tests in `crates/server`.
#![cfg(all(feature = "serve", unix))]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};
use support::{finish, jsonl, program, repository, run};

/// A server that is killed if its test fails.
struct Serve {
    child: Child,
    /// Its first line.
    line: String,
    address: String,
}

impl Serve {
    fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Serve {
        let arguments = [&["serve", "--address", "127.0.0.1:0"], arguments].concat();
        let mut command = program(&arguments);
        let mut child = command.envs(environment.iter().copied()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        Serve { child, line, address }
    }

    fn post(&self, headers: &str, body: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(
            stream,
            "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
    }

    /// The exit status after a signal.
    fn end(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const OK: &str = "HTTP/1.1 200 OK";

#[test]
fn it_answers_until_a_signal_and_ends_well() {
    let server = Serve::start(&[], &[]);
    assert!(
        server.line.starts_with("minilm: all-MiniLM-L6-v2 listens on http://"),
        "{}",
        server.line
    );
    let (status, body) = server.post("", r#"{"input": "one text"}"#);
    assert_eq!(status, OK, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let found: Vec<f32> = serde_json::from_value(body["data"][0]["embedding"].clone()).unwrap();
    let expected = jsonl(&run(&["embed", "one text", "--format", "jsonl"]).ok());
    assert_eq!(found, expected[0].embedding);
    assert_eq!(server.end("-TERM"), Some(0));
    assert_eq!(Serve::start(&[], &[]).end("-INT"), Some(0));
}

#[test]
fn models_have_names_and_a_key_may_be_needed() {
    let weights = repository().join("weights/all-MiniLM-L6-v2");
    let also = format!("second={}", weights.display());
    let arguments = ["--name", "a", "--name", "b", "--also", &also, "--precision", "int8"];
    let server = Serve::start(&arguments, &[("MINILM_API_KEY", "secret")]);
    for name in ["a", "b", "second"] {
        let body = format!(r#"{{"input": "x", "model": "{name}"}}"#);
        assert_eq!(server.post("Authorization: Bearer secret\r\n", &body).0, OK);
        assert_eq!(server.post("", &body).0, "HTTP/1.1 401 Unauthorized");
    }
    let unknown = r#"{"input": "x", "model": "c"}"#;
    let (status, body) = server.post("Authorization: Bearer secret\r\n", unknown);
    assert_eq!(status, "HTTP/1.1 404 Not Found");
    assert!(body.contains("this server has a, b, second"), "{body}");
}

#[test]
fn what_cannot_be_served_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = run(&["serve", "--address", &address]);
    assert!(message.message(1).starts_with(&format!("cannot serve on {address}: ")));
    let free = ["serve", "--address", "127.0.0.1:0"];
    let wrong = |more: &[&str]| run(&[&free[..], more].concat());
    assert_eq!(wrong(&["--also", "x"]).message(2), "--also: \"x\" is not NAME=MODEL");
    assert!(wrong(&["--also", "x=/no/such"]).message(1).contains("/no/such"));
    assert_eq!(wrong(&["--queue", "0"]).status, Some(2));
    assert_eq!(finish(program(&free).env("MINILM_MODEL", "/no/such"), b"").status, Some(1));
}

//! The examples run, and print the output that they promise.
//!
//! `cargo test` builds them with the tests; `cargo test --test examples`, which names a target,
//! does not: `cargo build --examples` before it.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Command, Output, Stdio},
};

/// The output of an example for this input.
fn run(name: &str, input: &str) -> String {
    let output = output(name, input.as_bytes());
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn output(name: &str, input: &[u8]) -> Output {
    finish(&mut example(name), input)
}

fn example(name: &str) -> Command {
    let tests = env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples")
        .join(format!("{name}{}", env::consts::EXE_SUFFIX));
    assert!(program.exists(), "{} is not built: cargo build --examples", program.display());
    let mut example = Command::new(program);
    example.current_dir(env!("CARGO_MANIFEST_DIR"));
    example
}

fn finish(example: &mut Command, input: &[u8]) -> Output {
    let mut child = example
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).ok(); // most do not read it
    child.wait_with_output().unwrap()
}

#[test]
fn server() {
    let mut server = example("server")
        .arg("127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on ").expect("its address");
    let (status, body) = post(address, r#"{"texts": ["A man is eating food."]}"#);
    let (refused, _) = post(address, r#"{"texts": 1}"#);
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(status, "HTTP/1.1 200 OK", "{body}");
    assert_eq!(refused, "HTTP/1.1 422 Unprocessable Entity");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let row: Vec<f32> = serde_json::from_value(body["embeddings"][0].clone()).unwrap();
    let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2").unwrap();
    assert_eq!(row, encoder.encode_one("A man is eating food.").unwrap().to_vec());
}

/// The first line of the answer to a request, and its body.
fn post(address: &str, json: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = json.len();
    write!(
        stream,
        "POST /embed HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{json}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
    (head.lines().next().unwrap_or_default().to_owned(), body.to_owned())
}

#[test]
fn search_notes() {
    // An index that another build has left may be of another space.
    std::fs::remove_file(env::temp_dir().join("minilm-example-notes.index")).ok();
    for _ in 0..2 {
        let found = run("search_notes", ""); // the second time from the index
        assert!(found.lines().nth(1).is_some_and(|first| first.contains("red wine")), "{found}");
        assert_eq!(found.lines().count(), 4);
    }
}

#[test]
fn cluster_tickets() {
    let found = run("cluster_tickets", "");
    let sizes: Vec<&str> =
        found.lines().filter_map(|line| line.split_once(" × ")).map(|(size, _)| size).collect();
    assert_eq!(sizes, ["4", "4", "3", "3"], "{found}");
}

#[test]
fn dedupe_dataset() {
    let kept = run("dedupe_dataset", "");
    let ids: Vec<u64> = kept
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(ids, [1, 2, 4, 6, 8]);
}

#[test]
fn rerank() {
    let found = run("rerank", "");
    assert!(found.lines().skip(1).take(2).all(|line| line.contains(" * ")), "{found}");
    assert!(found.ends_with("0.37 before, 1.00 after\n"), "{found}");
}

#[test]
fn embed_stream() {
    assert!(
        run("embed_stream", "one\ntwo\nthree\n")
            .starts_with("3 texts, 0 of them longer than 256 tokens, in ")
    );
    assert!(
        !output("embed_stream", b"one\n\xff\nthree\n").status.success(),
        "a line that is no text ends nothing silently"
    );
}

#[test]
fn embedded() {
    let place = tempfile::tempdir().unwrap();
    let output = finish(example("embedded").current_dir(place.path()).env_clear(), b"");
    assert_eq!(output.stdout, b"The meeting is moved to Thursday.\n", "{output:?}");
    assert!(place.path().read_dir().unwrap().next().is_none(), "it leaves nothing behind");
}

#[test]
fn where_no_thread_can_be_started_the_main_thread_works_alone() {
    let mut example = example("embed_stream");
    example.env("RUST_MIN_STACK", (1_u64 << 60).to_string()); // no thread gets a stack of that size
    let output = finish(&mut example, "one of many texts\n".repeat(100).as_bytes());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b"100 texts"), "{}", String::from_utf8_lossy(&output.stdout));
}

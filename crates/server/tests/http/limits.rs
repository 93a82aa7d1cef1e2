use crate::support::{answer, expected, limited, usual, vector};
use minilm_server::Limits;
use serde_json::json;
use std::{
    io::{Read, Write},
    time::{Duration, Instant},
};

const PATH: &str = "/v1/embeddings";

#[test]
fn a_body_of_10_mb_is_refused() {
    let server = usual();
    let body = json!({ "input": "x".repeat(10 << 20) }).to_string();
    let refused = server.post(PATH, &body);
    assert_eq!(refused.status, 413);
    assert!(refused.json()["error"]["message"].as_str().unwrap().contains("8388608 bytes"));
    // One text of 6 MB is read as far as the model reads.
    let body = json!({ "input": "x ".repeat(3 << 20) }).to_string();
    assert_eq!(server.post(PATH, &body).ok()["usage"]["prompt_tokens"], 256);
}

#[test]
fn a_body_in_chunks_is_a_body() {
    let server = usual();
    let mut stream = server.connect();
    let head = "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
                Transfer-Encoding: chunked\r\n\r\n";
    let body = "9\r\n{\"input\":\r\n6\r\n \"one\"\r\n1\r\n}\r\n0\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    assert_eq!(answer(stream).unwrap().status, 200);
}

#[test]
fn a_full_queue_refuses_with_429() {
    let server = limited(Limits { queue: 4, ..Default::default() });
    let refused = server.post(PATH, &json!({ "input": vec!["x"; 5] }).to_string());
    assert_eq!(refused.status, 429);
    assert!(refused.head.contains("retry-after: 1"), "{}", refused.head);
    assert_eq!(refused.json()["error"]["code"], "rate_limit_exceeded");
    assert_eq!(server.post("/embed", &json!({ "inputs": vec!["x"; 5] }).to_string()).status, 429);
    server.post(PATH, &json!({ "input": vec!["x"; 4] }).to_string()).ok();
}

#[test]
fn an_answer_that_takes_too_long_is_503() {
    let server = limited(Limits { answer: Duration::from_millis(1), ..Default::default() });
    let texts: Vec<String> = (0..30).map(|i| format!("{i} {}", "word ".repeat(200))).collect();
    let late = server.post(PATH, &json!({ "input": texts }).to_string());
    assert_eq!(late.status, 503);
    assert_eq!(late.json()["error"]["type"], "server_error");
}

#[test]
fn slow_clients_are_not_waited_for() {
    let quick = Duration::from_millis(300);
    let server = limited(Limits { read: quick, write: quick, ..Default::default() });
    let start = Instant::now();
    let mut nothing = server.connect();
    let mut head = server.connect();
    head.write_all(b"POST /v1/embeddings HTTP/1.1\r\nHost: ").unwrap();
    let mut body = server.connect();
    body.write_all(b"POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
        .unwrap();
    let late = answer(body).unwrap();
    assert_eq!(late.status, 408);
    assert!(late.json()["error"]["message"].as_str().unwrap().contains("0.3 s"));
    for stream in [&mut nothing, &mut head] {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap(); // closed by the server, with or without a 408
    }
    assert!(start.elapsed() < Duration::from_secs(20));

    // A client that takes nothing of a long answer.
    let texts = vec!["the same text"; 2048];
    let json = json!({ "input": texts }).to_string();
    let mut deaf = server.connect();
    let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", json.len());
    deaf.write_all(head.as_bytes()).unwrap();
    deaf.write_all(json.as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    // The connection that asks is one, the deaf client's another.
    while server.metric("minilm_texts_total") < 2048.0 || server.metric("minilm_connections") > 1.0
    {
        assert!(Instant::now() < deadline, "the connection is still open");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn clients_that_go_away_leave_nothing_behind() {
    let server = usual();
    for length in [10, 100] {
        let mut stream = server.connect();
        let head = format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(br#"{"input": "#).unwrap();
    }
    let found = server.post(PATH, r#"{"input": "x"}"#).ok();
    assert_eq!(vector(&found["data"][0]["embedding"]), expected("x"));
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.metric("minilm_connections") > 1.0
        || server.metric("minilm_requests_running") > 1.0
    {
        assert!(Instant::now() < deadline, "a connection is still open");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_connection_takes_many_requests() {
    let server = usual();
    let mut stream = server.connect();
    let json = r#"{"input": "x"}"#;
    let keep =
        format!("POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{json}", json.len());
    let close = keep.replace("Host: x", "Host: x\r\nConnection: close");
    stream.write_all((keep.clone() + &keep + &close).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 3, "{text}");
}

#[test]
fn noise_that_is_no_http_is_answered_or_closed() {
    let server = usual();
    for noise in ["\r\n\r\n", "GET\r\n\r\n", "\0\0\0\0\r\n\r\n", "GET / HTTP/9.9\r\n\r\n"] {
        let mut stream = server.connect();
        stream.write_all(noise.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "{noise:?}");
    }
    assert_eq!(server.get("/health").status, 200);
}

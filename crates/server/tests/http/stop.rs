use crate::support::{answer, expected, usual, vector};
use serde_json::json;
use std::{io::Write, net::TcpStream, thread, time::Duration};

/// Requests that were sent before the stop get their answers, then the server is gone.
#[test]
fn nothing_is_lost_at_a_stop() {
    let mut server = usual();
    let texts: Vec<String> = (0..64).map(|i| format!("{i} {}", "some words ".repeat(20))).collect();
    let json = json!({ "input": texts }).to_string();
    let request = format!(
        "POST /v1/embeddings HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    );
    let streams: Vec<TcpStream> = (0..16)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    let address = server.address;
    let readers: Vec<_> = streams.into_iter().map(|s| thread::spawn(move || answer(s))).collect();
    server.join().expect("it stops");
    for reader in readers {
        let answer = reader.join().unwrap().expect("a whole answer").ok();
        assert_eq!(vector(&answer["data"][63]["embedding"]), expected(&texts[63]));
    }
    assert!(TcpStream::connect_timeout(&address, Duration::from_secs(5)).is_err());
}

#[test]
fn idle_connections_do_not_hold_it() {
    let mut server = usual();
    let idle: Vec<TcpStream> = (0..4)
        .map(|_| {
            let mut stream = server.connect();
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
            let mut first = [0; 15];
            std::io::Read::read_exact(&mut stream, &mut first).unwrap();
            assert_eq!(&first, b"HTTP/1.1 200 OK");
            stream
        })
        .collect();
    let start = std::time::Instant::now();
    server.join().expect("it stops");
    assert!(start.elapsed() < Duration::from_secs(10), "connections that wait are closed");
    drop(idle);
}

use crate::support::{expected, usual, vector};
use serde_json::json;

#[test]
fn embed_and_embeddings_give_vectors() {
    let server = usual();
    let body = json!({ "model": "all-MiniLM-L6-v2", "input": ["one", "two"], "keep_alive": "5m",
        "options": { "num_ctx": 256 } });
    let found = server.post("/api/embed", &body.to_string()).ok();
    assert_eq!(vector(&found["embeddings"][1]), expected("two"));
    assert_eq!((&found["prompt_eval_count"], &found["model"]), (&json!(6), &body["model"]));
    assert!(found["total_duration"].as_u64().unwrap() > 0);
    let one = r#"{"model": "all-MiniLM-L6-v2:latest", "input": "one", "dimensions": 16}"#;
    assert_eq!(vector(&server.post("/api/embed", one).ok()["embeddings"][0]).len(), 16);
    let none = server.post("/api/embed", r#"{"model": "all-MiniLM-L6-v2", "input": []}"#).ok();
    assert_eq!(none["embeddings"], json!([]));

    let old = r#"{"model": "all-MiniLM-L6-v2", "prompt": "one"}"#;
    assert_eq!(vector(&server.post("/api/embeddings", old).ok()["embedding"]), expected("one"));
}

#[test]
fn errors_are_one_string() {
    let server = usual();
    let long = "word ".repeat(300);
    let cases = [
        (json!({ "model": "llama", "input": "x" }), 404, "llama"),
        (json!({ "input": "x" }), 400, "model"),
        (json!({ "model": "all-MiniLM-L6-v2", "input": 1 }), 400, "a number"),
        (json!({ "model": "all-MiniLM-L6-v2", "input": "x", "dimensions": 0 }), 400, "dimensions"),
        (json!({ "model": "all-MiniLM-L6-v2", "input": "x", "stream": 1 }), 400, "stream"),
        (json!({ "model": "all-MiniLM-L6-v2", "input": long, "truncate": false }), 400, "256"),
    ];
    for (body, status, part) in cases {
        let answer = server.post("/api/embed", &body.to_string());
        assert_eq!(answer.status, status, "{answer:?}");
        let error = answer.json();
        assert!(error["error"].as_str().is_some_and(|text| text.contains(part)), "{error}");
    }
}

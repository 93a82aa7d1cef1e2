use crate::support::{ENCODER, expected, usual, vector};
use minilm::EncodeOptions;
use serde_json::json;
use std::thread;

/// Requests of all kinds at once: each gets its own bits, and a bad one fails alone.
#[test]
fn requests_that_are_encoded_together_do_not_change_each_other() {
    let server = usual();
    let path = "/v1/embeddings";
    let options = EncodeOptions::new().truncate_dim(32).normalize(true);
    thread::scope(|scope| {
        for i in 0..24 {
            let (server, options) = (&server, &options);
            scope.spawn(move || {
                for round in 0..4 {
                    let text = format!("text {i} of round {round} {}", "more ".repeat(i));
                    match i % 4 {
                        0 => {
                            let ids = [2000 + i as u32, 2100 + round];
                            let found = server.post(path, &json!({ "input": ids }).to_string());
                            let own = ENCODER.encode_ids(&[ids], &EncodeOptions::new()).unwrap();
                            let found = vector(&found.ok()["data"][0]["embedding"]);
                            assert_eq!(found, own.embeddings.row(0).to_vec());
                        }
                        1 => {
                            let body = json!({ "input": [text, "x"], "dimensions": 32 });
                            let found = server.post(path, &body.to_string()).ok();
                            let own = ENCODER.encode_with(&[&text], options).unwrap().embeddings;
                            let found = vector(&found["data"][0]["embedding"]);
                            assert_eq!(found, own.row(0).to_vec());
                        }
                        2 => {
                            let found = server.post(path, r#"{"input": [7, 99999]}"#);
                            assert_eq!(found.status, 400, "{found:?}");
                        }
                        _ => {
                            let found = server.post(path, &json!({ "input": text }).to_string());
                            let found = vector(&found.ok()["data"][0]["embedding"]);
                            assert_eq!(found, expected(&text));
                        }
                    }
                }
            });
        }
    });
    let (batches, texts) =
        (server.metric("minilm_batches_total"), server.metric("minilm_batch_texts_total"));
    assert!(texts == 24.0 * 4.0 + 24.0, "{texts} texts");
    assert!(batches < texts, "{batches} calls for {texts} texts");
}

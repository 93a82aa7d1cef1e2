use crate::support::{ENCODER, expected, usual, vector};
use minilm::EncodeOptions;
use serde_json::{Value, json};

#[test]
fn embed_gives_a_list_of_vectors() {
    let server = usual();
    let one = server.post("/embed", r#"{"inputs": "one"}"#).ok();
    assert_eq!((one.as_array().unwrap().len(), vector(&one[0])), (1, expected("one")));
    let body =
        json!({ "inputs": ["one", "two"], "truncate": true, "truncation_direction": "Right" });
    let two = server.post("/embed", &body.to_string()).ok();
    assert_eq!(vector(&two[1]), expected("two"));

    let raw = server.post("/embed", r#"{"inputs": ["one"], "normalize": false}"#).ok();
    let options = EncodeOptions::new().normalize(false);
    let raw_expected = ENCODER.encode_with(&["one"], &options).unwrap().embeddings;
    assert_eq!(vector(&raw[0]), raw_expected.row(0).to_vec());
    let cut = server.post("/embed", r#"{"inputs": ["one"], "dimensions": 12}"#).ok();
    assert_eq!(vector(&cut[0]).len(), 12);
    let named = server.post("/embed", r#"{"inputs": ["one"], "prompt_name": "query"}"#).ok();
    assert_eq!(vector(&named[0]), expected("one"), "this model's prompt is empty");
}

#[test]
fn a_text_that_is_too_long_is_an_error_unless_it_may_be_cut() {
    let server = usual();
    let long = "word ".repeat(300);
    let answer = server.post("/embed", &json!({ "inputs": ["short", &long] }).to_string());
    assert_eq!(answer.status, 413);
    let error = answer.json();
    assert!(error["error"].as_str().unwrap().contains("inputs 1 has 302 tokens"), "{error}");
    assert_eq!(error["error_type"], "Validation");
    let cut = server.post("/embed", &json!({ "inputs": &long, "truncate": true }).to_string()).ok();
    assert_eq!(vector(&cut[0]), expected(&long));
}

#[test]
fn wrong_requests_are_errors_of_its_form() {
    let server = usual();
    let trunc = r#"{"inputs": {"source_sentence": "x", "sentences": ["y"]},
        "parameters": {"trunc": true}}"#;
    let cases = [
        ("/embed", r#"{"inputs": 1}"#, "a number"),
        ("/embed", r#"{"inputs": []}"#, "empty list"),
        ("/embed", r#"{"input": "x"}"#, "input"),
        ("/embed", r#"{"inputs": "x", "color": 1}"#, "color"),
        ("/embed", r#"{"inputs": "x", "truncation_direction": "left"}"#, "Right"),
        ("/embed", r#"{"inputs": "x", "prompt_name": "none"}"#, "none"),
        ("/embed", r#"{"inputs": "x", "dimensions": 999}"#, "999"),
        ("/similarity", r#"{"inputs": {"source_sentence": "x", "sentences": []}}"#, "empty list"),
        ("/similarity", r#"{"inputs": {"source_sentence": 1, "sentences": []}}"#, "string"),
        ("/similarity", trunc, "trunc"),
        ("/tokenize", r#"{"inputs": [1]}"#, "tokens already"),
        ("/tokenize", r#"{"inputs": "x", "prompt_name": "none"}"#, "document, query"),
        ("/tokenize", "nothing", "no JSON"),
    ];
    for (path, body, part) in cases {
        let answer = server.post(path, body);
        assert_eq!(answer.status, 422, "{path} {body}: {answer:?}");
        let error = answer.json();
        assert!(error["error"].as_str().is_some_and(|text| text.contains(part)), "{body}: {error}");
        assert_eq!(error["error_type"], "Validation");
    }
}

#[test]
fn similarity_gives_cosines() {
    let server = usual();
    let body = json!({ "inputs": {
        "source_sentence": "A man is eating food.",
        "sentences": ["Someone has a meal.", "The sky is clear tonight."],
    }, "parameters": { "truncate": true } });
    let found = vector(&server.post("/similarity", &body.to_string()).ok());
    assert!((found[0] - 0.6795).abs() < 1e-4 && (found[1] + 0.0303).abs() < 1e-4, "{found:?}");
}

#[test]
fn tokenize_gives_tokens_with_their_characters() {
    let server = usual();
    let found = server.post("/tokenize", r#"{"inputs": ["Über Embeddings", "x"]}"#).ok();
    let tokens = found[0].as_array().unwrap();
    assert_eq!(
        tokens[0],
        json!({ "id": 101, "text": "[CLS]", "special": true, "start": null, "stop": null })
    );
    let text: Vec<char> = "Über Embeddings".chars().collect();
    let pieces = tokens[1..tokens.len() - 1].iter().map(|token| {
        let [start, stop] = ["start", "stop"].map(|key| token[key].as_u64().unwrap() as usize);
        text[start..stop].iter().collect::<String>()
    });
    assert_eq!(pieces.collect::<Vec<_>>().concat(), "ÜberEmbeddings");
    let ids = |tokens: &[Value]| -> Vec<u64> {
        tokens.iter().map(|t| t["id"].as_u64().unwrap()).collect()
    };
    let expected: Vec<u64> =
        ENCODER.tokenize("Über Embeddings").unwrap().ids.into_iter().map(u64::from).collect();
    assert_eq!(ids(tokens), expected);
    let bare = r#"{"inputs": "Über Embeddings", "add_special_tokens": false}"#;
    let bare = server.post("/tokenize", bare).ok();
    assert_eq!(ids(bare[0].as_array().unwrap()), expected[1..expected.len() - 1]);
}

#[test]
fn info_and_metrics_tell_what_it_is_and_did() {
    let server = usual();
    let info = server.get("/info").ok();
    assert_eq!(info["model_id"], "all-MiniLM-L6-v2");
    assert_eq!(info["model_type"]["embedding"]["pooling"], "mean");
    assert_eq!((&info["max_input_length"], &info["model_dtype"]), (&json!(256), &json!("f32")));

    server.post("/embed", r#"{"inputs": ["one", "two"]}"#).ok();
    server.post("/embed", "{");
    server.get("/nowhere");
    assert_eq!(server.metric("minilm_texts_total"), 2.0);
    assert_eq!(server.metric("minilm_tokens_total"), 6.0);
    assert_eq!(server.metric(r#"minilm_requests_total{path="/embed",status="200"}"#), 1.0);
    assert_eq!(server.metric(r#"minilm_requests_total{path="/embed",status="422"}"#), 1.0);
    assert_eq!(server.metric(r#"minilm_requests_total{path="other",status="404"}"#), 1.0);
    let count = server.metric("minilm_request_seconds_count");
    assert_eq!(server.metric(r#"minilm_request_seconds_bucket{le="+Inf"}"#), count + 1.0);
    assert_eq!(server.metric(r#"minilm_queue_texts{model="all-MiniLM-L6-v2"}"#), 0.0);
    let head = server.get("/metrics").head;
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");
}

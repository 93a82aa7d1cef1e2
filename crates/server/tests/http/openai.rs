use crate::support::{ENCODER, expected, start, usual, vector};
use base64::{Engine, engine::general_purpose::STANDARD};
use minilm::EncodeOptions;
use minilm_server::Server;
use serde_json::{Value, json};

const PATH: &str = "/v1/embeddings";

#[test]
fn strings_lists_and_token_ids_have_the_bits_of_the_library() {
    let server = usual();
    let one =
        server.post(PATH, r#"{"input": "A man is eating food.", "model": "all-MiniLM-L6-v2"}"#);
    let one = one.ok();
    assert_eq!((&one["object"], &one["model"]), (&json!("list"), &json!("all-MiniLM-L6-v2")));
    assert_eq!(one["usage"], json!({ "prompt_tokens": 8, "total_tokens": 8 }));
    assert_eq!(one["data"][0]["object"], "embedding");
    assert_eq!(vector(&one["data"][0]["embedding"]), expected("A man is eating food."));

    let texts = ["one", "", "a longer text, \u{fc}ber alles", "one"];
    let many = server.post(PATH, &json!({ "input": texts, "user": "u" }).to_string()).ok();
    for (i, text) in texts.into_iter().enumerate() {
        assert_eq!(many["data"][i]["index"], i);
        assert_eq!(vector(&many["data"][i]["embedding"]), expected(text), "{text}");
    }

    // "hello world", without and with the tokens around it.
    for ids in [json!([7592, 2088]), json!([[101, 7592, 2088, 102]])] {
        let found = server.post(PATH, &json!({ "input": ids }).to_string()).ok();
        assert_eq!(vector(&found["data"][0]["embedding"]), expected("hello world"));
        assert_eq!(found["usage"]["prompt_tokens"], 4);
    }
    let two = server.post(PATH, r#"{"input": [[7592], [7592, 2088]]}"#).ok();
    assert_eq!(vector(&two["data"][1]["embedding"]), expected("hello world"));
}

#[test]
fn base64_is_the_bytes_of_the_floats() {
    let server = usual();
    let body = json!({ "input": ["one", "two"], "encoding_format": "base64" });
    let found = server.post(PATH, &body.to_string()).ok();
    for (i, text) in ["one", "two"].into_iter().enumerate() {
        let text64 = found["data"][i]["embedding"].as_str().expect("a string");
        let bytes = STANDARD.decode(text64).unwrap();
        let floats: Vec<f32> = bytes.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect();
        assert_eq!(floats, expected(text));
    }
}

#[test]
fn dimensions_cut_and_then_make_the_length_one() {
    let server = usual();
    let found = server.post(PATH, r#"{"input": "text", "dimensions": 64}"#).ok();
    let options = EncodeOptions::new().truncate_dim(64).normalize(true);
    let expected = ENCODER.encode_with(&["text"], &options).unwrap().embeddings;
    assert_eq!(vector(&found["data"][0]["embedding"]), expected.row(0).to_vec());
}

#[test]
fn errors_have_the_form_of_openai() {
    let server = usual();
    let cases = [
        ("{", 400, "no JSON", Value::Null),
        (r#"["x", null, "float", 3, null]"#, 400, "the body is a list, not an object", Value::Null),
        (r#"{"input": "x", "dimensions": NaN}"#, 400, "no JSON", Value::Null),
        ("[]", 400, "", Value::Null),
        ("{}", 400, "input", Value::Null),
        (r#"{"input": "x", "dimensions": 0}"#, 400, "dimensions", json!("dimensions")),
        (r#"{"input": "x", "dimensions": 385}"#, 400, "384", json!("dimensions")),
        (r#"{"input": "x", "dimensions": -1}"#, 400, "-1", Value::Null),
        (r#"{"input": "x", "dimensions": 1.5}"#, 400, "1.5", Value::Null),
        (r#"{"input": "x", "dimensions": "12"}"#, 400, "12", Value::Null),
        (r#"{"input": "x", "encoding_format": "hex"}"#, 400, "hex", Value::Null),
        (r#"{"input": "x", "color": "red"}"#, 400, "color", Value::Null),
        (r#"{"input": "x", "model": 1}"#, 400, "string", Value::Null),
        (r#"{"input": []}"#, 400, "empty list", json!("input")),
        (r#"{"input": [[]]}"#, 400, "empty list", json!("input")),
        (r#"{"input": null}"#, 400, "null", json!("input")),
        (r#"{"input": {"a": 1}}"#, 400, "an object", json!("input")),
        (r#"{"input": ["a", 1]}"#, 400, "a number", json!("input")),
        (r#"{"input": [1, "a"]}"#, 400, "token id", json!("input")),
        (r#"{"input": [1.5]}"#, 400, "1.5", json!("input")),
        (r#"{"input": [-1]}"#, 400, "-1", json!("input")),
        (r#"{"input": [30522]}"#, 400, "30522", json!("input")),
        (r#"{"input": [[1], 2]}"#, 400, "a number", json!("input")),
        (r#"{"input": "x", "model": "gpt"}"#, 404, "gpt", json!("model")),
    ];
    for (body, status, part, param) in cases {
        let answer = server.post(PATH, body);
        assert_eq!(answer.status, status, "{body}: {answer:?}");
        assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
        let error = answer.json()["error"].clone();
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(part)),
            "{body}: {error}"
        );
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["param"], param, "{body}");
    }
    let many = json!({ "input": vec!["x"; 2049] }).to_string();
    assert_eq!(server.post(PATH, &many).status, 413);
    let answer = server.post(PATH, r#"{"input": "still there"}"#).ok();
    assert_eq!(vector(&answer["data"][0]["embedding"]), expected("still there"));
}

#[test]
fn models_are_called_by_name() {
    let short = ENCODER.with_options(&EncodeOptions::new().truncate_dim(8)).unwrap();
    let server = Server::new("sentence-transformers/all-MiniLM-L6-v2", ENCODER.clone());
    let server = start(server.model("short", short));
    let length = |model: &str| {
        let body = json!({ "input": "text", "model": model }).to_string();
        let found = server.post(PATH, &body).ok();
        (vector(&found["data"][0]["embedding"]).len(), found["model"].clone())
    };
    assert_eq!(length("short"), (8, json!("short")));
    let full = (384, json!("sentence-transformers/all-MiniLM-L6-v2"));
    assert_eq!(length("all-MiniLM-L6-v2"), full);
    assert_eq!(length("sentence-transformers/all-MiniLM-L6-v2"), full);

    let models = server.get("/v1/models").ok();
    assert_eq!(models["data"][1]["id"], "short");
    assert_eq!(models["data"][0]["object"], "model");
    let one = server.get("/v1/models/sentence-transformers/all-MiniLM-L6-v2").ok();
    assert_eq!(one, models["data"][0]);
    let none = server.get("/v1/models/none");
    assert_eq!(
        (none.status, none.json()["error"]["code"].clone()),
        (404, json!("model_not_found"))
    );
}

#[test]
fn an_unknown_path_and_method_are_errors_too() {
    let server = usual();
    let path = server.post("/v2/embeddings", "{}");
    assert_eq!(path.status, 404);
    assert!(path.json()["error"]["message"].as_str().unwrap().contains("/v1/embeddings"));
    assert_eq!(server.get(PATH).status, 405);
    assert_eq!(server.request("DELETE", "/health", "", "").status, 405);
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_key_is_needed_where_there_is_one() {
    let server = start(Server::new("m", ENCODER.clone()).api_key("sésame"));
    let body = r#"{"input": "x"}"#;
    let keys = [
        "",
        "Authorization: Bearer sesame\r\n",
        "Authorization: sésame\r\n",
        "Authorization: Bearer sésame2\r\n",
        "Authorization: Bearer \r\n",
    ];
    for key in keys {
        let answer = server.request("POST", PATH, key, body);
        assert_eq!(answer.status, 401, "{key}");
        assert_eq!(answer.json()["error"]["code"], "invalid_api_key");
        assert_eq!(server.request("GET", "/metrics", key, "").status, 401);
        assert_eq!(server.request("GET", "/health", key, "").status, 200);
    }
    server.request("POST", PATH, "Authorization: bearer sésame\r\n", body).ok();
}

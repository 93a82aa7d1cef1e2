//! Prompts are those of sentence-transformers.

mod support;

use minilm::{
    EncodeOptions, Error, Prompt, SentenceEncoder, Windows, similarity, tasks::index::Space,
};
use serde_json::{Value, json};
use std::fs;
use support::{ENCODER, bits, golden::Tensors, golden::compare, model, tiny::Tiny};
use tempfile::TempDir;

/// The repository's model with other configuration files.
fn with(config: &Value, pooling: &Value) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let to = |name: &str| directory.path().join(name);
    fs::create_dir(to("1_Pooling")).unwrap();
    for name in ["config.json", "tokenizer.json", "modules.json", "sentence_bert_config.json"] {
        fs::copy(model().join(name), to(name)).unwrap();
    }
    fs::hard_link(model().join("model.safetensors"), to("model.safetensors"))
        .or_else(|_| fs::copy(model().join("model.safetensors"), to("model.safetensors")).map(drop))
        .unwrap();
    let pooling = match pooling {
        Value::Null => fs::read_to_string(model().join("1_Pooling/config.json")).unwrap(),
        pooling => pooling.to_string(),
    };
    fs::write(to("1_Pooling/config.json"), pooling).unwrap();
    fs::write(to("config_sentence_transformers.json"), config.to_string()).unwrap();
    directory
}

/// The prompt of a case.
fn options(case: &Value) -> EncodeOptions {
    let text = |name: &str| case["options"][name].as_str().map(str::to_owned);
    let named = match case["method"].as_str().unwrap() {
        "encode_query" => Some(Prompt::Query),
        "encode_document" => Some(Prompt::Document),
        _ => text("prompt_name").map(Prompt::Named),
    };
    let prompt = text("prompt").map(Prompt::Text).or(named);
    prompt.map_or(EncodeOptions::new(), |prompt| EncodeOptions::new().prompt(prompt))
}

#[test]
fn every_case_has_the_vectors_of_sentence_transformers() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/prompts.json");
    let file: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let texts: Vec<&str> =
        file["texts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let tensors = Tensors::open("prompts.safetensors");
    let cases = file["cases"].as_object().unwrap();
    assert_eq!(cases.len(), tensors.names().len());
    for (name, case) in cases {
        let directory = with(&case["config"], &case["pooling"]);
        let encoder = SentenceEncoder::load(directory.path()).unwrap();
        let found = encoder.encode_with(&texts, &options(case)).unwrap().embeddings;
        assert_eq!(found.nrows(), texts.len());
        compare(name, found.iter().copied(), &tensors.get(name), found.ncols(), 5e-7);
        let by_method = match case["method"].as_str().unwrap() {
            "encode_query" => encoder.encode_query(&texts),
            "encode_document" => encoder.encode_document(&texts),
            _ => continue,
        };
        if case["options"].as_object().unwrap().is_empty() {
            assert_eq!(bits(&by_method.unwrap()), bits(&found), "{name}");
        }
    }
}

/// A small model with prompts.
fn prompted() -> SentenceEncoder {
    let mut tiny = Tiny::new().with_modules();
    let config = json!({
        "prompts": {"query": "the cat ", "document": "a dog ", "none": null},
        "default_prompt_name": "document"
    });
    tiny.files.insert("config_sentence_transformers.json".into(), config.to_string());
    SentenceEncoder::load(tiny.write().path()).unwrap()
}

fn prompt(text: &str) -> EncodeOptions {
    EncodeOptions::new().prompt(Prompt::Text(text.to_owned()))
}

#[test]
fn a_prompt_is_the_beginning_of_the_text() {
    let encoder = prompted();
    let plain = |text: &str| encoder.encode_with(&[text], &prompt("")).unwrap().embeddings;
    assert_eq!(encoder.default_prompt(), "a dog ");
    assert_eq!(bits(&encoder.encode(&["sat"]).unwrap()), bits(&plain("a dog sat")));
    assert_eq!(bits(&encoder.encode_one("sat").unwrap()), bits(&plain("a dog sat")));
    assert_eq!(bits(&encoder.encode_query(&["sat"]).unwrap()), bits(&plain("the cat sat")));
    let none = EncodeOptions::new().prompt(Prompt::Named("none".to_owned()));
    assert_eq!(
        bits(&encoder.encode_with(&["sat"], &none).unwrap().embeddings),
        bits(&plain("sat"))
    );
    let joined = encoder.encode_with(&["s"], &prompt("the cat")).unwrap();
    assert_eq!(bits(&joined.embeddings), bits(&plain("the cats")));

    // Every way in has it.
    let streamed = encoder.encode_iter(["sat"]).next().unwrap().unwrap();
    assert_eq!(bits(&streamed.embedding), bits(&plain("a dog sat")));
    let streamed = encoder.encode_iter_with(["sat"], prompt("the ")).next().unwrap().unwrap();
    assert_eq!(bits(&streamed.embedding), bits(&plain("the sat")));
    assert_eq!(encoder.token_embeddings("sat").unwrap().tokens[1..4], ["a", "dog", "sat"]);
    assert_eq!(encoder.tokenize("sat").unwrap().ids, [2, 10, 11, 7, 3]);
    assert_eq!(encoder.trace("sat").unwrap().tokens[1..4], ["a", "dog", "sat"]);
    let other = encoder.with_options(&prompt("the ")).unwrap();
    assert_eq!(bits(&other.encode(&["sat"]).unwrap()), bits(&plain("the sat")));
    assert_eq!(encoder.default_prompt(), "a dog ", "the original is as it was");
}

#[test]
fn a_prompt_counts_against_the_limit() {
    let encoder = prompted(); // 32 tokens
    let text = "sat ".repeat(40);
    let counts = encoder.encode_with(&[&text], &prompt("the cat ")).unwrap().counts;
    assert_eq!((counts[0].used, counts[0].dropped), (32, 12));
    assert_eq!(encoder.count_tokens(&text).unwrap().dropped, 12);
    let all = encoder.encode_with(&["sat", "on"], &prompt(&"the ".repeat(30))).unwrap().embeddings;
    assert_eq!(bits(all.row(0)), bits(all.row(1)), "the prompt fills the model");
}

#[test]
fn each_window_begins_with_the_prompt() {
    let encoder = prompted();
    let document = "sat on the mat ".repeat(3);
    let windows = encoder.encode_windows(&document, Windows::new().tokens(8));
    let windows: Vec<_> = windows.collect::<Result<_, _>>().unwrap();
    assert_eq!(windows.len(), 3, "4 words beside the prompt and two special tokens");
    for window in &windows {
        assert_eq!(&document[window.range.clone()], "sat on the mat");
        let alone = encoder.encode_one("sat on the mat").unwrap();
        assert_eq!(bits(&window.embedding), bits(&alone));
        assert_eq!(window.tokens, 8);
    }
    let whole = encoder.encode_long("sat on", Windows::new()).unwrap();
    assert_eq!(bits(&whole), bits(&encoder.encode_one("sat on").unwrap()));
    let full = encoder.with_options(&prompt(&"the ".repeat(30))).unwrap();
    assert!(matches!(
        full.encode_long("sat", Windows::new()),
        Err(Error::Option { option: "window", .. })
    ));
}

#[test]
fn an_unknown_prompt_is_an_error_that_lists_those_there_are() {
    let encoder = prompted();
    let named = EncodeOptions::new().prompt(Prompt::Named("passage".to_owned()));
    let known = ["document", "none", "query"];
    match encoder.encode_with(&["sat"], &named).unwrap_err() {
        Error::Prompt { name, known: found, .. } => assert!(name == "passage" && found == known),
        other => panic!("{other}"),
    }
    assert!(matches!(encoder.encode_iter_with(["sat"], named.clone()).next(), Some(Err(_))));
    assert!(encoder.with_options(&named).is_err());
    assert!(encoder.prompts().map(|(name, _)| name).eq(known));
    let load = |config: Value| {
        let mut tiny = Tiny::new().with_modules();
        tiny.files.insert("config_sentence_transformers.json".into(), config.to_string());
        SentenceEncoder::load(tiny.write().path()).map(drop)
    };
    load(json!({"default_prompt_name": "query", "prompts": null})).unwrap();
    let error = load(json!({"default_prompt_name": "zzz"})).unwrap_err();
    assert!(
        matches!(&error, Error::Field { field: "default_prompt_name", .. })
            && error.to_string().ends_with("its prompts are: document, query"),
        "{error}"
    );
    for wrong in [json!({"truncate_dim": 0}), json!({"truncate_dim": -1}), json!({"prompts": []})] {
        assert!(load(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn options_of_a_call_come_before_those_of_the_encoder() {
    let encoder =
        SentenceEncoder::builder().truncate_dim(10).normalize(false).load(model()).unwrap();
    let text = ["A man is eating food."];
    let all = EncodeOptions::new().truncate_dim(384).normalize(true);
    let found = encoder.encode_with(&text, &all).unwrap();
    assert_eq!(bits(&found.embeddings), bits(&ENCODER.encode(&text).unwrap()));
    assert_eq!(encoder.encode(&text).unwrap().ncols(), 10);
    for dimensions in [0, 385] {
        let options = EncodeOptions::new().truncate_dim(dimensions);
        assert!(matches!(
            encoder.encode_with(&text, &options),
            Err(Error::Option { option: "truncate_dim", .. })
        ));
    }
}

#[test]
fn tokens_of_a_prompt_that_is_not_pooled_add_nothing_to_a_similarity() {
    let pooling =
        json!({"embedding_dimension": 384, "pooling_mode": "mean", "include_prompt": false});
    let config = json!({"prompts": {"x": "Represent this: "}, "default_prompt_name": "x"});
    let encoder = SentenceEncoder::load(with(&config, &pooling).path()).unwrap();
    let (a, b) = ("A man is eating food.", "Someone has a meal.");
    let why = encoder.explain(a, b).unwrap();
    let embeddings = encoder.encode(&[a, b]).unwrap();
    let cosine = similarity::cosine(embeddings.row(0), embeddings.row(1));
    assert!((why.cosine() - f64::from(cosine)).abs() < 1e-6, "{} and {cosine}", why.cosine());
    assert_eq!(why.a[..4], ["[CLS]", "represent", "this", ":"]);
    assert!(why.of_a().iter().take(4).all(|x| *x == 0.0) && why.of_a()[4] != 0.0);
    let last = encoder.trace(a).unwrap().tensors.pop().unwrap();
    assert_eq!(bits(&last.values), bits(embeddings.row(0)));
}

#[test]
fn a_space_says_what_was_put_before_the_texts() {
    let encoder = prompted();
    let documents = encoder.space();
    assert_eq!(documents.prompt(), "a dog ");
    let queries = encoder.space_with(&EncodeOptions::new().prompt(Prompt::Query)).unwrap();
    assert!(queries != documents && queries.is_same(&documents));
    let short = encoder.space_with(&EncodeOptions::new().truncate_dim(8)).unwrap();
    assert!(!short.is_same(&documents));
    let json = serde_json::to_string(&documents).unwrap();
    assert_eq!(serde_json::from_str::<Space>(&json).unwrap(), documents);
}

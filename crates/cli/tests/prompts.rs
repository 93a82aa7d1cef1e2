//! Prompts on the command line.

mod support;

use std::{fs, path::Path};
use support::*;

/// A copy of the repository's model that has prompts.
fn prompted(root: &Path) -> String {
    let weights = repository().join("weights/all-MiniLM-L6-v2");
    fs::create_dir_all(root.join("model/1_Pooling")).expect("a directory");
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        fs::copy(weights.join(file), root.join("model").join(file)).expect("a copy");
    }
    let config = r#"{
        "prompts": {"query": "query: ", "document": "passage: ", "topic": "topic: "},
        "default_prompt_name": "topic"
    }"#;
    fs::write(root.join("model/config_sentence_transformers.json"), config).expect("a file");
    root.join("model").to_str().expect("UTF-8").to_owned()
}

fn text(run: Run) -> String {
    String::from_utf8(run.ok()).expect("UTF-8")
}

#[test]
fn a_prompt_is_put_before_each_text() {
    let directory = tempfile::tempdir().expect("a directory");
    let model = prompted(directory.path());
    let embed =
        |arguments: &[&str]| text(run(&[&["embed", "--model", &model], arguments].concat()));
    let plain = |input: &str| text(run(&["embed", input]));
    assert_eq!(embed(&["a cat"]), plain("topic: a cat"));
    assert_eq!(embed(&["a cat", "--prompt-name", "query"]), plain("query: a cat"));
    assert_eq!(embed(&["a cat", "--prompt", "see: "]), plain("see: a cat"));
    assert_eq!(embed(&["a cat", "--prompt", ""]), plain("a cat"));
    let score = text(run(&["similarity", "--prompt", "x ", "a cat", "a dog"]));
    assert_eq!(score, text(run(&["similarity", "x a cat", "x a dog"])));
}

#[test]
fn a_prompt_that_is_none_is_told_of() {
    let unknown = run(&["embed", "a", "--prompt-name", "passage"]);
    assert_eq!(
        unknown.message(2),
        "--prompt-name: the model has no prompt \"passage\"; its prompts are: document, query"
    );
    assert_eq!(run(&["embed", "a", "--prompt-name", "x", "--prompt", "y"]).status, Some(2));
}

#[test]
fn an_index_has_the_documents_prompt_and_a_search_the_querys() {
    let directory = tempfile::tempdir().expect("a directory");
    let model = prompted(directory.path());
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (notes, index) = (path("notes.txt"), path("notes.index"));
    fs::write(&notes, NOTES).expect("a file");
    let written = run(&["index", &notes, "-o", &index, "--model", &model]);
    let said = "minilm: the prompt \"passage: \" is put before each text\n";
    assert_eq!(written.status, Some(0));
    assert_eq!(written.stderr, format!("{said}minilm: {index} holds 8 texts\n"));

    let found = run(&["search", &index, "bread", "-k", "1", "--json", "--model", &model]);
    assert_eq!(found.message(0), "the prompt \"query: \" is put before each query");
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).expect("JSON");
    let text = found["text"].as_str().expect("a text");
    let pair = run(&["similarity", "query: bread", &format!("passage: {text}")]);
    let score: f64 = String::from_utf8(pair.ok()).unwrap().trim().parse().unwrap();
    assert!((found["score"].as_f64().expect("a number") - score).abs() < 2e-6, "{found}");

    // Texts with another prompt are not added, and a search says that they have one.
    let again =
        run(&["index", &notes, "-o", &index, "--append", "-q", "--prompt", "x", "--model", &model]);
    assert!(
        again.message(1).ends_with("with the prompt \"passage: \", not with \"x\""),
        "{again:?}"
    );
    run(&["index", &notes, "-o", &index, "-q", "--prompt", "", "--model", &model]).ok();
    let found = run(&["search", &index, "bread", "-k", "1", "--model", &model]);
    assert!(
        found.stderr.ends_with(
            "the texts of the index have the prompt \"\"; the model's for them is \"passage: \"\n"
        ),
        "{found:?}"
    );
    run(&["search", &index, "bread", "-q", "--model", &model]).ok();
    let pairs = run(&["pairs", &index, "--prompt", "x"]);
    assert!(pairs.message(2).starts_with("--prompt: "), "{pairs:?}");
}

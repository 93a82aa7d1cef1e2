//! `config.json`: defaults, bounds, and the field that an error names.

mod support;

use minilm_model::{Config, Error};
use serde_json::{Value, json};
use support::tiny::TinyBert;

fn parse(config: &Value) -> Result<Config, Error> {
    Config::from_bytes(config.to_string().as_bytes(), "a/config.json".as_ref())
}

/// The small BERT's configuration with one field changed.
fn with(field: &str, value: Value) -> Value {
    let mut config = TinyBert::new().config;
    config[field] = value;
    config
}

#[test]
fn fields_that_are_not_given_have_the_values_of_bert_config() {
    let mut json = TinyBert::new().config;
    for field in ["type_vocab_size", "layer_norm_eps", "hidden_act"] {
        json.as_object_mut().unwrap().remove(field);
    }
    let config = parse(&json).unwrap();
    assert_eq!((config.type_vocab_size, config.layer_norm_eps), (2, 1e-12));
    assert_eq!((config.hidden_act.as_str(), config.head_size()), ("gelu", 26));
    assert_eq!(config.position_embedding_type, "absolute");
}

#[test]
fn fields_of_other_programs_are_ignored() {
    assert_eq!(
        parse(&with("torch_dtype", json!("float32"))).unwrap(),
        parse(&TinyBert::new().config).unwrap()
    );
}

#[test]
fn a_value_that_cannot_be_run_names_file_field_and_value() {
    for (field, value, shown) in [
        ("model_type", json!("roberta"), "\"roberta\""),
        ("hidden_act", json!("gelu_new"), "\"gelu_new\""),
        ("position_embedding_type", json!("relative_key"), "\"relative_key\""),
        ("num_attention_heads", json!(5), "5"),
        ("num_attention_heads", json!(0), "0"),
        ("hidden_size", json!(0), "0"),
        ("intermediate_size", json!(1_u64 << 60), "1152921504606846976"),
        ("layer_norm_eps", json!(-1.0), "-1"),
        ("layer_norm_eps", json!(1.0), "1"),
    ] {
        let error = parse(&with(field, value)).unwrap_err();
        let message = error.to_string();
        match error {
            Error::Config { field: named, value, .. } => {
                assert_eq!((named, &*value), (field, shown))
            }
            other => panic!("{field}: {other:?}"),
        }
        let start = format!("a/config.json: field {field} is {shown}, but ");
        assert!(message.starts_with(&start) && message.len() > start.len(), "{message}");
    }
}

#[test]
fn every_size_has_bounds() {
    for field in [
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
        "type_vocab_size",
    ] {
        // As many columns as heads, so that the one divides the other at both bounds.
        let parse = |size: u64| {
            let mut config = with(field, json!(size));
            if field == "num_attention_heads" {
                config["hidden_size"] = json!(size.clamp(1, 1 << 24));
            } else if field == "hidden_size" {
                config["num_attention_heads"] = json!(1);
            }
            parse(&config)
        };
        for size in [1, 1 << 24] {
            assert!(parse(size).is_ok(), "{field} {size}");
        }
        for size in [0, (1 << 24) + 1] {
            let error = parse(size).unwrap_err();
            assert!(
                matches!(error, Error::Config { field: named, .. } if named == field),
                "{field} {size}: {error:?}"
            );
        }
    }
}

#[test]
fn a_value_of_another_type_and_a_missing_field_are_errors_of_the_file() {
    for (field, value) in
        [("hidden_size", json!("52")), ("num_hidden_layers", json!(-1)), ("vocab_size", json!(1.5))]
    {
        let error = parse(&with(field, value)).unwrap_err();
        assert!(matches!(error, Error::Json { .. }), "{field}: {error:?}");
    }
    for field in [
        "model_type",
        "vocab_size",
        "hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "intermediate_size",
        "max_position_embeddings",
    ] {
        let mut config = TinyBert::new().config;
        config.as_object_mut().unwrap().remove(field);
        match parse(&config).unwrap_err() {
            Error::Json { path, source } => {
                assert!(path.ends_with("config.json"));
                assert!(source.to_string().contains(field), "{field}: {source}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

//! `1_Pooling/config.json` in both of its forms.

use minilm_pooling::{Mode, PoolingConfig, UnknownMode};
use serde_json::{Value, json};

fn modes(config: Value) -> Result<Vec<Mode>, UnknownMode> {
    let config: PoolingConfig = serde_json::from_value(config).expect("a configuration");
    config.pooling().map(|pooling| pooling.modes().to_vec())
}

/// The names of one mode: its field in the classic form, and in `pooling_mode`.
const NAMES: [(Mode, &str, &str); 6] = [
    (Mode::Cls, "pooling_mode_cls_token", "cls"),
    (Mode::Max, "pooling_mode_max_tokens", "max"),
    (Mode::Mean, "pooling_mode_mean_tokens", "mean"),
    (Mode::MeanSqrtLen, "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"),
    (Mode::WeightedMean, "pooling_mode_weightedmean_tokens", "weightedmean"),
    (Mode::LastToken, "pooling_mode_lasttoken", "lasttoken"),
];

#[test]
fn every_mode_has_a_name_in_both_forms() {
    for (mode, classic, recent) in NAMES {
        assert_eq!(modes(json!({ classic: true })), Ok(vec![mode]));
        assert_eq!(modes(json!({"pooling_mode": recent})), Ok(vec![mode]));
        assert_eq!(modes(json!({"pooling_mode": [recent]})), Ok(vec![mode]));
    }
}

#[test]
fn all_sets_of_the_classic_form_come_in_one_order() {
    for set in 1..1_usize << NAMES.len() {
        let chosen = |i: usize| set >> i & 1 == 1;
        let fields = NAMES.iter().enumerate();
        let config: serde_json::Map<String, Value> =
            fields.map(|(i, (_, classic, _))| ((*classic).to_owned(), json!(chosen(i)))).collect();
        let want: Vec<Mode> = (0..NAMES.len()).filter(|&i| chosen(i)).map(|i| NAMES[i].0).collect();
        assert_eq!(modes(config.into()), Ok(want), "{set:06b}");
    }
}

#[test]
fn the_recent_form_keeps_the_order_of_the_file() {
    let config = json!({"pooling_mode": ["mean", "cls", "max"]});
    assert_eq!(modes(config), Ok(vec![Mode::Mean, Mode::Cls, Mode::Max]));
}

#[test]
fn the_recent_form_comes_before_the_classic_one() {
    let config = json!({"pooling_mode": "max", "pooling_mode_cls_token": true});
    assert_eq!(modes(config), Ok(vec![Mode::Max]));
}

#[test]
fn mean_is_the_default() {
    for config in [
        json!({}),
        json!({"pooling_mode": []}),
        json!({"pooling_mode": null}),
        json!({"pooling_mode_cls_token": false}),
        json!({"word_embedding_dimension": 384}),
    ] {
        assert_eq!(modes(config.clone()), Ok(vec![Mode::Mean]), "{config}");
    }
}

#[test]
fn a_name_that_is_no_mode_is_an_error_that_lists_the_modes() {
    for config in [json!({"pooling_mode": "median"}), json!({"pooling_mode": ["cls", "median"]})] {
        let error = modes(config).unwrap_err();
        assert_eq!(error.name, "median");
        let message = error.to_string();
        assert!(message.contains("\"median\""), "{message}");
        assert!(NAMES.iter().all(|(_, _, recent)| message.contains(recent)), "{message}");
    }
}

#[test]
fn the_width_has_a_name_in_each_form() {
    for field in ["word_embedding_dimension", "embedding_dimension"] {
        let config: PoolingConfig = serde_json::from_value(json!({ field: 384 })).unwrap();
        assert_eq!(config.embedding_dimension, Some(384), "{field}");
    }
    let config: PoolingConfig = serde_json::from_value(json!({})).unwrap();
    assert_eq!(config.embedding_dimension, None);
}

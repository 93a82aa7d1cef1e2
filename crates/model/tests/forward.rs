//! Whole passes through a small random model: batches, positions, limits.

mod support;

use minilm_kernels::Level;
use minilm_model::{Bert, Checkpoint, Config, Error, Scratch};
use serde_json::json;
use support::{
    bits, bits_with, checkpoint, load,
    tiny::{TinyBert, VOCABULARY},
};

const POSITIONS: usize = 40;

fn bert() -> Bert {
    load(&TinyBert::new(), Level::detect()).unwrap()
}

/// A sentence of that many tokens; another `seed` gives other ids.
fn sentence(tokens: usize, seed: usize) -> Vec<u32> {
    (0..tokens).map(|i| ((i * i + 7 * i + 3 * seed) % VOCABULARY.len()) as u32).collect()
}

#[test]
fn a_sentence_has_the_same_bits_in_every_batch_and_on_every_level() {
    let sentences: Vec<_> = [1, 2, 3, 17, POSITIONS, 8, 9, 1, 16, 31]
        .into_iter()
        .enumerate()
        .map(|(seed, tokens)| sentence(tokens, seed))
        .collect();
    let alone: Vec<_> = sentences
        .iter()
        .map(|ids| bits(&bert(), std::slice::from_ref(ids)).unwrap().remove(0))
        .collect();
    for level in Level::available() {
        let bert = load(&TinyBert::new(), level).unwrap();
        assert_eq!(bits(&bert, &sentences).unwrap(), alone, "level {level}");
        let (mut backwards, mut want) = (sentences.clone(), alone.clone());
        backwards.reverse();
        want.reverse();
        assert_eq!(bits(&bert, &backwards).unwrap(), want, "level {level}, backwards");
    }
}

#[test]
fn a_token_is_not_the_same_at_another_place_or_beside_another() {
    let states = bits(&bert(), &[vec![5, 5, 5], vec![5, 6, 5], vec![5]]).unwrap();
    let rows: Vec<&[u32]> = states.iter().flat_map(|sentence| sentence.chunks(52)).collect();
    for i in 0..rows.len() {
        for j in 0..i {
            assert_ne!(rows[i], rows[j], "tokens {j} and {i}");
        }
    }
}

#[test]
fn a_used_scratch_gives_the_same_bits() {
    let bert = bert();
    let (short, long) = ([sentence(5, 1)], [sentence(33, 2), sentence(40, 3)]);
    let want = bits(&bert, &short).unwrap();
    let mut scratch = Scratch::default();
    bits_with(&bert, &long, &mut scratch).unwrap();
    assert_eq!(bits_with(&bert, &short, &mut scratch).unwrap(), want, "after a larger batch");
    bits_with(&bert, &[vec![99]], &mut scratch).unwrap_err();
    assert_eq!(bits_with(&bert, &short, &mut scratch).unwrap(), want, "after an error");
}

#[test]
fn a_batch_of_no_sentences_has_no_rows() {
    assert!(bits(&bert(), &[]).unwrap().is_empty());
}

#[test]
fn the_last_position_is_the_limit_of_each_sentence() {
    let bert = bert();
    assert!(bits(&bert, &[sentence(POSITIONS, 0), sentence(POSITIONS, 1)]).is_ok());
    let error = bits(&bert, &[sentence(3, 0), sentence(POSITIONS + 1, 1)]).unwrap_err();
    assert!(matches!(error, Error::TooLong { tokens: 41, positions: POSITIONS }), "{error:?}");
}

#[test]
fn the_last_token_of_the_vocabulary_is_the_limit_of_ids() {
    let bert = bert();
    assert!(bits(&bert, &[vec![15]]).is_ok());
    for wrong in [16, u32::MAX] {
        let error = bits(&bert, &[vec![15], vec![2, wrong]]).unwrap_err();
        assert!(
            matches!(error, Error::TokenId { id, vocabulary: 16 } if id == wrong),
            "{wrong}: {error:?}"
        );
    }
}

#[test]
fn rows_of_other_tokens_positions_and_types_have_no_part_in_the_result() {
    let sentence = [vec![2, 5, 6, 3]];
    let want = bits(&bert(), &sentence).unwrap();
    let changed = |table: &str, row: usize| {
        let mut tiny = TinyBert::new();
        let name = format!("embeddings.{table}_embeddings.weight");
        tiny.tensor(&name).values[row * 52..(row + 1) * 52].fill(100.0);
        bits(&load(&tiny, Level::detect()).unwrap(), &sentence).unwrap() != want
    };
    for (table, used, unused) in
        [("word", 6, 7), ("word", 2, 15), ("position", 3, 4), ("token_type", 0, 1)]
    {
        assert!(changed(table, used), "row {used} of {table} is used");
        assert!(!changed(table, unused), "row {unused} of {table} is not");
    }
}

#[test]
fn every_weight_has_a_part_in_the_result() {
    let sentence = [sentence(12, 1)];
    let want = bits(&bert(), &sentence).unwrap();
    for name in TinyBert::new().tensors.keys() {
        // Softmax does not see what is added to all scores of a query alike.
        if name.ends_with("self.key.bias") {
            continue;
        }
        let mut tiny = TinyBert::new();
        // Every second value, because LayerNorm does not see what is added to all.
        tiny.tensor(name).values.iter_mut().step_by(2).for_each(|x| *x += 0.25);
        let got = bits(&load(&tiny, Level::detect()).unwrap(), &sentence).unwrap();
        assert_ne!(got, want, "{name}");
    }
}

#[test]
fn a_configuration_that_contradicts_the_weights_names_the_tensor() {
    for (field, value, named) in [
        ("hidden_size", 54, "embeddings."),
        ("num_hidden_layers", 3, "encoder.layer.2."),
        ("intermediate_size", 400, "intermediate.dense.weight"),
        ("max_position_embeddings", 41, "position_embeddings"),
        ("vocab_size", 17, "word_embeddings"),
        ("type_vocab_size", 1, "token_type_embeddings"),
    ] {
        let mut tiny = TinyBert::new();
        tiny.config[field] = json!(value);
        match load(&tiny, Level::detect()).unwrap_err() {
            Error::Shape { tensor, .. } | Error::MissingTensor { tensor, .. } => {
                assert!(tensor.contains(named), "{field}: {tensor}");
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

#[test]
fn a_configuration_from_elsewhere_is_checked_like_one_that_is_read() {
    let tiny = TinyBert::new();
    let tensors: Checkpoint = checkpoint(&tiny).unwrap();
    let bert = |heads: usize| {
        let mut json = tiny.config.clone();
        json["num_attention_heads"] = json!(heads);
        let config: Config = serde_json::from_value(json).unwrap();
        Bert::new(config, &tensors, Level::detect())
    };
    assert!(bert(2).is_ok());
    for heads in [0, 5] {
        let error = bert(heads).unwrap_err();
        assert!(
            matches!(error, Error::Config { field: "num_attention_heads", .. }),
            "{heads}: {error:?}"
        );
    }
}

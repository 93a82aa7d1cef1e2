//! No text panics, hangs, or gives a wrong vector.

mod support;

use ndarray::Array1;
use std::time::{Duration, Instant};
use support::ENCODER;

fn encode(text: &str) -> Array1<f32> {
    ENCODER.encode_one(text).unwrap()
}

#[test]
fn no_texts_are_no_rows() {
    assert_eq!(ENCODER.encode::<&str>(&[]).unwrap().dim(), (0, 384));
    assert_eq!(ENCODER.encode_iter(Vec::<String>::new()).count(), 0);
}

#[test]
fn what_the_tokenizer_cleans_away_is_the_empty_text() {
    let empty = encode("");
    assert_eq!(ENCODER.tokenize("").unwrap().ids, [101, 102]);
    for text in [" ", "\t\r\n", "\0", "\u{1}\u{2}\u{7f}", "\u{301}", "\u{200b}\u{feff}", "\u{fffd}"]
    {
        assert_eq!(ENCODER.tokenize(text).unwrap().ids, [101, 102], "{text:?}");
        assert_eq!(encode(text), empty, "{text:?}");
    }
}

#[test]
fn control_characters_inside_a_word_are_dropped() {
    assert_eq!(encode("he\0l\u{1}lo"), encode("hello"));
    assert_eq!(encode("Crème Brûlée"), encode("creme brulee"));
}

#[test]
fn a_word_of_a_million_characters_is_one_unknown_token() {
    let start = Instant::now();
    assert_eq!(ENCODER.tokenize(&"a".repeat(1_000_000)).unwrap().ids, [101, 100, 102]);
    assert!(start.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_text_of_ten_megabytes_is_its_first_254_word_pieces() {
    let start = Instant::now();
    let words = "seven grey cats ";
    let text = ENCODER.tokenize(&words.repeat(10_000_000 / words.len())).unwrap();
    assert_eq!(text.ids, ENCODER.tokenize(&words.repeat(100)).unwrap().ids);
    assert_eq!(text.dropped, 10_000_000 / words.len() * 3 - 254);
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn every_unicode_character_gives_a_unit_vector() {
    let characters: Vec<String> =
        ('\0'..=char::MAX).step_by(4801).map(|c| format!("x{c}y {c}")).collect();
    assert!(characters.len() > 200);
    for embedding in ENCODER.encode(&characters).unwrap().rows() {
        assert!((embedding.dot(&embedding) - 1.0).abs() < 1e-5);
    }
}

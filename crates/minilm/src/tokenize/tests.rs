//! Pieces tokenised one by one are the text tokenised at once, ids and places alike.

use super::{Overrides, TextTokenizer, TokenizerConfig, Vocabulary, Word, pieces::Cuts};
use crate::files::Source;
use minilm_testing::Random;
use serde_json::{Value, json};
use std::{collections::VecDeque, fs, path::Path};
use tokenizers::Tokenizer;

const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/all-MiniLM-L6-v2");

fn tokenizer() -> TextTokenizer {
    with(|_| {})
}

/// The tokenizer of the model with other settings.
fn with(change: impl FnOnce(&mut TokenizerConfig)) -> TextTokenizer {
    let (source, folder) = (Source::Directory(WEIGHTS.into()), Path::new(WEIGHTS));
    let mut config = TokenizerConfig::read(&source, folder, Overrides::default()).unwrap();
    change(&mut config);
    TextTokenizer::new(Vocabulary::read(&source, folder, &config).unwrap(), 30522, 256).unwrap()
}

/// The parts of a text: everything that a step of the tokenizer treats in a way of its own, and its
/// possible neighbours.
const PARTS: [&str; 64] = [
    " ",
    " ",
    " ",
    "\n",
    "\t",
    "\r\n",
    "  ",
    "the",
    "The",
    "embeddings",
    "tokenization",
    "x",
    "I",
    "ΣΑΣ",
    "ας",
    "Σ",
    "İstanbul",
    "crème",
    "cre\u{301}me",
    "A\u{30a}",
    "\u{301}",
    "\u{323}\u{301}",
    "\u{0}",
    "\u{b}",
    "\u{c}",
    "\u{85}",
    "\u{ad}",
    "\u{a0}",
    "\u{200b}",
    "\u{2000}",
    "\u{2028}",
    "\u{3000}",
    "\u{fffd}",
    "\u{fb01}",
    "東京",
    "漢",
    "字\u{301}",
    "豈",
    "\u{2a700}",
    "ひらがな",
    "カ\u{3099}",
    "한국어",
    "ภาษาไทย",
    "👩‍👩‍👧",
    "🇨🇭",
    "☺\u{fe0f}",
    "[SEP]",
    "[MASK]",
    "[CLS]",
    "[UNK",
    "]",
    "[",
    "##ing",
    ".",
    ",",
    "'",
    ":",
    "…",
    "。",
    "-",
    "_",
    "=\u{338}",
    "don't",
    "3.14",
];

/// A text of `parts` parts, another one for each `seed`.
fn text(seed: u64, parts: usize) -> String {
    let mut random = Random(seed);
    (0..parts).map(|_| PARTS[random.below(PARTS.len())]).collect()
}

/// The words of the text tokenised at once.
fn at_once(tokenizer: &TextTokenizer, text: &str) -> Vec<Word> {
    let encoding = tokenizer.tokenizer.encode(text, false).unwrap();
    let words = encoding.get_ids().iter().zip(encoding.get_offsets());
    words.map(|(&id, &(start, end))| Word { id, range: start..end }).collect()
}

fn in_pieces(tokenizer: &TextTokenizer, text: &str) -> Vec<Word> {
    let mut words = VecDeque::new();
    tokenizer.pieces(text).for_each(|piece| tokenizer.read(piece, &mut words).unwrap());
    words.into()
}

fn ids(words: &[Word]) -> Vec<u32> {
    words.iter().map(|word| word.id).collect()
}

fn cut_into(tokenizer: &mut TextTokenizer, bytes: usize) {
    tokenizer.cuts.as_mut().expect("BERT's tokenizer can be cut").piece = bytes;
}

#[test]
fn pieces_give_the_ids_and_places_of_the_whole_text() {
    let mut tokenizer = tokenizer();
    let mut pieces = 0;
    for seed in 0..400 {
        let text = text(seed, 120);
        let whole = at_once(&tokenizer, &text);
        for bytes in [1, 7, 40, 1 << 14] {
            cut_into(&mut tokenizer, bytes);
            pieces += tokenizer.pieces(&text).count();
            assert_eq!(
                in_pieces(&tokenizer, &text),
                whole,
                "seed {seed}, pieces of {bytes} bytes: {text:?}"
            );
        }
        let count = tokenizer.tokenize(&text).unwrap();
        assert_eq!(count.ids[1..count.ids.len() - 1], ids(&whole)[..whole.len().min(254)]);
        assert_eq!(count.dropped, whole.len().saturating_sub(254));
    }
    assert!(pieces > 40_000, "{pieces} pieces are too few to prove anything");
}

#[test]
fn long_texts_of_one_kind_are_cut_and_stay_the_same() {
    let tokenizer = tokenizer();
    let kinds = [
        "seven grey cats ",
        "東京タワー",
        "漢字",
        "a,b;",
        "https://example.com/a_b?c=d&",
        "e\u{301} ",
        "[MASK]",
        "[SEP] ",
        "a [MASK]字",
        "\u{301}字",
    ];
    for kind in kinds {
        let text = kind.repeat(50_000 / kind.len());
        let whole = at_once(&tokenizer, &text);
        assert!(tokenizer.pieces(&text).count() > 2 || kind == "[MASK]", "{kind:?} is not cut");
        assert_eq!(in_pieces(&tokenizer, &text), whole, "{kind:?}");
        assert_eq!(tokenizer.tokenize(&text).unwrap().dropped, whole.len() - 254, "{kind:?}");
    }
}

#[test]
fn what_cannot_be_cut_is_one_piece() {
    let tokenizer = tokenizer();
    for text in ["[MASK]".repeat(10_000), "a\u{b}b\u{85}".repeat(10_000), "…—".repeat(5_000)] {
        assert_eq!(tokenizer.pieces(&text).count(), 1);
        assert_eq!(in_pieces(&tokenizer, &text), at_once(&tokenizer, &text));
    }
    // A cut is looked for further on.
    let text = format!("{} {}", "…—".repeat(5_000), "b ".repeat(50_000));
    assert_eq!(tokenizer.pieces(&text).next().unwrap().text.len(), 30_001);
    assert_eq!(in_pieces(&tokenizer, &text), at_once(&tokenizer, &text));
}

#[test]
fn a_word_that_is_too_long_for_the_vocabulary_is_cut() {
    let tokenizer = tokenizer();
    for text in ["a".repeat(100_000), "ภาษาไทย".repeat(5_000), "그는".repeat(10_000)]
    {
        let longest = tokenizer.pieces(&text).map(|piece| piece.text.len()).max().unwrap();
        assert!(longest <= 1 << 14, "{longest}");
        assert_eq!(in_pieces(&tokenizer, &text), at_once(&tokenizer, &text));
        assert_eq!(tokenizer.tokenize(&text).unwrap().ids, [101, 100, 102]);
        assert_eq!(tokenizer.word_ids(&text).unwrap(), [100]);
    }
}

/// Letters, what belongs to them, and what ends a word without being a place for a cut.
const LETTERS: [&str; 26] = [
    "a",
    "b",
    "Z",
    "7",
    "é",
    "e\u{301}",
    "\u{323}\u{301}",
    "İ",
    "ﬁ",
    "ж",
    "Σ",
    "ς",
    "ß",
    "ภ",
    "ี",
    "า",
    "か",
    "カ\u{3099}",
    "한",
    "😀",
    "\u{200d}",
    "\u{fe0f}",
    "ª",
    "\u{ad}",
    "字\u{301}",
    "—",
];

#[test]
fn long_words_of_any_letters_are_cut_and_stay_the_same() {
    let mut tokenizer = tokenizer();
    let mut joints = 0;
    for seed in 0..150 {
        let mut random = Random(seed);
        // Of the last three, which end words, there are few.
        let mut letter = || match random.below(400) {
            0 => LETTERS[23 + random.below(3)],
            _ => LETTERS[random.below(23)],
        };
        let text: String = (0..4000).map(|_| letter()).collect();
        let whole = at_once(&tokenizer, &text);
        for bytes in [300, 450, 800, 3000] {
            cut_into(&mut tokenizer, bytes);
            joints += tokenizer.pieces(&text).filter(|piece| piece.is_joined).count();
            assert_eq!(in_pieces(&tokenizer, &text), whole, "seed {seed}, {bytes} bytes: {text:?}");
            assert_eq!(tokenizer.word_ids(&text).unwrap(), ids(&whole), "seed {seed}, {bytes}");
        }
    }
    assert!(joints > 900, "{joints} joints are too few to prove anything");
}

#[test]
fn a_joint_at_a_wrong_place_would_be_noticed() {
    let mut tokenizer = tokenizer();
    let cuts = tokenizer.cuts.as_mut().unwrap();
    (cuts.piece, cuts.too_long) = (40, Some(10));
    let text = "the".repeat(30);
    assert_ne!(ids(&in_pieces(&tokenizer, &text)), ids(&at_once(&tokenizer, &text)));
}

#[test]
fn lower_casing_an_uncased_text_changes_nothing() {
    let (plain, lowered) = (tokenizer(), with(|config| config.lowercase_first = true));
    for seed in 0..200 {
        let text = text(seed, 120);
        assert_eq!(in_pieces(&lowered, &text), in_pieces(&plain, &text), "seed {seed}: {text:?}");
    }
}

#[test]
fn places_of_a_lower_case_text_are_those_of_the_text() {
    let tokenizer = with(|config| {
        config.lowercase = false;
        config.lowercase_first = true;
    });
    let text = "İİ Kelvin \u{212a}2 ΣΑΣ. İx y";
    let words = in_pieces(&tokenizer, text);
    assert!(text.to_lowercase().len() != text.len());
    for word in &words {
        assert!(text.get(word.range.clone()).is_some(), "{word:?}");
    }
    let last = words.last().unwrap();
    assert_eq!(&text[last.range.clone()], "y");
    let kelvin = words.iter().find(|word| text[word.range.clone()].starts_with('K')).unwrap();
    assert_eq!(kelvin.range.start, "İİ ".len());
}

#[test]
fn every_place_is_on_boundaries_of_characters_and_they_ascend() {
    let tokenizer = tokenizer();
    for seed in 0..400 {
        let text = text(seed, 120);
        let mut last = 0;
        for word in in_pieces(&tokenizer, &text) {
            assert!(
                text.get(word.range.clone()).is_some_and(|part| !part.is_empty()),
                "{word:?} in {text:?}"
            );
            assert!(word.range.start >= last, "{word:?} in {text:?}");
            last = word.range.start;
        }
    }
}

#[test]
fn a_cut_at_a_wrong_place_would_be_noticed() {
    let mut tokenizer = tokenizer();
    let cuts = tokenizer.cuts.as_mut().unwrap();
    cuts.piece = 1;
    cuts.after[usize::from(b'e')] = true;
    let text = "the embeddings";
    assert_ne!(ids(&in_pieces(&tokenizer, text)), ids(&at_once(&tokenizer, text)));
}

#[test]
fn other_tokenizers_are_not_cut() {
    let json: Value =
        serde_json::from_slice(&fs::read(format!("{WEIGHTS}/tokenizer.json")).unwrap()).unwrap();
    let cuts = |change: &dyn Fn(&mut Value)| {
        let mut json = json.clone();
        change(&mut json);
        Cuts::of(&Tokenizer::from_bytes(json.to_string()).unwrap())
    };
    let added = |content: &str, flag: &str| {
        let mut token = json!({
            "id": 30522, "content": content, "special": false, "single_word": false,
            "lstrip": false, "rstrip": false, "normalized": false
        });
        token[flag] = json!(true);
        cuts(&|json| json["added_tokens"].as_array_mut().unwrap().push(token.clone()))
    };
    assert!(cuts(&|_| {}).is_some());
    assert!(cuts(&|json| json["normalizer"] = json!({"type": "NFKC"})).is_none());
    assert!(cuts(&|json| json["normalizer"] = Value::Null).is_none());
    assert!(cuts(&|json| json["pre_tokenizer"] = json!({"type": "Whitespace"})).is_none());
    for flag in ["single_word", "lstrip", "rstrip"] {
        assert!(added("<new>", flag).is_none(), "{flag}");
    }
    assert!(added("New York", "normalized").is_none());
    assert!(added("東京", "special").is_none());
    let cuts = added("<new>", "special").unwrap();
    assert!(
        !cuts.after[usize::from(b'<')]
            && !cuts.after[usize::from(b'[')]
            && cuts.after[usize::from(b'(')]
    );
}

//! Windows of a document are its tokens, cut.

mod support;

use minilm::{Error, SentenceEncoder, WindowEmbedding, Windows};
use ndarray::Array1;
use support::{ENCODER, bits, model, tiny::Tiny};

fn windows(document: &str, windows: Windows) -> Vec<WindowEmbedding> {
    ENCODER.encode_windows(document, windows).collect::<Result<_, _>>().unwrap()
}

/// Words that are one token each, so that a window's text is its tokens.
fn words(n: usize) -> Vec<&'static str> {
    (0..n).map(|i| ["the", "cat", "sat", "on", "a", "mat", "."][i * i % 7]).collect()
}

#[test]
fn a_short_document_is_one_window_with_the_bits_of_the_text() {
    for text in ["", "   ", "a", "Someone has a meal.", &words(254).join(" ")] {
        let found = windows(text, Windows::new());
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(bits(&found[0].embedding), bits(&ENCODER.encode_one(text).unwrap()), "{text:?}");
        assert_eq!(found[0].tokens, ENCODER.count_tokens(text).unwrap().used);
        assert_eq!(&text[found[0].range.clone()], text.trim());
        assert_eq!(
            bits(&ENCODER.encode_long(text, Windows::new()).unwrap()),
            bits(&found[0].embedding)
        );
    }
}

#[test]
fn windows_have_the_tokens_and_the_text_that_the_stride_gives_them() {
    for n in [9, 10, 11, 12, 17, 18, 19, 100] {
        let words = words(n);
        let document = words.join("  ");
        for stride in [1, 3, 9, 10] {
            let found = windows(&document, Windows::new().tokens(12).stride(stride));
            let count = 1 + n.saturating_sub(10).div_ceil(stride);
            assert_eq!(found.len(), count, "{n} words, stride {stride}");
            for (i, window) in found.iter().enumerate() {
                let part = &words[i * stride..n.min(i * stride + 10)];
                assert_eq!(document[window.range.clone()], part.join("  "));
                assert_eq!(window.tokens, part.len() + 2);
                let alone = ENCODER.encode_one(&part.join(" ")).unwrap();
                assert_eq!(
                    bits(&window.embedding),
                    bits(&alone),
                    "{n} words, stride {stride}, window {i}"
                );
            }
        }
    }
}

#[test]
fn ranges_are_of_the_document_whose_characters_change_their_length() {
    let document = "Crème Brûlée: e\u{301}clair, 東京タワー, 한국어 ﬁn 👩‍👩‍👧 İstanbul ΣΑΣ \
        [SEP] \u{0}a\u{ad}b NAÏVE"
        .repeat(30);
    for tokens in [3, 4, 9, 256] {
        let mut last = 0;
        for window in windows(&document, Windows::new().tokens(tokens)) {
            let text = document.get(window.range.clone()).expect("boundaries of characters");
            assert!(!text.is_empty());
            // Two windows have a syllable of Hangul in common, if it is cut; between two are but
            // spaces and marks.
            let (start, end) = (window.range.start.min(last), window.range.start.max(last));
            let common = last > window.range.start;
            assert!(
                document[start..end].chars().count() <= if common { 1 } else { 4 },
                "{:?} after {last}",
                window.range
            );
            last = window.range.end;
        }
        assert!(document.ends_with("NAÏVE") && last == document.len());
    }
    let first = windows("NAÏVE", Windows::new().tokens(3));
    assert_eq!(first[0].range, 0.."NAÏVE".len());
}

#[test]
fn a_windows_tokens_are_those_of_the_document_also_inside_a_word() {
    let document = "unbelievability ".repeat(5);
    let all = SentenceEncoder::load(model()).unwrap().tokenize(&document).unwrap().ids;
    let words = &all[1..all.len() - 1];
    let found = windows(&document, Windows::new().tokens(5));
    assert_eq!(found.len(), words.len().div_ceil(3));
    let second = ENCODER.tokenize(&document[found[1].range.clone()]).unwrap().ids;
    assert_ne!(
        second[1..second.len() - 1],
        words[3..6],
        "the second window does not begin with a word"
    );
    assert_eq!(found.iter().map(|window| window.tokens - 2).sum::<usize>(), words.len());
}

#[test]
fn a_documents_embedding_is_the_mean_by_tokens_with_length_one() {
    let document = words(600).join(" ");
    for stride in [254, 100] {
        let how = Windows::new().stride(stride);
        let mut sum = vec![0.0_f64; 384];
        for window in windows(&document, how) {
            sum.iter_mut()
                .zip(&window.embedding)
                .for_each(|(sum, x)| *sum += window.tokens as f64 * f64::from(*x));
        }
        let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
        let embedding = ENCODER.encode_long(&document, how).unwrap();
        for (x, sum) in embedding.iter().zip(&sum) {
            assert!((f64::from(*x) - sum / length).abs() < 1e-7);
        }
    }
    let raw = SentenceEncoder::builder().normalize(false).load(model()).unwrap();
    let embedding = raw.encode_long(&document, Windows::new()).unwrap();
    let parts =
        raw.encode_windows(&document, Windows::new()).collect::<Result<Vec<_>, _>>().unwrap();
    let tokens: usize = parts.iter().map(|window| window.tokens).sum();
    let mean = parts.iter().fold(Array1::zeros(384), |sum, window| {
        sum + &window.embedding * (window.tokens as f32 / tokens as f32)
    });
    assert!(embedding.iter().zip(&mean).all(|(a, b): (&f32, &f32)| (a - b).abs() < 1e-6));
}

#[test]
fn a_window_or_stride_of_an_impossible_length_is_an_error_and_ends_it() {
    for how in [Windows::new().tokens(2), Windows::new().tokens(0), Windows::new().tokens(257)] {
        let mut windows = ENCODER.encode_windows("a", how);
        assert!(
            matches!(windows.next(), Some(Err(Error::Option { option: "window", .. }))),
            "{how:?}"
        );
    }
    for how in
        [Windows::new().stride(0), Windows::new().stride(255), Windows::new().tokens(10).stride(9)]
    {
        let mut windows = ENCODER.encode_windows("a", how);
        assert!(
            matches!(windows.next(), Some(Err(Error::Option { option: "stride", .. }))),
            "{how:?}"
        );
        assert!(ENCODER.encode_long("a", how).is_err());
    }
}

#[test]
fn a_model_that_lowers_cases_itself_has_ranges_of_the_document() {
    let mut tiny = Tiny::new().with_modules();
    tiny.files.insert(
        "sentence_bert_config.json".into(),
        r#"{"max_seq_length": 32, "do_lower_case": true}"#.into(),
    );
    tiny.files.insert("tokenizer_config.json".into(), r#"{"do_lower_case": false}"#.into());
    let encoder = SentenceEncoder::load(tiny.write().path()).unwrap();
    let document = "İİ THE Cat. İ SAT".repeat(20);
    let found = encoder
        .encode_windows(&document, Windows::new().tokens(4))
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    assert!(found.len() > 30);
    assert!(
        found
            .iter()
            .all(|window| document.get(window.range.clone()).is_some_and(|text| !text.is_empty()))
    );
    assert_eq!(found.last().unwrap().range.end, document.len());
}

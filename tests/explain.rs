//! The parts of a similarity that token pairs add have the similarity as their sum.

mod support;

use minilm::{Error, Explanation, SentenceEncoder, Truncation, similarity};
use serde_json::json;
use support::{ENCODER, golden, model, tiny::Tiny};

fn cosine(encoder: &SentenceEncoder, a: &str, b: &str) -> f64 {
    let embeddings = encoder.encode(&[a, b]).unwrap();
    similarity::cosine(embeddings.row(0), embeddings.row(1)).into()
}

fn assert_adds_up(encoder: &SentenceEncoder, a: &str, b: &str) -> Explanation {
    let why = encoder.explain(a, b).unwrap();
    let want = cosine(encoder, a, b);
    assert!((why.cosine() - want).abs() < 1e-6, "{} is not {want}: {a:?} {b:?}", why.cosine());
    assert!((why.of_a().sum() - why.of_b().sum()).abs() < 1e-12);
    assert_eq!(why.pairs.dim(), (why.a.len(), why.b.len()));
    why
}

#[test]
fn the_pairs_of_any_two_texts_add_up_to_their_cosine() {
    let texts = golden::texts("stages.json");
    for a in &texts {
        for b in &texts {
            assert_adds_up(&ENCODER, &a.text, &b.text);
        }
    }
}

#[test]
fn a_pair_is_the_dot_product_of_its_tokens() {
    let (a, b) = ("A man is eating food.", "Someone has a meal.");
    let why = assert_adds_up(&ENCODER, a, b);
    let [u, v] = [a, b].map(|text| ENCODER.token_embeddings(text).unwrap());
    assert_eq!((&why.a, &why.b), (&u.tokens, &v.tokens));
    let dot = |i, j| {
        u.embeddings
            .row(i)
            .iter()
            .zip(v.embeddings.row(j))
            .map(|(&x, &y)| f64::from(x) * f64::from(y))
            .sum::<f64>()
    };
    let scale = why.pairs[[5, 4]] / dot(5, 4);
    for ((i, j), pair) in why.pairs.indexed_iter() {
        assert!((pair - scale * dot(i, j)).abs() < 1e-9, "{i} {j}");
    }
    let swapped = ENCODER.explain(b, a).unwrap();
    assert!(
        why.pairs.indexed_iter().all(|((i, j), pair)| (swapped.pairs[[j, i]] - pair).abs() < 1e-12)
    );
}

#[test]
fn a_text_is_explained_by_itself_to_one() {
    for text in ["", "the same", "word ".repeat(300).as_str()] {
        let why = assert_adds_up(&ENCODER, text, text);
        assert!((why.cosine() - 1.0).abs() < 1e-6);
    }
}

#[test]
fn what_is_dropped_is_counted_and_shortened_vectors_are_explained() {
    let encoder = SentenceEncoder::builder().truncate_dim(32).max_tokens(5).load(model()).unwrap();
    let why = assert_adds_up(&encoder, "one two three four five", "six");
    assert_eq!((why.counts[0].used, why.counts[0].dropped, why.counts[1].dropped), (5, 2, 0));
    let whole = cosine(&ENCODER, "one two three", "six");
    assert!((why.cosine() - whole).abs() > 1e-3, "32 of 384 dimensions are another vector");
}

#[test]
fn the_text_that_is_too_long_is_named() {
    let encoder = SentenceEncoder::builder()
        .max_tokens(4)
        .truncation(Truncation::Error)
        .load(model())
        .unwrap();
    let error = encoder.explain("one", "one two three").unwrap_err();
    assert!(matches!(error, Error::TooLong { index: 1, tokens: 5, limit: 4, .. }), "{error}");
}

#[test]
fn other_poolings_are_refused_by_name() {
    for (modes, found) in [
        (&["cls"][..], "cls"),
        (&["mean", "max"], "max and mean"),
        (&["mean_sqrt_len"], "mean_sqrt_len_tokens"),
    ] {
        let mut tiny = Tiny::new().with_modules();
        let mut pooling =
            json!({ "word_embedding_dimension": 52, "pooling_mode_mean_tokens": false });
        for mode in modes {
            let suffix = if *mode == "cls" { "token" } else { "tokens" };
            pooling[format!("pooling_mode_{mode}_{suffix}")] = true.into();
        }
        tiny.files.insert("1_Pooling/config.json".into(), pooling.to_string());
        let encoder = SentenceEncoder::load(tiny.write()).unwrap();
        let error = encoder.explain("the cat", "a dog").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("only mean pooling can be explained, but this model has {found}")
        );
    }
}

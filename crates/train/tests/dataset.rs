//! Data that nothing can be learned from is refused, and what is unusual is told.

use minilm_train::{Arguments, Dataset, Error, Finding, Kind, Loss};

/// Rows of texts and a value; an empty value is none.
fn data(kind: Kind, rows: &[(&[&str], &str)]) -> Result<Dataset, Error> {
    let mut data = Dataset::new(kind, rows[0].0.len());
    for (i, (texts, value)) in rows.iter().enumerate() {
        let value = (!value.is_empty()).then_some(*value);
        data.push(&format!("line {}", i + 2), texts, value)?;
    }
    data.check(64)?;
    Ok(data)
}

#[track_caller]
fn refused(kind: Kind, rows: &[(&[&str], &str)], message: &str) {
    let error = data(kind, rows).expect_err("nothing to learn").to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn rows_that_say_nothing_are_refused() {
    refused(
        Kind::Pairs,
        &[(&["a", "b"], ""), (&["c", " "], "")],
        "line 3: text 2 of the row is empty",
    );
    refused(Kind::Pairs, &[(&["a", "b"], "")], "1 row is too few");
    refused(Kind::Pairs, &[(&["a", "b"], ""), (&["a", "b"], "")], "all rows are equal");
    refused(Kind::Pairs, &[(&["a", "a"], ""), (&["b", "b"], "")], "of every row are equal");
    refused(
        Kind::ScoredPairs,
        &[(&["a", "b"], "1"), (&["a", "c"], "NaN")],
        "line 3: the score is NaN",
    );
    refused(
        Kind::ScoredPairs,
        &[(&["a", "b"], "1"), (&["a", "c"], "-inf")],
        "line 3: the score is -inf",
    );
    refused(Kind::ScoredPairs, &[(&["a", "b"], "high")], "line 2: the score \"high\" is no number");
    refused(Kind::ScoredPairs, &[(&["a", "b"], "1"), (&["a", "c"], "1.0")], "every score is 1");
    refused(
        Kind::LabelledPairs,
        &[(&["a", "b"], "1"), (&["a", "c"], "true")],
        "every pair has the label 1",
    );
    refused(Kind::LabelledPairs, &[(&["a", "b"], "2")], "none of 0, 1, true and false");
    refused(Kind::LabelledTexts, &[(&["a"], "x"), (&["b"], "x")], "every text has the label \"x\"");
    refused(Kind::LabelledTexts, &[(&["a"], "x"), (&["b"], "y")], "no label has two texts");
    refused(Kind::LabelledTexts, &[(&["a"], "x"), (&["b"], "")], "line 3: there is no label");
}

#[test]
fn what_is_unusual_is_told() {
    let rows: &[(&[&str], &str)] =
        &[(&["a", "b"], ""), (&["a", "b"], ""), (&["c", "c"], ""), (&["d", "e"], "")];
    let found = data(Kind::Pairs, rows).expect("data").check(64).expect("data");
    assert_eq!(found, [Finding::Duplicates(1), Finding::EqualTexts(1)]);
    let rows: &[(&[&str], &str)] =
        &[(&["a"], "x"), (&["b"], "x"), (&["c"], "y"), (&["a"], "y"), (&["d"], "z")];
    let found = data(Kind::LabelledTexts, rows).expect("data").check(4).expect("data");
    let few = Finding::FewLabels { labels: 3, batch: 4 };
    assert_eq!(found, [Finding::SingleLabels(1), Finding::TwoLabels(1), few]);
}

#[test]
fn labelled_texts_become_pairs_of_one_label() {
    let rows: Vec<(String, String)> =
        (0..30).map(|i| (format!("text {i}"), format!("label {}", i % 4))).collect();
    let mut data = Dataset::new(Kind::LabelledTexts, 1);
    for (text, label) in &rows {
        data.push("a row", &[text], Some(label)).expect("a text");
    }
    let epoch = data.epoch(42, 0);
    assert_eq!(epoch.len(), 30, "each text is an anchor once");
    for row in epoch.iter() {
        let label = |text: u32| &rows[text as usize].1;
        assert!(row.texts[0] != row.texts[1] && label(row.texts[0]) == label(row.texts[1]));
    }
    assert_eq!(epoch, data.epoch(42, 0));
    assert_ne!(epoch, data.epoch(42, 1));
}

#[test]
fn digests_are_of_the_rows() {
    let of = |rows: &[(&[&str], &str)]| data(Kind::Pairs, rows).expect("data").digest(None);
    let first = of(&[(&["a", "b"], ""), (&["c", "d"], "")]);
    assert_eq!(first, of(&[(&["a", "b"], ""), (&["c", "d"], "")]));
    assert_ne!(first, of(&[(&["c", "d"], ""), (&["a", "b"], "")]));
    assert_ne!(first, of(&[(&["a", "bc"], ""), (&["c", "d"], "")]));
    assert_ne!(first, of(&[(&["a", "b"], "x"), (&["c", "d"], "x")]));
}

#[test]
fn a_loss_says_what_data_it_needs() {
    let error = Kind::Pairs.check(&Loss::CoSent { scale: 20.0 }).expect_err("no scores");
    assert_eq!(
        error.to_string(),
        "option loss: CoSENTLoss needs scored or labelled pairs, but the data are pairs"
    );
    assert!(Kind::LabelledPairs.check(&Loss::CosineSimilarity).is_ok());
    assert!(Kind::ScoredPairs.check(&Loss::Contrastive { margin: 0.5 }).is_err());
}

#[test]
fn numbers_out_of_range_are_named() {
    let wrong = |change: fn(&mut Arguments)| {
        let mut arguments = Arguments::default();
        change(&mut arguments);
        arguments.check().expect_err("it is refused").to_string()
    };
    assert!(wrong(|arguments| arguments.per_device_train_batch_size = 0).contains("batch_size"));
    assert!(wrong(|arguments| arguments.learning_rate = f64::NAN).contains("learning_rate"));
    assert!(wrong(|arguments| arguments.dropout = Some(1.0)).contains("dropout"));
    assert!(wrong(|arguments| arguments.num_train_epochs = 0.0).contains("num_train_epochs"));
}

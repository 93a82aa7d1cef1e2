//! Runs of training: what they learn, the same bits every time, and what they leave behind.

mod runs;

use minilm::SentenceEncoder;
use minilm_train::{Arguments, Dataset, Error, Evaluation, Event, Kind, Loss, Trainer};
use runs::*;
use safetensors::SafeTensors;
use std::fs;

#[test]
fn the_loss_falls_and_the_model_loads() {
    let room = Room::new(&Tiny::new().with_modules());
    let mut setup = room.setup("model");
    setup.arguments.num_train_epochs = 20.0;
    setup.arguments.learning_rate = 3e-3;
    setup.arguments.dropout = Some(0.0);
    let output = setup.output.clone();
    let mut trainer = Trainer::new(setup).expect("a run");
    assert_eq!(trainer.steps(), 60);
    let losses = run(&mut trainer).expect("it trains");
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[57..]) < 0.5 * mean(&losses[..3]), "{losses:?}");
    trainer.finish().expect("a model");
    let encoder = SentenceEncoder::load(&output).expect("it loads");
    let base = SentenceEncoder::load(room.base.path()).expect("it loads");
    let texts = ["the cat sat", "dogs ran"];
    assert_ne!(encoder.encode(&texts).expect("vectors"), base.encode(&texts).expect("vectors"));
}

#[test]
fn a_model_that_cannot_be_written_leaves_no_part_of_it() {
    let room = Room::new(&Tiny::new().with_modules());
    let mut setup = room.setup("file");
    let blocked = room.folder.path().join("file");
    setup.output = blocked.join("model");
    let mut trainer = Trainer::new(setup).expect("a run");
    run(&mut trainer).expect("it trains");
    fs::write(&blocked, "in the way").expect("a file");
    let error = trainer.finish().unwrap_err();
    assert!(matches!(&error, Error::Read { path, .. } if path.starts_with(&blocked)), "{error}");
    let left: Vec<_> = fs::read_dir(room.folder.path()).expect("a folder").flatten().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn threads_and_dropout_decide_as_they_should() {
    let room = Room::new(&Tiny::new().with_modules());
    let expected = whole(room.setup("global"));
    for threads in [1, 3, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let found = pool.install(|| whole(room.setup(&format!("threads-{threads}"))));
        assert!(found == expected, "{threads} threads");
    }
    let other = |name: &str, change: fn(&mut Arguments)| {
        let mut setup = room.setup(name);
        change(&mut setup.arguments);
        whole(setup)
    };
    assert!(other("seed", |arguments| arguments.seed = 43) != expected);
    assert!(other("no-dropout", |arguments| arguments.dropout = Some(0.0)) != expected);
    assert!(
        other("dropout", |arguments| arguments.dropout = Some(0.1)) == expected,
        "as BertConfig"
    );
}

#[test]
fn the_tokens_that_are_kept_change_no_bit() {
    let room = Room::new(&Tiny::new().with_modules());
    let usual = whole(room.setup("usual"));
    for tokens in [1, 1_000_000] {
        let mut setup = room.setup(&format!("kept-{tokens}"));
        setup.kept_tokens = Some(tokens);
        assert!(whole(setup) == usual, "with {tokens} tokens");
    }
}

#[test]
fn the_directory_has_the_files_of_the_base() {
    let mut tiny = Tiny::new().with_modules();
    tiny.rename(|name| {
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        format!("bert.{}", name.replace("LayerNorm.bias", "LayerNorm.beta"))
    });
    let pooler = tiny.tensor("bert.embeddings.LayerNorm.beta").clone();
    tiny.tensors.insert("bert.pooler.dense.bias".to_owned(), pooler.clone());
    tiny.files.insert("tokenizer_config.json".into(), "{ \"do_lower_case\":true }".into());
    let room = Room::new(&tiny);
    let setup = room.setup("model");
    let output = setup.output.clone();
    let bytes = whole(setup);
    for name in ["vocab.txt", "tokenizer_config.json", "modules.json", "1_Pooling/config.json"] {
        let [old, new] = [room.base.path(), &output].map(|folder| fs::read(folder.join(name)));
        assert_eq!(old.expect("a file"), new.expect("a file"), "{name}");
    }
    let file = SafeTensors::deserialize(&bytes).expect("tensors");
    let mut names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, tiny.tensors.keys().cloned().collect::<Vec<_>>());
    let stored = file.tensor("bert.pooler.dense.bias").expect("the pooler");
    let kept: Vec<u8> = pooler.values.iter().flat_map(|x| x.to_le_bytes()).collect();
    assert_eq!(stored.data(), kept, "what is not trained stays");
    let card = fs::read_to_string(output.join("README.md")).expect("a card");
    for line in [
        "library_name: sentence-transformers",
        "- dataset_size:20",
        "- loss:MultipleNegativesRankingLoss",
    ] {
        assert!(card.lines().any(|found| found == line), "{card}");
    }
    let left: Vec<_> =
        fs::read_dir(&output).expect("files").flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("checkpoint")), "{left:?}");
}

#[test]
fn a_plain_bert_becomes_a_sentence_encoder() {
    let mut tiny = Tiny::new();
    tiny.store_as(safetensors::Dtype::F16);
    tiny.config["torch_dtype"] = "float16".into();
    let room = Room::new(&tiny);
    let setup = room.setup("model");
    let output = setup.output.clone();
    whole(setup);
    let config = fs::read_to_string(output.join("config.json")).expect("a configuration");
    assert!(config.contains("\"torch_dtype\": \"float32\""), "{config}");
    let encoder = SentenceEncoder::load(&output).expect("it loads");
    let vector = encoder.encode_one("the cat").expect("a vector");
    assert!((vector.dot(&vector) - 1.0).abs() < 1e-6, "it is normalised");
}

#[test]
fn training_that_leaves_the_numbers_stops_and_says_where() {
    let room = Room::new(&Tiny::new().with_modules());
    let mut setup = room.setup("model");
    setup.arguments.learning_rate = 1e30;
    let mut trainer = Trainer::new(setup).expect("a run");
    let error = run(&mut trainer).expect_err("it cannot go on");
    // The first step of the warm-up has the rate 0; the second throws the weights away.
    assert!(matches!(error, Error::NotFinite { step: 3, what: "the loss", .. }), "{error}");
    assert!(trainer.next().is_none());
}

/// Labelled pairs for an evaluation: those of [`pairs`], and shifted ones.
fn labelled() -> Dataset {
    let source = pairs(20);
    let mut data = Dataset::new(Kind::LabelledPairs, 2);
    for (i, row) in source.rows().iter().enumerate() {
        let text = |number: u32| source.texts()[number as usize].as_str();
        let other = &source.rows()[(i + 7) % 20];
        data.push("a row", &[text(row.texts[0]), text(row.texts[1])], Some("1")).expect("a pair");
        data.push("a row", &[text(row.texts[0]), text(other.texts[1])], Some("0")).expect("a pair");
    }
    data
}

#[test]
fn the_best_weights_are_kept_and_training_stops_early() {
    let room = Room::new(&Tiny::new().with_modules());
    let mut setup = room.setup("model");
    setup.arguments.num_train_epochs = 30.0;
    setup.arguments.eval_steps = Some(2);
    setup.arguments.early_stopping_patience = Some(3);
    setup.evaluations = vec![Evaluation { name: "pairs".to_owned(), data: labelled() }];
    let mut trainer = Trainer::new(setup).expect("a run");
    let (mut values, mut best) = (Vec::new(), (0, f64::MIN));
    for event in trainer.by_ref() {
        if let Event::Evaluation { step, scores, is_best } = event.expect("an event") {
            let value = scores[0].values[0].1;
            assert_eq!(is_best, step > 0 && value > best.1);
            if is_best {
                best = (step, value);
            }
            values.push((step, value));
        }
    }
    assert_eq!(trainer.best().map(|found| (found.step, found.value)), Some(best));
    assert_eq!(trainer.step(), best.0 + 6, "three evaluations after the best: {values:?}");
    let outcome = trainer.finish().expect("a model");
    assert_eq!((outcome.step, outcome.after[0].values[0].1), best);
    assert_eq!(outcome.before[0].values[0].1, values[0].1);
}

#[test]
fn an_average_is_between_the_base_and_the_trained_weights() {
    let room = Room::new(&Tiny::new().with_modules());
    let trained = whole(room.setup("trained"));
    let mut setup = room.setup("mean");
    setup.average = 0.25;
    let mean = whole(setup);
    let base = fs::read(room.base.path().join("model.safetensors")).expect("weights");
    let [base, trained, mean] = [&base, &trained, &mean].map(|bytes| {
        let file = SafeTensors::deserialize(bytes).expect("tensors");
        let data =
            file.tensor("encoder.layer.1.output.dense.weight").expect("a tensor").data().to_vec();
        data.as_chunks().0.iter().map(|&x| f64::from(f32::from_le_bytes(x))).collect::<Vec<f64>>()
    });
    for ((base, trained), mean) in base.iter().zip(&trained).zip(&mean) {
        assert_eq!(*mean, f64::from((0.75 * trained + 0.25 * base) as f32));
    }
}

#[test]
fn a_model_learns_the_vectors_of_another() {
    let room = Room::new(&Tiny::new().with_modules());
    let mut other = Tiny::new().with_modules();
    other.tensor("encoder.layer.1.output.dense.weight").values.reverse();
    let teacher = SentenceEncoder::load(other.write().path()).expect("it loads");
    for (i, distance) in
        [minilm_train::Target::Mse, minilm_train::Target::Cosine].into_iter().enumerate()
    {
        let mut setup = room.setup(&format!("model-{i}"));
        setup.loss = Loss::Distillation { distance };
        assert!(Trainer::new(setup.clone()).is_err(), "there are no vectors");
        setup.vectors = Some(teacher.encode(setup.data.texts()).expect("vectors"));
        (setup.arguments.dropout, setup.arguments.num_train_epochs) = (Some(0.0), 20.0);
        let mut trainer = Trainer::new(setup).expect("a run");
        let losses = run(&mut trainer).expect("it trains");
        assert!(losses[losses.len() - 1] < 0.5 * losses[0], "{losses:?}");
    }
}

#[test]
fn every_kind_of_data_trains() {
    let room = Room::new(&Tiny::new().with_modules());
    let source = pairs(12);
    let text = |row: usize, column: usize| {
        source.texts()[source.rows()[row % 12].texts[column] as usize].as_str()
    };
    let mut scored = Dataset::new(Kind::ScoredPairs, 2);
    let mut triplets = Dataset::new(Kind::Triplets, 4);
    let mut texts = Dataset::new(Kind::LabelledTexts, 1);
    for row in 0..12 {
        let score = (row % 4).to_string();
        scored.push("a row", &[text(row, 0), text(row + row % 4, 1)], Some(&score)).expect("a row");
        let negatives = [text(row, 0), text(row, 1), text(row + 5, 1), text(row + 6, 1)];
        triplets.push("a row", &negatives, None).expect("a row");
        texts.push("a row", &[text(row, 0)], Some(["x", "y", "z"][row % 3])).expect("a row");
    }
    let matryoshka = |loss: Loss| Loss::Matryoshka {
        loss: Box::new(loss),
        dimensions: vec![(52, 1.0), (16, 0.5)],
    };
    let cosine = Loss::Triplet { margin: 0.2, distance: minilm_train::Distance::Cosine };
    for (i, (data, loss)) in [
        (scored.clone(), scored.kind().loss()),
        (scored, matryoshka(Loss::CoSent { scale: 20.0 })),
        (triplets.clone(), triplets.kind().loss()),
        (triplets, cosine),
        (labelled(), labelled().kind().loss()),
        (texts.clone(), texts.kind().loss()),
    ]
    .into_iter()
    .enumerate()
    {
        let mut setup = room.setup(&format!("model-{i}"));
        (setup.data, setup.loss, setup.arguments.num_train_epochs) = (data, loss.clone(), 10.0);
        let mut trainer = Trainer::new(setup).expect("a run");
        let losses = run(&mut trainer).expect("it trains");
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < first, "{loss:?}: {first} to {last}");
    }
}

//! Losses, schedules, logistic regression and mining are those of sentence-transformers,
//! transformers and scikit-learn: README.md in the folder `original` says how its files are made.

use minilm_train::{
    Distance, Examples, Loss, Same, Schedule, Target, classifier::Classifier, negatives::Mining,
};
use ndarray::{Array2, ArrayView2, s};
use safetensors::SafeTensors;
use serde_json::Value as Json;
use std::{fs, path::PathBuf};

/// The rows of a batch in the files.
const ROWS: usize = 5;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/original").join(name)
}

fn json(name: &str) -> Json {
    let text = fs::read_to_string(path(name)).expect("a file of the folder");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// A tensor of two dimensions.
fn tensor(file: &SafeTensors, name: &str) -> Array2<f64> {
    let tensor = file.tensor(name).unwrap_or_else(|_| panic!("there is no {name}"));
    let values = tensor.data().as_chunks::<8>().0.iter().map(|&x| f64::from_le_bytes(x)).collect();
    Array2::from_shape_vec((tensor.shape()[0], tensor.shape()[1]), values).expect("its shape")
}

/// The losses by their names in the files, with the rows whose negatives are masked.
fn losses() -> Vec<(&'static str, Loss, bool)> {
    let ranking = |scale, symmetric| Loss::MultipleNegativesRanking { scale, symmetric };
    let nested = Loss::Matryoshka {
        loss: Box::new(ranking(20.0, false)),
        dimensions: vec![(12, 1.0), (6, 0.5), (3, 0.25)],
    };
    vec![
        ("mnrl", ranking(20.0, false), false),
        ("mnrl_symmetric", ranking(20.0, true), false),
        ("mnrl_hard", ranking(20.0, false), false),
        ("mnrl_scale_50", ranking(50.0, false), false),
        ("mnrl_masked", ranking(20.0, false), true),
        ("mnrl_symmetric_masked", ranking(20.0, true), true),
        ("cosent", Loss::CoSent { scale: 20.0 }, false),
        ("cosine", Loss::CosineSimilarity, false),
        ("contrastive", Loss::Contrastive { margin: 0.5 }, false),
        ("triplet_cosine", Loss::Triplet { margin: 0.2, distance: Distance::Cosine }, false),
        ("triplet_euclidean", Loss::Triplet { margin: 5.0, distance: Distance::Euclidean }, false),
        ("mse", Loss::Distillation { distance: Target::Mse }, false),
        ("embed_distill", Loss::Distillation { distance: Target::Cosine }, false),
        ("matryoshka", nested, false),
    ]
}

/// Rows 0 and 2 have the same label, and row 4's anchor is row 1's positive.
fn alike() -> Same {
    Same::new(
        vec![vec![0, 1, 2, 3, 11], vec![10, 11, 12, 13, 14]],
        vec![Some(1), None, Some(1), Some(2), None],
    )
}

fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most, x| most.max(x.abs()))
}

#[test]
fn losses_and_gradients_are_those_of_sentence_transformers() {
    let bytes = fs::read(path("losses.safetensors")).expect("a file of the folder");
    let file = SafeTensors::deserialize(&bytes).expect("tensors");
    let (index, targets, same) = (json("losses.json"), tensor(&file, "targets"), alike());
    for kind in ["spread", "solved"] {
        let embeddings = tensor(&file, kind);
        for (name, loss, masked) in losses() {
            let case = &index[format!("{kind}.{name}")];
            let columns = case["columns"].as_u64().expect("a number") as usize;
            let scores = case.get("scores").map(numbers).unwrap_or_default();
            let examples = Examples {
                columns,
                scores: &scores,
                same: masked.then_some(&same),
                vectors: Some(targets.slice(s![..columns * ROWS, ..])),
            };
            let found = loss.value(embeddings.slice(s![..columns * ROWS, ..]), &examples);
            let expected = case["loss"].as_f64().expect("a number");
            // PyTorch adds in another order; for a solved batch its loss is what is left of numbers
            // near 20.
            let error = (found.loss - expected).abs();
            assert!(
                error <= 1e-13 * expected.abs().max(20.0),
                "{kind} {name}: {} {expected}",
                found.loss
            );
            let gradient = tensor(&file, &format!("{kind}.{name}"));
            let difference = largest((&found.gradient - &gradient).iter().copied());
            let size = largest(gradient.iter().copied());
            assert!(
                difference <= 1e-12 * size.max(1e-2),
                "{kind} {name}: {difference:e} of {size:e}"
            );
        }
    }
}

/// Central differences of a loss by each value.
fn differences(loss: &Loss, at: ArrayView2<f64>, examples: &Examples) -> Array2<f64> {
    const STEP: f64 = 1e-5;
    let mut gradient = Array2::zeros(at.dim());
    for place in ndarray::indices(at.dim()) {
        let [up, down] = [STEP, -STEP].map(|step| {
            let mut moved = at.to_owned();
            moved[place] += step;
            loss.value(moved.view(), examples).loss
        });
        gradient[place] = (up - down) / (2.0 * STEP);
    }
    gradient
}

#[test]
fn gradients_are_the_slopes_of_the_losses() {
    let mut random = minilm_testing::Random(3);
    let values = |random: &mut minilm_testing::Random, n: usize| {
        random.values(n).into_iter().map(f64::from).collect::<Vec<f64>>()
    };
    for (name, loss, masked) in losses() {
        let columns = if matches!(loss.inner(), Loss::Triplet { .. }) { 3 } else { 2 };
        let shape = (columns * ROWS, 12);
        let all = Array2::from_shape_vec(shape, values(&mut random, shape.0 * shape.1));
        let (all, same) = (all.expect("its shape"), alike());
        let targets = Array2::from_shape_vec(shape, values(&mut random, shape.0 * shape.1));
        let targets = targets.expect("its shape");
        let scores = [0.0, 1.0, 1.0, 0.0, 1.0];
        let examples = Examples {
            columns,
            scores: &scores,
            same: masked.then_some(&same),
            vectors: Some(targets.view()),
        };
        let found = loss.value(all.view(), &examples).gradient;
        let slopes = differences(&loss, all.view(), &examples);
        let error = largest((&found - &slopes).iter().copied());
        assert!(error < 1e-7 * largest(slopes.iter().copied()).max(0.1), "{name}: {error:e}");
    }
}

#[test]
fn a_masked_candidate_changes_nothing() {
    let mut random = minilm_testing::Random(8);
    let values = random.values(2 * ROWS * 12).into_iter().map(f64::from).collect();
    let mut embeddings = Array2::from_shape_vec((2 * ROWS, 12), values).expect("its shape");
    let same = Same::new(
        vec![vec![0, 1, 2, 3, 4], vec![10, 11, 12, 13, 14]],
        vec![Some(1); ROWS], // so that there are no negatives at all
    );
    let examples = Examples { same: Some(&same), ..Examples::of(2) };
    let found = Loss::default().value(embeddings.view(), &examples);
    assert_eq!(found.loss, 0.0);
    assert!(found.gradient.iter().all(|&g| g == 0.0));
    embeddings[[7, 3]] += 1.0;
    assert_eq!(Loss::default().value(embeddings.view(), &examples).loss, 0.0);
}

#[test]
fn learning_rates_are_those_of_transformers() {
    for case in json("schedule.json").as_array().expect("a list") {
        let number = |name: &str| case[name].as_u64().expect("a number") as usize;
        let schedule = match case["kind"].as_str().expect("a name") {
            "linear" => Schedule::Linear,
            "constant_with_warmup" => Schedule::Constant,
            _ => Schedule::Cosine,
        };
        for (step, expected) in numbers(&case["factors"]).into_iter().enumerate() {
            let found = schedule.factor(step, number("warmup"), number("steps"));
            // The linear ones are the same divisions; the cosine is that of another library.
            let bound = if schedule == Schedule::Cosine { 1e-15 } else { 0.0 };
            assert!((found - expected).abs() <= bound, "{case} step {step}: {found}");
        }
    }
}

#[test]
fn probabilities_are_those_of_scikit_learn() {
    let file = json("logistic.json");
    let rows: Vec<Vec<f64>> = file["x"].as_array().expect("a list").iter().map(numbers).collect();
    let values = rows.concat().into_iter().map(|x| x as f32).collect();
    let x = Array2::from_shape_vec((rows.len(), rows[0].len()), values).expect("its shape");
    for case in file["cases"].as_array().expect("a list") {
        let text = |json: &Json| json.as_str().expect("a text").to_owned();
        let classes: Vec<String> =
            case["classes"].as_array().expect("a list").iter().map(text).collect();
        let labels = case["labels"].as_array().expect("a list").iter().map(text);
        let labels: Vec<u32> = labels
            .map(|label| classes.iter().position(|class| *class == label).expect("a class") as u32)
            .collect();
        let c = case["c"].as_f64().expect("a number");
        let fitted = Classifier::fit(x.view(), &labels, classes.len(), c).expect("it fits");
        let found = fitted.probabilities(x.view());
        for (row, expected) in case["probabilities"].as_array().expect("a list").iter().enumerate()
        {
            for (class, expected) in numbers(expected).into_iter().enumerate() {
                let found = found[[row, class]];
                // The values of x are rounded to f32 here.
                assert!((found - expected).abs() < 2e-6, "row {row}: {found} {expected}");
            }
        }
    }
}

#[test]
fn mined_negatives_are_those_of_sentence_transformers() {
    let file = json("negatives.json");
    let texts = |json: &Json| -> Vec<String> {
        let list = json.as_array().expect("a list").iter();
        list.map(|text| text.as_str().expect("a text").to_owned()).collect()
    };
    let pairs: Vec<Vec<String>> =
        file["pairs"].as_array().expect("a list").iter().map(texts).collect();
    let mut corpus = texts(&file["corpus"]);
    let mut queries: Vec<String> = Vec::new();
    for pair in &pairs {
        for (text, all) in pair.iter().zip([&mut queries, &mut corpus]) {
            if !all.contains(text) {
                all.push(text.clone());
            }
        }
    }
    let vectors = |names: &[String]| {
        let rows: Vec<f64> =
            names.iter().flat_map(|name| numbers(&file["vectors"][name])).collect();
        let rows = rows.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        Array2::from_shape_vec((names.len(), rows.len() / names.len()), rows).expect("its shape")
    };
    let place = |text: &String| corpus.iter().position(|other| other == text).expect("a text");
    let of = |query: &String| -> Vec<usize> {
        pairs.iter().filter(|pair| pair[0] == *query).map(|pair| place(&pair[1])).collect()
    };
    let positives: Vec<Vec<usize>> = queries.iter().map(of).collect();
    let none = vec![Vec::new(); queries.len()];
    for case in file["cases"].as_array().expect("a list") {
        let settings = &case["settings"];
        let number = |name: &str| settings.get(name).and_then(Json::as_f64);
        let mining = Mining {
            range_min: number("range_min").unwrap_or(0.0) as usize,
            range_max: number("range_max").map(|n| n as usize),
            max_score: number("max_score").map(|x| x as f32),
            min_score: number("min_score").map(|x| x as f32),
            absolute_margin: number("absolute_margin").map(|x| x as f32),
            relative_margin: number("relative_margin").map(|x| x as f32),
            num_negatives: number("num_negatives").expect("a number") as usize,
            random: None,
        };
        let mined =
            mining.run(vectors(&queries).view(), vectors(&corpus).view(), &positives, &none);
        let mined = mined.expect("negatives");
        let mut triplets = Vec::new();
        for (i, query) in queries.iter().enumerate() {
            for &positive in &positives[i] {
                for &(negative, _) in &mined.negatives[i] {
                    triplets.push(vec![
                        query.clone(),
                        corpus[positive].clone(),
                        corpus[negative].clone(),
                    ]);
                }
            }
        }
        let expected: Vec<Vec<String>> =
            case["triplets"].as_array().expect("a list").iter().map(texts).collect();
        assert_eq!(triplets, expected, "{settings}");
    }
}

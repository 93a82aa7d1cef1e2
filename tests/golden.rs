//! The engine against PyTorch: token ids, every stage by name, the final embeddings, pooling and
//! similarity.

mod support;

use minilm::{
    kernels::Rows,
    model::{Batch, Stage},
    pooling::{Mode, Pooling},
    similarity,
};
use std::collections::BTreeMap;
use support::{ENCODER, golden};

/// Bound of a stage's difference, before normalisation.
const STAGE: f64 = 2e-5;

#[test]
fn token_ids_equal_those_of_the_hugging_face_tokenizer() {
    for file in ["texts.json", "stages.json", "pooling.json"] {
        for text in golden::texts(file) {
            assert_eq!(
                ENCODER.tokenize(&text.text).unwrap().ids,
                text.ids,
                "{file}: {:?}",
                text.text
            );
        }
    }
}

#[test]
fn every_stage_is_what_pytorch_computes() {
    let tensors = golden::Tensors::open("stages.safetensors");
    let plain = ENCODER.model().plain().unwrap();
    let mut largest = BTreeMap::new();
    let mut compared = 0;
    for (i, text) in golden::texts("stages.json").iter().enumerate() {
        let mut batch = Batch::default();
        batch.push(&text.ids);
        let mut check = |stage: &str, rows: Rows, which: &[usize]| {
            for run in ["f32", "f64"] {
                let want = tensors.get(&format!("{run}.{i:02}.{stage}"));
                let got = which.iter().flat_map(|&r| rows.row(r)).copied();
                let difference = golden::compare(
                    &format!("{stage} of text {i}"),
                    got,
                    &want,
                    rows.cols(),
                    STAGE,
                );
                let kind = stage
                    .split('.')
                    .filter(|part| part.parse::<usize>().is_err())
                    .collect::<Vec<_>>()
                    .join(".");
                let entry = largest.entry((kind, run)).or_insert(0.0_f64);
                *entry = entry.max(difference);
                compared += 1;
            }
        };
        let activations = plain.forward(&batch).unwrap();
        for (stage, tensor) in activations.stages() {
            // The projections are not in the files: tests/trace.rs computes them again.
            if !matches!(stage, Stage::Query(_) | Stage::Key(_) | Stage::Value(_)) {
                check(&stage.to_string(), tensor, &text.rows);
            }
        }
        let mut pooled = vec![0.0; 384];
        Pooling::new(&[Mode::Mean]).pool(activations.hidden(), &mut pooled);
        check("pooled", Rows::new(&pooled, 384), &[0]);
        let embedding = ENCODER.encode_one(&text.text).unwrap();
        check("sentence_embedding", Rows::new(embedding.as_slice().unwrap(), 384), &[0]);
    }
    assert_eq!(compared, 12 * 27 * 2, "12 texts, 27 stages, 2 runs");
    for ((stage, run), difference) in largest {
        println!("{stage:40} largest difference to {run} {difference:.2e}");
    }
}

#[test]
fn final_embeddings_are_as_near_as_promised() {
    let tensors = golden::Tensors::open("embeddings.safetensors");
    let (f32_run, f64_run) =
        (tensors.get("f32.sentence_embedding"), tensors.get("f64.sentence_embedding"));
    let texts: Vec<String> = golden::texts("texts.json").into_iter().map(|t| t.text).collect();
    let embeddings = ENCODER.encode(&texts).unwrap();

    let largest = golden::compare("embedding", embeddings.iter().copied(), &f32_run, 384, 5e-7);
    let rms = |got: &mut dyn Iterator<Item = f64>| {
        let squares: f64 =
            got.zip(&f64_run).map(|(got, truth)| (got - truth) * (got - truth)).sum();
        (squares / f64_run.len() as f64).sqrt()
    };
    let ours = rms(&mut embeddings.iter().map(|&x| f64::from(x)));
    let pytorch = rms(&mut f32_run.iter().copied());
    println!(
        "rms error against f64: ours {ours:.3e}, PyTorch {pytorch:.3e}, ratio {:.3}",
        ours / pytorch
    );
    println!("largest difference to PyTorch: {largest:.2e}");
    assert!(ours <= 0.85 * pytorch);
}

#[test]
fn the_comparison_notices_one_wrong_value() {
    let tensors = golden::Tensors::open("pooling.safetensors");
    let want = tensors.get("00.mean");
    let mut got: Vec<f32> = want.iter().map(|&x| x as f32).collect();
    golden::compare("mean", got.iter().copied(), &want, 384, 1e-7);
    got[200] += 1e-3;
    let wrong =
        std::panic::catch_unwind(|| golden::compare("mean", got.iter().copied(), &want, 384, 1e-7));
    assert!(wrong.is_err());
    let zeros =
        std::panic::catch_unwind(|| golden::compare("mean", vec![0.0; 384], &want, 384, 1e-7));
    assert!(zeros.is_err());
    let missing = std::panic::catch_unwind(|| {
        golden::compare("mean", got[..200].iter().copied(), &want, 384, 1e-7)
    });
    assert!(missing.is_err());
}

#[test]
fn pooling_modes_are_those_of_sentence_transformers() {
    let tensors = golden::Tensors::open("pooling.safetensors");
    for i in 0..3 {
        let tokens: Vec<f32> =
            tensors.get(&format!("{i:02}.token_embeddings")).iter().map(|&x| x as f32).collect();
        let tokens = Rows::new(&tokens, 384);
        let mut all = vec![0.0; 6 * 384];
        Pooling::new(Mode::ALL).pool(tokens, &mut all);
        golden::compare(
            "all",
            all.iter().copied(),
            &tensors.get(&format!("{i:02}.all")),
            384,
            1e-6,
        );
        for &mode in Mode::ALL {
            let mut v = vec![0.0; 384];
            Pooling::new(&[mode]).pool(tokens, &mut v);
            golden::compare(
                mode.name(),
                v,
                &tensors.get(&format!("{i:02}.{}", mode.name())),
                384,
                1e-6,
            );
        }
    }
}

#[test]
fn similarities_are_those_of_sentence_transformers() {
    let tensors = golden::Tensors::open("pooling.safetensors");
    let means = [0, 1, 2].map(|i| {
        tensors.get(&format!("{i:02}.mean")).iter().map(|&x| x as f32).collect::<Vec<_>>()
    });
    type Score = fn(&[f32], &[f32]) -> f32;
    let scores: [(&str, Score, f64); 4] = [
        ("cos_sim", |a, b| similarity::cosine(a, b), 2e-7),
        ("dot_score", |a, b| similarity::dot(a, b), 5e-5),
        ("euclidean_sim", |a, b| similarity::euclidean(a, b), 5e-6), // PyTorch sums in f32
        ("manhattan_sim", |a, b| similarity::manhattan(a, b), 5e-5),
    ];
    for (name, score, bound) in scores {
        let got = means.iter().flat_map(|a| means.iter().map(move |b| score(a, b)));
        let difference = golden::compare(name, got, &tensors.get(name), 3, bound);
        println!("{name}: largest difference {difference:.2e}");
    }
}

//! A trace has the engine's tensors, under PyTorch's names.

mod support;

use minilm::{
    Level, SentenceEncoder, Trace,
    kernels::naive,
    model::Operation,
    ndarray::{Array2, s},
};
use safetensors::SafeTensors;
use std::{collections::BTreeSet, fs, time::Instant};
use support::{
    ENCODER, bits, golden, model,
    tiny::{Tiny, VOCABULARY},
};

fn matrix(trace: &Trace, name: &str) -> Array2<f32> {
    let values = trace.tensor(name).unwrap_or_else(|| panic!("no tensor {name}"));
    values.clone().into_dimensionality().unwrap()
}

fn layer(n: usize, part: &str) -> String {
    format!("encoder.layer.{n}.{part}")
}

#[test]
fn every_tensor_is_pytorchs_under_its_name_and_none_is_missing() {
    let tensors = golden::Tensors::open("stages.safetensors");
    for (i, text) in golden::texts("stages.json").iter().enumerate() {
        let trace = ENCODER.trace(&text.text).unwrap();
        assert_eq!(trace.ids, text.ids);
        let prefix = format!("f32.{i:02}.");
        let mut names: BTreeSet<String> = tensors
            .names()
            .iter()
            .filter_map(|name| name.strip_prefix(&prefix))
            .map(Into::into)
            .collect();
        for tensor in &trace.tensors {
            if ["query", "key", "value"].iter().any(|part| tensor.name.ends_with(part)) {
                continue;
            }
            let want = tensors.get(&format!("{prefix}{}", tensor.name));
            let width = *tensor.values.shape().last().unwrap();
            let rows: Vec<f32> = match tensor.values.ndim() {
                1 => tensor.values.iter().copied().collect(),
                _ => text
                    .rows
                    .iter()
                    .flat_map(|&row| tensor.values.slice(s![row, ..]).to_vec())
                    .collect(),
            };
            golden::compare(&tensor.name, rows, &want, width, 2e-5);
            assert!(names.remove(&tensor.name), "{} twice", tensor.name);
        }
        assert_eq!(names, BTreeSet::new(), "text {i}");
    }
}

/// q, k and v from the stored weights; then attention and context from q, k and v.
fn assert_attention_is_that_of_the_oracle(
    trace: &Trace,
    weights: impl Fn(&str) -> Vec<f32>,
    bound: f64,
) {
    let mut x = matrix(trace, "embeddings");
    let mut compared = 0;
    for n in 0..trace.layers {
        for part in ["query", "key", "value"] {
            let name = layer(n, &format!("attention.self.{part}"));
            let want = naive::linear(
                x.as_slice().unwrap(),
                &weights(&format!("{name}.weight")),
                &weights(&format!("{name}.bias")),
            );
            compared += want.len();
            golden::compare(&name, matrix(trace, &name), &want, x.ncols(), bound);
        }
        let value = matrix(trace, &layer(n, "attention.self.value")).mapv(f64::from);
        let context = matrix(trace, &layer(n, "attention.self"));
        let attentions = trace.attentions(n);
        let d = x.ncols() / trace.heads;
        for head in 0..trace.heads {
            let shares = trace.attention(n, head);
            assert_eq!(attentions.slice(s![head, .., ..]), shares);
            assert!(
                shares
                    .rows()
                    .into_iter()
                    .all(|row| (row.sum() - 1.0).abs() < 1e-12 && row.iter().all(|&p| p > 0.0))
            );
            let columns = s![.., head * d..(head + 1) * d];
            let want: Vec<f64> = shares.dot(&value.slice(columns)).into_iter().collect();
            golden::compare(
                &layer(n, "attention.self"),
                context.slice(columns).iter().copied(),
                &want,
                d,
                bound,
            );
        }
        x = matrix(trace, &layer(n, "output"));
    }
    assert_eq!(compared, trace.layers * 3 * x.len());
}

#[test]
fn queries_keys_values_and_attention_are_those_of_the_oracle() {
    let bytes = fs::read(model().join("model.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let weights = |name: &str| {
        let tensor = tensors.tensor(name).unwrap();
        tensor.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()
    };
    for text in
        ["", "The cat sat on the mat because it was warm.", "🛬 東京 <script>alert(1)</script>"]
    {
        assert_attention_is_that_of_the_oracle(&ENCODER.trace(text).unwrap(), weights, 1e-5);
    }
}

#[test]
fn sizes_that_are_no_multiple_of_a_vector_are_traced_right() {
    let tiny = Tiny::new().with_modules();
    let directory = tiny.write();
    for level in Level::available() {
        let encoder = SentenceEncoder::builder().level(level).load(directory.path()).unwrap();
        let trace = encoder.trace("The cat sat on a mats.").unwrap();
        assert!(trace.tokens.iter().all(|token| VOCABULARY.contains(&token.as_str())));
        assert_attention_is_that_of_the_oracle(
            &trace,
            |name| tiny.tensors[name].values.clone(),
            1e-5,
        );
    }
}

#[test]
fn a_traced_text_has_the_bits_of_an_encoded_one() {
    let text = "Tracing changes nothing.";
    for level in Level::available() {
        for dimension in [384, 100] {
            let encoder = SentenceEncoder::builder()
                .level(level)
                .truncate_dim(dimension)
                .load(model())
                .unwrap();
            let trace = encoder.trace(text).unwrap();
            let embedding = trace.tensor("sentence_embedding").unwrap();
            assert_eq!(bits(embedding), bits(&encoder.encode_one(text).unwrap()), "{level}");
            let hidden = matrix(&trace, "encoder.layer.5.output");
            assert_eq!(
                bits(&hidden),
                bits(&encoder.token_embeddings(text).unwrap().embeddings),
                "{level}"
            );
        }
    }
}

#[test]
fn the_laps_cover_the_pass_and_count_its_operations() {
    let start = Instant::now();
    let trace = ENCODER.trace("How long does each step take?").unwrap();
    let elapsed = start.elapsed();
    let t = trace.tokens.len() as u64;
    assert_eq!(trace.laps.len(), 1 + 6 * 7);
    assert_eq!(trace.laps[0].operation, Operation::Embeddings);
    for (i, lap) in trace.laps[1..].iter().enumerate() {
        assert_eq!((lap.layer, lap.operation), (i / 7, Operation::ALL[1 + i % 7]));
        assert!(!lap.time.is_zero(), "{lap:?}");
    }
    let products = trace.laps.iter().filter(|lap| lap.flop > 100 * t * 384);
    let linear: u64 =
        products.filter(|lap| lap.operation != Operation::Attention).map(|lap| lap.flop).sum();
    assert_eq!(linear, 2 * 10_616_832 * t, "docs/00-map.md");
    let attention: u64 = trace
        .laps
        .iter()
        .filter(|lap| lap.operation == Operation::Attention)
        .map(|lap| lap.flop)
        .sum();
    assert_eq!(attention, 2 * 4_608 * t * t, "docs/00-map.md");
    // In half of the passes a kernel took at least its median, and all passes happened while we
    // waited.
    assert!(trace.time() * (trace.passes as u32).div_ceil(2) <= elapsed);
}

#[test]
fn the_residual_stream_is_in_order() {
    let trace = ENCODER.trace("in order").unwrap();
    let names: Vec<_> = trace.residual_stream().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 13);
    assert_eq!(
        names[..3],
        ["embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"]
    );
    assert!(trace.residual_stream().all(|(_, x)| x.dim() == (4, 384)));
}

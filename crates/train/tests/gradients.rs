//! The gradients against those of PyTorch in `f64`, tensor by tensor.
//!
//! `gradients/generate.py` makes the files in `gradients/`.

mod support;

use minilm_kernels::Level;
use minilm_train::{Network, Tokens};
use ndarray::{Array2, ArrayView2, Axis};
use support::{Case, fixture, losses, network};

/// The error |g − g₆₄|/|g₆₄| of all parameters together, and the largest of a tensor with its name.
fn errors(network: &Network, case: &Case) -> (f64, f64, String) {
    let (mut error, mut total, mut worst) = (0.0, 0.0, (0.0, String::new()));
    for tensor in network.gradients() {
        let wanted = case.f32s(tensor.name);
        assert_eq!(wanted.len(), tensor.data.len(), "{}", tensor.name);
        let pairs = || tensor.data.iter().zip(&wanted).map(|(&a, &b)| (f64::from(a), f64::from(b)));
        let difference: f64 = pairs().map(|(a, b)| (a - b).powi(2)).sum();
        let size: f64 = pairs().map(|(_, b)| b * b).sum();
        (error, total) = (error + difference, total + size);
        // The gradient of the keys' bias is 0: softmax ignores a shift of its inputs.
        if size > 0.0 && !tensor.name.ends_with("key.bias") {
            let relative = (difference / size).sqrt();
            if relative > worst.0 {
                worst = (relative, tensor.name.to_owned());
            }
        } else if size == 0.0 {
            assert_eq!(difference, 0.0, "{} has no gradient", tensor.name);
        }
    }
    let norm = f64::sqrt(total);
    for tensor in network.gradients().filter(|tensor| tensor.name.ends_with("key.bias")) {
        assert!(tensor.data.iter().all(|g| f64::from(g.abs()) < 1e-6 * norm), "{}", tensor.name);
    }
    assert!((network.gradient_norm() - norm).abs() < 1e-6 * norm);
    (f64::sqrt(error) / norm, worst.0, worst.1)
}

#[test]
fn a_model_of_odd_sizes_has_the_gradients_of_pytorch() {
    for name in ["mnrl", "mnrl_hard", "cosent"] {
        let (mut network, tokens) = (network(Level::detect()), support::tokens());
        let case = fixture(&format!("tiny/{name}.safetensors"));
        let embeddings = network.embed(&tokens, None).unwrap();
        for (got, want) in embeddings.iter().zip(case.f32s("sentence_embedding")) {
            assert!((got - want).abs() < 2e-7, "{got} is not {want}");
        }
        let d = case.f32s("sentence_embedding.grad").into_iter().map(f64::from).collect();
        let d = Array2::from_shape_vec(embeddings.dim(), d).unwrap();
        network.backward(&tokens, d.view(), None).unwrap();
        let (global, worst, tensor) = errors(&network, &case);
        println!("tiny {name}: {global:.2e}, worst {worst:.2e} of {tensor}");
        assert!(global < 4e-7 && worst < 1e-6, "{name}: {global:e}, {worst:e} of {tensor}");
    }
}

/// The loss and its gradient in `f64`, of embeddings one column of the batch after the other.
type Loss = fn(ArrayView2<f64>, &[f64]) -> (f64, Array2<f64>);

#[test]
fn all_minilm_has_the_gradients_of_pytorch() {
    let cases: [(&str, Loss); 5] = [
        ("mnrl-8", losses::ranking),
        ("mnrl-one-long", losses::ranking),
        ("cosent-8", losses::cosent),
        ("cosine-mse-8", losses::cosine),
        ("triplet-4", losses::triplet),
    ];
    for (name, loss) in cases {
        let json = support::json(&format!("real/{name}.json"));
        let case = fixture(&format!("real/{name}.safetensors"));
        let tokens: Tokens = support::ids(&json["ids"]).into_iter().collect();
        let labels = json["labels"].as_array().into_iter().flatten();
        let labels: Vec<f64> = labels.map(|y| y.as_f64().unwrap()).collect();
        let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/../../weights/all-MiniLM-L6-v2");
        let mut network = Network::load(weights.as_ref()).unwrap();

        let embeddings = network.forward(&tokens, None).unwrap().mapv(f64::from);
        let (value, d) = loss(embeddings.view(), &labels);
        let wanted = json["loss"].as_f64().unwrap();
        assert!(
            (value - wanted).abs() < 4e-6 * wanted.max(1e-3),
            "{name}: {value} is not {wanted}"
        );
        network.backward(&tokens, d.view(), None).unwrap();
        let norm = json["grad_norm"].as_f64().unwrap();

        // 32 values of each tensor, and its norm.
        let (mut worst, mut sampled, mut squares) = ((0.0, ""), 0.0, 0.0);
        for tensor in network.gradients() {
            let (at, values) =
                (case.i64s(tensor.name), case.f64s(&format!("{}.value", tensor.name)));
            let of_tensor = case.f64s(&format!("{}.norm_max", tensor.name))[0];
            let got: f64 = tensor.data.iter().map(|&g| f64::from(g).powi(2)).sum();
            let error: f64 = at
                .iter()
                .zip(&values)
                .map(|(&at, want)| (f64::from(tensor.data[at as usize]) - want).powi(2))
                .sum();
            // The sampled values stand for all of them.
            let share = tensor.data.iter().filter(|g| **g != 0.0).count() as f64 / at.len() as f64;
            sampled += error * share;
            squares += got;
            if tensor.name.ends_with("key.bias") {
                assert!(got.sqrt() < 1e-6 * norm, "{name}: {} is {}", tensor.name, got.sqrt());
            } else if of_tensor > 0.0 {
                let relative = (got.sqrt() - of_tensor).abs() / of_tensor;
                assert!(relative < 1e-6, "{name}: the norm of {} is {relative:e} off", tensor.name);
                let relative = (error * share).sqrt() / of_tensor;
                if relative > worst.0 {
                    worst = (relative, tensor.name);
                }
            }
        }
        let (global, (relative, tensor)) = (sampled.sqrt() / norm, worst);
        println!("{name}: about {global:.2e}, a tensor at most about {relative:.2e} ({tensor})");
        assert!((squares.sqrt() - norm).abs() < 4e-7 * norm, "{name}");
        // An estimate of a sum from 32 of its terms is half again as large at times.
        assert!(global < 4e-7 && relative < 1e-6, "{name}: {global:e}, {relative:e} of {tensor}");
    }
}

#[test]
fn a_batch_adds_to_the_gradients_of_the_one_before() {
    let (mut network, tokens) = (network(Level::detect()), support::tokens());
    let d = network.embed(&tokens, None).unwrap().mapv(f64::from).mapv(|x| x.powi(2));
    let collect = |network: &Network| -> Vec<f32> {
        network.gradients().flat_map(|t| t.data.to_vec()).collect()
    };
    network.backward(&tokens, d.view(), None).unwrap();
    let once = collect(&network);
    network.backward(&tokens, d.view(), None).unwrap();
    for (twice, once) in collect(&network).into_iter().zip(once) {
        assert!((twice - 2.0 * once).abs() <= 1e-6 * once.abs().max(1e-3), "{twice} {once}");
    }
    assert_eq!(d.len_of(Axis(0)), tokens.sentences());
}

//! The gradients against those of PyTorch in `f64`, tensor by tensor.
//!
//! `gradients/generate.py` makes the files in `gradients/`.

mod support;

use minilm_kernels::Level;
use minilm_train::{Network, Tokens};
use ndarray::{Array2, ArrayView2, Axis};
use serde_json::Value;
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
    assert!((network.gradient_norm() - norm).abs() < 2e-6 * norm);
    (f64::sqrt(error) / norm, worst.0, worst.1)
}

/// The loss of a case and its gradient in `f64`.
fn loss(name: &str, e: ArrayView2<f64>, labels: &[f64]) -> (f64, Array2<f64>) {
    match name {
        name if name.starts_with("mnrl") => losses::ranking(e, 2),
        name if name.starts_with("cosent") => losses::cosent(e, labels),
        name if name.starts_with("cosine") => losses::cosine(e, labels),
        name if name.starts_with("triplet") => losses::triplet(e),
        other => panic!("no loss is called {other}"),
    }
}

fn labels(case: &Value) -> Vec<f64> {
    let labels = case["labels"].as_array().into_iter().flatten();
    labels.map(|y| y.as_f64().unwrap()).collect()
}

/// The case, and the errors of PyTorch's `f32`: of all parameters together, and the largest of a
/// tensor.
const TINY: [(&str, f64, f64); 3] =
    [("mnrl", 1.97e-6, 1.91e-5), ("mnrl_hard", 1.95e-6, 2.09e-5), ("cosent", 1.27e-6, 3.54e-6)];

#[test]
fn a_model_of_odd_sizes_has_the_gradients_of_pytorch() {
    for (name, global_of_pytorch, worst_of_pytorch) in TINY {
        let (mut network, tokens) = (network(Level::detect()), support::tokens());
        let case = fixture(&format!("tiny/{name}.safetensors"));
        let embeddings = network.embed(&tokens, None).unwrap();
        for (got, want) in embeddings.iter().zip(case.f32s("sentence_embedding")) {
            assert!((got - want).abs() < 4e-7, "{got} is not {want}");
        }
        let d = case.f32s("sentence_embedding.grad").into_iter().map(f64::from).collect();
        let d = Array2::from_shape_vec(embeddings.dim(), d).unwrap();
        network.backward(&tokens, d.view(), None).unwrap();
        let (global, worst, tensor) = errors(&network, &case);
        println!("tiny {name}: {global:.2e}, worst {worst:.2e} of {tensor}");
        assert!(global < global_of_pytorch, "{name}: {global:e}");
        assert!(worst < worst_of_pytorch, "{name}: {worst:e} of {tensor}");
    }
}

/// The case, and the errors of PyTorch's `f32`: of all parameters together, and the largest of a
/// tensor.
///
/// On `mnrl-one-long`, where PyTorch's softmax of 1 − 1e-4 in `f32` loses three digits, the errors
/// are those of the other cases.
const REAL: [(&str, f64, f64); 5] = [
    ("mnrl-8", 1.09e-6, 3.1e-6),
    ("mnrl-one-long", 1.4e-6, 3.1e-6),
    ("cosent-8", 1.20e-6, 2.6e-6),
    ("cosine-mse-8", 1.14e-6, 1.4e-6),
    ("triplet-4", 1.40e-6, 2.4e-6),
];

#[test]
fn all_minilm_has_the_gradients_of_pytorch() {
    for (name, global_of_pytorch, worst_of_pytorch) in REAL {
        let json = support::json(&format!("real/{name}.json"));
        let case = fixture(&format!("real/{name}.safetensors"));
        let tokens: Tokens = support::ids(&json["ids"]).into_iter().collect();
        let mut network = Network::load(support::weights().as_ref()).unwrap();
        let embeddings = network.forward(&tokens, None).unwrap().mapv(f64::from);
        let (value, d) = loss(name, embeddings.view(), &labels(&json));
        let wanted = json["loss"].as_f64().unwrap();
        assert!((value - wanted).abs() < 4e-6 * wanted, "{name}: {value} is not {wanted}");
        network.backward(&tokens, d.view(), None).unwrap();

        let norm = json["grad_norm"].as_f64().unwrap();
        let (global, (worst, tensor)) = sampled_errors(&network, &case, norm);
        println!("{name}: about {global:.2e}, a tensor at most about {worst:.2e} ({tensor})");
        assert!(global < global_of_pytorch, "{name}: {global:e}");
        // An estimate from 32 values is a third off at times.
        assert!(worst < 1.5 * worst_of_pytorch, "{name}: {worst:e} of {tensor}");
        let found = network.gradient_norm();
        assert!((found - norm).abs() < global_of_pytorch * norm, "{name}: {found} is not {norm}");
    }
}

/// The errors as [`errors`], estimated from the 32 values of each tensor that the file has.
fn sampled_errors(network: &Network, case: &Case, norm: f64) -> (f64, (f64, String)) {
    let (mut sum, mut worst) = (0.0, (0.0, String::new()));
    for tensor in network.gradients() {
        let name = tensor.name;
        let of_tensor = case.f64s(&format!("{name}.norm_max"))[0];
        let pairs = case.i64s(name).into_iter().zip(case.f64s(&format!("{name}.value")));
        let error: f64 =
            pairs.map(|(at, want)| (f64::from(tensor.data[at as usize]) - want).powi(2)).sum();
        // Of the word embeddings, the values are from rows that are used.
        let used = tensor.data.iter().filter(|g| **g != 0.0).count();
        let square = error * used as f64 / 32.0;
        sum += square;
        if name.ends_with("key.bias") {
            assert!(tensor.data.iter().all(|g| f64::from(g.abs()) < 1e-6 * norm), "{name}");
        } else if of_tensor == 0.0 {
            assert_eq!(used, 0, "{name} has no gradient");
        } else if square.sqrt() / of_tensor > worst.0 {
            worst = (square.sqrt() / of_tensor, name.to_owned());
        }
    }
    (sum.sqrt() / norm, worst)
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

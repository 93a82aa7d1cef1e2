//! Steps of the optimiser against `torch.optim.AdamW` in `f64`.

mod support;

use minilm_kernels::Level;
use minilm_train::{AdamW, Network};
use std::collections::BTreeMap;
use support::{losses, network};

fn norm(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn four_steps_with_warm_up_decay_and_clipping_are_those_of_pytorch() {
    let (mut network, tokens) = (network(Level::detect()), support::tokens());
    let before: BTreeMap<String, Vec<f32>> =
        network.tensors().map(|t| (t.name.to_owned(), t.data.to_vec())).collect();
    let index = support::json("tiny/index.json");
    let adamw = &index["adamw"];
    let weight_decay = adamw["weight_decay"].as_f64().unwrap();
    let rule = AdamW { weight_decay, ..AdamW::default() };
    for step in adamw["steps"].as_array().unwrap() {
        let e = network.forward(&tokens, None).unwrap().mapv(f64::from);
        // Two columns of four sentences; the third column has no part in the loss.
        let (loss, part) = losses::ranking(e.slice(ndarray::s![..8, ..]), 2);
        let wanted = step["loss"].as_f64().unwrap();
        assert!((loss - wanted).abs() < 1e-5 * wanted, "the loss {loss} is not {wanted}");
        let mut d = ndarray::Array2::zeros(e.dim());
        d.slice_mut(ndarray::s![..8, ..]).assign(&part);
        network.backward(&tokens, d.view(), None).unwrap();
        let norm = network.update(&rule, step["lr"].as_f64().unwrap(), Some(1.0));
        let wanted = step["grad_norm"].as_f64().unwrap();
        assert!((norm - wanted).abs() < 2e-5 * wanted, "the norm {norm} is not {wanted}");
    }
    assert_close(&network, &before);
}

/// Weights, m and v against the file, each tensor as a whole.
fn assert_close(network: &Network, before: &BTreeMap<String, Vec<f32>>) {
    let case = support::fixture("tiny/adamw_4_steps.safetensors");
    let state = network.state();
    let difference = |a: &[f32], b: &[f32]| {
        assert_eq!(a.len(), b.len());
        norm(a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)))
    };
    for tensor in network.tensors().filter(|t| !t.name.ends_with("key.bias")) {
        // A weight whose gradient is noise moves by the rate all the same, in a random direction.
        let wanted = case.f32s(tensor.name);
        let way = difference(&wanted, &before[tensor.name]);
        let error = difference(tensor.data, &wanted);
        assert!(error <= 1e-3 * way, "{}: {error:e} off, on a way of {way:e}", tensor.name);
    }
    for moments in state.moments.iter().filter(|m| !m.name.ends_with("key.bias")) {
        let pairs = [("exp_avg", &moments.first, 5e-5), ("exp_avg_sq", &moments.second, 5e-5)];
        for (kind, got, bound) in pairs {
            let mut wanted = case.f32s(&format!("{}.{kind}", moments.name));
            if moments.name.contains("word_embeddings") {
                let rows = state.words.iter().flat_map(|&id| &wanted[id as usize * 40..][..40]);
                wanted = rows.copied().collect();
            }
            let (error, size) = (difference(got, &wanted), norm(wanted.iter().map(|&x| x.into())));
            assert!(error <= bound * size, "{} {kind}: {error:e} of {size:e}", moments.name);
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_moves_nothing() {
    let (mut network, tokens) = (network(Level::detect()), support::tokens());
    let bits = |network: &Network| -> Vec<u32> {
        network.tensors().flat_map(|t| t.data.iter().map(|x| x.to_bits())).collect()
    };
    let before = bits(&network);
    let e = network.forward(&tokens, None).unwrap();
    let mut d = ndarray::Array2::zeros(e.dim());
    d[[0, 0]] = f64::NAN;
    network.backward(&tokens, d.view(), None).unwrap();
    assert!(!network.update(&AdamW::default(), 1.0, Some(1.0)).is_finite());
    assert!(bits(&network) == before, "a weight has moved");
    assert_eq!(network.state().steps, 0);
}

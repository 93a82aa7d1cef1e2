//! The step of training gives the bits of the plain backward pass.

mod support;

use minilm_kernels::Level;
use minilm_model::{Batch, Bert, Checkpoint, Config};
use minilm_pooling::{Mode, Pooling};
use ndarray::Array2;

#[test]
fn the_step_has_the_bits_of_the_plain_backward_pass() {
    let config = Config::read(&support::path("tiny/config.json")).unwrap();
    let checkpoint = Checkpoint::open(&support::path("tiny/model.safetensors")).unwrap();
    // Without normalisation, the gradient of the hidden states is that of the mean.
    let level = Level::detect();
    let mut network =
        minilm_train::Network::new(config.clone(), &checkpoint, false, level).unwrap();
    let tokens = support::tokens();
    let d = Array2::from_shape_fn((12, 40), |(i, j)| f64::from((7 * i + 3 * j) as u32 % 11) - 5.0);
    network.backward(&tokens, d.view(), None).unwrap();

    let plain = Bert::new(config, &checkpoint, level).unwrap().plain().unwrap();
    let mut batch = Batch::default();
    (0..12).for_each(|i| batch.push(tokens.sentence(i)));
    let activations = plain.forward(&batch).unwrap();
    let embeddings = network.embed(&tokens, None).unwrap();
    let mut d_hidden = Vec::new();
    for i in 0..12 {
        let rows = batch.rows(i);
        let mut mean = [0.0; 40];
        Pooling::new(&[Mode::Mean]).pool(activations.hidden().slice(rows.clone()), &mut mean);
        assert_eq!(embeddings.row(i).as_slice(), Some(&mean[..]));
        for _ in rows.clone() {
            d_hidden.extend(d.row(i).iter().map(|d| (d / rows.len() as f64) as f32));
        }
    }
    let d_hidden = minilm_kernels::Rows::new(&d_hidden, 40);
    let gradients = plain.backward(&batch, &activations, d_hidden).unwrap();
    let mut compared = 0;
    for tensor in network.gradients() {
        let want = &gradients[tensor.name];
        let same = tensor.data.iter().zip(want).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same && tensor.data.len() == want.len(), "{} differs", tensor.name);
        compared += 1;
    }
    assert_eq!(compared, gradients.len());
}

//! The same bits of every weight, whatever the threads, the level, and the memory.

mod support;

use minilm_kernels::Level;
use minilm_train::{AdamW, Dropout, Network, Tokens};
use rayon::ThreadPoolBuilder;
use support::{losses, network};

const RULE: AdamW = AdamW { betas: (0.9, 0.999), epsilon: 1e-8, weight_decay: 0.01 };
const STEPS: u64 = 20;

/// Sentences for step `step` that fill more than one chunk: anchors, then positives.
fn batch(step: u64) -> Tokens {
    let mut random = minilm_testing::Random(step);
    let sentence = |_| {
        let length = 1 + random.below(24);
        (0..length).map(|_| random.below(97) as u32).collect::<Vec<_>>()
    };
    (0..100).map(sentence).collect()
}

/// One step of training.
fn step(network: &mut Network, number: u64) {
    let dropout = Dropout { hidden: 0.1, attention: 0.1, seed: 7, step: number };
    let batch = batch(number);
    let embeddings = network.forward(&batch, Some(&dropout)).unwrap().mapv(f64::from);
    let (_, d) = losses::ranking(embeddings.view(), 2);
    network.backward(&batch, d.view(), Some(&dropout)).unwrap();
    network.update(&RULE, 1e-3, Some(1.0));
}

fn bits(network: &Network) -> Vec<(String, Vec<u32>)> {
    let bits = |data: &[f32]| data.iter().map(|x| x.to_bits()).collect();
    network.tensors().map(|tensor| (tensor.name.to_owned(), bits(tensor.data))).collect()
}

/// The weights after all steps, with a change of the network before each.
fn trained(level: Level, threads: usize, change: impl Fn(&mut Network, u64) + Sync) -> Network {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let mut network = network(level);
        for number in 0..STEPS {
            change(&mut network, number);
            step(&mut network, number);
        }
        network
    })
}

fn assert_same(name: &str, network: &Network, wanted: &[(String, Vec<u32>)]) {
    for ((tensor, got), (_, want)) in bits(network).iter().zip(wanted) {
        assert!(got == want, "{name}: {tensor} differs");
    }
}

#[test]
fn threads_levels_and_memory_change_no_bit() {
    let wanted = bits(&trained(Level::detect(), 1, |_, _| ()));
    assert_ne!(wanted, bits(&network(Level::detect())), "the weights have moved");
    for threads in 2..=4 {
        assert_same("threads", &trained(Level::detect(), threads, |_, _| ()), &wanted);
    }
    for level in Level::available() {
        assert_same(level.name(), &trained(level, 2, |_, _| ()), &wanted);
    }
    for keep in [0, 1030, usize::MAX] {
        let name = format!("a tape of at most {keep} tokens");
        assert_same(&name, &trained(Level::detect(), 2, |n, _| n.keep(keep)), &wanted);
    }
}

#[test]
fn a_run_that_is_stopped_goes_on_with_the_same_bits() {
    let wanted = bits(&trained(Level::detect(), 2, |_, _| ()));
    for stop in [0, 1, 7, STEPS - 1] {
        let stopped = trained(Level::detect(), 2, |network, number| {
            if number == stop {
                *network = saved_and_loaded(network);
            }
        });
        assert_same(&format!("stopped at {stop}"), &stopped, &wanted);
    }
}

/// A new network with the tensors and the state of another, by way of files.
fn saved_and_loaded(network: &Network) -> Network {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = network
        .tensors()
        .map(|t| (t.name, t.shape, t.data.iter().flat_map(|x| x.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view =
            safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.to_vec(), bytes);
        (*name, view.unwrap())
    });
    let file = safetensors::serialize(views, None).unwrap();
    let checkpoint =
        minilm_model::Checkpoint::from_bytes(file, "model.safetensors".as_ref()).unwrap();
    let config = network.config().clone();
    let mut loaded = Network::new(config, &checkpoint, true, Level::detect()).unwrap();
    loaded.restore(&network.state()).unwrap();
    assert_eq!(loaded.state(), network.state());
    loaded
}

#[test]
fn a_state_of_another_network_is_refused_by_the_tensor_s_name() {
    let mut network = network(Level::detect());
    let mut state = network.state();
    state.moments.retain(|moments| !moments.name.contains("1.output.dense"));
    let moments = state.moments.into_iter().map(|m| minilm_train::network::Moments {
        name: m.name.into_owned().into(),
        first: m.first.into_owned().into(),
        second: m.second.into_owned().into(),
    });
    let state = minilm_train::network::State {
        steps: state.steps,
        words: state.words,
        moments: moments.collect(),
    };
    let refused = network.restore(&state).unwrap_err();
    assert_eq!(refused, "encoder.layer.1.output.dense.weight");
}

#[test]
fn embeddings_have_the_bits_of_the_encoder() {
    let encoder = minilm::SentenceEncoder::load(support::weights()).unwrap();
    let network = Network::load(&support::weights()).unwrap();
    let texts = ["A man is eating food.", "", "why ? ", "Someone has a meal."];
    let long = "why ? ".repeat(120);
    let texts = [texts.as_slice(), &[long.as_str()]].concat();
    let batch: Tokens =
        texts.iter().map(|text| encoder.tokenize(text).unwrap().ids.clone()).collect();
    let (got, want) = (network.embed(&batch, None).unwrap(), encoder.encode(&texts).unwrap());
    for (got, want) in got.iter().zip(&want) {
        assert_eq!(got.to_bits(), want.to_bits());
    }
}

#[test]
fn dropout_drops_and_is_a_function_of_the_step() {
    let network = network(Level::detect());
    let embed = |step| {
        let dropout = Dropout { hidden: 0.1, attention: 0.1, seed: 7, step };
        network.embed(&support::tokens(), Some(&dropout)).unwrap()
    };
    assert_eq!(embed(1), embed(1));
    assert_ne!(embed(1), embed(2));
    assert_ne!(embed(1), network.embed(&support::tokens(), None).unwrap());
}

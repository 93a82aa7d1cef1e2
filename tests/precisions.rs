//! Every precision keeps the promise of the same bits, and stays near to `f32`.

mod support;

use minilm::{
    Level, Precision, SentenceEncoder,
    kernels::Rows,
    model::{Batch, Bert, Checkpoint, Config, Rank, Scratch, ThreadGroup},
    ndarray::Array2,
    similarity::cosine,
};
use std::time::Duration;
use support::{ENCODER, bits, golden, model};

const ROUNDED: [Precision; 2] = [Precision::Int16, Precision::Int8];

/// Texts of many lengths, a few of them long.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = golden::texts("texts.json").into_iter().map(|t| t.text).collect();
    texts.sort_by_key(String::len);
    texts.into_iter().step_by(7).collect()
}

fn encoder(precision: Precision, level: Level, threads: usize) -> SentenceEncoder {
    let builder = SentenceEncoder::builder().precision(precision).level(level).threads(threads);
    builder.load(model()).unwrap()
}

fn bert(precision: Precision, level: Level) -> Bert {
    let config = Config::read(&model().join("config.json")).unwrap();
    let checkpoint = Checkpoint::open(&model().join("model.safetensors")).unwrap();
    Bert::with_precision(config, &checkpoint, level, precision).unwrap()
}

fn batch(lengths: &[u32]) -> Batch {
    let mut batch = Batch::default();
    for &tokens in lengths {
        batch.push(&(0..tokens).map(|i| 2000 + 31 * i).collect::<Vec<_>>());
    }
    batch
}

fn values(hidden: Rows) -> Vec<f32> {
    (0..hidden.rows()).flat_map(|i| hidden.row(i).to_vec()).collect()
}

#[test]
fn alone_in_any_batch_and_on_any_number_of_threads_the_same_bits() {
    let texts = texts();
    for precision in ROUNDED {
        let one = encoder(precision, Level::detect(), 1);
        let together = one.encode(&texts).unwrap();
        for (text, row) in texts.iter().zip(together.rows()) {
            let alone = one.encode_one(text).unwrap();
            assert_eq!(bits(&alone), bits(row), "{precision}: {text:?}");
        }
        for threads in [2, 3] {
            let encoder = encoder(precision, Level::detect(), threads);
            let found = encoder.encode(&texts).unwrap();
            assert_eq!(bits(&found), bits(&together), "{precision}, {threads} threads");
        }
    }
}

#[test]
fn on_every_level_the_same_bits() {
    let texts: Vec<String> =
        texts().into_iter().filter(|text| text.len() < 160).step_by(3).collect();
    for precision in ROUNDED {
        let expected = encoder(precision, Level::detect(), 2).encode(&texts).unwrap();
        for level in Level::available() {
            let found = encoder(precision, level, 2).encode(&texts).unwrap();
            assert_eq!(bits(&found), bits(&expected), "{precision} on {level}");
        }
    }
}

#[test]
fn in_the_fused_pass_or_with_whole_tensors_the_same_bits() {
    let batch = batch(&[3, 40, 1, 17]);
    for (precision, level) in
        Level::available().into_iter().flat_map(|level| ROUNDED.map(|p| (p, level)))
    {
        let bert = bert(precision, level);
        let mut scratch = Scratch::default();
        let fused = values(bert.forward(&batch, &mut scratch).unwrap());
        let plain = bert.plain().unwrap().forward(&batch).unwrap();
        assert_eq!(fused.len(), 61 * 384);
        assert_eq!(bits(&fused), bits(&values(plain.hidden())), "{precision} on {level}");
    }
}

#[test]
fn by_a_thread_group_of_any_size_the_same_bits() {
    let batch = batch(&[3, 17, 9]);
    for precision in ROUNDED {
        let bert = bert(precision, Level::detect());
        let expected = bits(&values(bert.forward(&batch, &mut Scratch::default()).unwrap()));
        for size in 1..=4 {
            let group = ThreadGroup::new(size);
            let share = |rank: Rank| {
                let mut scratch = Scratch::default();
                bits(&values(bert.forward_together(&batch, &mut scratch, &rank).unwrap()))
            };
            std::thread::scope(|scope| {
                let others: Vec<_> = (1..size)
                    .map(|_| scope.spawn(|| share(group.join().expect("there is room"))))
                    .collect();
                let leader = share(group.lead(Duration::from_secs(60)));
                assert_eq!(leader, expected, "{precision}, leader of {size}");
                for other in others {
                    assert_eq!(other.join().unwrap(), expected, "{precision}, group of {size}");
                }
            });
        }
    }
}

/// The mean and the least cosine of rows.
fn cosines(a: &Array2<f32>, b: &Array2<f32>) -> (f64, f64) {
    let cosines: Vec<f64> =
        a.rows().into_iter().zip(b.rows()).map(|(a, b)| f64::from(cosine(a, b))).collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    (mean, cosines.iter().copied().fold(1.0, f64::min))
}

#[test]
fn vectors_are_near_to_those_of_f32() {
    let texts: Vec<String> = golden::texts("texts.json").into_iter().map(|t| t.text).collect();
    let exact = ENCODER.encode(&texts).unwrap();
    for (precision, mean, least) in
        [(Precision::Int16, 0.999_998, 0.999_98), (Precision::Int8, 0.9995, 0.997)]
    {
        let found = encoder(precision, Level::detect(), 2).encode(&texts).unwrap();
        let (m, l) = cosines(&exact, &found);
        assert!(m >= mean && l >= least, "{precision}: mean {m}, least {l}");
        assert_ne!(bits(&found), bits(&exact), "{precision} is not f32");
    }
}

#[cfg(feature = "tasks")]
#[test]
fn a_precision_is_a_space_of_its_own() {
    let spaces = Precision::ALL.map(|p| encoder(p, Level::detect(), 1).space());
    assert!(spaces[0].is_same(&ENCODER.space()), "f32 is the default");
    for (i, a) in spaces.iter().enumerate() {
        for (j, b) in spaces.iter().enumerate() {
            assert_eq!(a.is_same(b), i == j, "{a} and {b}");
        }
    }
}

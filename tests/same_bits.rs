//! The signature promise: a text's embedding has the same bits alone, in any batch, in any order,
//! on any number of threads and on every level.

mod support;

use minilm::{
    Level, SentenceEncoder,
    kernels::Rows,
    model::{Batch, Bert, Rank, Scratch, ThreadGroup},
};
use std::time::Duration;
use support::{ENCODER, bits, golden, model};

/// Texts of many lengths, a few of them long.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = golden::texts("texts.json").into_iter().map(|t| t.text).collect();
    texts.sort_by_key(String::len);
    texts.into_iter().step_by(7).collect()
}

#[test]
fn alone_or_in_any_batch_in_any_order() {
    let texts = texts();
    let together = ENCODER.encode(&texts).unwrap();
    let reversed: Vec<&String> = texts.iter().rev().collect();
    let backwards = ENCODER.encode(&reversed).unwrap();
    let twice: Vec<&String> = texts.iter().chain(&texts).collect();
    let doubled = ENCODER.encode(&twice).unwrap();
    for (i, text) in texts.iter().enumerate() {
        let alone = bits(&ENCODER.encode_one(text).unwrap());
        assert_eq!(alone, bits(together.row(i)), "in a batch: {text:?}");
        assert_eq!(alone, bits(backwards.row(texts.len() - 1 - i)), "in reverse: {text:?}");
        assert_eq!(alone, bits(doubled.row(i)), "first of two: {text:?}");
        assert_eq!(alone, bits(doubled.row(texts.len() + i)), "second of two: {text:?}");
    }
    let streamed = ENCODER.encode_iter(&texts);
    for (i, sentence) in streamed.enumerate() {
        assert_eq!(bits(&sentence.unwrap().embedding), bits(together.row(i)), "streamed");
    }
}

#[test]
fn on_any_number_of_threads() {
    let texts = texts();
    let expected = bits(&ENCODER.encode(&texts).unwrap());
    for threads in [1, 2, 3, 5] {
        let encoder = SentenceEncoder::builder().threads(threads).load(model()).unwrap();
        assert_eq!(bits(&encoder.encode(&texts).unwrap()), expected, "{threads} threads");
    }
}

#[test]
fn in_the_fused_pass_or_with_whole_tensors() {
    for level in Level::available() {
        let bert = Bert::load(&model(), level).unwrap();
        let mut batch = Batch::default();
        [3, 40, 1, 17]
            .into_iter()
            .for_each(|tokens| batch.push(&(0..tokens).map(|i| 2000 + 31 * i).collect::<Vec<_>>()));
        let mut scratch = Scratch::default();
        let fused = bert.forward(&batch, &mut scratch).unwrap();
        let activations = bert.plain().unwrap().forward(&batch).unwrap();
        let plain = activations.hidden();
        assert_eq!((plain.rows(), plain.cols()), (61, 384));
        for i in 0..61 {
            let [plain, fused] = [plain, fused].map(|x| x.row(i).iter().map(|x| x.to_bits()));
            assert!(plain.eq(fused), "{level}: token {i}");
        }
    }
}

#[test]
fn by_one_thread_or_by_a_thread_group_of_any_size() {
    for level in Level::available() {
        let bert = Bert::load(&model(), level).unwrap();
        let mut batch = Batch::default();
        [3, 17, 9]
            .into_iter()
            .for_each(|tokens| batch.push(&(0..tokens).map(|i| 2000 + 31 * i).collect::<Vec<_>>()));
        let values = |hidden: Rows| {
            (0..hidden.rows()).flat_map(|i| hidden.row(i).to_vec()).collect::<Vec<_>>()
        };
        let expected = bits(&values(bert.forward(&batch, &mut Scratch::default()).unwrap()));
        for size in 1..=5 {
            let group = ThreadGroup::new(size);
            let share = |rank: Rank| {
                assert_eq!(rank.size(), size);
                bits(&values(
                    bert.forward_together(&batch, &mut Scratch::default(), &rank).unwrap(),
                ))
            };
            std::thread::scope(|scope| {
                let others: Vec<_> = (1..size)
                    .map(|_| scope.spawn(|| share(group.join().expect("there is room"))))
                    .collect();
                assert_eq!(
                    share(group.lead(Duration::from_secs(60))),
                    expected,
                    "level {level}, leader of {size}"
                );
                others.into_iter().for_each(|other| {
                    assert_eq!(other.join().unwrap(), expected, "level {level}, group of {size}")
                });
            });
        }
    }
}

#[test]
fn on_every_level() {
    // The portable level is slow where the target has no fused multiply-add.
    let texts: Vec<String> =
        texts().into_iter().filter(|text| text.len() < 160).step_by(3).collect();
    let expected = bits(&ENCODER.encode(&texts).unwrap());
    for level in Level::available() {
        let encoder = SentenceEncoder::builder().level(level).load(model()).unwrap();
        assert_eq!(encoder.level(), level);
        assert_eq!(bits(&encoder.encode(&texts).unwrap()), expected, "level {level}");
    }
}

#[test]
fn from_sixteen_callers_at_once() {
    let texts = texts();
    let expected = bits(&ENCODER.encode(&texts).unwrap());
    std::thread::scope(|scope| {
        for caller in 0..16 {
            let (texts, expected) = (&texts[..20], &expected[..20 * 384]);
            scope.spawn(move || {
                if caller % 2 == 0 {
                    assert_eq!(bits(&ENCODER.encode(texts).unwrap()), expected);
                } else {
                    let each = texts.iter().flat_map(|text| ENCODER.encode_one(text).unwrap());
                    assert_eq!(bits(&each.collect::<Vec<_>>()), expected);
                }
            });
        }
    });
}

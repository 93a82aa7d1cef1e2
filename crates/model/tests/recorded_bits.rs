//! The bits that the embeddings of five golden texts had when this file was written, from their
//! token ids on: few enough texts for an emulated CPU, on which `cargo xtask check targets` runs
//! this file. `tests/recorded_bits.rs` of the workspace has fifty texts, and the tokenizer.

use minilm_kernels::{Level, Rows};
use minilm_model::{Batch, Bert, Checkpoint, Config, Precision, Scratch, ThreadGroup};
use minilm_pooling::{Mode, Pooling, normalize};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// [`hash`] of the five embeddings. It changes only with the arithmetic that
/// `docs/07-same-bits.md` describes, and then on every level at once.
const RECORDED: [(Precision, u64); 3] = [
    (Precision::F32, 0xde61_382f_d31d_1281),
    (Precision::Int16, 0x4340_ec83_a8ab_ff4f),
    (Precision::Int8, 0xd86f_7428_135d_d787),
];

/// A file of the workspace.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// The ids of the first five golden texts of five or six tokens.
fn ids() -> Vec<Vec<u32>> {
    let json = fs::read(path("tests/golden/texts.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let texts = json.as_array().or_else(|| json["texts"].as_array()).expect("a list of texts");
    let ids = texts.iter().map(|text| {
        let ids = text["ids"].as_array().expect("a list of ids");
        ids.iter().map(|id| id.as_u64().unwrap() as u32).collect()
    });
    ids.filter(|ids: &Vec<u32>| (5..=6).contains(&ids.len())).take(5).collect()
}

fn bert(precision: Precision, level: Level) -> Bert {
    let directory = path("weights/all-MiniLM-L6-v2");
    let config = Config::read(&directory.join("config.json")).unwrap();
    let weights = Checkpoint::open(&directory.join("model.safetensors")).unwrap();
    Bert::with_precision(config, &weights, level, precision).unwrap()
}

/// The hidden states `[T, H]` that a group of threads computes together, as its leader has them.
fn together(bert: &Bert, batch: &Batch, threads: usize) -> Vec<f32> {
    let group = ThreadGroup::new(threads);
    let work = |rank| {
        let mut scratch = Scratch::default();
        let hidden = bert.forward_together(batch, &mut scratch, &rank).unwrap();
        (0..hidden.rows()).flat_map(|row| hidden.row(row)).copied().collect()
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| group.join().map(work));
        }
        let leader = group.lead(Duration::from_secs(60));
        assert_eq!(leader.size(), threads);
        work(leader)
    })
}

/// The mean of each text's hidden states with the length 1, one behind the other.
fn embeddings(batch: &Batch, hidden: &[f32], width: usize) -> Vec<f32> {
    let embed = |text| {
        let mut v = vec![0.0; width];
        let rows = batch.rows(text);
        let tokens = Rows::new(&hidden[rows.start * width..rows.end * width], width);
        Pooling::new(&[Mode::Mean]).pool(tokens, &mut v);
        normalize(&mut v);
        v
    };
    (0..batch.sentences()).flat_map(embed).collect()
}

/// FNV-1a of the values' bytes, little-endian.
fn hash(values: &[f32]) -> u64 {
    let bytes = values.iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn five_texts_have_the_recorded_bits_on_one_and_two_threads() {
    let (texts, mut batch) = (ids(), Batch::default());
    assert_eq!(texts.len(), 5);
    texts.iter().for_each(|ids| batch.push(ids));
    for (precision, recorded) in RECORDED {
        let bert = bert(precision, Level::detect());
        for threads in [1, 2] {
            let hidden = together(&bert, &batch, threads);
            let found = hash(&embeddings(&batch, &hidden, bert.config().hidden_size));
            let case = format!("{precision:?}, level {}, {threads} threads", bert.level());
            assert_eq!(found, recorded, "{case}: {found:#018x}");
        }
    }
}

#[test]
fn the_hash_notices_one_bit() {
    assert_ne!(hash(&[0.0, 0.0]), hash(&[0.0, f32::from_bits(1)]));
    // FNV-1a of the four bytes "cafe".
    assert_eq!(hash(&[f32::from_bits(u32::from_le_bytes(*b"cafe"))]), 0xb5387d90e8589028);
}

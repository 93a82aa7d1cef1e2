//! The bits that the embeddings of fifty golden texts had when this file was written: every level,
//! every number of threads and every CPU must give them again.

mod support;

use minilm::{Level, Precision, SentenceEncoder};
use support::{golden, model};

/// [`hash`] of the fifty embeddings. It changes only with the arithmetic that
/// `docs/07-same-bits.md` describes, and then on every level at once. The tests of `crates/wasm`
/// read these lines.
const RECORDED: [(Precision, u64); 3] = [
    (Precision::F32, 0x247a_9bf1_48cb_130f),
    (Precision::Int16, 0x245b_f5a7_b6c3_96b4),
    (Precision::Int8, 0x232e_e768_7a45_b240),
];

/// Fifty texts of at most 24 tokens: short enough for an emulated CPU.
fn texts() -> Vec<String> {
    let short = golden::texts("texts.json").into_iter().filter(|text| text.ids.len() <= 24);
    short.step_by(4).take(50).map(|text| text.text).collect()
}

/// FNV-1a of the values' bytes, little-endian.
fn hash<'a>(values: impl IntoIterator<Item = &'a f32>) -> u64 {
    let bytes = values.into_iter().flat_map(|x| x.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[test]
fn embeddings_have_the_recorded_bits_on_every_level_and_on_one_and_two_threads() {
    let texts = texts();
    assert_eq!(texts.len(), 50);
    let one = Level::available().into_iter().map(|level| (level, 1));
    for (level, threads) in one.chain([(Level::detect(), 2)]) {
        for (precision, recorded) in RECORDED {
            let encoder = SentenceEncoder::builder().level(level).threads(threads);
            let encoder = encoder.precision(precision).load(model()).unwrap();
            let embeddings = encoder.encode(&texts).unwrap();
            assert_eq!(embeddings.dim(), (50, 384));
            let found = hash(&embeddings);
            let case = format!("{precision:?}, level {level}, {threads} threads");
            assert_eq!(found, recorded, "{case}: {found:#018x}");
        }
    }
}

#[test]
fn the_hash_notices_one_bit() {
    let zeros = [0.0; 384];
    let mut other = zeros;
    other[200] = f32::from_bits(1);
    assert_ne!(hash(&zeros), hash(&other));
    // FNV-1a of the four bytes "cafe".
    let word = f32::from_bits(u32::from_le_bytes(*b"cafe"));
    assert_eq!(hash(&[word]), 0xb5387d90e8589028);
}

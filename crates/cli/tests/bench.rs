//! `minilm bench` has all measurements of its documentation, and plausible numbers.

mod support;

use serde_json::Value;
use std::sync::LazyLock;
use support::*;

/// One run for all tests: two at once would measure each other.
static PORTRAIT: LazyLock<Value> = LazyLock::new(|| {
    let stdout = run(&["bench", "--json", "--seconds", "1", "--threads", "2"]).ok();
    serde_json::from_slice(&stdout).expect("one JSON document")
});

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().unwrap_or_else(|| panic!("{field} is a list"))
}

#[track_caller]
fn number(value: &Value, field: &str) -> f64 {
    value[field].as_f64().unwrap_or_else(|| panic!("{field} is a number in {value}"))
}

#[track_caller]
fn positive(value: &Value, fields: &[&str]) {
    for field in fields {
        let x = number(value, field);
        assert!(x > 0.0 && x.is_finite(), "{field} is {x} in {value}");
    }
}

/// A speed that is more than nothing, no more than its ceiling but for noise, and the work divided
/// by the time.
#[track_caller]
fn speed(value: &Value) {
    positive(value, &["flop", "best_seconds", "median_seconds", "flops_per_second", "percent"]);
    assert!(number(value, "percent") <= 150.0, "{value}");
    assert!(number(value, "best_seconds") <= number(value, "median_seconds"), "{value}");
    let ratio =
        number(value, "flops_per_second") * number(value, "best_seconds") / number(value, "flop");
    assert!((ratio - 1.0).abs() < 1e-9, "{value}");
}

fn columns(name: &str, fields: &[&str]) -> Vec<Vec<u64>> {
    let row = |value: &Value| {
        fields.iter().map(|field| value[field].as_u64().expect("a whole number")).collect()
    };
    list(&PORTRAIT, name).iter().map(row).collect()
}

#[test]
fn it_says_what_was_measured_and_where() {
    let portrait = &*PORTRAIT;
    assert_eq!(portrait["minilm"], env!("CARGO_PKG_VERSION"));
    assert_eq!(portrait["level"], minilm::Level::detect().name());
    assert_eq!((portrait["threads"].as_u64(), portrait["seconds"].as_u64()), (Some(2), Some(1)));
    assert!(!portrait["machine"]["cpu"].as_str().expect("a name").is_empty());
    positive(&portrait["machine"], &["cpus"]);
    assert_eq!(portrait["model"]["name"], "all-MiniLM-L6-v2");
    assert_eq!(number(&portrait["model"], "linear_flop"), 2.0 * 10_616_832.0);
    positive(&portrait["model"], &["layers", "hidden", "heads", "intermediate", "attention_flop"]);
}

#[test]
fn memory_is_slower_than_a_cache() {
    let ceilings = &PORTRAIT["ceilings"];
    positive(ceilings, &["flops_per_second", "operations_per_second", "divisions_per_second"]);
    let in_a_slot =
        number(ceilings, "operations_per_second") / (number(ceilings, "flops_per_second") / 32.0);
    assert!((0.5..8.0).contains(&in_a_slot), "{in_a_slot} vector operations for each multiply-add");
    let read = list(ceilings, "read");
    read.iter().for_each(|read| positive(read, &["bytes", "bytes_per_second"]));
    assert!(
        number(&read[0], "bytes_per_second") > number(&read[2], "bytes_per_second"),
        "{ceilings}"
    );
}

#[test]
fn every_product_of_the_model_is_there() {
    list(&PORTRAIT, "gemm").iter().for_each(speed);
    let shapes = [(384, 1152), (384, 384), (384, 1536), (1536, 384)];
    let rows = [8, 16, 32, 64, 128, 256];
    let expected =
        shapes.iter().flat_map(|&(inputs, outputs)| rows.map(|rows| vec![inputs, outputs, rows]));
    assert_eq!(columns("gemm", &["inputs", "outputs", "rows"]), expected.collect::<Vec<_>>());
}

#[test]
fn the_model_is_measured_alone_and_in_packs() {
    list(&PORTRAIT, "forward").iter().for_each(speed);
    let expected = [[1, 8], [1, 16], [1, 32], [1, 128], [1, 256], [16, 8], [8, 16], [4, 32]];
    assert_eq!(columns("forward", &["sentences", "tokens"]), expected);
}

#[test]
fn the_other_kernels_stand_beside_what_they_need_at_the_least() {
    let kernels = list(&PORTRAIT, "kernels");
    if minilm::Level::detect() == minilm::Level::PORTABLE {
        return assert!(kernels.is_empty());
    }
    let names: Vec<_> =
        kernels.iter().map(|kernel| kernel["name"].as_str().expect("a name")).collect();
    let attention = ["attention"; 3];
    assert_eq!(
        names,
        [&["exp", "gelu", "softmax", "layer_norm"], &attention[..], &["embeddings"]].concat()
    );
    for kernel in kernels {
        speed(kernel);
        positive(kernel, &["elements", "bytes", "nanoseconds", "slots", "least_slots"]);
        let ratio = number(kernel, "least_slots") / number(kernel, "slots") * 100.0
            / number(kernel, "percent");
        assert!((ratio - 1.0).abs() < 1e-9, "{kernel}");
    }
}

#[test]
fn a_start_is_more_than_its_weights() {
    assert_eq!(columns("start", &["threads"]), [[1], [2]]);
    for start in list(&PORTRAIT, "start") {
        positive(start, &["weights", "encoder", "text"]);
    }
    let alone = &list(&PORTRAIT, "start")[0];
    assert!(
        number(alone, "encoder") > number(alone, "weights"),
        "one thread reads the tokenizer after the weights: {alone}"
    );
}

#[test]
fn percentiles_ascend() {
    let expected = [1, 2].map(|threads| [8, 16, 32, 128, 256].map(|tokens| vec![threads, tokens]));
    assert_eq!(columns("latency", &["threads", "tokens"]), expected.concat());
    for latency in list(&PORTRAIT, "latency") {
        positive(latency, &["calls", "p50"]);
        let times = ["p50", "p90", "p99", "max"].map(|field| number(latency, field));
        assert!(times.is_sorted(), "{latency}");
    }
}

#[test]
fn throughput_is_tokens_by_time() {
    assert_eq!(columns("throughput", &["threads"]), [[1], [2]]);
    for all in list(&PORTRAIT, "throughput") {
        speed(all);
        let ratio =
            number(all, "tokens") / number(all, "best_seconds") / number(all, "tokens_per_second");
        assert!((ratio - 1.0).abs() < 1e-9, "{all}");
        assert!(number(all, "tokens") > number(all, "texts"));
    }
}

#[test]
fn tables_are_for_people_and_respect_the_level() {
    let stdout = String::from_utf8(
        run(&["bench", "--seconds", "1", "--threads", "1", "--level", "avx2"]).stdout,
    )
    .expect("UTF-8");
    if "avx2".parse::<minilm::Level>().is_err() {
        return assert_eq!(stdout, "", "a level that is not there");
    }
    for line in [
        "level      avx2",
        "384→1152",
        "sentences × tokens",
        "layer_norm",
        "first text",
        "p99",
        "tokens per second",
    ] {
        assert!(stdout.contains(line), "{line}: {stdout}");
    }
    assert!(stdout.lines().all(|line| line == line.trim_end()), "{stdout}");
}

#[test]
fn what_makes_no_sense_is_misuse() {
    let cases = [
        &["bench", "--seconds", "0"][..],
        &["bench", "--seconds", "soon"],
        &["bench", "--seconds", "-1"],
        &["bench", "a text"],
        &["bench", "--format", "json"],
        &["bench", "--level", "avx9"],
    ];
    for arguments in cases {
        let run = run(arguments);
        assert_eq!((run.status, run.stdout.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
    }
    assert_eq!(run(&["bench", "--model", "no/model"]).status, Some(1));
}

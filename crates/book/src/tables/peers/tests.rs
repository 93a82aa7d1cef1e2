use super::*;
use serde_json::json;

#[test]
fn engines_are_compared_with_ours_in_the_same_run() {
    let engine = |name: &str, seconds: f64| {
        json!({
            "name": name, "version": "1.2", "median_seconds": seconds
        })
    };
    let run = |set: &str, engines: &[Value]| {
        json!({
            "set": set, "texts": 10, "tokens": 200, "threads": 1, "limit_seconds": 1.0,
            "engines": engines
        })
    };
    let short = run("short", &[engine("other", 3.0), engine("minilm", 2.0)]);
    let mixed = run("mixed", &[engine("minilm", 20.0), engine("third", 30.0)]);
    let expected = "\
| engine | short, one thread: s | × ours | mixed, one thread: s | × ours |
|---|---:|---:|---:|---:|
| limit: all multiply-adds at the measured peak | 1.00 | 0.50× | 1.00 | 0.05× |
| minilm 1.2 | 2.00 | 1.00× | 20.0 | 1.00× |
| other 1.2 | 3.00 | 1.50× | – | – |
| third 1.2 | – | – | 30.0 | 1.50× |

*short*: 10 texts with 200 tokens; *mixed*: 10 texts with 200 tokens. Medians.
";
    assert_eq!(texts(&json!({ "texts": [short, mixed] })).as_deref(), Ok(expected));
    let without = json!({ "texts": [run("short", &[engine("other", 3.0)])] });
    assert_eq!(texts(&without).unwrap_err(), "minilm is not among the engines");
}

#[test]
fn precisions_have_their_cosines_beside_their_times() {
    let engine = |name: &str, seconds: f64, least: f64| {
        json!({
            "name": name, "version": "1.2", "median_seconds": seconds,
            "mean_cosine": 0.99994, "min_cosine": least
        })
    };
    let run = json!({
        "set": "short", "threads": 1,
        "engines": [engine("minilm-int8", 1.0, 0.9981), engine("minilm", 2.0, 1.0)]
    });
    let expected = "\
| engine | short: s | short: × f32 | short: mean | short: least |
|---|---:|---:|---:|---:|
| minilm 1.2 | 2.00 | 1.00× | 0.999940 | 1.000000 |
| minilm-int8 1.2 | 1.00 | 0.50× | 0.999940 | 0.998100 |

Medians, one thread; *× f32*: the time as a multiple of minilm's in f32; *mean* and *least*: the \
            cosine of each text's vector with minilm's in f32.
";
    assert_eq!(precisions(&json!({ "texts": [run] })).as_deref(), Ok(expected));
    let apart = json!({ "texts": [], "precisions": { "texts": [run] } });
    assert_eq!(precisions(&apart).as_deref(), Ok(expected));
}

#[test]
fn batches_of_ids_are_rows() {
    let engines =
        json!([{ "name": "minilm", "median_ms": 2.0 }, { "name": "other", "median_ms": 3.5 }]);
    let record = json!({
        "ids": [{ "batch": 1, "tokens": 8, "threads": 2, "limit_ms": 1.5, "engines": engines }]
    });
    let expected = "\
| texts × tokens | threads | limit | minilm | other |
|---:|---:|---:|---:|---:|
| 1 × 8 | 2 | 1.50 | 2.00 | 3.50 (1.75×) |

Medians in milliseconds; in brackets, how many times ours.
";
    assert_eq!(ids(&record).as_deref(), Ok(expected));
}

#[test]
fn training_stands_beside_its_limit_and_has_its_memory() {
    let engine = |name: &str, seconds: f64| -> Value {
        json!({ "name": name, "median_seconds": seconds, "bytes": 5e8 * seconds })
    };
    let record = json!({
        "training": [{
            "set": "step of 1×2", "tokens": 1000, "threads": 1, "limit_seconds": 0.75,
            "engines": [engine("other", 2.5), engine("minilm", 1.0)]
        }]
    });
    let expected = "\
| work | threads | of the limit | minilm | other |
|---|---:|---:|---:|---:|
| step of 1×2 | 1 | 75 % | 1000 (0.50 GB) | 400 (2.50× as long, 1.25 GB) |

Tokens per second, medians; in brackets, how many times as long as ours it takes, and the most \
memory of the process.
";
    assert_eq!(training(&record).as_deref(), Ok(expected));
}

#[test]
fn searches_stand_beside_their_limits() {
    let engines = json!([
        { "name": "minilm", "median_seconds": 0.1 }, { "name": "other", "median_seconds": 0.15 }
    ]);
    let run = json!({
        "queries": 1, "rows": 1_000_000, "threads": 2, "flop": 8e8, "limit_seconds": 0.09,
        "engines": engines
    });
    let expected = "\
| queries × rows | threads | limit | of it | of the peak | minilm | other |
|---:|---:|---:|---:|---:|---:|---:|
| 1 × 1000000 | 2 | 90.0 | 90.0 % | 4.0 % | 100 | 150 (1.50×) |

Medians in milliseconds; in brackets, how many times ours. Percentages are ours.
";
    assert_eq!(search(&json!({ "peak_flops": 1e11, "search": [run] })).as_deref(), Ok(expected));
}

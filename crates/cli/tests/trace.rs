//! `minilm trace`.

mod support;

use safetensors::SafeTensors;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::Path};
use support::*;

const TEXT: &str = "The animal didn't cross the street because it was too tired.";

/// An array file by the letter of its specification: shape and values.
fn array(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = fs::read(path).expect("the file");
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, values) = bytes[10..].split_at(length);
    assert!((10 + length).is_multiple_of(64), "the values are aligned");
    let header = std::str::from_utf8(header).expect("ASCII").trim_end();
    let shape = header
        .strip_prefix("{'descr': '<f4', 'fortran_order': False, 'shape': (")
        .expect("float32, row-major");
    let shape = shape
        .strip_suffix("), }")
        .expect("the end")
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty());
    let shape: Vec<usize> = shape.map(|size| size.parse().expect("a number")).collect();
    let values: Vec<f32> = values.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect();
    assert_eq!(values.len(), shape.iter().product::<usize>());
    (shape, values)
}

fn trace_to(directory: &Path, text: &str) -> Vec<u8> {
    run(&["trace", "--npy", directory.to_str().expect("UTF-8"), text]).ok()
}

#[test]
fn the_arrays_are_pytorchs_under_its_names() {
    let golden = repository().join("tests/golden");
    let texts: Value =
        serde_json::from_slice(&fs::read(golden.join("stages.json")).expect("the file"))
            .expect("JSON");
    let bytes = fs::read(golden.join("stages.safetensors")).expect("the file");
    let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
    let place = 3;
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("tensors");
    trace_to(&folder, texts[place]["text"].as_str().expect("a text"));
    assert_eq!(files(directory.path()), ["tensors"], "nothing temporary is left");

    let rows: Vec<usize> = texts[place]["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row.as_u64().expect("a row") as usize)
        .collect();
    let names: Vec<String> = tensors
        .names()
        .iter()
        .filter_map(|name| name.strip_prefix(&format!("f32.{place:02}.")))
        .map(Into::into)
        .collect();
    assert_eq!(names.len(), 27);
    for name in &names {
        let (shape, values) = array(&folder.join(format!("{name}.npy")));
        let width = *shape.last().expect("a dimension");
        let ours = match shape.len() {
            1 => values,
            _ => rows
                .iter()
                .flat_map(|row| values[row * width..(row + 1) * width].to_vec())
                .collect(),
        };
        let theirs = tensors.tensor(&format!("f32.{place:02}.{name}")).expect("a tensor");
        let theirs: Vec<f32> =
            theirs.data().as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect();
        assert_eq!(ours.len(), theirs.len(), "{name}");
        assert!(ours.iter().zip(&theirs).all(|(x, y)| (x - y).abs() <= 2e-5), "{name}");
    }
    let others = files(&folder)
        .into_iter()
        .filter(|file| !names.iter().any(|name| *file == format!("{name}.npy")));
    let mut kinds = BTreeMap::new();
    others.for_each(|file| {
        *kinds.entry(file.split('.').rev().nth(1).expect("a name").to_owned()).or_insert(0) += 1
    });
    let attentions = (0..6).map(|n: usize| (n.to_string(), 1));
    let expected =
        [("query", 6), ("key", 6), ("value", 6)].map(|(kind, count)| (kind.to_owned(), count));
    assert_eq!(kinds, expected.into_iter().chain(attentions).collect());
}

#[test]
fn attention_is_a_distribution_for_each_head_and_token() {
    let directory = tempfile::tempdir().expect("a directory");
    trace_to(directory.path(), TEXT); // an existing folder
    for layer in 0..6 {
        let (shape, values) = array(&directory.path().join(format!("attentions.{layer}.npy")));
        assert_eq!(shape, [12, 16, 16]);
        assert!(values.chunks(16).all(
            |row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5 && row.iter().all(|&p| p > 0.0)
        ));
    }
    assert!(
        files(directory.path()).iter().all(|file| file.ends_with(".npy")),
        "nothing temporary is left"
    );
}

#[test]
fn the_report_names_every_tensor_and_times_every_kernel() {
    let stdout = String::from_utf8(run(&["trace", TEXT]).ok()).expect("UTF-8");
    assert!(stdout.starts_with("16 tokens through 6 layers of 12 heads: "), "{stdout}");
    assert!(stdout.contains("  animal 4111  "), "{stdout}");
    let blocks: Vec<Vec<&str>> =
        stdout.split("\n\n").map(|block| block.lines().collect()).collect();
    assert_eq!(blocks[2].len(), 1 + 1 + 6 * 7 + 2, "{:?}", blocks[2]);
    assert!(blocks[2][1].starts_with("embeddings ") && blocks[2][1].contains("[16, 384]"));
    assert_eq!(blocks[3].len(), 1 + 13 + 1);
    let kernels: Vec<Vec<&str>> = blocks[4][1..10]
        .iter()
        .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect())
        .collect();
    let number = |cell: &str| cell.trim().trim_end_matches(" %").parse::<f64>().expect("a number");
    let column = |i: usize| kernels.iter().map(|row| number(row[i])).collect::<Vec<_>>();
    let (ms, share, mflop, gflops) = (column(1), column(2), column(3), column(4));
    let sum = |column: &[f64]| column[..8].iter().sum::<f64>();
    assert!(
        (sum(&ms) - ms[8]).abs() < 0.01
            && (sum(&share) - 100.0).abs() < 0.5
            && (sum(&mflop) - mflop[8]).abs() < 0.05
    );
    assert!(
        (mflop[1] - 6.0 * 2.0 * 16.0 * 384.0 * 1152.0 * 1e-6).abs() < 0.01,
        "query, key and value"
    );
    for i in 0..9 {
        // Each of the three is rounded to the digits that are printed.
        let least = (mflop[i] - 0.005) / (ms[i] + 0.0005) - 0.05;
        let most = (mflop[i] + 0.005) / (ms[i] - 0.0005) + 0.05;
        assert!((least..=most).contains(&gflops[i]), "{i}: {kernels:?}");
    }
}

fn page(text: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("trace.html");
    run(&["trace", "--html", path.to_str().expect("UTF-8"), text]).ok();
    assert_eq!(files(directory.path()), ["trace.html"]);
    fs::read_to_string(path).expect("the page")
}

#[test]
fn the_page_has_every_token_head_and_tensor() {
    let html = page(TEXT);
    assert_eq!(html.matches("<canvas").count(), 72 + 1);
    assert_eq!(html.matches("<tr><th scope=\"row\"><code>").count(), 45 + 13);
    assert!(html.contains("<li><bdi>animal</bdi><small>4111</small></li>"));
    let shares = html
        .split("type=\"text/plain\"")
        .nth(1)
        .and_then(|rest| rest.split('>').nth(1))
        .expect("the shares");
    let shares = shares.strip_suffix("</script").expect("the end");
    assert_eq!(shares.trim_end_matches('=').len(), (72 * 16 * 16 * 8_usize).div_ceil(6));
    assert!(!html.contains("{{"));
}

#[test]
fn nothing_of_a_text_is_markup() {
    let ours = page("a text").matches("<script").count();
    for nasty in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{ms}} </blockquote> `${alert(1)}`",
        "\u{7} \u{1b}",
    ] {
        let html = page(nasty);
        assert_eq!(html.matches("<script").count(), ours, "{nasty}");
        assert!(!html.contains("<img") && !html.contains('\u{7}'), "{nasty}");
        assert_eq!(html.matches("</blockquote>").count(), 1, "{nasty}");
    }
}

#[test]
fn pages_ask_for_nothing_from_elsewhere() {
    let html = page(TEXT);
    assert!(html.contains("default-src 'none'"));
    for forbidden in ["http:", "https:", "src=", "href=", "url(", "@import", "import("] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn any_text_is_traced() {
    for text in ["", "🛬 東京タワー שלום", "word ".repeat(300).as_str()] {
        let run = run(&["trace", "--quiet", text]);
        assert!(!run.ok().is_empty());
    }
    let cut = run(&["trace", &"word ".repeat(300)]);
    assert_eq!(cut.message(0), "1 text was longer than 256 tokens; the rest of it was not read");
}

#[test]
fn misuse_and_places_that_cannot_be_written_to_are_named() {
    assert_eq!(run(&["trace"]).status, Some(2));
    assert_eq!(run(&["trace", "two", "texts"]).status, Some(2));
    let strict = run(&["trace", "--strict", "--max-tokens", "4", "one two three"]);
    assert_eq!(strict.message(1), "the text has 5 tokens, but the model reads 4");
    for option in ["--npy", "--html"] {
        let nowhere = run(&["trace", option, "/no/such/place", "a"]);
        assert_eq!(
            nowhere.message(1),
            "cannot write /no/such/place: No such file or directory (os error 2)"
        );
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("file");
    fs::write(&file, "old").expect("a file");
    let run = run(&["trace", "--npy", file.to_str().expect("UTF-8"), "a"]);
    assert_eq!(run.message(1), format!("cannot write {}: not a directory", file.display()));
    assert_eq!(fs::read_to_string(&file).expect("the file"), "old");
}

#[test]
fn a_run_that_fails_leaves_nothing_and_one_that_works_replaces() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("tensors");
    let path = folder.to_str().expect("UTF-8");
    run(&["trace", "--strict", "--max-tokens", "3", "--npy", path, "one two"]).message(1);
    assert_eq!(files(directory.path()), [""; 0]);
    trace_to(&folder, "one");
    assert_eq!(array(&folder.join("embeddings.npy")).0, [3, 384]);
    trace_to(&folder, "one two");
    assert_eq!(array(&folder.join("embeddings.npy")).0, [4, 384]);
    assert_eq!(files(&folder).len(), 45 + 6);
}

#[cfg(unix)]
#[test]
fn a_new_folder_may_be_read_by_whom_the_umask_allows() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    let (ours, plain) = (directory.path().join("tensors"), directory.path().join("plain"));
    trace_to(&ours, "x");
    fs::create_dir(&plain).expect("a directory");
    let mode = |path: &Path| fs::metadata(path).expect("a directory").permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

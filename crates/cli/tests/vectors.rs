//! `minilm convert` and `minilm quantize`, and files of vectors that are wrong.

mod support;

use std::{fs, path::Path};
use support::*;

/// An array file of these bytes.
fn array(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), values]
        .concat()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn path(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().expect("UTF-8").to_owned()
}

const VALUES: [f32; 6] = [0.1, -2.5e-7, 3.0, 1.0 / 3.0, f32::MAX, -0.0];

#[test]
fn every_format_gives_back_the_same_bits() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    fs::write(path("a.npy"), array("<f4", "(2, 3)", &floats(&VALUES))).expect("a file");
    let run = run(&["convert", &path("a.npy"), &path("b.npy")]);
    assert_eq!(run.message(0), format!("{} holds 2 vectors", path("b.npy")));
    let expected = fs::read(path("b.npy")).expect("the file");
    let bits = |rows: Vec<Vec<f32>>| rows.concat().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(npy(&expected).0), VALUES.map(f32::to_bits));
    for kind in ["jsonl", "csv", "safetensors"] {
        let there = path(&format!("c.{kind}"));
        support::run(&["convert", "-q", &path("a.npy"), &there]).ok();
        support::run(&["convert", "-q", &there, &path("d.npy")]).ok();
        assert!(fs::read(path("d.npy")).expect("the file") == expected, "{kind}");
    }
    let doubles: Vec<u8> =
        VALUES.iter().flat_map(|&value| f64::from(value).to_le_bytes()).collect();
    fs::write(path("e.npy"), array("<f8", "(2, 3)", &doubles)).expect("a file");
    support::run(&["convert", "-q", &path("e.npy"), &path("f.npy")]).ok();
    assert!(fs::read(path("f.npy")).expect("the file") == expected);
}

#[test]
fn texts_go_along_where_there_is_room() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    let texts = ["a, \"b\"", "c\nd"];
    fs::write(
        path("t.jsonl"),
        texts.map(|text| serde_json::json!({ "text": text }).to_string() + "\n").concat(),
    )
    .expect("a file");
    run(&["index", "-q", &path("t.jsonl"), "-o", &path("t.index")]).ok();
    run(&["convert", "-q", &path("t.index"), &path("t.csv")]).ok();
    run(&["convert", "-q", &path("t.csv"), &path("u.jsonl")]).ok();
    let embedded = jsonl(&run(&["embed", "-f", "jsonl", texts[0], texts[1]]).ok());
    let lines = fs::read_to_string(path("u.jsonl")).expect("the file");
    for (line, row) in lines.lines().zip(&embedded) {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let embedding: Vec<f32> = value["embedding"]
            .as_array()
            .unwrap()
            .iter()
            .map(|x| x.to_string().parse().unwrap())
            .collect();
        assert_eq!((value["text"].as_str(), &embedding), (Some(row.text.as_str()), &row.embedding));
    }
    let lost = run(&["convert", &path("u.jsonl"), &path("u.npy")]);
    assert_eq!(lost.message(0), format!("{} holds 2 vectors, without their texts", path("u.npy")));
    run(&["embed", "-f", "csv", "-o", &path("e.csv"), "x"]).ok();
    run(&["convert", "-q", &path("e.csv"), &path("e.npy")]).ok();
}

#[test]
fn what_is_wrong_is_named_with_its_row() {
    let nan = floats(&[1.0, 2.0, f32::NAN, 4.0]);
    let cases: [(&str, Vec<u8>, &str); 20] = [
        ("a.npy", array("<f4", "(2, 2)", &nan), "row 1 of FILE: value 0 is NaN"),
        ("a.npy", array("<f4", "(2, 2)", &nan[..13]), "row 1 of FILE: the file ends within it"),
        (
            "a.npy",
            array("<f4", "(1, 2)", &nan),
            "row 1 of FILE: there are more bytes than the header tells of",
        ),
        ("a.npy", array("<f4", "(0, 2)", &[]), "FILE holds no vectors"),
        (
            "a.npy",
            array("<c8", "(1, 2)", &nan),
            "FILE: no NumPy array: its values are \"<c8\", not numbers of up to 64 bits",
        ),
        (
            "a.npy",
            array("<f4", "(4,)", &nan),
            "FILE: no NumPy array: its shape is (4,), not (rows, columns)",
        ),
        (
            "a.npy",
            array("<f4", "(1, 99999999999)", &nan),
            "FILE: no NumPy array: its rows are too long",
        ),
        ("a.npy", b"text, and no array".to_vec(), "FILE: no NumPy array: it begins otherwise"),
        (
            "a.npy",
            b"\x93NUMPY\x01\x00\xff\xff{".to_vec(),
            "FILE: no NumPy array: it ends within its header",
        ),
        ("a.npy", vec![], "FILE: no NumPy array: it is too short"),
        (
            "a.jsonl",
            b"[1, 2]\n\n[1, 2, 3]\n".to_vec(),
            "line 3 of FILE: 3 values, but the rows before have 2",
        ),
        (
            "a.jsonl",
            b"{\"text\": \"a\"}\n".to_vec(),
            "line 1 of FILE: there is no field \"embedding\"; the fields are text",
        ),
        (
            "a.jsonl",
            b"[1, 2]\n[1, NaN]\n".to_vec(),
            "line 2 of FILE: neither an object with an embedding, nor a list of finite numbers",
        ),
        ("a.jsonl", b"[]\n".to_vec(), "line 1 of FILE: no values"),
        ("a.csv", b"e0,e1\n1,2\n1\n".to_vec(), "line 3 of FILE: 1 field, but the header has 2"),
        (
            "a.csv",
            b"e0,text\n1,a\n2,\"b\n3,c\n".to_vec(),
            "line 3 of FILE: it begins a quoted field that has no end",
        ),
        ("a.csv", b"e0,e1\n1,x\n".to_vec(), "line 2 of FILE: e1 is \"x\", which is no number"),
        ("a.csv", b"text,x0\na,1\n".to_vec(), "FILE: there are no columns e0, e1, …"),
        ("a.csv", b"e0,e1\n1,inf\n".to_vec(), "line 2 of FILE: value 1 is inf"),
        ("a.jsonl", b"".to_vec(), "FILE holds no vectors"),
    ];
    for (name, content, message) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let from = path(directory.path(), name);
        fs::write(&from, content).expect("a file");
        let message = message.replace("FILE", &from);
        let to = path(directory.path(), "out.npy");
        for command in [
            &["convert", &from, &to][..],
            &["quantize", &from, "-o", &to],
            &["quantize", "-p", "binary", &from, "-o", &to],
        ] {
            assert_eq!(run(command).message(1), message, "{command:?}");
        }
        assert_eq!(files(directory.path()), [name]);
    }
}

#[test]
fn a_table_has_a_text_in_each_row_or_in_none() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    let (with, without) =
        ("{\"text\": \"a\", \"embedding\": [1, 2]}\n", "{\"embedding\": [3, 4]}\n");
    let (from, tables) = (
        path("a.jsonl"),
        if cfg!(feature = "parquet") { &["b.csv", "b.parquet"][..] } else { &["b.csv"] },
    );
    for (content, message) in [
        ([with, without], "it has no text, but the rows before have one"),
        ([without, with], "it has a text, but the rows before have none"),
    ] {
        fs::write(&from, content.concat()).expect("a file");
        for to in tables {
            assert_eq!(
                run(&["convert", &from, &path(to)]).message(1),
                format!("line 2 of {from}: {message}"),
                "{to}"
            );
        }
        assert_eq!(files(directory.path()), ["a.jsonl"]);
    }
    run(&["convert", "-q", &from, &path("c.jsonl")]).ok();
    let lines = fs::read_to_string(path("c.jsonl")).expect("the file");
    assert_eq!(lines, "{\"embedding\":[3.0,4.0]}\n{\"text\":\"a\",\"embedding\":[1.0,2.0]}\n");
}

#[test]
fn a_byte_order_mark_is_no_part_of_a_row() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    for (name, content) in [
        ("a.jsonl", "\u{feff}[1, 2]\n"),
        ("b.jsonl", "\u{feff}\n[1, 2]\n"),
        ("a.csv", "\u{feff}e0,e1\n1,2\n"),
    ] {
        fs::write(path(name), content).expect("a file");
        run(&["convert", "-q", &path(name), &path("x.npy")]).ok();
        assert!(
            fs::read(path("x.npy")).expect("the file").ends_with(&floats(&[1.0, 2.0])),
            "{name}"
        );
    }
}

#[test]
fn safetensors_name_their_matrices() {
    use safetensors::{Dtype, serialize, tensor::TensorView};
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    let bytes = floats(&VALUES);
    let view =
        |dtype, shape: &[usize]| TensorView::new(dtype, shape.to_vec(), &bytes).expect("a tensor");
    let tensors = [
        ("a", view(Dtype::F32, &[2, 3])),
        ("b", view(Dtype::F32, &[3, 2])),
        ("c", view(Dtype::F16, &[12, 1])),
        ("d", view(Dtype::F32, &[6])),
    ];
    fs::write(path("all.safetensors"), serialize(tensors, None).expect("a file")).expect("a file");
    let (from, to) = (path("all.safetensors"), path("x.npy"));
    assert_eq!(
        run(&["convert", &from, &to]).message(1),
        format!("{from}: --tensor has to name one of a, b, c")
    );
    run(&["convert", "-q", &from, &to, "--tensor", "b"]).ok();
    assert_eq!(npy(&fs::read(&to).expect("the file")).1, 2);
    assert_eq!(
        run(&["convert", &from, &to, "--tensor", "e"]).message(1),
        format!("{from}: there is no tensor \"e\"; it has a, b, c")
    );
    assert_eq!(
        run(&["convert", &from, &to, "--tensor", "c"]).message(1),
        format!("{from}: c is F16 [12, 1], not F32 [rows, columns]")
    );
    fs::write(path("broken.safetensors"), b"\x05\0\0\0\0\0\0\0{}").expect("a file");
    let broken = run(&["convert", &path("broken.safetensors"), &to]);
    assert!(
        broken.message(1).contains("broken.safetensors: no safetensors file: "),
        "{}",
        broken.stderr
    );
}

/// The bytes of an array of bytes.
fn quantized(path: &str, descr: &str) -> Vec<u8> {
    let bytes = fs::read(path).expect("the file");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert!(String::from_utf8_lossy(&bytes[10..10 + length]).contains(descr));
    bytes[10 + length..].to_vec()
}

#[test]
fn quantised_values_are_those_of_the_library() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| path(directory.path(), name);
    let rows: Vec<String> = (0..5000)
        .map(|i| {
            format!("[{}, {}, {}]\n", i % 256, (i * 7) % 101 - 50, if i % 2 == 0 { 255 } else { 0 })
        })
        .collect();
    fs::write(path("a.jsonl"), rows.concat()).expect("a file");
    fs::write(path("range.jsonl"), "[0, -255, 0]\n[510, 255, 255]\n").expect("a file");
    let run_with = |options: &[&str]| {
        run(&[&["quantize", "-q", &path("a.jsonl"), "-o", &path("q.npy")], options].concat()).ok()
    };
    run_with(&["-p", "uint8"]);
    let unsigned = quantized(&path("q.npy"), "'|u1'");
    assert_eq!((unsigned.len(), &unsigned[..9]), (15_000, &[0, 0, 255, 1, 17, 0, 2, 35, 255][..]));
    run_with(&[]);
    let signed: Vec<u8> =
        quantized(&path("q.npy"), "'|i1'").iter().map(|byte| byte ^ 0x80).collect();
    assert_eq!(signed, unsigned);
    run_with(&["-p", "uint8", "--calibration", &path("range.jsonl")]);
    assert_eq!(quantized(&path("q.npy"), "'|u1'")[3 * 255..3 * 256], [127, 136, 0]);
    run_with(&["-p", "ubinary"]);
    assert_eq!(
        quantized(&path("q.npy"), "(5000, 1)")[..4],
        [0b0010_0000, 0b1000_0000, 0b1010_0000, 0b1000_0000]
    );
    let report = run(&["quantize", &path("a.jsonl"), "-p", "ubinary", "--report"]);
    let report = String::from_utf8(report.ok()).expect("UTF-8");
    assert!(
        report.starts_with("100 queries among 5000 rows, the ten nearest\n")
            && report.lines().count() == 6,
        "{report}"
    );
}

#[test]
fn misuse_is_told() {
    let foo = run(&["convert", "a.npy", "b.foo"]);
    let remedy = "it should end in .npy, .npz, .jsonl, .csv, ";
    assert!(
        foo.message(2)
            .starts_with(&format!("b.foo does not tell by its name what it holds; {remedy}")),
        "{}",
        foo.stderr
    );
    let none = run(&["search", "a.index", "a", "-k", "0"]);
    assert!(none.stderr.contains("it has to be a whole number, at least 1"), "{}", none.stderr);
    for output in ["b.csv", "b.txt", "b"] {
        let message = format!("--output: {output} does not end in .npy");
        assert_eq!(run(&["quantize", "a.npy", "-o", output]).message(2), message);
    }
    for command in [&["convert", "a.npy", "b.npy"][..], &["quantize", "a.npy", "-o", "b.npy"]] {
        let run = run(&[command, &["--tensor", "t"]].concat());
        assert_eq!(run.message(2), "--tensor: a.npy is no safetensors or npz file");
    }
    let bits = ["quantize", "a.npy", "-o", "b.npy", "-p", "binary", "--calibration", "c.npy"];
    assert_eq!(run(&bits).message(2), "--calibration: bits need no ranges");
    assert_eq!(run(&["quantize", "a.npy"]).status, Some(2), "neither output nor report");
    assert_eq!(
        run(&["convert", "missing.npy", "b.npy"]).message(1),
        "cannot read missing.npy: No such file or directory (os error 2)"
    );
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = String::from_utf8(run(&["completions", shell]).ok()).expect("UTF-8");
        assert!(script.contains("similarity") && script.contains("dedupe"), "{shell}");
    }
    assert_eq!(run(&["completions", "dos"]).status, Some(2));
}

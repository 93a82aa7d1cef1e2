//! Parquet files, if the program is built to read them.

mod support;

use support::*;

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_says_so() {
    let message = "a.parquet: this build reads no Parquet; build it with --features parquet";
    assert_eq!(run(&["convert", "a.parquet", "a.npy"]).message(2), message);
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.parquet");
    std::fs::write(&path, "").expect("a file");
    assert!(
        run(&["pairs", path.to_str().expect("UTF-8")])
            .message(2)
            .ends_with("build it with --features parquet")
    );
}

#[cfg(feature = "parquet")]
mod with_parquet {
    use super::*;
    use std::fs;

    /// The file that pyarrow wrote: see `data/README.md`.
    fn pyarrow(codec: &str) -> String {
        repository()
            .join(format!("crates/cli/tests/data/{codec}.parquet"))
            .to_str()
            .expect("UTF-8")
            .to_owned()
    }

    #[test]
    fn what_pyarrow_writes_is_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
        for codec in ["snappy", "gzip"] {
            run(&["convert", "-q", &pyarrow(codec), &path("a.jsonl")]).ok();
            let lines = fs::read_to_string(path("a.jsonl")).expect("the file");
            let expected = "{\"text\":\"one, é\",\"embedding\":[0.5,-1.0,0.1]}\n\
                {\"text\":\"One, É\",\"embedding\":[0.25,3.0,0.2]}\n";
            assert_eq!(
                lines,
                format!("{expected}{{\"text\":\"two\",\"embedding\":[0.0,1e-7,0.3]}}\n"),
                "{codec}"
            );
            assert_eq!(
                String::from_utf8(run(&["dedupe", "-q", &pyarrow(codec)]).ok()).expect("UTF-8"),
                "one, é\ntwo\n"
            );
            assert_eq!(
                run(&["dedupe", "-q", &pyarrow(codec), "--column", "id"]).ok(),
                b"1\n2\n3\n"
            );
        }
    }

    #[test]
    fn vectors_come_back_with_the_same_bits_also_many() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
        let rows: Vec<String> = (0..20_000)
            .map(|i| {
                format!(
                    "{{\"text\":\"t{i}\",\"embedding\":[{i}.5,{},3.0]}}\n",
                    1.0 / (i + 2) as f32
                )
            })
            .collect();
        fs::write(path("a.jsonl"), rows.concat()).expect("a file");
        run(&["convert", "-q", &path("a.jsonl"), &path("a.parquet")]).ok();
        run(&["convert", "-q", &path("a.parquet"), &path("b.jsonl")]).ok();
        run(&["convert", "-q", &path("a.jsonl"), &path("c.jsonl")]).ok();
        let [back, direct] =
            ["b.jsonl", "c.jsonl"].map(|name| fs::read_to_string(path(name)).expect("the file"));
        assert!(back == direct && back.lines().count() == 20_000);
        run(&["convert", "-q", &path("a.jsonl"), &path("a.npy")]).ok();
        run(&["convert", "-q", &path("a.npy"), &path("b.parquet")]).ok();
        run(&["convert", "-q", &path("b.parquet"), &path("b.npy")]).ok();
        assert!(
            fs::read(path("a.npy")).expect("the file")
                == fs::read(path("b.npy")).expect("the file")
        );
    }

    #[test]
    fn zstd_nested_columns_and_missing_texts_are_read() {
        let polars = pyarrow("polars");
        let dedupe = |options: &[&str]| {
            let run = run(&[&["dedupe", "-q", &polars], options].concat());
            String::from_utf8(run.ok()).expect("UTF-8")
        };
        assert_eq!(dedupe(&["--missing", "skip"]), "one\ntwo\n");
        assert_eq!(dedupe(&["--column", "doc.body"]), "a\nb\nc\nd\n");
        let fails = run(&["pairs", &polars]);
        assert!(
            fails
                .message(1)
                .starts_with(&format!("row 3 of {polars}: the column \"text\" is null;")),
            "{fails:?}"
        );
        assert_eq!(dedupe_count(&pyarrow("zstd")), 2);
    }

    fn dedupe_count(file: &str) -> usize {
        String::from_utf8(run(&["dedupe", "-q", file]).ok()).expect("UTF-8").lines().count()
    }

    #[test]
    fn vectors_may_have_any_name_and_type_of_number() {
        let directory = tempfile::tempdir().expect("a directory");
        let to = directory.path().join("a.jsonl").to_str().expect("UTF-8").to_owned();
        let vectors = |file: &str, options: &[&str]| {
            run(&[&["convert", "-q", file, &to], options].concat()).ok();
            fs::read_to_string(&to).expect("the file")
        };
        let only = "{\"text\":\"one\",\"embedding\":[1.0,0.5]}\n{\"text\":\"One\",\
            \"embedding\":[0.25,0.0]}\n";
        assert!(vectors(&pyarrow("polars"), &[]).starts_with(only));
        let zstd = pyarrow("zstd");
        let lines = |a: &str, b: &str| {
            format!(
                "{{\"text\":\"one\",\"embedding\":{a}}}\n{{\"text\":\"two\",\"embedding\":{b}}}\n"
            )
        };
        assert_eq!(vectors(&zstd, &["--column", "a"]), lines("[1.0,0.0]", "[0.0,1.0]"));
        assert_eq!(vectors(&zstd, &["--field", "b"]), lines("[1.5,0.5]", "[0.25,-2.0]"));
        assert_eq!(
            run(&["convert", &zstd, &to]).message(1),
            format!("{zstd} has several columns with lists of numbers, a, b; --column names one")
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
        let snappy = pyarrow("snappy");
        let message = run(&["pairs", &snappy, "--column", "body"]);
        assert_eq!(
            message.message(1),
            format!("{snappy} has no column \"body\"; its columns are id, text, embedding")
        );
        let message = run(&["pairs", &snappy, "--column", "embedding"]);
        assert_eq!(
            message.message(1),
            format!("row 1 of {snappy}: the column \"embedding\" holds no text")
        );
        for file in ["snappy", "polars", "zstd"] {
            broken_bytes_are_no_panic(&fs::read(pyarrow(file)).expect("the file"));
        }
        let whole = fs::read(&snappy).expect("the file");
        for broken in [&b""[..], b"text", &whole[..whole.len() - 9], &whole[whole.len() - 99..]] {
            fs::write(path("b.parquet"), broken).expect("a file");
            for command in [
                &["pairs", &path("b.parquet")][..],
                &["convert", &path("b.parquet"), &path("x.npy")],
            ] {
                let run = run(command);
                assert!(
                    run.message(1).starts_with(&format!(
                        "{} is no Parquet file that can be read: ",
                        path("b.parquet")
                    )),
                    "{}",
                    run.stderr
                );
            }
        }
    }

    /// Any byte may be wrong: an error or a result, but no panic.
    fn broken_bytes_are_no_panic(whole: &[u8]) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
        for at in (4..whole.len()).step_by(7) {
            let mut broken = whole.to_vec();
            broken[at] ^= 0x15;
            fs::write(path("b.parquet"), broken).expect("a file");
            let run = run(&["convert", "-q", &path("b.parquet"), &path("x.npy")]);
            assert!(
                matches!(run.status, Some(0 | 1)) && !run.stderr.contains("panicked"),
                "byte {at}: {}",
                run.stderr
            );
        }
    }

    /// The parquet crate panics where the schema of a list is not as the format has it.
    #[test]
    fn a_schema_that_contradicts_the_format_is_an_error() {
        let case = "tests/fuzz/corpus/parquet/list-schema-against-the-format";
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
        fs::copy(repository().join(case), path("a.parquet")).expect("the case");
        let run = run(&["convert", &path("a.parquet"), &path("a.npy")]);
        let last = run.stderr.lines().last().unwrap_or_default();
        assert_eq!(run.status, Some(1), "{run:?}");
        assert!(last.ends_with("its schema or its pages contradict the format"), "{last}");
        assert_eq!(files(directory.path()), ["a.parquet"]);
    }
}

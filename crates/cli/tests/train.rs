//! `minilm train`, `negatives` and `classify`.

#[path = "../../../tests/support/tiny.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod tiny;

mod support;

use std::{fs, path::Path};
use support::*;
use tempfile::TempDir;
use tiny::Tiny;

const PAIRS: &str = "anchor,positive
the cat sat,a cat sat on the mat
the dog ran,a dog ran
cats sat on a mat,the cats sat
dogs ran on the mat,a dog ran on the mat
the mat,a mat
a dog sat,the dog sat on the mat
a cat ran,the cat ran
dogs sat,the dogs sat on a mat
";

const LABELLED: &str = "text,label
the cat sat,cat
a cat ran,cat
cats sat on the mat,cat
the dog ran,dog
dogs ran,dog
a dog sat on a mat,dog
";

/// A small model, and a directory for files.
struct Room {
    model: TempDir,
    folder: TempDir,
}

impl Room {
    fn new() -> Room {
        let folder = tempfile::tempdir().expect("a directory");
        fs::write(folder.path().join("pairs.csv"), PAIRS).expect("a file");
        fs::write(folder.path().join("labelled.csv"), LABELLED).expect("a file");
        Room { model: Tiny::new().with_modules().write(), folder }
    }

    fn command(&self, arguments: &str) -> std::process::Command {
        let words: Vec<&str> = arguments.split(' ').collect();
        let mut command = program(&words);
        command.env("MINILM_MODEL", self.model.path()).current_dir(self.folder.path());
        command
    }

    fn run(&self, arguments: &str) -> Run {
        finish(&mut self.command(arguments), b"")
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn weights(&self, model: &str) -> Vec<u8> {
        fs::read(self.path(model).join("model.safetensors")).expect("weights")
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file");
    }
}

#[test]
fn a_model_comes_out_and_the_same_command_gives_the_same_bits() {
    let room = Room::new();
    let run = room.run("train pairs.csv -o one --batch 4 --learning-rate 1e-3 --eval labelled.csv");
    assert_eq!(run.status, Some(0), "{run:?}");
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(notes[0], "minilm: pairs.csv: 8 pairs from the columns anchor, positive");
    assert_eq!(
        notes[1],
        "minilm: labelled.csv: 6 labelled texts from the columns text and label (2 labels)"
    );
    assert!(notes[2].starts_with("minilm: before: accuracy_1nn "), "{notes:?}");
    let summary = String::from_utf8(run.stdout).expect("UTF-8");
    assert!(summary.starts_with("one, after "), "{summary}");
    let vectors = room.run("embed --model one --quiet --format jsonl the_cat");
    assert_eq!(vectors.status, Some(0), "{vectors:?}");
    assert_eq!(
        room.run("train pairs.csv -o two --batch 4 --learning-rate 1e-3 --quiet --threads 3")
            .status,
        Some(0)
    );
    let again = "train pairs.csv -o three --batch 4 --learning-rate 1e-3 --quiet --threads 1";
    assert_eq!(room.run(again).status, Some(0));
    assert!(room.weights("three") == room.weights("two"));
    let card = fs::read_to_string(room.path("one/README.md")).expect("a card");
    assert!(
        card.contains("\nminilm train pairs.csv -o one --batch 4 --learning-rate 1e-3"),
        "{card}"
    );
}

#[test]
fn each_level_gives_the_same_bits() {
    let room = Room::new();
    for (model, level) in [("usual", "auto"), ("plain", "portable --kept-tokens 1")] {
        let options = format!("--batch 4 --epochs 1 --level {level} --quiet");
        room.run(&format!("train pairs.csv -o {model} {options}")).ok();
    }
    assert!(room.weights("usual") == room.weights("plain"), "the weights differ");
}

#[test]
fn a_check_says_what_would_be_done_and_does_nothing() {
    let room = Room::new();
    let run = room.run("train pairs.csv -o model --batch 4 --check --quiet");
    let plan = String::from_utf8(run.ok()).expect("UTF-8");
    assert!(plan.starts_with("6 steps\n"), "{plan}");
    for line in ["  data         8 pairs an epoch, 16 texts, ", "  time         about 0:0"] {
        assert!(plan.contains(line), "{plan}");
    }
    assert!(!room.path("model").exists());
}

#[test]
fn steps_are_told_as_json_and_a_page_is_written() {
    let room = Room::new();
    let run = room.run("train pairs.csv -o model --batch 4 --json --quiet --report page.html");
    let lines = String::from_utf8(run.ok()).expect("UTF-8");
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0]["step"], 1);
    assert_eq!(lines[0]["learning_rate"], 0.0, "the warm-up begins with 0");
    assert!(lines[5]["loss"].as_f64().expect("a loss") > 0.0);
    assert_eq!(lines[6]["sha256"].as_str().expect("a digest").len(), 64);
    let page = fs::read_to_string(room.path("page.html")).expect("a page");
    assert!(page.contains("<polyline") && page.contains("<rect class=\"after\""));
    assert!(!page.contains("{{") && !page.contains("<script"));
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let room = Room::new();
    for (name, content, status, message) in [
        (
            "empty.csv",
            "anchor,positive\na,\nb,c\n",
            1,
            "line 2 of empty.csv: the column \"positive\" is empty",
        ),
        (
            "blank.csv",
            "anchor,positive\na,\" \"\nb,c\n",
            1,
            "line 2 of blank.csv: text 2 of the row is empty",
        ),
        (
            "nan.csv",
            "sentence1,sentence2,score\na,b,1\nc,d,nan\n",
            1,
            "line 3 of nan.csv: the score is NaN",
        ),
        (
            "word.csv",
            "sentence1,sentence2,score\na,b,high\nc,d,1\n",
            1,
            "the score \"high\" is no number",
        ),
        ("same.csv", "sentence1,sentence2,score\na,b,3\nc,d,3\n", 1, "every score is 3"),
        ("ones.csv", "sentence1,sentence2,label\na,b,1\nc,d,1\n", 1, "every pair has the label 1"),
        ("one.csv", "text,label\na,x\nb,x\n", 1, "every text has the label \"x\""),
        ("equal.csv", "anchor,positive\na,b\na,b\n", 1, "all rows are equal"),
        (
            "label.csv",
            "anchor,positive,label\na,b,x\nc,d,x\n",
            1,
            "every row has the label \"x\": no row is a wrong answer for another",
        ),
        ("common.csv", "anchor,positive\na,b\na,c\nd,a\n", 1, "every row has the text \"a\""),
        ("itself.csv", "anchor,positive\na,a\nb,b\n", 1, "the two texts of every row are equal"),
        ("header.csv", "anchor,positive\n", 1, "header.csv holds no rows"),
        ("names.csv", "a,b,c,d\n1,2,3,4\n", 1, "the columns a, b, c, d tell neither pairs"),
        ("text.csv", "text\na\nb\n", 1, "tell neither pairs"),
        (
            "triplets.csv",
            "anchor,positive,negative,score\na,b,c,1\nd,e,f,2\n",
            1,
            "triplets have no score",
        ),
    ] {
        room.write(name, content);
        let run = room.run(&format!("train {name} -o model --quiet"));
        assert!(run.message(status).contains(message), "{name}: {run:?}");
        assert!(!room.path("model").exists(), "{name}");
    }
    for (arguments, status, message) in [
        (
            "train pairs.csv -o model --loss cosent",
            2,
            "--loss: CoSENTLoss needs scored or labelled pairs",
        ),
        ("train pairs.csv -o model --margin 0.1", 2, "--margin: the loss mnrl has no use for it"),
        ("train pairs.csv -o model --learning-rate=-1", 2, "--learning-rate: it is out of range"),
        ("train pairs.csv -o model --epochs 0", 2, "--epochs: it is out of range"),
        ("train pairs.csv -o model --warmup 2.5", 2, "--warmup: it is out of range"),
        ("train pairs.csv -o model --batch 1", 2, "--batch: an anchor's negatives are the other"),
        ("train pairs.csv -o model --patience 2", 2, "--patience: there is nothing to evaluate on"),
        ("train pairs.csv -o model --metric x", 2, "--metric: there is nothing to evaluate on"),
        ("train pairs.csv -o model --eval-steps 2", 2, "--eval-steps: there is nothing to"),
        (
            "train pairs.csv -o model --matryoshka 99",
            2,
            "--matryoshka: the embeddings have 52 values",
        ),
        ("train pairs.csv -o model --head", 2, "--head: pairs.csv holds pairs"),
        ("train labelled.csv -o model --as pairs", 2, "--as: pairs have 2 texts"),
        (
            "train pairs.csv -o model --eval labelled.csv --metric none",
            2,
            "--metric-for-best-model: the numbers are",
        ),
        ("train labelled.csv -o model --head --epochs 5", 2, "--epochs has no effect with --head"),
        ("train --resume model --batch 8", 2, "--batch has no effect with --resume"),
        ("train pairs.csv -o model --level avx9", 2, "avx9"),
        ("train --resume model", 1, "model: there is no checkpoint-N to go on from"),
        ("classify word", 1, "holds no classifier"),
        ("negatives labelled.csv", 2, "labelled.csv holds labelled texts"),
    ] {
        let run = room.run(&format!("{arguments} --quiet"));
        let message = message.replace("--metric-for-best-model", "--metric");
        assert!(run.message(status).contains(&message), "{arguments}: {run:?}");
    }
}

#[test]
fn an_option_of_the_classifier_needs_it() {
    let run = Room::new().run("train pairs.csv -o model --regularization 2");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("required arguments were not provided:\n  --head"), "{run:?}");
}

#[test]
fn a_rate_that_is_too_high_is_told_with_its_step() {
    let room = Room::new();
    let run =
        room.run("train pairs.csv -o model --batch 4 --learning-rate 1e30 --save-steps 1 --quiet");
    let message = run.message(1);
    assert!(message.starts_with("step 2: an embedding is not finite"), "{message}");
    assert!(message.ends_with("the last checkpoint is in model"), "{message}");
    assert!(room.path("model/checkpoint-1").exists(), "the last one that is good");
    for (rate, steps, what) in
        [("1e30", 3, "the loss"), ("1e30", 2, "an embedding"), ("1e39", 2, "a weight")]
    {
        let line = format!(
            "train pairs.csv -o none --learning-rate {rate} --batch 4 --max-steps {steps} --quiet"
        );
        let run = room.run(&line);
        let message = run.message(1);
        assert!(message.starts_with(&format!("step {steps}: {what} is not finite")), "{message}");
        assert!(!room.path("none").exists(), "{what}");
    }
}

#[test]
fn few_examples_are_enough_for_a_classifier() {
    let room = Room::new();
    let run = room.run("train labelled.csv -o classifier --head --regularization 1000 --quiet");
    let summary = String::from_utf8(run.ok()).expect("UTF-8");
    assert!(summary.contains("accuracy 100.00  macro F1 100.00  6 texts"), "{summary}");
    room.write("new.csv", "id,line\n1,the cat sat\n2,\"dogs ran\"\n");
    let labelled = "classify --model classifier --input new.csv --column line -o found.csv --quiet";
    room.run(labelled).ok();
    let found = fs::read_to_string(room.path("found.csv")).expect("a table");
    let mut rows = csv::Reader::from_reader(found.as_bytes());
    let rows: Vec<csv::StringRecord> = rows.records().map(|row| row.expect("a row")).collect();
    assert_eq!([&rows[0][0], &rows[0][1]], ["the cat sat", "cat"]);
    assert_eq!([&rows[1][0], &rows[1][1]], ["dogs ran", "dog"]);
    assert!(rows[0][2].parse::<f64>().expect("a number") > 0.5);
    let run = room.run("classify --model classifier dogs --format jsonl --probabilities --quiet");
    let row: serde_json::Value = serde_json::from_slice(&run.ok()).expect("JSON");
    let sum: f64 = row["probabilities"]
        .as_object()
        .expect("labels")
        .values()
        .map(|p| p.as_f64().expect("a number"))
        .sum();
    assert!((sum - 1.0).abs() < 1e-12);
    // The classifier belongs to these weights.
    let other = Tiny::new().with_modules();
    let mut changed = other;
    changed.tensor("embeddings.LayerNorm.bias").values[0] += 1.0;
    fs::write(room.path("classifier/model.safetensors"), changed.safetensors()).expect("written");
    assert!(
        room.run("classify --model classifier dogs")
            .message(1)
            .contains("embeddings of other weights")
    );
}

#[test]
fn negatives_become_triplets_that_train() {
    let room = Room::new();
    room.write("corpus.txt", "the dogs\na cat\n\non the mat\n");
    let run = room.run("negatives pairs.csv --corpus corpus.txt -n 2 -o triplets.csv");
    assert_eq!(run.status, Some(0), "{run:?}");
    assert!(run.stderr.contains("16 rows for 8 anchors from 11 candidates"), "{run:?}");
    let found = fs::read_to_string(room.path("triplets.csv")).expect("a table");
    for row in csv::Reader::from_reader(found.as_bytes()).records() {
        let row = row.expect("a row");
        assert_ne!(row[1], row[2]);
    }
    let run = room.run("train triplets.csv -o model --epochs 1 --batch 4");
    assert!(
        run.stderr.contains("16 triplets from the columns anchor, positive, negative"),
        "{run:?}"
    );
    // Positives of one label are no negatives of each other.
    room.write(
        "labels.csv",
        "anchor,positive,label\nthe cat,a cat,x\ncats,the cats,x\na dog,dogs,y\n",
    );
    let run = room.run("negatives labels.csv -n 1 --quiet");
    let text = String::from_utf8(run.ok()).expect("UTF-8");
    let rows: Vec<&str> = text.lines().skip(1).collect();
    assert!(rows[0].ends_with(",dogs") && rows[1].ends_with(",dogs"), "{text}");
}

#[cfg(target_os = "linux")]
mod stopped {
    use super::*;
    use std::{
        io::{BufRead, BufReader},
        process::{Child, Command},
        time::Duration,
    };

    const LONG: &str = "train pairs.csv --batch 4 --epochs 20 --learning-rate 1e-3 --json --quiet";

    fn kill(child: &Child, signal: &str) {
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success());
    }

    fn begin(room: &Room, model: &str, more: &str) -> Child {
        room.command(&format!("{LONG} -o {model}{more}")).spawn().expect("the program starts")
    }

    /// Waits for so many lines of standard output.
    fn wait(child: &mut Child, lines: usize) {
        let mut output = BufReader::new(child.stdout.as_mut().expect("a pipe"));
        for _ in 0..lines {
            let mut line = String::new();
            output.read_line(&mut line).expect("a line");
        }
    }

    #[test]
    fn a_run_that_is_interrupted_goes_on_with_the_same_bits() {
        let room = Room::new();
        room.run(&format!("{LONG} -o whole")).ok();
        let mut child = begin(&room, "stopped", "");
        wait(&mut child, 5);
        kill(&child, "INT");
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(130));
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        assert!(message.ends_with("to go on, run `minilm train --resume stopped`\n"), "{message}");
        assert_eq!(room.run("embed --model stopped --quiet a_cat").status, Some(0), "it is usable");
        let again = room.run(&format!("{LONG} -o stopped"));
        assert!(again.message(1).contains("a run stopped here after step"), "{again:?}");
        room.write("pairs.csv", &PAIRS.replace("a mat", "the mat"));
        assert!(
            room.run("train --resume stopped --quiet").message(1).contains("it is of other data")
        );
        room.write("pairs.csv", PAIRS);
        room.run("train --resume stopped --quiet").ok();
        assert!(room.weights("stopped") == room.weights("whole"));
        assert!(!files(&room.path("stopped")).iter().any(|name| name.starts_with("checkpoint")));
    }

    #[test]
    fn a_killed_run_loses_the_steps_since_its_checkpoint_alone() {
        let room = Room::new();
        room.run(&format!("{LONG} -o whole")).ok();
        let mut random = minilm_testing::Random(5);
        for i in 0..4 {
            let model = format!("killed-{i}");
            let mut child = begin(&room, &model, " --save-steps 1");
            wait(&mut child, 2); // a step and its checkpoint
            std::thread::sleep(Duration::from_millis(random.below(300) as u64));
            kill(&child, "KILL");
            child.wait().expect("it ends");
            if !room.path(&model).join("README.md").exists() {
                let run = room.run(&format!("train --resume {model} --quiet"));
                assert_eq!(run.status, Some(0), "{run:?}");
            }
            assert!(room.weights(&model) == room.weights("whole"), "{i}");
            let left = files(&room.path(&model));
            assert!(!left.iter().any(|name| name.contains(".tmp")), "{left:?}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_that_leaves_the_checkpoints() {
        let room = Room::new();
        let limited = |arguments: &str, blocks: usize| {
            let program = env!("CARGO_BIN_EXE_minilm");
            let line = format!("ulimit -f {blocks}; exec {program} {arguments}");
            let mut shell = Command::new("bash");
            shell.args(["-c", &line]).env("MINILM_MODEL", room.model.path());
            let output = shell.current_dir(room.folder.path()).output().expect("a shell");
            (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
        };
        let (status, message) = limited("train pairs.csv -o model --quiet", 50);
        assert_eq!(status, Some(1), "{message}");
        assert!(message.starts_with("minilm: cannot write model/model.safetensors: "), "{message}");
        let left = if room.path("model").exists() { files(&room.path("model")) } else { vec![] };
        assert!(!left.iter().any(|name| name.contains("safetensors")), "{left:?}");
        let (status, message) = limited("train pairs.csv -o other --save-steps 1 --quiet", 50);
        assert_eq!(status, Some(1), "{message}");
        assert!(message.contains("cannot write other/checkpoint-1/"), "{message}");
        assert!(!Path::new(&room.path("other/checkpoint-1")).exists());
    }
}

//! A writer of an index that is killed, or finds no room on the disk, leaves the old file.

mod support;

use minilm_tasks::index::{Index, IndexError, append, write};
use ndarray::{Array2, s};
use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use support::{
    Matrices, Random,
    notes::{assert_alone, index, space, texts},
};

const VICTIM: &str = "MINILM_TASKS_TEST_VICTIM";

/// Not a test by itself: the process that the next one kills.
#[test]
fn victim() {
    let Some(path) = env::var_os(VICTIM) else { return };
    let rows = Array2::ones((40_000, 7));
    let texts = vec!["new"; 40_000];
    loop {
        append(Path::new(&path), &space(), rows.view(), &texts).unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_a_whole_index() {
    let (_directory, path, vectors) = index();
    let (mut writing, mut appended) = (0, 0);
    for round in 0..12 {
        let mut child = Command::new(env::current_exe().unwrap());
        let child = child
            .args(["victim", "--exact"])
            .env(VICTIM, &path)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = child.spawn().unwrap();
        thread::sleep(Duration::from_millis(30 + 11 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let index = Index::read(&path).unwrap();
        assert_eq!((index.len() - 20) % 40_000, appended);
        assert_eq!(index.vectors().unwrap().slice(s![..20, ..]), vectors);
        let last = if index.len() == 20 { texts(20)[19].clone() } else { "new".to_owned() };
        assert_eq!(index.text(index.len() - 1).unwrap(), last);
        // The victim's temporary file is all that it may leave, and the next writer removes it.
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count() - 1;
        assert!(left <= 1, "{left}");
        writing += left;
        append(&path, &space(), Array2::ones((1, 7)).view(), &["new"]).unwrap();
        assert_alone(&path);
        appended += 1;
        if index.len() > 1_000_000 {
            write(&path, &space(), vectors.view(), &texts(20)).unwrap();
            appended = 0;
        }
    }
    assert!(writing > 0, "no writer was killed while it wrote");
}

const FULL: &str = "MINILM_TASKS_TEST_FULL";

/// Not a test by itself: the process for which the next one makes a small disk.
#[test]
fn writes_until_the_disk_is_full() {
    let Some(directory) = env::var_os(FULL) else { return };
    let path = Path::new(&directory).join("notes.index");
    let rows = Random(1).matrix(2000, 7);
    write(&path, &space(), rows.view(), &texts(2000)).unwrap();
    let mut before = fs::read(&path).unwrap();
    let error = loop {
        match append(&path, &space(), rows.view(), &texts(2000)) {
            Ok(_) => before = fs::read(&path).unwrap(),
            Err(error) => break error,
        }
        assert!(before.len() < 4 << 20, "the disk is not small");
    };
    assert!(matches!(&error, IndexError::Write { path: named, .. } if *named == path), "{error:?}");
    assert!(fs::read(&path).unwrap() == before);
    assert_eq!(Index::read(&path).unwrap().len() % 2000, 0);
    assert_alone(&path);
}

/// A small disk is a `tmpfs` where an unprivileged namespace may mount one, and a limit to the size
/// of a file everywhere.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_index() {
    let run = |program: &[&str], script: &str| {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(program[0]);
        let command = command.args(&program[1..]).arg(script).env(FULL, directory.path());
        command.env("EXE", env::current_exe().unwrap()).output()
    };
    let unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"];
    let mount = "mount -t tmpfs -o size=1m none \"$MINILM_TASKS_TEST_FULL\"";
    let test = "exec \"$EXE\" writes_until_the_disk_is_full --exact";
    let mut outputs =
        vec![run(&["sh", "-c"], &format!("trap '' XFSZ; ulimit -f 1000; {test}")).unwrap()];
    if run(&unshare, mount).is_ok_and(|output| output.status.success()) {
        outputs.push(run(&unshare, &format!("{mount} && {test}")).unwrap());
    }
    for output in outputs {
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && stdout.contains("1 passed"),
            "{stdout}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

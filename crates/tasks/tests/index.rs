//! The index file: what is written is read, and writers lose nothing.

mod support;

use minilm_tasks::{
    index::{Index, IndexError, Space, Writer, append, write},
    search::Search,
};
use ndarray::{Array2, s};
use safetensors::SafeTensors;
use std::{fs, path::Path, sync::Barrier, thread};
use support::{
    Matrices, Random,
    notes::{assert_alone, assert_holds, index, space, texts},
};

#[test]
fn what_is_written_is_read_and_is_a_safetensors_file() {
    let (_directory, path, vectors) = index();
    assert_holds(&path, &vectors, &texts(20));
    assert_alone(&path);
    let bytes = fs::read(&path).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("vectors").unwrap().shape(), [20, 7]);
    let odd = [[0].as_slice(), &bytes].concat();
    for index in [Index::new(&path, &bytes[..]).unwrap(), Index::new(&path, &odd[1..]).unwrap()] {
        assert_eq!(index.vectors().unwrap(), vectors);
    }
}

#[test]
fn appending_gives_the_file_that_writing_all_at_once_gives() {
    let (directory, path, vectors) = index();
    let whole = directory.path().join("whole.index");
    for (first, added) in [(20, 1), (21, 0), (21, 300)] {
        let more = Random(first as u64).matrix(added, 7);
        let old = Index::read(&path).unwrap().vectors().unwrap().into_owned();
        let all = ndarray::concatenate![ndarray::Axis(0), old, more];
        let texts = texts(first + added);
        assert_eq!(append(&path, &space(), more.view(), &texts[first..]).unwrap(), first + added);
        assert_holds(&path, &all, &texts);
        write(&whole, &space(), all.view(), &texts).unwrap();
        assert!(fs::read(&path).unwrap() == fs::read(&whole).unwrap());
    }
    assert_eq!(Index::read(&path).unwrap().vectors().unwrap().slice(s![..20, ..]), vectors);
}

#[test]
fn an_empty_index_can_be_filled() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("empty.index");
    write::<&str>(&path, &space(), Array2::zeros((0, 3)).view(), &[]).unwrap();
    let index = Index::read(&path).unwrap();
    assert!(index.is_empty() && index.text(0).is_err());
    assert_eq!(
        index.search(&space(), Array2::zeros((1, 3)).view(), &Search::new()).unwrap(),
        vec![vec![]]
    );
    append(&path, &space(), Array2::ones((1, 3)).view(), &[""]).unwrap();
    assert_eq!(Index::read(&path).unwrap().text(0).unwrap(), "");
}

#[test]
fn another_model_is_refused_by_name() {
    let (_directory, path, vectors) = index();
    let other = Space::new("model-b", "5678");
    let before = fs::read(&path).unwrap();
    for error in [
        Index::read(&path).unwrap().search(&other, vectors.view(), &Search::new()).unwrap_err(),
        append(&path, &other, vectors.view(), &texts(20)).unwrap_err(),
    ] {
        let message = error.to_string();
        assert!(
            ["notes.index", "model-a (1234)", "model-b (5678)"]
                .iter()
                .all(|part| message.contains(part)),
            "{message}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
    let renamed = Space::new("models/model-a", "1234"); // the same weights in another directory
    let hits = Index::read(&path)
        .unwrap()
        .search(&renamed, vectors.view(), &Search::new().top_k(1))
        .unwrap();
    assert!(hits.iter().enumerate().all(|(i, hits)| hits[0].corpus_id == i));
}

#[test]
fn texts_of_another_prompt_are_refused_but_queries_are_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("prompted.index");
    let passages = space().with_prompt("passage: ");
    write(&path, &passages, Array2::ones((1, 3)).view(), &["one"]).unwrap();
    append(&path, &passages, Array2::ones((1, 3)).view(), &["two"]).unwrap();
    for (other, prompt) in [(space(), ""), (space().with_prompt("query: "), "query: ")] {
        match append(&path, &other, Array2::ones((1, 3)).view(), &["three"]).unwrap_err() {
            IndexError::Prompt { index, other, .. } => {
                assert_eq!((index.as_str(), other.as_str()), ("passage: ", prompt))
            }
            error => panic!("{error}"),
        }
        let index = Index::read(&path).unwrap();
        assert_eq!((index.len(), index.space()), (2, &passages));
        let query = Array2::ones((1, 3));
        assert_eq!(index.search(&other, query.view(), &Search::new()).unwrap()[0].len(), 2);
    }
}

#[test]
fn bad_vectors_are_refused_and_nothing_is_lost() {
    let (_directory, path, vectors) = index();
    let mut bad = Random(2).matrix(3, 7);
    bad[[2, 5]] = f32::NAN;
    let narrow = Random(3).matrix(3, 6);
    for (more, names) in [(&bad, 3), (&narrow, 3), (&vectors, 3)] {
        let error = append(&path, &space(), more.view(), &texts(names)).unwrap_err();
        assert!(matches!(error, IndexError::Vectors { .. }), "{error:?}");
    }
    assert!(write(&path, &space(), bad.view(), &texts(3)).is_err());
    assert_holds(&path, &vectors, &texts(20));
    assert_alone(&path);
}

#[test]
fn errors_name_the_file_and_missing_places() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing/x.index");
    let one = Array2::ones((1, 2));
    let error = write(&missing, &space(), one.view(), &["a"]).unwrap_err();
    assert!(matches!(&error, IndexError::Write { path, .. } if *path == missing), "{error:?}");
    let error = append(&missing, &space(), one.view(), &["a"]).unwrap_err();
    assert!(matches!(&error, IndexError::Read { path, .. } if *path == missing), "{error:?}");
    assert!(write(directory.path(), &space(), one.view(), &["a"]).is_err());
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (directory, path, _) = index();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link");
    symlink(&path, &link).unwrap();
    append(&link, &space(), Array2::ones((1, 7)).view(), &["more"]).unwrap();
    assert!(link.is_symlink());
    assert_eq!(Index::read(&path).unwrap().len(), 21);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn those_who_begin_an_index_at_once_lose_nothing() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new.index");
        let begun = Barrier::new(4);
        let begin = |writer: usize| {
            let mut rows = Writer::append_or_create(&path, &space(), 7).unwrap();
            begun.wait(); // there is no index yet, for all of them
            for i in 0..3 {
                rows.push(&[writer as f32; 7], &format!("{writer}.{i}")).unwrap();
            }
            rows.finish().unwrap()
        };
        let mut counts: Vec<usize> = thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|writer| scope.spawn(move || begin(writer))).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect()
        });
        counts.sort_unstable();
        assert_eq!(counts, [3, 6, 9, 12]);
        let index = Index::read(&path).unwrap();
        for row in 0..12 {
            let (writer, i) = index.text(row).unwrap().split_once('.').unwrap();
            assert_eq!(i.parse(), Ok(row % 3));
            assert_eq!(index.vectors().unwrap()[[row, 0]], writer.parse::<f32>().unwrap());
        }
        assert_alone(&path);
    }
}

#[test]
fn an_index_that_is_replaced_while_another_appends_keeps_its_rows() {
    let (_directory, path, _) = index();
    let mut rows = Writer::append(&path, &space(), 7).unwrap();
    rows.push(&[1.0; 7], "appended").unwrap();
    write(&path, &space(), Array2::ones((2, 7)).view(), &["new", "é\n"]).unwrap();
    rows.push(&[2.0; 7], "").unwrap();
    rows.push(&[3.0; 7], "é").unwrap();
    assert_eq!(rows.finish().unwrap(), 5);
    let index = Index::read(&path).unwrap();
    let texts: Vec<&str> = (0..5).map(|row| index.text(row).unwrap()).collect();
    assert_eq!(texts, ["new", "é\n", "appended", "", "é"]);
    assert_eq!(index.vectors().unwrap().column(6).to_vec(), [1.0, 1.0, 1.0, 2.0, 3.0]);
    // Rows of another space are not mixed with these, and nothing is lost of what is there.
    let rows = Writer::append(&path, &space(), 7).unwrap();
    let other = Space::new("model-b", "5678");
    write(&path, &other, Array2::ones((1, 7)).view(), &["other"]).unwrap();
    assert!(matches!(rows.finish(), Err(IndexError::Space { .. })));
    assert_eq!(Index::read(&path).unwrap().space(), &other);
    assert_alone(&path);
}

#[test]
fn those_who_append_at_once_lose_nothing() {
    let (_directory, path, _) = index();
    thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            scope.spawn(move || {
                for i in 0..5 {
                    append(path, &space(), Array2::ones((1, 7)).view(), &[format!("{writer}.{i}")])
                        .unwrap();
                }
            });
        }
    });
    let index = Index::read(&path).unwrap();
    let mut found: Vec<&str> = (20..40).map(|row| index.text(row).unwrap()).collect();
    found.sort_unstable();
    let mut want: Vec<String> =
        (0..4).flat_map(|writer| (0..5).map(move |i| format!("{writer}.{i}"))).collect();
    want.sort_unstable();
    assert_eq!(found, want);
    assert_alone(&path);
}

#[test]
fn rows_that_come_one_by_one_give_the_same_file() {
    let (directory, path, vectors) = index();
    let streamed = directory.path().join("streamed.index");
    let texts = texts(20);
    let push = |mut writer: Writer, rows: std::ops::Range<usize>| {
        rows.for_each(|row| {
            writer.push(vectors.row(row).as_slice().unwrap(), &texts[row]).unwrap()
        });
        writer
    };
    let half = push(Writer::create(&streamed, &space(), 7).unwrap(), 0..11);
    assert!(!streamed.exists(), "nothing appears before the end");
    assert_eq!(half.finish().unwrap(), 11);
    let mut rest = push(Writer::append(&streamed, &space(), 7).unwrap(), 11..20);
    for wrong in [&[1.0; 6][..], &[f32::INFINITY; 7]] {
        assert!(matches!(rest.push(wrong, ""), Err(IndexError::Vectors { .. })));
    }
    assert_eq!((rest.rows(), rest.finish().unwrap()), (20, 20));
    assert!(fs::read(&path).unwrap() == fs::read(&streamed).unwrap());
    assert!(matches!(Writer::create(&path, &space(), 0), Err(IndexError::Vectors { .. })));
    drop(Writer::create(&streamed, &space(), 3).unwrap()); // given up: the old file stays
    assert_holds(&streamed, &vectors, &texts);
}

#[cfg(unix)]
#[test]
fn a_read_only_directory_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path, vectors) = index();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // the superuser may write there
    let root = fs::write(directory.path().join("probe"), "").is_ok();
    let path = if root { Path::new("/proc/notes.index") } else { &path };
    let error = write(path, &space(), vectors.view(), &texts(20)).unwrap_err();
    assert!(matches!(&error, IndexError::Write { path: named, .. } if named == path), "{error:?}");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_not_replaced() {
    use std::os::unix::net::UnixListener;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let _socket = UnixListener::bind(&path).unwrap();
    let link = directory.path().join("link");
    std::os::unix::fs::symlink("socket", &link).unwrap();
    for path in [&path, &link] {
        let error = write(path, &space(), Array2::ones((1, 2)).view(), &["a"]).unwrap_err();
        let IndexError::Write { path: named, source } = &error else { panic!("{error:?}") };
        assert_eq!((named, source.to_string().as_str()), (path, "it is not a regular file"));
    }
    assert!(!fs::metadata(&path).unwrap().is_file());
}

#[test]
fn only_what_killed_writers_left_of_this_index_is_removed() {
    let (directory, path, _) = index();
    let file = |name: &str| directory.path().join(name);
    let others = [
        ".notes.index.abc.tmp",
        ".notes.index.abc-ef.tmp",
        ".other.index.abcdef.tmp",
        "notes.index.abcdef.tmp",
    ];
    fs::create_dir(file(".notes.index.folder.tmp")).unwrap();
    others
        .iter()
        .chain(&[".notes.index.abcdef.tmp"])
        .for_each(|name| fs::write(file(name), "").unwrap());
    let busy = Writer::append(&path, &space(), 7).unwrap();
    assert!(!file(".notes.index.abcdef.tmp").exists());
    assert!(others.iter().chain(&[".notes.index.folder.tmp"]).all(|name| file(name).exists()));
    write(&path, &space(), Array2::ones((1, 7)).view(), &["new"]).unwrap();
    assert_eq!(busy.finish().unwrap(), 1, "the file of a writer that is at work stays");
}

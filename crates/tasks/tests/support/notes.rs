//! A small index in a directory of its own.

use super::{Matrices, Random};
use minilm_tasks::index::{Index, Space, write};
use ndarray::Array2;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tempfile::TempDir;

pub fn space() -> Space {
    Space::new("model-a", "1234")
}

pub fn texts(n: usize) -> Vec<String> {
    (0..n).map(|i| format!("text {i} {}", "é\n".repeat(i % 4))).collect()
}

/// A directory, and an index of 20 rows in it.
pub fn index() -> (TempDir, PathBuf, Array2<f32>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.index");
    let vectors = Random(1).matrix(20, 7);
    write(&path, &space(), vectors.view(), &texts(20)).unwrap();
    (directory, path, vectors)
}

pub fn assert_holds(path: &Path, vectors: &Array2<f32>, texts: &[String]) {
    let index = Index::read(path).unwrap();
    assert_eq!(index.vectors().unwrap(), vectors);
    assert_eq!(
        (index.len(), index.dimensions(), index.space()),
        (texts.len(), vectors.ncols(), &space())
    );
    let found: Vec<&str> = (0..index.len()).map(|row| index.text(row).unwrap()).collect();
    assert_eq!(found, texts);
}

/// Nothing but the index is in its directory.
pub fn assert_alone(path: &Path) {
    let entries: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries, [path]);
}

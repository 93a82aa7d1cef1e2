//! Index files. A mutated file hardly ever has the checksums of its parts, so half of the inputs
//! get them.

use super::split;
use minilm::{
    ndarray::Array2,
    tasks::{
        index::{self, Index, IndexError, Space},
        search::Search,
    },
};
use serde_json::Value;
use std::{ops::Range, path::Path};

/// An index: the first byte tells whether its checksums are made to fit.
pub fn index(data: &[u8]) {
    let Some((choice, data)) = split(data) else { return };
    let mut bytes = data.to_vec();
    if choice & 1 == 1 {
        mend(&mut bytes);
    }
    let Ok(index) = Index::new(Path::new("it"), bytes.clone()) else { return };
    // Rows that were written wrongly, with checksums that fit, are as they were written.
    let whole =
        !matches!(index.check(), Err(IndexError::Damaged { .. } | IndexError::Format { .. }));
    let is_right = index.check().is_ok();
    let texts: Vec<Option<String>> =
        (0..index.len().min(64)).map(|row| index.text(row).ok().map(str::to_owned)).collect();
    assert!(!is_right || texts.iter().all(Option::is_some), "a whole index has all its texts");
    let Ok(vectors) = index.vectors() else { return assert!(!whole) };
    assert_eq!(vectors.view().dim(), (index.len(), index.dimensions()));
    if index.dimensions() > 64 {
        return;
    }
    let queries = Array2::from_elem((1, index.dimensions()), 0.5);
    if let Ok(hits) = index.search(&index.space().clone(), queries.view(), &Search::new().top_k(3))
    {
        assert!(hits[0].iter().all(|hit| hit.corpus_id < index.len()));
    }
    append(&bytes, index.space(), queries, whole, &texts);
}

/// Adds a row: an index that is whole keeps all of its texts, and another one is refused.
fn append(bytes: &[u8], space: &Space, row: Array2<f32>, whole: bool, texts: &[Option<String>]) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("it.index");
    std::fs::write(&path, bytes).expect("a file");
    match index::append(&path, space, row.view(), &["new"]) {
        Ok(_) => {
            assert!(whole, "a broken index is not added to");
            let index = Index::read(&path).expect("an index that was written");
            let last = index.len() - 1;
            for (row, text) in texts.iter().enumerate() {
                assert_eq!(index.text(row).ok(), text.as_deref(), "row {row}");
            }
            assert_eq!(index.text(last).expect("the new text"), "new");
        }
        Err(_) => assert_eq!(std::fs::read(&path).expect("the file"), bytes),
    }
}

/// Writes the checksums that the parts have, if there is a header that tells where these are.
fn mend(bytes: &mut [u8]) -> Option<()> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let data = length.checked_add(8)?;
    let header: Value = serde_json::from_slice(bytes.get(8..data)?).ok()?;
    let part = |name: &str| -> Option<Range<usize>> {
        let offsets = &header[name]["data_offsets"];
        let end = |i: usize| data.checked_add(usize::try_from(offsets[i].as_u64()?).ok()?);
        Some(end(0)?..end(1)?)
    };
    let sums = [0..data, part("vectors")?, part("offsets")?, part("texts")?]
        .map(|range| bytes.get(range).map(crc32fast::hash));
    let mut written = Vec::new();
    for sum in sums {
        written.extend(sum?.to_le_bytes());
    }
    written.extend(crc32fast::hash(&written).to_le_bytes());
    bytes.get_mut(part("checksums")?)?.get_mut(..written.len())?.copy_from_slice(&written);
    Some(())
}

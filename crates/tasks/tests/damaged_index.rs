//! Index files that are not as they were written: an error, never a wrong row and never a panic.

mod support;

use minilm_tasks::{
    index::{Index, IndexError, Part, append},
    search::Search,
};
use ndarray::Array2;
use std::{fs, path::Path};
use support::notes::{assert_alone, index, space};

#[test]
fn a_broken_file_is_an_error_and_no_panic() {
    let (_directory, path, _) = index();
    let bytes = fs::read(&path).unwrap();
    for end in 0..bytes.len() {
        assert!(
            matches!(Index::new(&path, &bytes[..end]), Err(IndexError::Format { .. })),
            "{end} bytes"
        );
    }
    assert!(Index::new(&path, [&bytes[..], b"x"].concat()).is_err());
    for other in [
        &b""[..],
        b"\0\0\0\0\0\0\0\0",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x02\0\0\0\0\0\0\0{}",
        b"plain text, and more of it",
    ] {
        let error = Index::new(&path, other).unwrap_err().to_string();
        assert!(error.contains("notes.index is not an index"), "{error}");
    }
}

/// Where the parts of an index are, by its header.
fn parts(bytes: &[u8]) -> [(Part, std::ops::Range<usize>); 5] {
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..header]).unwrap();
    let place = |name: &str| {
        let offsets = json[name]["data_offsets"].as_array().unwrap();
        let [start, end] = [0, 1].map(|i| header + offsets[i].as_u64().unwrap() as usize);
        start..end
    };
    [
        (Part::Header, 0..header),
        (Part::Vectors, place("vectors")),
        (Part::Offsets, place("offsets")),
        (Part::Checksums, place("checksums")),
        (Part::Texts, place("texts")),
    ]
}

#[test]
fn every_flipped_bit_is_an_error_that_names_its_part() {
    let (_directory, path, vectors) = index();
    let bytes = fs::read(&path).unwrap();
    let open = |bytes: &[u8]| {
        let index = Index::new(&path, bytes.to_vec())?;
        assert!(index.len() == 20 && index.dimensions() == 7 && *index.space() == space());
        Ok::<_, IndexError>(index)
    };
    open(&bytes).unwrap().check().unwrap();
    let mut flips = 0;
    for (part, range) in parts(&bytes) {
        for bit in range.start * 8..range.end * 8 {
            let mut broken = bytes.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let found = open(&broken).and_then(|index| {
                // No wrong vector and no wrong text is seen, whatever is asked first.
                match part {
                    Part::Vectors => assert!(index.vectors().is_err() && index.text(3).is_ok()),
                    _ => assert!(index.text(3).is_err() && index.vectors().is_ok()),
                }
                let search = index.search(&space(), vectors.view(), &Search::new());
                assert_eq!(search.is_err(), part == Part::Vectors, "bit {bit}");
                index.check()
            });
            match found {
                Err(IndexError::Damaged { part: named, .. }) => {
                    assert_eq!(named, part, "bit {bit}")
                }
                // A header that is no longer one is not compared with its checksum.
                Err(IndexError::Format { .. } | IndexError::Version { .. }) => {
                    assert_eq!(part, Part::Header, "bit {bit}");
                }
                other => panic!("bit {bit} of the {part}: {other:?}"),
            }
            flips += 1;
        }
    }
    assert_eq!(flips, bytes.len() * 8);
}

#[test]
fn nothing_is_added_to_a_damaged_index() {
    let (_directory, path, _) = index();
    let bytes = fs::read(&path).unwrap();
    for (part, range) in parts(&bytes) {
        for at in range {
            let mut broken = bytes.clone();
            broken[at] ^= 4;
            fs::write(&path, &broken).unwrap();
            let added = append(&path, &space(), Array2::ones((1, 7)).view(), &["more"]);
            assert!(added.is_err(), "byte {at} of the {part}: {added:?}");
            assert!(fs::read(&path).unwrap() == broken);
        }
    }
    assert_alone(&path);
}

/// An index of version 2 with right checksums, whatever its other parts say.
fn forged(shape: (usize, usize), vectors: &[u8], offsets: &[u64], texts: &[u8]) -> Vec<u8> {
    let (rows, columns) = shape;
    let mut end = 0;
    let mut tensor = |dtype: &str, shape: &[usize], bytes: usize| {
        let start = end;
        end += bytes;
        serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [start, end]})
    };
    let mut header = serde_json::to_vec(&serde_json::json!({
        "__metadata__": {"format": "minilm-index-2", "name": "model-a", "fingerprint": "1234"},
        "vectors": tensor("F32", &[rows, columns], vectors.len()),
        "offsets": tensor("U64", &[offsets.len()], 8 * offsets.len()),
        "checksums": tensor("U32", &[5], 20),
        "texts": tensor("U8", &[texts.len()], texts.len()),
    }))
    .unwrap();
    header.resize(header.len().next_multiple_of(8), b' ');
    header.splice(..0, (header.len() as u64).to_le_bytes());
    let offsets: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
    let mut sums: Vec<u8> = [&header, vectors, &offsets, texts]
        .iter()
        .flat_map(|part| crc32fast::hash(part).to_le_bytes())
        .collect();
    sums.extend(crc32fast::hash(&sums).to_le_bytes());
    [&header, vectors, &offsets, &sums, texts].concat()
}

#[test]
fn shapes_that_no_model_makes_are_refused() {
    let path = Path::new("forged.index");
    for columns in [0, (1 << 24) + 1, 1 << 62, 1 << 63, usize::MAX] {
        let error = Index::new(path, forged((0, columns), b"", &[0], b"")).unwrap_err();
        assert!(matches!(error, IndexError::Format { .. }), "{columns}: {error:?}");
        assert!(error.to_string().contains(&format!("{columns} columns")), "{error}");
    }
    for rows in [1, usize::MAX / 4, usize::MAX] {
        let error = Index::new(path, forged((rows, 1 << 24), b"", &[0], b"")).unwrap_err();
        assert!(matches!(error, IndexError::Format { .. }), "{rows}: {error:?}");
    }
    let empty = Index::new(path, forged((0, 1 << 24), b"", &[0], b"")).unwrap();
    assert_eq!(empty.vectors().unwrap().dim(), (0, 1 << 24));
    empty.check().unwrap();
}

#[test]
fn offsets_that_contradict_the_texts_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("forged.index");
    let vectors = [1_f32.to_le_bytes(), 2_f32.to_le_bytes()].concat();
    for offsets in [[0, 1, 2], [1, 1, 3], [0, 4, 3], [0, u64::MAX, 3], [0, 1, 4], [0, 2, 1]] {
        let bytes = forged((2, 1), &vectors, &offsets, b"abX");
        fs::write(&path, &bytes).unwrap();
        let read = Index::read(&path).unwrap().text(0).unwrap_err();
        let added = append(&path, &space(), Array2::ones((1, 1)).view(), &["c"]).unwrap_err();
        for error in [read, added] {
            let message = error.to_string();
            assert!(
                message.ends_with("its offsets contradict its texts"),
                "{offsets:?}: {message}"
            );
        }
        assert!(fs::read(&path).unwrap() == bytes);
    }
    let bytes = forged((2, 1), &vectors, &[0, 2, 3], b"\xc3\xa9X");
    fs::write(&path, &bytes).unwrap();
    append(&path, &space(), Array2::ones((1, 1)).view(), &["c"]).unwrap();
    let index = Index::read(&path).unwrap();
    assert_eq!([0, 1, 2].map(|row| index.text(row).unwrap()), ["é", "X", "c"]);
    let bytes = forged((2, 1), &vectors, &[0, 1, 3], b"\xc3\xa9X");
    let split = Index::new(&path, bytes).unwrap();
    assert!(matches!(split.check(), Err(IndexError::Text { row: 0, .. })));
}

#[test]
fn another_version_is_refused_with_the_remedy() {
    let (_directory, path, _) = index();
    let bytes = fs::read(&path).unwrap();
    let at = bytes.windows(14).position(|part| part == b"minilm-index-2").unwrap() + 13;
    for version in [b'1', b'3'] {
        let mut other = bytes.clone();
        other[at] = version;
        fs::write(&path, &other).unwrap();
        let added = append(&path, &space(), Array2::ones((1, 7)).view(), &["more"]).unwrap_err();
        for error in [Index::read(&path).unwrap_err(), added] {
            let message = error.to_string();
            let is = format!("is an index of version {}, but", char::from(version));
            assert!(
                message.contains(&is) && message.contains("minilm index FILE… -o "),
                "{message}"
            );
        }
        assert!(fs::read(&path).unwrap() == other);
    }
}

//! Models by name, from a cache as Python's `huggingface_hub` writes it.

mod support;

use minilm::{Error, Hub, HubError, SentenceEncoder};
use std::{
    fs,
    path::{Path, PathBuf},
};
use support::{bits, tiny::Tiny};
use tempfile::TempDir;

const COMMIT: &str = "8b3219a92973c328a8e22fadcfa821b5dc75636a";
const OTHER: &str = "0123456789abcdef0123456789abcdef01234567";
const NAME: &str = "some-org/tiny.model_1";
const FILES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "vocab.txt",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
];

/// A cache with one model, as copies or, like Python where it can, as links into `blobs`.
struct Cache {
    directory: TempDir,
    model: TempDir,
}

impl Cache {
    fn new(links: bool) -> Cache {
        let cache = Cache {
            directory: tempfile::tempdir().unwrap(),
            model: Tiny::new().with_modules().write(),
        };
        for (i, file) in FILES.iter().enumerate() {
            let to = cache.snapshot(COMMIT).join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let from = cache.model.path().join(file);
            if links {
                let blob = format!("blobs/{i:040x}");
                fs::create_dir_all(cache.root().join("blobs")).unwrap();
                fs::copy(from, cache.root().join(&blob)).unwrap();
                link(&format!("{}{blob}", "../".repeat(2 + file.matches('/').count())), &to);
            } else {
                fs::copy(from, to).unwrap();
            }
        }
        cache.write("refs/main", COMMIT);
        cache
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("models--some-org--tiny.model_1")
    }

    fn snapshot(&self, commit: &str) -> PathBuf {
        self.root().join("snapshots").join(commit)
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn hub(&self) -> Hub {
        hub(self.directory.path())
    }
}

#[cfg(unix)]
fn link(target: &str, link: &Path) {
    std::os::unix::fs::symlink(target, link).unwrap();
}

#[cfg(not(unix))]
fn link(target: &str, link: &Path) {
    fs::copy(link.parent().unwrap().join(target), link).unwrap();
}

/// A hub that does not use the network, with any features.
fn hub(cache: &Path) -> Hub {
    let hub = Hub::new(cache);
    #[cfg(feature = "download")]
    let hub = hub.offline(true);
    hub
}

fn refused(hub: &Hub, name: &str, revision: &str) -> HubError {
    match hub.snapshot(name, revision) {
        Err(Error::Hub(error)) => error,
        other => panic!("{name} at {revision}: {other:?}"),
    }
}

#[test]
fn links_and_copies_load_with_the_bits_of_the_directory() {
    for links in [true, false] {
        let cache = Cache::new(links);
        let encoder =
            SentenceEncoder::builder().threads(1).hub(cache.hub()).from_hub(NAME).unwrap();
        let text = "the cat sat on a mat.";
        let want = SentenceEncoder::load(cache.model.path()).unwrap().encode_one(text).unwrap();
        assert_eq!(bits(&encoder.encode_one(text).unwrap()), bits(&want));
        assert_eq!(encoder.max_tokens(), 32);
    }
}

#[test]
fn a_revision_is_a_commit_or_what_refs_says() {
    let cache = Cache::new(true);
    cache.write("refs/v1.0", COMMIT);
    cache.write("refs/refs/pr/1", &format!("{COMMIT}\n"));
    for revision in ["main", COMMIT, "v1.0", "refs/pr/1"] {
        assert_eq!(
            cache.hub().snapshot(NAME, revision).unwrap(),
            cache.snapshot(COMMIT),
            "{revision}"
        );
    }
    let builder = || SentenceEncoder::builder().threads(1).hub(cache.hub());
    builder().revision(COMMIT).from_hub(NAME).unwrap();
    assert!(builder().revision("v2.0").from_hub(NAME).is_err());
}

#[test]
fn what_is_not_there_is_an_error_with_every_place_and_the_way_to_get_it() {
    let cache = Cache::new(true);
    let root = cache.root();
    for (name, revision, places) in [
        (NAME, "v2.0", vec![root.clone(), root.join("refs/v2.0")]),
        (NAME, OTHER, vec![root.clone(), root.join("snapshots").join(OTHER)]),
        (
            "other/model",
            "main",
            ["", "refs/main"]
                .map(|path| cache.directory.path().join("models--other--model").join(path))
                .to_vec(),
        ),
    ] {
        let error = refused(&cache.hub(), name, revision);
        let HubError::NotCached { looked, .. } = &error else { panic!("{error:?}") };
        assert_eq!(looked, &places);
        let message = error.to_string();
        assert!(
            places
                .iter()
                .all(|place| message.contains(place.to_str().unwrap().trim_end_matches('/'))),
            "{message}"
        );
        assert!(message.contains(&format!("hf download {name}")), "{message}");
        assert_eq!(message.contains("--revision"), revision != "main", "{message}");
    }
    cache.write("refs/old", OTHER);
    let error = refused(&cache.hub(), NAME, "old");
    assert!(
        matches!(
            &error,
            HubError::NotCached { looked, .. } if looked.ends_with(&[cache.snapshot(OTHER)])
        ),
        "{error:?}"
    );
}

#[test]
fn a_snapshot_that_is_not_whole_names_what_it_lacks() {
    for file in FILES {
        let cache = Cache::new(true);
        fs::remove_file(cache.snapshot(COMMIT).join(file)).unwrap();
        match (file, cache.hub().snapshot(NAME, "main")) {
            ("sentence_bert_config.json", found) => {
                assert_eq!(found.unwrap(), cache.snapshot(COMMIT))
            }
            (_, Err(Error::Hub(HubError::Incomplete { snapshot, missing, .. }))) => {
                assert_eq!(snapshot, cache.snapshot(COMMIT));
                assert_eq!(missing, [if file == "vocab.txt" { "tokenizer.json" } else { file }]);
            }
            (_, other) => panic!("without {file}: {other:?}"),
        }
    }
}

#[test]
fn without_modules_the_repository_must_be_known_to_have_none() {
    let cache = Cache::new(false);
    fs::remove_file(cache.snapshot(COMMIT).join("modules.json")).unwrap();
    assert!(matches!(refused(&cache.hub(), NAME, "main"), HubError::Incomplete { .. }));
    cache.write(&format!(".no_exist/{COMMIT}/modules.json"), "");
    assert_eq!(cache.hub().snapshot(NAME, "main").unwrap(), cache.snapshot(COMMIT));
}

#[cfg(unix)]
#[test]
fn a_link_to_a_blob_that_is_gone_is_a_missing_file() {
    let cache = Cache::new(true);
    fs::remove_file(cache.snapshot(COMMIT).join("model.safetensors").canonicalize().unwrap())
        .unwrap();
    let error = refused(&cache.hub(), NAME, "main");
    assert!(
        matches!(&error, HubError::Incomplete { missing, .. } if missing == &["model.safetensors"]),
        "{error:?}"
    );
}

#[test]
fn names_and_refs_cannot_lead_elsewhere() {
    let cache = Cache::new(true);
    let above = cache.directory.path().join("above");
    for name in ["../above", "a/../above", "a/b/c", "", "/etc", "a\\b"] {
        assert!(matches!(refused(&hub(&above), name, "main"), HubError::Name { .. }), "{name:?}");
    }
    for revision in ["../refs/main", "..", "", "a\0"] {
        assert!(
            matches!(refused(&cache.hub(), NAME, revision), HubError::Revision { .. }),
            "{revision:?}"
        );
    }
    for content in ["", "../../..", "main", &format!("{COMMIT}/..")] {
        cache.write("refs/main", content);
        assert!(
            matches!(refused(&cache.hub(), NAME, "main"), HubError::Reference { .. }),
            "{content:?}"
        );
    }
}

#[test]
fn a_name_alone_is_of_sentence_transformers() {
    let directory = tempfile::tempdir().unwrap();
    let error = refused(&hub(directory.path()), "all-MiniLM-L6-v2", "main");
    assert!(
        error.to_string().contains("models--sentence-transformers--all-MiniLM-L6-v2"),
        "{error}"
    );
}

#[test]
fn a_model_of_the_same_name_elsewhere_in_the_cache_is_named() {
    let cache = Cache::new(false);
    for name in ["tiny.model_1", "another/Tiny.Model_1"] {
        let error = cache.hub().snapshot(name, "main").unwrap_err();
        let message = error.to_string();
        assert!(message.contains(&format!("the cache has {NAME}; or ")), "{message}");
    }
    let error = cache.hub().snapshot("some-org/other", "main").unwrap_err().to_string();
    assert!(!error.contains("the cache has"), "{error}");
}

#[test]
fn weights_in_several_files_are_whole_if_all_of_them_are_there() {
    let cache = Cache::new(false);
    let to = |file: &str| cache.snapshot(COMMIT).join(file);
    fs::rename(to("model.safetensors"), to("model-00001-of-00002.safetensors")).unwrap();
    let index = r#"{"weight_map": {"a": "model-00001-of-00002.safetensors",
        "b": "model-00002-of-00002.safetensors"}}"#;
    fs::write(to("model.safetensors.index.json"), index).unwrap();
    match cache.hub().snapshot(NAME, "main").unwrap_err() {
        Error::Hub(HubError::Incomplete { missing, .. }) => {
            assert_eq!(missing, ["model-00002-of-00002.safetensors"]);
        }
        other => panic!("{other}"),
    }
    let index = index.replace("00002-of", "00001-of");
    fs::write(to("model.safetensors.index.json"), index).unwrap();
    cache.hub().snapshot(NAME, "main").unwrap();
    SentenceEncoder::load(cache.hub().snapshot(NAME, "main").unwrap()).unwrap();
}

#[test]
fn weights_that_the_repository_has_in_another_form_alone_are_named() {
    let cache = Cache::new(false);
    fs::rename(
        cache.snapshot(COMMIT).join("model.safetensors"),
        cache.snapshot(COMMIT).join("pytorch_model.bin"),
    )
    .unwrap();
    cache.write(&format!(".no_exist/{COMMIT}/model.safetensors"), "");
    let directory = cache.hub().snapshot(NAME, "main").unwrap();
    let error = SentenceEncoder::load(directory).map(drop).unwrap_err();
    assert!(matches!(error, Error::Weights { found, .. } if found == "pytorch_model.bin"));
}

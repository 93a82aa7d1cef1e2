//! One model's folder in the cache.

use super::{
    HubError,
    name::{self, Name, Revision},
};
use crate::directory;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder `models--organisation--model`.
#[derive(Debug)]
pub(super) struct Repository {
    pub root: PathBuf,
}

impl Repository {
    pub(super) fn new(cache: &Path, name: &Name) -> Repository {
        Repository { root: cache.join(name.folder()) }
    }

    /// The snapshot of a revision, if it has all files that a model needs.
    pub(super) fn find(&self, name: &Name, revision: &Revision) -> Result<PathBuf, HubError> {
        let mut looked = vec![self.root.clone()];
        let commit = self.commit(revision, &mut looked)?;
        let snapshot = commit.as_ref().map(|commit| self.snapshot(commit));
        looked.extend(snapshot.clone());
        let remedy = remedy(name, revision);
        let (Some(commit), Some(snapshot)) =
            (commit, snapshot.filter(|snapshot| snapshot.is_dir()))
        else {
            return Err(HubError::NotCached {
                name: name.to_string(),
                revision: revision.to_string(),
                looked,
                remedy,
            });
        };
        let missing = self.missing(&commit)?;
        if missing.is_empty() {
            Ok(snapshot)
        } else {
            Err(HubError::Incomplete { snapshot, missing, remedy })
        }
    }

    /// The commit of a revision: itself, or the commit that `refs` has for it.
    fn commit(
        &self,
        revision: &Revision,
        looked: &mut Vec<PathBuf>,
    ) -> Result<Option<String>, HubError> {
        if revision.is_commit() {
            return Ok(Some(revision.as_str().to_owned()));
        }
        let path = self.reference(revision);
        looked.push(path.clone());
        match fs::read_to_string(&path) {
            Ok(text) if name::is_commit(text.trim()) => Ok(Some(text.trim().to_owned())),
            Ok(_) => Err(HubError::Reference { path }),
            Err(error) if is_absent(&error) => Ok(None),
            Err(source) => Err(HubError::Read { path, source }),
        }
    }

    /// The files that a model needs and the snapshot lacks.
    fn missing(&self, commit: &str) -> Result<Vec<String>, HubError> {
        let snapshot = self.snapshot(commit);
        let has = |file: &str| snapshot.join(file).is_file();
        if !has("modules.json") && !self.is_without(commit, "modules.json") {
            return Ok(vec!["modules.json".to_owned()]);
        }
        let parts = self.parts(commit)?;
        let mut missing = Vec::new();
        for file in [parts.in_transformer("config.json"), parts.in_transformer("model.safetensors")]
        {
            if !has(&file) {
                missing.push(file);
            }
        }
        if !["tokenizer.json", "vocab.txt"].iter().any(|file| has(&parts.in_transformer(file))) {
            missing.push(parts.in_transformer("tokenizer.json"));
        }
        missing.extend(parts.pooling_config().filter(|file| !has(file)));
        Ok(missing)
    }

    /// The folders of the model's parts by `modules.json`.
    pub(super) fn parts(&self, commit: &str) -> Result<Parts, HubError> {
        let path = self.snapshot(commit).join("modules.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(Parts::default()),
            Err(source) => return Err(HubError::Read { path, source }),
        };
        // Loading the model reports an error of this file in more detail.
        let folders = directory::module_folders(&bytes).unwrap_or_default();
        let mut folders = folders.into_iter().map(|folder| {
            Some(folder).filter(|folder| directory::is_inside(folder)).unwrap_or_default()
        });
        Ok(Parts { transformer: folders.next().unwrap_or_default(), pooling: folders.next() })
    }

    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    pub(super) fn reference(&self, revision: &Revision) -> PathBuf {
        self.root.join("refs").join(revision.as_str())
    }

    /// Whether the repository is known not to have `file`.
    pub(super) fn is_without(&self, commit: &str, file: &str) -> bool {
        self.absence(commit, file).is_file()
    }

    pub(super) fn absence(&self, commit: &str, file: &str) -> PathBuf {
        self.root.join(".no_exist").join(commit).join(file)
    }
}

/// The folders of a model's modules, empty for the model's own.
#[derive(Debug, Default)]
pub(super) struct Parts {
    transformer: String,
    pooling: Option<String>,
}

impl Parts {
    pub(super) fn in_transformer(&self, file: &str) -> String {
        join(&self.transformer, file)
    }

    pub(super) fn pooling_config(&self) -> Option<String> {
        self.pooling.as_ref().map(|folder| join(folder, "config.json"))
    }
}

fn join(folder: &str, file: &str) -> String {
    if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
}

fn remedy(name: &Name, revision: &Revision) -> String {
    let revision =
        if revision.as_str() == "main" { String::new() } else { format!(" --revision {revision}") };
    let command = format!("get it with `hf download {name}{revision}`");
    if cfg!(feature = "download") {
        format!("{command}, or unset HF_HUB_OFFLINE to download it")
    } else {
        format!("{command}, or build minilm with the feature `download`")
    }
}

/// A part of the path is missing, or is no directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

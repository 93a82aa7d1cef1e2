//! One model's folder in the cache.

use super::{
    HubError,
    name::{self, Name, Revision},
};
use crate::{directory::Folders, files::shards};
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
        let mut remedy = remedy(name, revision);
        let (Some(commit), Some(snapshot)) =
            (commit, snapshot.filter(|snapshot| snapshot.is_dir()))
        else {
            let alike = self.alike();
            if !alike.is_empty() {
                remedy = format!("the cache has {}; or {remedy}", alike.join(" and "));
            }
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
        let needed = [parts.in_transformer("config.json")];
        missing.extend(needed.into_iter().chain(parts.dense()).filter(|file| !has(file)));
        let weights = parts.in_transformer("model.safetensors");
        // Which other form the weights of a repository without it have, loading the model says.
        if !has(&weights) && !self.is_without(commit, &weights) {
            match self.shards(commit, &parts) {
                Some(shards) => missing.extend(shards.into_iter().filter(|file| !has(file))),
                None => missing.push(weights),
            }
        }
        if !["tokenizer.json", "vocab.txt"].iter().any(|file| has(&parts.in_transformer(file))) {
            missing.push(parts.in_transformer("tokenizer.json"));
        }
        missing.extend(parts.pooling_config().filter(|file| !has(file)));
        Ok(missing)
    }

    /// The files in which the weights are, if they are in several.
    pub(super) fn shards(&self, commit: &str, parts: &Parts) -> Option<Vec<String>> {
        let index = parts.in_transformer("model.safetensors.index.json");
        let names = shards(&fs::read(self.snapshot(commit).join(index)).ok()?)?;
        Some(names.iter().map(|name| parts.in_transformer(name)).collect())
    }

    /// Models of the same name, whatever their organisation and letter case, in the cache.
    fn alike(&self) -> Vec<String> {
        let model = |folder: &str| {
            let (_, model) = folder.strip_prefix("models--")?.split_once("--")?;
            Some(model.to_lowercase())
        };
        let own = self.root.file_name().and_then(|name| model(&name.to_string_lossy()));
        let entries = self.root.parent().and_then(|cache| cache.read_dir().ok());
        let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
        let mut alike: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| Some(name.as_str()) != self.root.file_name().and_then(|n| n.to_str()))
            .filter(|name| own.is_some() && model(name) == own)
            .map(|name| name["models--".len()..].replacen("--", "/", 1))
            .collect();
        alike.sort();
        alike
    }

    /// Where `modules.json` says that the model's parts are.
    pub(super) fn parts(&self, commit: &str) -> Result<Parts, HubError> {
        let path = self.snapshot(commit).join("modules.json");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if is_absent(&error) => return Ok(Parts::default()),
            Err(source) => return Err(HubError::Read { path, source }),
        };
        // A fault in the file is reported when the model is loaded, with more detail.
        Ok(Parts { folders: Folders::of(&bytes) })
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

/// The files of a model's modules.
#[derive(Debug, Default)]
pub(super) struct Parts {
    folders: Folders,
}

impl Parts {
    pub(super) fn in_transformer(&self, file: &str) -> String {
        join(&self.folders.transformer, file)
    }

    pub(super) fn pooling_config(&self) -> Option<String> {
        self.folders.pooling.as_ref().map(|folder| join(folder, "config.json"))
    }

    /// Configuration and weights of each linear layer behind the pooling.
    pub(super) fn dense(&self) -> Vec<String> {
        let files =
            |folder: &String| ["config.json", "model.safetensors"].map(|file| join(folder, file));
        self.folders.dense.iter().flat_map(files).collect()
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

//! The files of a model, and their download.

use super::{
    DownloadError,
    client::{Client, Head},
    store::{self, Entry},
};
use crate::hub::{
    HubError,
    cache::Repository,
    name::{Name, Revision},
};

/// Beside the transformer's `config.json`, whatever there is of these: what this crate reads, and
/// what Python would miss in the snapshot.
const OPTIONAL: [&str; 7] = [
    "sentence_bert_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "adapter_config.json",
    "tokenizer.json",
    "vocab.txt",
];

/// Downloads the files that the snapshot of a revision lacks.
pub(super) fn fetch(
    client: &Client,
    repository: &Repository,
    name: &Name,
    revision: &Revision,
) -> Result<(), HubError> {
    let mut job = Job { client, repository, name, revision, commit: None };
    job.get("modules.json")?;
    let commit = job.commit()?;
    job.get("config_sentence_transformers.json")?;
    let parts = repository.parts(&commit)?;
    job.need(&parts.in_transformer("config.json"))?;
    if let Some(file) = parts.pooling_config() {
        job.need(&file)?;
    }
    for file in OPTIONAL {
        job.get(&parts.in_transformer(file))?;
    }
    for file in parts.dense() {
        job.need(&file)?;
    }
    // Last, so that a snapshot which has the weights has the rest.
    let weights = parts.in_transformer("model.safetensors");
    if !job.get(&weights)? {
        if !job.get(&parts.in_transformer("model.safetensors.index.json"))? {
            job.need(&weights)?;
        }
        for file in repository.shards(&commit, &parts).unwrap_or_default() {
            job.need(&file)?;
        }
    }
    store::note_reference(repository, revision, &commit)?;
    Ok(())
}

/// The download of one snapshot.
struct Job<'a> {
    client: &'a Client<'a>,
    repository: &'a Repository,
    name: &'a Name,
    revision: &'a Revision,
    /// The commit, from the first answer that names it.
    commit: Option<String>,
}

impl Job<'_> {
    /// The commit that all files are of.
    fn commit(&self) -> Result<String, DownloadError> {
        let stated = self
            .commit
            .clone()
            .or_else(|| self.revision.is_commit().then(|| self.revision.to_string()));
        stated.ok_or_else(|| DownloadError::Answer {
            url: self.client.url(self.name, self.revision.as_str(), "modules.json").to_string(),
            reason: format!(
                "the answer does not say which commit {} is (X-Repo-Commit)",
                self.revision
            ),
        })
    }

    /// Gets a file; `false` if the repository has none of that name.
    fn get(&mut self, file: &str) -> Result<bool, DownloadError> {
        if let Some(commit) = &self.commit {
            if self.repository.snapshot(commit).join(file).is_file() {
                return Ok(true);
            }
            if self.repository.is_without(commit, file) {
                return Ok(false);
            }
        }
        let asked = self.commit.as_deref().unwrap_or(self.revision.as_str());
        let head = self.client.head(&self.client.url(self.name, asked, file))?;
        let said = match &head {
            Head::Absent { commit } => commit,
            Head::Found(found) => &found.commit,
        };
        if self.commit.is_none() {
            self.commit = said.clone();
        }
        let commit = self.commit()?;
        match head {
            Head::Absent { .. } => {
                store::note_absence(self.repository, &commit, file).map(|()| false)
            }
            Head::Found(found) => {
                let (client, repository) = (self.client, self.repository);
                let url = client.url(self.name, &commit, file);
                Entry { client, repository, url: &url, commit: &commit, file, found: &found }
                    .store()
                    .map(|()| true)
            }
        }
    }

    /// Gets a file that every model has.
    fn need(&mut self, file: &str) -> Result<(), DownloadError> {
        if self.get(file)? {
            return Ok(());
        }
        let commit = self.commit()?;
        Err(DownloadError::NotFound { url: self.client.url(self.name, &commit, file).to_string() })
    }
}

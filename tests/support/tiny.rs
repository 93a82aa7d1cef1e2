//! A small BERT with random weights, written as a sentence-transformers directory.

#[path = "../../crates/model/tests/support/tiny.rs"]
mod bert;

pub use bert::{TinyBert, VOCABULARY};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    ops::{Deref, DerefMut},
    path::Path,
};
use tempfile::TempDir;

/// A directory before it is written; tests change what they want to be different.
pub struct Tiny {
    bert: TinyBert,
    /// Files beside the configuration and the weights: path and content.
    pub files: BTreeMap<String, String>,
}

impl Deref for Tiny {
    type Target = TinyBert;

    fn deref(&self) -> &TinyBert {
        &self.bert
    }
}

impl DerefMut for Tiny {
    fn deref_mut(&mut self) -> &mut TinyBert {
        &mut self.bert
    }
}

impl Tiny {
    /// The small BERT with its vocabulary.
    pub fn new() -> Tiny {
        let files = BTreeMap::from([("vocab.txt".to_owned(), VOCABULARY.join("\n"))]);
        Tiny { bert: TinyBert::new(), files }
    }

    /// Adds the files that make it a sentence-transformers model: mean pooling and normalisation.
    pub fn with_modules(mut self) -> Tiny {
        let module = |i: usize, path: &str, kind: &str| {
            let kind = format!("sentence_transformers.models.{kind}");
            json!({"idx": i, "name": i.to_string(), "path": path, "type": kind})
        };
        let modules = json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Normalize", "Normalize")
        ]);
        self.files.insert("modules.json".into(), modules.to_string());
        let pooling = json!({"word_embedding_dimension": 52, "pooling_mode_mean_tokens": true});
        self.files.insert("1_Pooling/config.json".into(), pooling.to_string());
        self.files
            .insert("sentence_bert_config.json".into(), json!({"max_seq_length": 32}).to_string());
        self
    }

    /// Writes the directory; it is removed when the result is dropped.
    pub fn write(&self) -> TempDir {
        let directory = tempfile::tempdir().unwrap();
        self.write_to(directory.path());
        directory
    }

    fn write_to(&self, root: &Path) {
        fs::write(root.join("config.json"), self.config.to_string()).unwrap();
        for (name, content) in &self.files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        fs::write(root.join("model.safetensors"), self.safetensors()).unwrap();
    }
}

//! `modules.json`: which modules a model has, and where each keeps its files.

use super::{Step, field, read_json};
use crate::{Error, files::Source};
use serde::Deserialize;
use std::path::{Component, Path, PathBuf};

#[derive(Deserialize)]
struct Module {
    path: String,
    r#type: String,
}

/// The modules of a directory, with their folders.
pub(super) struct Modules {
    pub transformer: PathBuf,
    /// The pooling's configuration; `None` for a plain transformer.
    pub pooling: Option<PathBuf>,
    pub steps: Vec<Step>,
}

impl Modules {
    pub(super) fn read(source: &Source) -> Result<Modules, Error> {
        let root = source.root();
        let path = root.join("modules.json");
        let Some(modules) = read_json::<Vec<Module>>(source, &path)? else {
            return Ok(Modules { transformer: root.to_owned(), pooling: None, steps: Vec::new() });
        };
        let names: Vec<&str> = modules.iter().map(|module| module.name()).collect();
        if let Some(module) = modules.iter().find(|module| !module.is_of_the_library()) {
            let reason = format!(
                "{:?} is code of the model's own, which is not run; only modules of \
                 sentence_transformers are read",
                module.r#type
            );
            return field(&path, "type", reason);
        }
        let unsupported = || Error::Modules { path: path.clone(), found: names.join(", ") };
        let (["Transformer", "Pooling"], rest) = names.split_at(names.len().min(2)) else {
            return Err(unsupported());
        };
        let mut folders = Vec::new();
        for module in &modules {
            let Some(folder) = plain_folder(&module.path) else {
                let reason = format!("{:?} is not in the model's directory", module.path);
                return field(&path, "path", reason);
            };
            folders.push(root.join(folder));
        }
        let mut steps = Vec::new();
        for (name, folder) in rest.iter().zip(&folders[2..]) {
            match *name {
                "Dense" => steps.push(Step::Dense(folder.clone())),
                // A second one changes nothing.
                "Normalize" if steps.last() == Some(&Step::Normalize) => {}
                "Normalize" => steps.push(Step::Normalize),
                "Dropout" => {} // for training alone
                _ => return Err(unsupported()),
            }
        }
        let pooling = Some(folders[1].join("config.json"));
        Ok(Modules { transformer: folders[0].clone(), pooling, steps })
    }
}

impl Module {
    /// The last part of the type, which has been in different places over time:
    /// `sentence_transformers.models.Pooling`,
    /// `sentence_transformers.sentence_transformer.modules.pooling.Pooling`.
    fn name(&self) -> &str {
        self.r#type.rsplit('.').next().unwrap_or_default()
    }

    fn is_of_the_library(&self) -> bool {
        self.r#type.starts_with("sentence_transformers.")
    }
}

/// The folders of the modules that have files, empty for the model's own.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    pub transformer: String,
    pub pooling: Option<String>,
    pub dense: Vec<String>,
}

impl Folders {
    /// The modules that a `modules.json` lists; a module that is not in the directory is left out.
    pub(crate) fn of(json: &[u8]) -> Folders {
        let modules: Vec<Module> = serde_json::from_slice(json).unwrap_or_default();
        let mut folders = Folders::default();
        for module in &modules {
            let Some(folder) = plain_folder(&module.path) else { continue };
            match module.name() {
                "Transformer" => folders.transformer = folder,
                "Pooling" => folders.pooling = Some(folder),
                "Dense" => folders.dense.push(folder),
                _ => {}
            }
        }
        folders
    }
}

/// A folder as `modules.json` may write it, `./1_Pooling` or `1_Pooling/`, in the one way that all
/// systems read alike; empty for the model's own, `None` for one outside of it.
fn plain_folder(path: &str) -> Option<String> {
    let absolute = path.starts_with('/');
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let plain = parts.join("/");
    (!absolute && (plain.is_empty() || is_inside(&plain))).then_some(plain)
}

/// Whether a relative path stays inside the directory that it is relative to, and is written in the
/// one way that all systems read alike.
pub(crate) fn is_inside(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain
        && path
            .split('/')
            .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', ':']))
}

//! The npm package, from a directory into a page.

use crate::error::Error;
use base64::{Engine, prelude::BASE64_STANDARD};
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The build of the module that every engine with SIMD accepts.
const MODULE: &str = "minilm.wasm";

/// The script that the page imports.
const INDEX: &str = "index.js";

/// The scripts and the module.
pub(super) struct Package {
    pub module: Vec<u8>,
    /// By name. They import each other as `minilm/NAME`.
    scripts: BTreeMap<String, String>,
}

impl Package {
    pub(super) fn read(folder: &Path) -> Result<Package, Error> {
        let read = |path: PathBuf| {
            fs::read(&path).map_err(|source| match source.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Error::Usage(format!(
                    "--search: there is no {}; DIR is the npm package minilm, which \
                     `cargo xtask wasm` writes to target/npm/minilm",
                    path.display()
                )),
                _ => Error::Read { name: path.display().to_string(), source },
            })
        };
        let module = read(folder.join(MODULE))?;
        let mut scripts = BTreeMap::new();
        read(folder.join(INDEX))?;
        let unread = |source| Error::Read { name: folder.display().to_string(), source };
        for entry in fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.extension().is_some_and(|kind| kind == "js") {
                let script = String::from_utf8_lossy(&read(path)?).into_owned();
                scripts.insert(name, script.replace("from \"./", "from \"minilm/"));
            }
        }
        Ok(Package { module, scripts })
    }

    /// The script that tells the browser where `minilm/index.js` and the others are: in itself.
    pub(super) fn import_map(&self) -> String {
        let addresses = self.scripts.iter().map(|(name, script)| {
            let data = BASE64_STANDARD.encode(script);
            (format!("minilm/{name}"), format!("data:text/javascript;base64,{data}").into())
        });
        let imports = serde_json::Value::Object(addresses.collect());
        // `<` could end the script, in the name of a file.
        let map = serde_json::json!({ "imports": imports }).to_string().replace('<', "\\u003c");
        format!("<script type=\"importmap\">{map}</script>\n")
    }
}

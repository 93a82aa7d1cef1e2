//! The dependencies contain no C or C++ and no assembly but `asm!` in Rust, and need no newer Rust
//! than `rust-version` says.
//!
//! Every package that is built for any target with any feature counts,
//! `cargo tree -e normal,build --target all --all-features`; those of tests do not.

use crate::{
    Outcome,
    cargo::{Workspace, text},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Packages that build foreign code, or look for some on the machine.
const BUILDERS: [&str; 9] = [
    "autotools",
    "bindgen",
    "cc",
    "cmake",
    "cxx-build",
    "metadeps",
    "nasm-rs",
    "pkg-config",
    "vcpkg",
];

/// The one package that builds foreign code, and only for Haiku: the time zone of `chrono`, which
/// the feature `parquet` of the program brings.
const HAIKU: &str = "iana-time-zone-haiku";

/// Packages that look as if they linked a library (named `-sys`, or with `links` in the manifest)
/// and do not.
const LINK_FREE: [(&str, &str); 7] = [
    ("core-foundation-sys", "declares functions of a framework of macOS"),
    ("js-sys", "declares what JavaScript has"),
    ("linux-raw-sys", "declares constants and types of the kernel"),
    ("rayon-core", "says `links` so that no two versions are in one program"),
    ("wasm-bindgen-shared", "says `links` so that no two versions are in one program"),
    ("web-sys", "declares what the browser has"),
    ("windows-sys", "declares functions of the operating system's own libraries"),
];

pub fn check(workspace: &Workspace) -> Outcome {
    let all = [
        "tree",
        "--workspace",
        "--all-features",
        "-e",
        "normal,build",
        "--target",
        "all",
        "--prune",
        HAIKU,
    ];
    let tree = [&all[..], &["--prefix", "none", "-f", "{p}"]].concat();
    let tree = workspace.cargo(tree)?;
    let built: BTreeSet<(&str, &str)> = tree.lines().filter_map(name_and_version).collect();
    let packages = workspace
        .packages
        .iter()
        .filter(|p| built.contains(&(text(p, "name"), text(p, "version"))));
    let packages: Vec<&Value> = packages.collect();
    if packages.len() != built.len() {
        return Err(format!(
            "cargo tree knows {} packages, cargo metadata {} of them",
            built.len(),
            packages.len()
        ));
    }

    let stated = workspace
        .members()
        .map(|package| version(text(package, "rust_version")))
        .min()
        .unwrap_or_default();
    let (mut wrong, mut excused) = (Vec::new(), Vec::new());
    for package in &packages {
        let name = text(package, "name");
        if BUILDERS.contains(&name) {
            wrong.push(format!(
                "{name} builds or looks for foreign code: cargo tree --workspace --all-features \
                 --target all -e normal,build -i {name}"
            ));
        } else if name.ends_with("-sys") || package["links"].is_string() {
            if LINK_FREE.iter().any(|(known, _reason)| *known == name) {
                excused.push(name);
            } else {
                wrong.push(format!(
                    "{name} may link a library: if it does not, say why in {}",
                    file!()
                ));
            }
        }
        if version(text(package, "rust_version")) > stated {
            wrong.push(format!("{name} needs Rust {}", text(package, "rust_version")));
        }
    }
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    Ok(format!("{} packages; link-free: {}", packages.len(), excused.join(", ")))
}

/// The start of a line like `serde_derive v1.0.229 (proc-macro)`.
pub fn name_and_version(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    Some((words.next()?, words.next()?.strip_prefix('v')?))
}

/// `"1.89"` as `[1, 89]`; no version is the smallest.
fn version(text: &str) -> Vec<u32> {
    text.split('.').filter_map(|part| part.parse().ok()).collect()
}

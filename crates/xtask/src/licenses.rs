//! The licences of the packages that the program is built from: one file for all of them, which a
//! binary is passed on with.
//!
//! Every package counts that the program needs with any feature on any target,
//! `cargo tree --package minilm-cli --all-features --target all -e normal`. A package that offers
//! Apache-2.0 beside other licences is taken under it, because that is the licence of this
//! repository. Texts that differ only in white space are printed once.

mod expression;

use crate::{
    Outcome,
    cargo::{Workspace, text},
    files,
};
use expression::Expression;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The file, which the program prints as well.
pub const FILE: &str = "crates/cli/THIRD-PARTY-LICENSES";

/// The text of Apache-2.0, for packages that name it and come without it.
const APACHE: &str = "LICENSE";

/// Licences that ask for no more than their text beside the program.
const PERMISSIVE: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "LLVM-exception",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// How the name of a file with a licence begins, in upper case.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "UNLICENSE", "COPYING", "COPYRIGHT", "NOTICE"];

const HEADER: &str = "\
THIRD-PARTY LICENSES

The program minilm is under the Apache License 2.0. It is built from the packages below, which
have other authors. With each text is the list of the packages that it belongs to. A build for one
system, or without all features, contains only some of them. With the feature `embedded` the program
contains the model all-MiniLM-L6-v2, which is under the Apache License 2.0 too.

The standard library of Rust is part of every build: https://www.rust-lang.org, under the MIT
license or the Apache License 2.0.
";

/// Whether the file is that of Cargo.lock.
pub fn check(workspace: &Workspace) -> Outcome {
    let (made, remark) = make(workspace)?;
    match files::read(&workspace.root.join(FILE)) {
        Ok(written) if written == made => Ok(remark),
        _ => Err(format!("{FILE} is not that of Cargo.lock: `cargo xtask licenses` writes it")),
    }
}

/// Writes the file.
pub fn write(workspace: &Workspace) -> Outcome {
    let (made, remark) = make(workspace)?;
    files::write(&workspace.root.join(FILE), &made)?;
    Ok(format!("{remark}, in {FILE}"))
}

/// The file, and a remark about it.
fn make(workspace: &Workspace) -> Result<(String, String), String> {
    let packages = packages(workspace)?;
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for package in &packages {
        for licence in licences(workspace, &packages, package)? {
            let words = licence.split_whitespace().collect::<Vec<_>>().join(" ");
            let group = groups.entry(words).or_insert_with(|| Group::new(licence));
            group.packages.insert(line(package));
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    groups.sort_by(|a, b| a.packages.cmp(&b.packages).then_with(|| a.text.cmp(&b.text)));
    let mut made = HEADER.to_owned();
    for Group { text, packages } in &groups {
        let rule = "=".repeat(80);
        let packages: String = packages.iter().map(|line| format!("{line}\n")).collect();
        made += &format!("\n{rule}\n\n{packages}\n{}\n", text.trim_matches(['\n', '\r']));
    }
    let remark = format!("{} packages, {} texts", packages.len(), groups.len());
    Ok((made, remark))
}

/// A text, and the packages that it belongs to.
struct Group {
    text: String,
    packages: BTreeSet<String>,
}

impl Group {
    fn new(text: String) -> Group {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        Group { text, packages: BTreeSet::new() }
    }
}

/// A package's line in the file: `memchr 2.8.0 (Unlicense OR MIT)`.
fn line(package: &Value) -> String {
    let [name, version, licence] = ["name", "version", "license"].map(|field| text(package, field));
    format!("{name} {version} ({licence})")
}

/// The packages of others that the program is built from.
fn packages(workspace: &Workspace) -> Result<Vec<&Value>, String> {
    let tree = workspace.cargo(
        [
            &["tree", "--package", "minilm-cli", "--all-features", "--target", "all"][..],
            &["-e", "normal", "--prefix", "none", "-f", "{p}", "--locked"],
        ]
        .concat(),
    )?;
    let built: BTreeSet<(&str, &str)> =
        tree.lines().filter_map(crate::dependencies::name_and_version).collect();
    let is_built = |package: &&Value| {
        let of_others = !package["source"].is_null();
        of_others && built.contains(&(text(package, "name"), text(package, "version")))
    };
    Ok(workspace.packages.iter().filter(is_built).collect())
}

/// The texts that a package has to be passed on with. A package without any has that of another one
/// from its repository.
fn licences(
    workspace: &Workspace,
    packages: &[&Value],
    package: &Value,
) -> Result<Vec<String>, String> {
    let name = line(package);
    let expression = Expression::parse(text(package, "license"))
        .ok_or_else(|| format!("{name}: no licence in the form of SPDX"))?;
    if !expression.allows(&|licence| PERMISSIVE.contains(&licence)) {
        return Err(format!("{name} is under a licence that {} does not know", file!()));
    }
    let is_apache = expression.allows(&|licence| licence == "Apache-2.0");
    let mut found = found(package)?;
    let has = |path: &Path, part: &str| upper(path).contains(part);
    if is_apache && found.iter().any(|path| has(path, "APACHE")) {
        found.retain(|path| has(path, "APACHE") || has(path, "NOTICE"));
    } else if found.is_empty() && is_apache {
        found.push(workspace.root.join(APACHE));
    }
    if found.is_empty() {
        let is_beside = |other: &&&Value| {
            ["repository", "license"].iter().all(|field| text(other, field) == text(package, field))
        };
        for other in packages.iter().filter(is_beside) {
            found.extend(self::found(other)?);
        }
    }
    if found.is_empty() {
        return Err(format!("{name} contains no text of its licence"));
    }
    found.iter().map(|path| files::read(path)).collect()
}

/// The files with licences in a package, in order.
fn found(package: &Value) -> Result<Vec<PathBuf>, String> {
    let manifest = Path::new(text(package, "manifest_path"));
    let folder = manifest.parent().unwrap_or(manifest);
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    found.retain(|path| {
        let is_source = path.extension().is_some_and(|extension| extension == "rs");
        !is_source && path.is_file() && NAMES.iter().any(|name| upper(path).starts_with(name))
    });
    found.sort();
    Ok(found)
}

/// The name of a file, in upper case.
fn upper(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().to_ascii_uppercase()
}

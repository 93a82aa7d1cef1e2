//! The npm package: the WebAssembly module in its two builds, and tests in Node and in Chromium.
//!
//! ```text
//! crates/wasm/target     both builds; the second compiles the engine alone again
//! crates/wasm/npm        the package's sources, into which the modules are copied
//! target/npm/minilm      the package as npm packs it, with its licence
//! ```
//!
//! It needs the target's standard library (`rustup target add wasm32-unknown-unknown`), and for the
//! tests Node 20 and Chromium. Without them the step says what it left out.

use crate::{
    Outcome, browser,
    cargo::{self, Workspace},
    files,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "wasm32-unknown-unknown";
/// Bytes of the larger module.
const LARGEST: u64 = 3_500_000;
/// The modules, and the features of each.
const MODULES: [(&str, &[&str]); 2] =
    [("minilm.wasm", &[]), ("minilm-relaxed.wasm", &["--features", "relaxed-simd"])];
/// What Node before version 22 asks for.
const RELAXED: &str = "--experimental-wasm-relaxed-simd";

/// The step: builds and tests.
pub fn check(workspace: &Workspace) -> Outcome {
    let crate_folder = workspace.root.join("crates/wasm");
    if !cargo::has_standard_library(TARGET)? {
        return lacking("", &format!("no standard library: rustup target add {TARGET}"));
    }
    lint(&crate_folder)?;
    let built = build(&crate_folder)?;
    if cargo::run(Command::new("node").arg("--version")).is_err() {
        return lacking(&format!("{built}; tests "), "there is no node on the path");
    }
    let mut remarks = vec![built];
    remarks.push(in_node(&crate_folder, &[])?);
    if cargo::run(Command::new("node").args([RELAXED, "--version"])).is_ok() {
        remarks.push(format!("with fused multiply-adds {}", in_node(&crate_folder, &[RELAXED])?));
    }
    match browser::program() {
        Some(chromium) => remarks.push(in_chromium(workspace, &crate_folder, &chromium)?),
        None => return lacking(&remarks.join("; "), "there is no chromium on the path"),
    }
    Ok(remarks.join("; "))
}

/// The task: the package, ready for npm.
pub fn package(workspace: &Workspace) -> Outcome {
    let crate_folder = workspace.root.join("crates/wasm");
    let built = build(&crate_folder)?;
    let folder = workspace.target.join("npm/minilm");
    let _ = fs::remove_dir_all(&folder); // of an earlier run
    copy_files(&crate_folder.join("npm"), &folder)?;
    let license = fs::copy(workspace.root.join("LICENSE"), folder.join("LICENSE"));
    license.map_err(|error| error.to_string())?;
    Ok(format!("{}: {built}", folder.display()))
}

/// The task: the demo of the book as a folder for any web server, with the package and a model.
pub fn demo(workspace: &Workspace) -> Outcome {
    package(workspace)?;
    let folder = workspace.target.join("demo");
    let _ = fs::remove_dir_all(&folder); // of an earlier run
    copy_files(&workspace.root.join("docs/demo"), &folder)?;
    copy_files(&workspace.target.join("npm/minilm"), &folder.join("minilm"))?;
    let model = workspace.root.join("weights/all-MiniLM-L6-v2");
    let program = ["run", "--quiet", "--package", "minilm-cli", "--", "quantize-model"];
    let mut quantise = cargo::cargo(&workspace.root);
    quantise.args(program).arg(model).arg("-o").arg(folder.join("model"));
    cargo::run(&mut quantise)?;
    Ok(format!("python3 -m http.server --directory {} serves the page", folder.display()))
}

/// Copies the files of a folder, not those of folders in it.
fn copy_files(from: &Path, to: &Path) -> Result<(), String> {
    files::make_parent(&to.join("file"))?;
    let entries = fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))?;
    for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
        let name = path.file_name().unwrap_or_default();
        fs::copy(&path, to.join(name)).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Layout, lints, and no C among the dependencies.
fn lint(crate_folder: &Path) -> Result<(), String> {
    let run = |arguments: &[&str]| cargo::run(cargo::cargo(crate_folder).args(arguments));
    run(&["fmt", "--check"])?;
    let tree = run(&["tree", "--locked", "-e", "normal,build", "--prefix", "none"])?;
    match tree.lines().find(|line| line.starts_with("cc v") || line.starts_with("cmake v")) {
        Some(builder) => Err(format!("the module needs {builder}, which builds C")),
        None => Ok(()),
    }
}

/// Builds both modules into the package's sources.
fn build(crate_folder: &Path) -> Result<String, String> {
    let mut sizes = Vec::new();
    for (name, features) in MODULES {
        let mut command = cargo::cargo(crate_folder);
        // The root's flags are for another target.
        command.env_remove("RUSTFLAGS").env_remove("CARGO_TARGET_DIR");
        cargo::run(command.args(["build", "--quiet", "--release", "--locked"]).args(features))?;
        let made = crate_folder.join("target").join(TARGET).join("release/minilm_wasm.wasm");
        let module = crate_folder.join("npm").join(name);
        let bytes = fs::copy(&made, &module).map_err(|error| error.to_string())?;
        if bytes > LARGEST {
            return Err(format!("{name}: {bytes} bytes, more than {LARGEST}"));
        }
        sizes.push(format!("{name} {bytes} bytes"));
    }
    Ok(sizes.join(", "))
}

fn in_node(crate_folder: &Path, flags: &[&str]) -> Result<String, String> {
    let mut node = Command::new("node");
    // Without `--test`, which would start a process without the flags.
    node.args(flags).args(["--test-reporter=tap", "tests/node.test.js"]);
    let output = cargo::run(node.current_dir(crate_folder))?;
    let count = |name: &str| {
        let line = output.lines().rev().find_map(|line| line.strip_prefix(&format!("# {name} ")));
        line.unwrap_or("no").to_owned()
    };
    Ok(format!("Node: {} tests pass", count("pass")))
}

fn in_chromium(
    workspace: &Workspace,
    crate_folder: &Path,
    chromium: &Path,
) -> Result<String, String> {
    let profile: PathBuf = workspace.target.join("xtask/wasm-profile");
    let _ = fs::remove_dir_all(&profile); // of an earlier run, with its cache
    files::make_parent(&profile)?;
    let map = browser::searched_map(workspace, &crate_folder.join("npm"))?;
    let mut node = Command::new("node");
    node.arg("tests/browser.js")
        .args([chromium, profile.as_path(), map.as_path()])
        .current_dir(crate_folder);
    Ok(cargo::run(&mut node)?.trim().to_owned())
}

/// A remark, or an error where the step may not be left out.
fn lacking(done: &str, lack: &str) -> Outcome {
    match env::var_os("MINILM_REQUIRE_WASM") {
        Some(_) => Err(lack.into()),
        None => Ok(format!("{done}skipped: {lack}")),
    }
}

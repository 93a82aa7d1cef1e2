//! `cargo xtask wheel`: the wheels that are published, and the source archive.
//!
//! ```text
//! cargo xtask wheel                 for this machine's kind: built, installed, tested
//! cargo xtask wheel --with-model    with the model's weights of eight bits inside
//! cargo xtask wheel --all           for every target
//! ```
//!
//! The release is linked by zig against the C library of 2014 (glibc 2.17), which every Linux in
//! use has, or against musl. maturin reads what the module asks of the system, and refuses the tag
//! of a wheel that asks for more than the tag allows.

use super::{Package, python};
use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Bytes of the largest wheel without weights.
const LARGEST: u64 = 3_000_000;

/// The folder of the model inside the package, as `minilm.weights` looks for it.
const MODEL: &str = "minilm/models/all-MiniLM-L6-v2-int8";

/// Targets, the first of which is tested here, and the systems that their wheels are for.
const TARGETS: [(&str, &str); 3] = [
    ("x86_64-unknown-linux-gnu", "manylinux2014"),
    ("aarch64-unknown-linux-gnu", "manylinux2014"),
    ("x86_64-unknown-linux-musl", "musllinux_1_2"),
];

/// The task.
pub fn publish(workspace: &Workspace, options: &[&str]) -> Outcome {
    if let Some(unknown) = options.iter().find(|option| !["--all", "--with-model"].contains(option))
    {
        return Err(format!("wheel: there is no {unknown}"));
    }
    let [all, with_model] = ["--all", "--with-model"].map(|option| options.contains(&option));
    let package = Package::of(workspace);
    let python = python()?;
    let tools = package.tools(&python, &["maturin", "uv", "ziglang", "wheel"])?;
    let mut report = String::new();
    for (target, system) in &TARGETS[..if all { TARGETS.len() } else { 1 }] {
        let folder = package.dist().join(target);
        let mut options = vec!["--release", "--zig", "--compression-level", "9"];
        options.extend(["--target", target, "--compatibility", system]);
        let mut wheel = package.build(&tools, &options, &folder)?;
        let bytes = size(&wheel)?;
        if bytes > LARGEST {
            return Err(format!("{}: {bytes} bytes, more than {LARGEST}", wheel.display()));
        }
        report += &format!("{}: {bytes} bytes\n", wheel.display());
        if with_model {
            wheel = package.carry(&tools, &wheel)?;
            report += &format!("    with the model: {} bytes\n", size(&wheel)?);
        }
        if *target == TARGETS[0].0 {
            report += &package.test(&package.environment(&python, &tools)?, &wheel)?;
        }
    }
    let archive = package.archive(&tools)?;
    Ok(format!("{report}\n{}: builds", archive.display()))
}

fn size(path: &Path) -> Result<u64, String> {
    Ok(fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.len())
}

impl Package<'_> {
    /// The wheel again, with the weights of eight bits.
    fn carry(&self, tools: &Path, wheel: &Path) -> Result<PathBuf, String> {
        let failed = |error: std::io::Error| format!("{}: {error}", wheel.display());
        let unpacked = self.work.join("unpacked");
        let _ = fs::remove_dir_all(&unpacked); // of another wheel
        let python = tools.join("python");
        let run = |arguments: &[&str], path: &Path, folder: &Path| {
            let mut command = Command::new(&python);
            command.args(["-m", "wheel"]).args(arguments).arg(path).arg("--dest").arg(folder);
            cargo::run(&mut command)
        };
        run(&["unpack"], wheel, &unpacked)?;
        let mut inside = fs::read_dir(&unpacked).map_err(failed)?;
        let folder = inside.next().ok_or("an empty wheel")?.map_err(failed)?.path();
        let model = folder.join(MODEL);
        files::make_parent(&model)?;
        self.workspace.cargo(["build", "--quiet", "--package", "minilm-cli"])?;
        let mut quantise = Command::new(self.workspace.target.join("debug/minilm"));
        quantise.args(["--quiet", "quantize-model"]);
        quantise.arg(self.workspace.root.join("weights/all-MiniLM-L6-v2"));
        cargo::run(quantise.arg("--output").arg(&model))?;
        let readme = self.workspace.root.join("weights/README.md");
        fs::copy(&readme, model.join("README.md")).map_err(failed)?;
        run(&["pack"], &folder, wheel.parent().ok_or("a wheel in no folder")?)?; // the same name
        Ok(wheel.to_owned())
    }

    /// The source archive, from which an empty environment builds a wheel.
    fn archive(&self, tools: &Path) -> Result<PathBuf, String> {
        let folder = self.work.join("sdist");
        let _ = fs::remove_dir_all(&folder);
        let mut archive = Command::new(tools.join("maturin"));
        archive.args(["sdist", "--out"]).arg(&folder);
        cargo::run(archive.arg("--manifest-path").arg(self.source.join("Cargo.toml")))?;
        let archive = files::directly_in(&folder, "gz")?.pop().ok_or("no source archive")?;
        // pip unpacks it elsewhere; Cargo's work stays, so that a second time is quick.
        let built = self.work.join("from-sdist");
        let mut build = Command::new(tools.join("python"));
        build.args(["-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir"]).arg(&built);
        build.env("CARGO_TARGET_DIR", self.work.join("sdist-target"));
        cargo::run(build.arg(&archive))?;
        Ok(archive)
    }
}

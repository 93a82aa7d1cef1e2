//! The engine on AArch64: it compiles without warnings, and under an emulator the kernels pass
//! their tests, and five texts get the bits that x86-64 gives them. `tests/recorded_bits.rs`
//! compares fifty texts; it takes many minutes under an emulator and is not part of this step.
//!
//! It needs the target's standard library (`rustup target add aarch64-unknown-linux-gnu`), and for
//! the tests a cross linker with its C library (Debian's `gcc-aarch64-linux-gnu` and
//! `libc6-dev-arm64-cross`) and `qemu-aarch64` (`qemu-user`). Without them it says what it left
//! out.

use crate::{
    Outcome,
    cargo::{self, Workspace},
};
use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "aarch64-unknown-linux-gnu";
/// Of Debian's package `gcc-aarch64-linux-gnu`.
pub const LINKER: &str = "aarch64-linux-gnu-gcc";
/// Of Debian's package `qemu-user`.
const EMULATOR: &str = "qemu-aarch64";
/// Where Debian's packages for cross compilation have the target's C library.
const SYSROOT: &str = "/usr/aarch64-linux-gnu";
/// The first version of the emulator that is trusted with threads: 7.2 hangs now and then.
const OLDEST_EMULATOR: u32 = 10;

/// The packages that are compiled.
const PACKAGES: [&str; 7] = [
    "minilm-kernels",
    "minilm-model",
    "minilm-pooling",
    "minilm-tasks",
    "minilm-readers",
    "minilm",
    "minilm-train",
];

/// Runs of `cargo test`. The tests that are skipped take most of the time of all, and those of
/// `simd::fma` are about `f64` alone, which is the same on each CPU.
const TESTS: [&[&str]; 2] = [
    &[
        "--package=minilm-kernels",
        "--lib",
        "--tests",
        "--",
        "--skip=every_length_and_head_size_is_within_the_rounding_bound_of_f64",
        "--skip=simd::fma",
    ],
    &["--package=minilm-model", "--test=recorded_bits"],
];

pub fn check(workspace: &Workspace) -> Outcome {
    if cfg!(target_arch = "aarch64") {
        return Ok("skipped: this machine is the other target".into());
    }
    if !cargo::has_standard_library(TARGET)? {
        return lacking("", &format!("no standard library: rustup target add {TARGET}"));
    }
    let packages = PACKAGES.map(|name| format!("--package={name}"));
    let clippy = ["clippy", "--quiet", "--lib", "--target", TARGET].map(String::from);
    let denied = ["--", "-Dwarnings"].map(String::from);
    workspace.cargo(clippy.iter().chain(&packages).chain(&denied))?;
    let compiled = format!("{} crates compile for {TARGET}", PACKAGES.len());
    if let Err(lack) = emulation() {
        return lacking(&format!("{compiled}; tests "), &lack);
    }
    for arguments in TESTS {
        let mut test = cargo::cargo(&workspace.root);
        test.args(["test", "--quiet", "--target", TARGET]).args(arguments);
        test.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER).env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER",
            format!("{EMULATOR} -L {SYSROOT}"),
        );
        cargo::run(&mut test)?;
    }
    Ok(format!(
        "{compiled}; under {EMULATOR} the kernels pass their tests, and texts have their bits"
    ))
}

/// An error that says what is missing to build a program for the target and to run it here.
pub fn tools() -> Result<(), String> {
    if !cargo::has_standard_library(TARGET)? {
        return Err(format!("no standard library: rustup target add {TARGET}"));
    }
    emulation()
}

/// The emulator's program.
pub fn emulator() -> Result<PathBuf, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(EMULATOR)).find(|p| p.is_file());
    found.ok_or(format!("there is no {EMULATOR} on the path"))
}

/// An error that says what is missing for the tests.
fn emulation() -> Result<(), String> {
    cargo::run(Command::new(LINKER).arg("--version"))
        .map_err(|_| format!("there is no {LINKER} on the path"))?;
    let version = cargo::run(Command::new(EMULATOR).arg("--version"))
        .map_err(|_| format!("there is no {EMULATOR} on the path"))?;
    let major = major(&version).ok_or_else(|| format!("{EMULATOR} has no version: {version}"))?;
    if major < OLDEST_EMULATOR {
        return Err(format!(
            "{EMULATOR} {major} may hang with threads; {OLDEST_EMULATOR} does not"
        ));
    }
    Path::new(SYSROOT).is_dir().then_some(()).ok_or(format!("there is no {SYSROOT}"))
}

/// The major version in what the emulator says of itself.
fn major(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("version ")?;
    number.split('.').next()?.parse().ok()
}

/// A remark, or an error where the check may not be left out.
fn lacking(done: &str, lack: &str) -> Outcome {
    match env::var_os("MINILM_REQUIRE_TARGETS") {
        Some(_) => Err(lack.into()),
        None => Ok(format!("{done}skipped: {lack}")),
    }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_emulator_says_its_version() {
        let debian = "qemu-aarch64 version 10.0.2 (Debian 1:10.0.2+ds-2)\nCopyright (c) 2003-2025";
        assert_eq!(major(debian), Some(10));
        assert_eq!(major("qemu-aarch64 7.2"), None);
    }
}

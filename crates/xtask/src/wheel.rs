//! The Python package: built, installed into an empty environment, and tested there.
//!
//! ```text
//! target/python/tools   maturin and uv, and for wheels ziglang and wheel, from PyPI
//! target/python/dist    wheels
//! target/python/venv    an environment with the wheel, NumPy and what its tests need
//! ```
//!
//! The step `python` builds quickly, for the tests of this machine. The task `wheel` builds what is
//! published: see `wheel/published.rs`.
//!
//! The tests need the packages that are adapted: the extras [`EXTRAS`] of `pyproject.toml`. Those
//! beside PyTorch have gigabytes, so the tests that need it are counted as skipped here.
//! `MINILM_TEST_PYTHON` names an interpreter that has them, into which the wheel is then installed.

mod published;

pub use published::publish;

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// The oldest Python of the package, `abi3-py310`.
const OLDEST_PYTHON: (u32, u32) = (3, 10);
/// Extras of the package that its tests run with.
const EXTRAS: &[&str] =
    &["test", "arrow", "langchain", "llama-index", "chroma", "haystack", "ray", "spark"];

/// The package's folders.
struct Package<'w> {
    workspace: &'w Workspace,
    source: PathBuf,
    work: PathBuf,
}

/// The step: a quick build, and the tests.
pub fn check(workspace: &Workspace) -> Outcome {
    let package = Package::of(workspace);
    let python = match python() {
        Ok(python) => python,
        Err(lack) if env::var_os("MINILM_REQUIRE_PYTHON").is_some() => return Err(lack),
        Err(lack) => return Ok(format!("skipped: {lack}")),
    };
    package.lint()?;
    let tools = package.tools(&python, &["maturin", "uv"])?;
    let (environment, wheel) = thread::scope(|scope| {
        // Packages come over the network while the compiler works.
        let environment = scope.spawn(|| package.environment(&python, &tools));
        let wheel = package.build(&tools, &["--profile", "dev"], &package.dist());
        (environment.join().expect("no panic in it"), wheel)
    });
    package.test(&environment?, &wheel?)
}

impl Package<'_> {
    fn of(workspace: &Workspace) -> Package<'_> {
        Package {
            workspace,
            source: workspace.root.join("crates/python"),
            work: workspace.target.join("python"),
        }
    }

    fn dist(&self) -> PathBuf {
        self.work.join("dist")
    }

    /// Layout, lints, and no C among the dependencies.
    fn lint(&self) -> Result<(), String> {
        let run = |arguments: &[&str]| cargo::run(cargo::cargo(&self.source).args(arguments));
        run(&["fmt", "--check"])?;
        run(&["clippy", "--quiet", "--locked", "--no-deps", "--", "-Dwarnings"])?;
        let tree = run(&["tree", "--locked", "-e", "normal,build", "--prefix", "none"])?;
        match tree.lines().find(|line| line.starts_with("cc v") || line.starts_with("cmake v")) {
            Some(builder) => Err(format!("the Python package needs {builder}, which builds C")),
            None => Ok(()),
        }
    }

    /// The folder of the programs of an environment that has these packages.
    fn tools(&self, python: &str, packages: &[&str]) -> Result<PathBuf, String> {
        let folder = self.work.join("tools");
        let bin = folder.join("bin");
        if !bin.is_dir() {
            cargo::run(Command::new(python).args(["-m", "venv"]).arg(&folder))?;
        }
        pip(&bin.join("python"), packages)?;
        Ok(bin)
    }

    /// Builds the wheel with maturin, the only one in its folder.
    fn build(&self, tools: &Path, options: &[&str], dist: &Path) -> Result<PathBuf, String> {
        fs::create_dir_all(dist).map_err(|error| error.to_string())?;
        for old in files::directly_in(dist, "whl")? {
            fs::remove_file(&old).map_err(|error| error.to_string())?;
        }
        let mut maturin = Command::new(tools.join("maturin"));
        maturin.arg("build").args(options).arg("--locked");
        maturin.arg("--out").arg(dist).arg("--manifest-path").arg(self.source.join("Cargo.toml"));
        // maturin calls zig as `python -m ziglang`, with the Python on the path.
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(tools.to_owned()).chain(env::split_paths(&path));
        let path = env::join_paths(paths).map_err(|error| error.to_string())?;
        cargo::run(maturin.env("PATH", path))?;
        files::directly_in(dist, "whl")?.pop().ok_or(format!("{}: no wheel", dist.display()))
    }

    /// Installs the wheel and runs pytest.
    fn test(&self, interpreter: &Path, wheel: &Path) -> Outcome {
        let wheel = wheel.to_string_lossy();
        pip(interpreter, &["--force-reinstall", "--no-deps", &wheel])?;
        pip(interpreter, &[&wheel])?;
        self.workspace.cargo(["build", "--quiet", "--package", "minilm-cli"])?;
        let program = self.workspace.target.join("debug/minilm");
        let mut pytest = Command::new(interpreter);
        pytest.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]);
        pytest.current_dir(self.source.join("tests")).env("MINILM_PROGRAM", program);
        let output = cargo::run(&mut pytest)?;
        let last = output.lines().rev().find(|line| line.contains("passed"));
        Ok(last.ok_or(output.clone())?.trim_matches('=').trim().to_owned())
    }

    /// The interpreter of an environment without anything but what the tests need, or the one that
    /// is named.
    fn environment(&self, python: &str, tools: &Path) -> Result<PathBuf, String> {
        if let Some(interpreter) = env::var_os("MINILM_TEST_PYTHON") {
            return Ok(interpreter.into());
        }
        let folder = self.work.join("venv");
        let interpreter = folder.join("bin/python");
        cargo::run(Command::new(python).args(["-m", "venv", "--clear"]).arg(&folder))?;
        let mut install = Command::new(tools.join("uv"));
        install.args(["pip", "install", "--quiet", "--python"]).arg(&interpreter);
        install.args(EXTRAS.iter().flat_map(|extra| ["--extra", extra]));
        cargo::run(install.arg("--requirement").arg(self.source.join("pyproject.toml")))?;
        Ok(interpreter)
    }
}

pub fn pip(python: &Path, arguments: &[&str]) -> Result<(), String> {
    let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check"];
    cargo::run(Command::new(python).args(install).args(arguments)).map(drop)
}

/// The first Python that is new enough.
pub fn python() -> Result<String, String> {
    let given = env::var("MINILM_PYTHON").ok();
    let names = given.iter().map(String::as_str).chain(["python3", "python"]);
    let version = "import sys; print(*sys.version_info[:2])";
    for name in names {
        let Ok(found) = cargo::run(Command::new(name).args(["-c", version])) else { continue };
        let mut numbers = found.split_whitespace().filter_map(|number| number.parse().ok());
        if let (Some(major), Some(minor)) = (numbers.next(), numbers.next())
            && (major, minor) >= OLDEST_PYTHON
        {
            return Ok(name.to_owned());
        }
    }
    let (major, minor) = OLDEST_PYTHON;
    Err(format!("there is no Python {major}.{minor} or newer on the path"))
}

//! The program as one file, for machines that have nothing: linked statically, with the model
//! inside.
//!
//! ```text
//! target/TARGET/dist/minilm           the program
//! target/dist/minilm-VERSION-TARGET.tar.gz
//!     minilm  README.md  CHANGELOG.md  LICENSE  THIRD-PARTY-LICENSES  MODEL.md
//!     man/man1/…  completions/…
//! target/dist/SHA256SUMS
//! ```
//!
//! Each program is run where nothing else is: in an empty directory as its root, without `/dev`,
//! `/proc`, `/tmp` and environment. It has to give the vectors that this build gives outside. That
//! takes the right to call `chroot`; a program for another CPU takes its emulator.

use crate::{
    Outcome,
    cargo::{self, Workspace, text},
    files, licenses, man, targets,
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// The targets that Linux machines have, with their CPU.
const TARGETS: [(&str, &str); 2] =
    [("x86_64-unknown-linux-gnu", "x86_64"), ("aarch64-unknown-linux-gnu", "aarch64")];

/// What the program is built with.
const FEATURES: &str = "embedded,serve";

/// A C library inside, whose random numbers come from the kernel's call: a static program cannot
/// look the call up by name, and would open `/dev/urandom`, which an empty root does not have.
const STATIC: [&str; 2] =
    ["-Ctarget-feature=+crt-static", "--cfg=getrandom_backend=\"linux_getrandom\""];

/// The linker that comes with Rust keeps one of functions that have the same code, and writes
/// relocations in a few bits each.
const SMALL: [&str; 2] =
    ["-Clink-arg=-fuse-ld=lld", "-Clink-arg=-Wl,--icf=all,-z,pack-relative-relocs"];

/// From the start of a program in an empty root to its vectors.
const LATEST: Duration = Duration::from_millis(60);

/// Starts, of which the median counts.
const STARTS: usize = 21;

/// Texts that a program is tried with.
const TEXTS: [&str; 2] = ["This is an example sentence", "Each sentence is converted"];

/// The task: archives of all targets that can be built here, and their sums.
pub fn dist(workspace: &Workspace) -> Outcome {
    let directory = workspace.target.join("dist");
    let _ = fs::remove_dir_all(&directory); // of the last run, if there was one
    files::make_parent(&directory.join("file"))?;
    let pages = man::write(workspace)?;
    let (mut remarks, mut archives) = (vec![pages], Vec::new());
    for (target, cpu) in TARGETS {
        if let Err(lack) = can_build(cpu) {
            remarks.push(format!("{target}: left out: {lack}"));
            continue;
        }
        let program = build(workspace, target)?;
        remarks.push(format!("{target}: {}", try_out(workspace, &program, target, cpu)?));
        archives.push(archive(workspace, &directory, &program, target)?);
    }
    let mut sums = Command::new("sha256sum");
    let sums = cargo::run(sums.args(&archives).current_dir(&directory))?;
    files::write(&directory.join("SHA256SUMS"), &sums)?;
    remarks.push(sums.trim_end().to_owned());
    remarks.push(format!("in {}", directory.display()));
    Ok(remarks.join("\n"))
}

/// Whether there is what the target needs.
fn can_build(cpu: &str) -> Result<(), String> {
    match cpu {
        cpu if cpu == env::consts::ARCH => Ok(()),
        "aarch64" => targets::tools(),
        other => Err(format!("this machine does not build for {other}")),
    }
}

/// Builds the program.
fn build(workspace: &Workspace, target: &str) -> Result<PathBuf, String> {
    let mut build = cargo::cargo(&workspace.root);
    build.args(["build", "--quiet", "--locked", "--package", "minilm-cli", "--profile", "dist"]);
    build.args(["--features", FEATURES, "--target", target]);
    // With a target, these flags are not those of build scripts and macros.
    build
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags()?)
        .env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", targets::LINKER);
    cargo::run(&mut build)?;
    Ok(workspace.target.join(target).join("dist/minilm"))
}

/// The compiler's flags, as Cargo takes them from the environment.
fn flags() -> Outcome {
    let libraries = cargo::run(Command::new("rustc").args(["--print", "target-libdir"]))?;
    let linkers = Path::new(libraries.trim_end()).with_file_name("bin/gcc-ld");
    let linkers = format!("-Clink-arg=-B{}", linkers.display());
    Ok([&STATIC[..], &SMALL[..], &[linkers.as_str()]].concat().join("\u{1f}"))
}

/// Runs the program in an empty root, and outside of it from a directory of the same model.
fn try_out(workspace: &Workspace, program: &Path, target: &str, cpu: &str) -> Outcome {
    let size = fs::metadata(program).map_or(0, |file| file.len()) as f64 / 1e6;
    let native = cpu == env::consts::ARCH;
    let root = workspace.target.join("xtask/dist").join(target);
    let _ = fs::remove_dir_all(&root);
    let copy = |from: &Path, name: &str| {
        let to = root.join(name);
        files::make_parent(&to)?;
        fs::copy(from, &to).map(drop).map_err(|error| format!("{}: {error}", to.display()))
    };
    copy(program, "minilm")?;
    if !native {
        copy(&targets::emulator()?, "emulator")?;
    }
    let run = |arguments: &[&str]| {
        let mut chroot = Command::new("chroot");
        chroot.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").arg(&root);
        let program: &[&str] = if native { &["/minilm"] } else { &["/emulator", "/minilm"] };
        chroot.args(program).args(arguments);
        chroot
    };
    let embed = [&["embed", "--format", "jsonl"], &TEXTS[..]].concat();
    let inside = cargo::run(&mut run(&embed));
    let inside = match inside {
        Err(error) if error.contains("Operation not permitted") => {
            return Ok(format!("{size:.1} MB; not tried in an empty root: only root may chroot"));
        }
        other => other?,
    };
    let other = rounded(workspace, &embed)?;
    if inside != other {
        return Err(format!("{target}: in an empty root the vectors are others:\n{inside}{other}"));
    }
    // A command that keeps vectors in a file, and one that writes.
    files::write(&root.join("texts.txt"), "one\ntwo\nthree\n")?;
    cargo::run(&mut run(&["pairs", "texts.txt"]))?;
    cargo::run(&mut run(&["index", "texts.txt", "-o", "texts.index", "--quiet"]))?;
    cargo::run(&mut run(&["search", "texts.index", "a number"]))?;
    if !native {
        return Ok(format!("{size:.1} MB; works in an empty root, under an emulator"));
    }
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let start = Instant::now();
        cargo::run(&mut run(&embed))?;
        times.push(start.elapsed());
    }
    times.sort();
    let median = times[STARTS / 2];
    let millis = median.as_secs_f64() * 1e3;
    let late =
        if median > LATEST { format!(", which is more than {LATEST:?}") } else { String::new() };
    Ok(format!(
        "{size:.1} MB; works in an empty root, from exec to vectors in {millis:.0} ms{late}"
    ))
}

/// The same by the debug build, which reads a directory with the same model.
fn rounded(workspace: &Workspace, embed: &[&str]) -> Outcome {
    workspace.cargo(["build", "--quiet", "--package", "minilm-cli"])?;
    let program = workspace.target.join("debug/minilm");
    let small = workspace.target.join("xtask/dist/small");
    let _ = fs::remove_dir_all(&small);
    files::make_parent(&small)?;
    let mut quantize = Command::new(&program);
    quantize
        .args(["quantize-model", "--quiet"])
        .arg(workspace.root.join("weights/all-MiniLM-L6-v2"));
    cargo::run(quantize.arg("-o").arg(&small))?;
    cargo::run(Command::new(&program).args(embed).arg("--model").arg(&small))
}

/// Packs the program with its papers: the archive's name.
fn archive(workspace: &Workspace, directory: &Path, program: &Path, target: &str) -> Outcome {
    let package = workspace.members().find(|package| text(package, "name") == "minilm-cli");
    let version = package.map(|package| text(package, "version")).unwrap_or_default();
    let name = format!("minilm-{version}-{target}");
    let folder = directory.join(&name);
    let copy = |from: PathBuf, to: &str| {
        let to = folder.join(to);
        files::make_parent(&to)?;
        fs::copy(&from, &to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
    };
    copy(program.to_owned(), "minilm")?;
    for paper in ["README.md", "CHANGELOG.md", "LICENSE"] {
        copy(workspace.root.join(paper), paper)?;
    }
    copy(workspace.root.join(licenses::FILE), "THIRD-PARTY-LICENSES")?;
    copy(workspace.root.join("weights/README.md"), "MODEL.md")?;
    for page in files::directly_in(&workspace.target.join("man/man1"), "1")? {
        let name = page.file_name().unwrap_or_default().to_string_lossy().into_owned();
        copy(page, &format!("man/man1/{name}"))?;
    }
    let shells = [("bash", "minilm.bash"), ("zsh", "_minilm"), ("fish", "minilm.fish")];
    for (shell, file) in shells {
        let mut command = Command::new(workspace.target.join("debug/minilm"));
        let script = cargo::run(command.args(["completions", shell]))?;
        files::write(&folder.join("completions").join(file), &script)?;
    }
    let file = format!("{name}.tar.gz");
    let mut tar = Command::new("tar");
    // The same files make the same archive.
    tar.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"]);
    cargo::run(tar.args(["-czf", &file, &name]).current_dir(directory))?;
    fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(file)
}

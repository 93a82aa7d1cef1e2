//! The library for C: a program in C calls every function, linked to it in both forms, and once
//! more under valgrind.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use std::{env, fs, path::Path, process::Command};

/// What the static library takes from the system.
const LIBRARIES: [&str; 4] = ["-lpthread", "-ldl", "-lm", "-lgcc_s"];

pub fn check(workspace: &Workspace) -> Outcome {
    let compiler = env::var("CC").unwrap_or("cc".to_owned());
    if cargo::run(Command::new(&compiler).arg("--version")).is_err() {
        return lacking(&format!("there is no C compiler {compiler}"));
    }
    if !cfg!(target_os = "linux") {
        return lacking("the libraries have other names than on Linux");
    }
    workspace.cargo(["build", "--quiet", "--package", "minilm-capi"])?;
    let capi = workspace.root.join("crates/capi");
    let built = workspace.target.join("debug");
    let work = workspace.target.join("xtask/c");
    files::make_parent(&work.join("file"))?;
    let weights = workspace.root.join("weights/all-MiniLM-L6-v2");
    let compile = |name: &str, arguments: &[&str]| {
        let program = work.join(name);
        let mut command = Command::new(&compiler);
        command.args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g", "-I"]);
        command.arg(capi.join("include")).arg(capi.join("tests/test.c")).arg("-o").arg(&program);
        cargo::run(command.args(arguments)).map(|_| program)
    };
    let folder = built.to_string_lossy();
    let static_library = built.join("libminilm_c.a");
    let static_library = static_library.to_string_lossy();
    let alone = compile("static", &[&[&*static_library], &LIBRARIES[..]].concat())?;
    let path = format!("-Wl,-rpath,{folder}");
    let shared = compile("shared", &[&format!("-L{folder}"), "-lminilm_c", &path, "-lm"])?;
    for program in [&alone, &shared] {
        cargo::run(Command::new(program).arg(&weights))?;
    }
    let size = fs::metadata(built.join("libminilm_c.so")).map_or(0, |file| file.len());
    let done = format!("static and shared, debug build of {:.1} MB", size as f64 / 1e6);
    Ok(format!("{done}; {}", under_valgrind(&shared, &weights)?))
}

/// No byte is read or written that the program does not have, and none is lost.
fn under_valgrind(program: &Path, weights: &Path) -> Outcome {
    if cargo::run(Command::new("valgrind").arg("--version")).is_err() {
        return Ok("without valgrind, which is not there".into());
    }
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9", "--leak-check=full"]);
    valgrind.args(["--errors-for-leak-kinds=definite", "--show-leak-kinds=definite"]);
    cargo::run(valgrind.arg(program).arg(weights))?;
    Ok("valgrind finds nothing".into())
}

fn lacking(lack: &str) -> Outcome {
    match env::var_os("MINILM_REQUIRE_C") {
        Some(_) => Err(lack.into()),
        None => Ok(format!("skipped: {lack}")),
    }
}

//! Builds that `cargo test` does not make: the release build on each level, and the README's
//! program in a crate of its own.

use crate::{
    Outcome,
    cargo::{self, Workspace},
    files,
};
use minilm_kernels::Level;
use std::env;

/// Whole forward passes as the release is built, with optimisation across crates. The kernels' own
/// tests are optimised in `cargo test` already.
pub fn levels(workspace: &Workspace) -> Outcome {
    for name in env::var("MINILM_REQUIRE_LEVELS")
        .unwrap_or_default()
        .split(',')
        .filter(|name| !name.is_empty())
    {
        name.trim().parse::<Level>().map_err(|error| format!("MINILM_REQUIRE_LEVELS: {error}"))?;
    }
    let facade = ["--test", "golden", "--test", "same_bits"];
    workspace
        .cargo(["test", "--release", "--quiet", "--package", "minilm"].iter().chain(&facade))?;

    let (here, missing): (Vec<&str>, Vec<&str>) =
        Level::NAMES.iter().partition(|name| name.parse::<Level>().is_ok());
    let lack = if missing.is_empty() {
        String::new()
    } else {
        format!("; this CPU has no {}", missing.join(", "))
    };
    Ok(format!("{}{lack}", here.join(", ")))
}

/// A crate outside of the workspace. The profile is the workspace's own, so that no dependency is
/// built twice.
const MANIFEST: &str = "\
[workspace]

[package]
name = \"readme-example\"
edition = \"2024\"

[profile.release]
lto = \"thin\"
codegen-units = 1

[dependencies]
";

/// The README's program compiles in a crate that depends on `minilm` by path, and prints the
/// README's output.
pub fn example(workspace: &Workspace) -> Outcome {
    let readme = files::read(&workspace.root.join("README.md"))?;
    let (program, rest) = block(&readme, "rust").ok_or("README.md has no ```rust block")?;
    let (promised, _) =
        block(rest, "text").ok_or("README.md has no ```text block after the example")?;

    let scratch = workspace.target.join("xtask/example");
    files::write(
        &scratch.join("Cargo.toml"),
        &format!("{MANIFEST}minilm = {{ path = {:?} }}\n", workspace.root),
    )?;
    files::write(&scratch.join("Cargo.lock"), &files::read(&workspace.root.join("Cargo.lock"))?)?;
    files::write(&scratch.join("src/main.rs"), program)?;
    let mut run = cargo::cargo(&workspace.root);
    run.args(["run", "--release", "--quiet", "--manifest-path"]).arg(scratch.join("Cargo.toml"));
    run.arg("--target-dir").arg(&workspace.target);
    let printed = cargo::run(&mut run)?;
    if printed != promised {
        return Err(format!(
            "README.md says that the example prints\n{promised}but it prints\n{printed}"
        ));
    }
    Ok(format!("{} lines", program.lines().count()))
}

/// The first fenced block of a language, and what follows it.
fn block<'a>(markdown: &'a str, language: &str) -> Option<(&'a str, &'a str)> {
    let (_, rest) = markdown.split_once(&format!("```{language}\n"))?;
    rest.split_once("```")
}

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn a_block_is_found_by_its_language() {
        let markdown = "a\n```sh\nls\n```\n```rust\nfn main() {}\n```\nb\n";
        assert_eq!(block(markdown, "rust"), Some(("fn main() {}\n", "\nb\n")));
        assert_eq!(block(markdown, "text"), None);
    }
}

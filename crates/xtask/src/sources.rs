//! `unsafe` is in the places where the design puts it, and every other crate forbids it.

use crate::{
    Outcome,
    cargo::{Workspace, targets, text},
    files,
};
use proc_macro2::{TokenStream, TokenTree};
use std::path::Path;

/// The files in which `unsafe` is allowed.
const ALLOWED: [&str; 7] = [
    "crates/capi/src/", // the pointers of callers in C
    "crates/kernels/src/simd/",
    "crates/kernels/src/memory.rs",
    "crates/model/src/mapped.rs",
    "crates/wasm/src/exports.rs", // names that are not mangled
    "crates/wasm/src/random.rs",  // the pointer of `getrandom`
    "tests/faults/src/kernel.rs", // preloaded by `cargo xtask faults`, and part of no crate
];

pub fn unsafety(workspace: &Workspace) -> Outcome {
    let mut wrong = Vec::new();
    let mut lines = 0;
    let folders = ["crates", "tests", "benches"].map(|name| workspace.root.join(name));
    for path in files::below(&folders, "rs")? {
        let here = path.strip_prefix(&workspace.root).unwrap_or(&path);
        let found = unsafe_lines(&files::read(&path)?)
            .map_err(|error| format!("{}: {error}", here.display()))?;
        if ALLOWED.iter().any(|allowed| here.starts_with(allowed)) {
            lines += found.len();
        } else {
            wrong.extend(found.iter().map(|line| format!("{}:{line}: `unsafe`", here.display())));
        }
    }
    for package in workspace.members() {
        for target in targets(package, &["lib", "bin"]) {
            let root = Path::new(text(target, "src_path"));
            let holds_unsafe = root
                .parent()
                .is_some_and(|src| ALLOWED.iter().any(|a| workspace.root.join(a).starts_with(src)));
            if !holds_unsafe && !files::read(root)?.contains("#![forbid(unsafe_code)]") {
                wrong.push(format!("{}: no #![forbid(unsafe_code)]", root.display()));
            }
        }
    }
    if wrong.is_empty() {
        Ok(format!("{lines} lines in {}", ALLOWED.join(", ")))
    } else {
        Err(wrong.join("\n"))
    }
}

/// The lines where the keyword `unsafe` is code: not comment, string, or part of another name.
fn unsafe_lines(source: &str) -> Result<Vec<usize>, proc_macro2::LexError> {
    let mut found = Vec::new();
    let mut streams = vec![source.parse::<TokenStream>()?];
    while let Some(stream) = streams.pop() {
        for token in stream {
            match token {
                TokenTree::Group(group) => streams.push(group.stream()),
                TokenTree::Ident(name) if name == "unsafe" => found.push(name.span().start().line),
                _ => {}
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::unsafe_lines;

    #[test]
    fn unsafe_is_found_in_code_only() {
        let source = r##"
//! unsafe
#![forbid(unsafe_code)] // unsafe
/* unsafe */ const A: &str = "unsafe"; const B: &str = r#"unsafe " unsafe"#; const C: char = '"';
fn f() { g(|| vec![unsafe { h() }]) }
#[unsafe(no_mangle)] extern "C" fn i() {}
macro_rules! m { () => { unsafe impl Send for X {} } }
"##;
        assert_eq!(unsafe_lines(source).unwrap(), [5, 6, 7]);
    }
}

//! The book hangs together: links lead somewhere, chapters are complete, every kernel and its chapter know each other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the files of a folder with this extension, in order.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a file").path());
    let wanted = paths.filter(|path| path.extension().is_some_and(|found| found == extension));
    let mut names: Vec<String> = wanted.map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Pages behind the last chapter: to look things up, without figures and exercises.
const REFERENCE: [&str; 1] = ["11-tasks.md"];

/// The chapters that are read one after the other.
fn course() -> Vec<String> {
    chapters().into_iter().filter(|chapter| !REFERENCE.contains(&chapter.as_str())).collect()
}

/// All numbered pages, `00-map.md` first.
fn chapters() -> Vec<String> {
    files("docs", "md").into_iter().filter(|name| name.starts_with(|c: char| c.is_ascii_digit())).collect()
}

/// What stands in the parentheses of `[…](…)`, without code blocks.
fn links(text: &str) -> Vec<String> {
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    let after = prose.iter().flat_map(|prose| prose.split("](").skip(1));
    after.map(|rest| rest.split(')').next().unwrap_or_default().to_owned()).collect()
}

/// Every Rust file below a folder, as paths from the root.
fn sources(folder: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder") {
        let entry = entry.expect("a file");
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            found.extend(sources(&path));
        } else if path.ends_with(".rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_link_leads_to_a_file() {
    let pages = chapters().into_iter().map(|name| format!("docs/{name}"));
    for page in pages.chain(["docs/SUMMARY.md", "README.md", "crates/ladder/README.md"].map(str::to_owned)) {
        let folder = root().join(&page).parent().expect("a folder").to_owned();
        for link in links(&read(&page)) {
            let path = link.split('#').next().unwrap_or_default();
            if !link.contains("://") && !path.is_empty() {
                assert!(folder.join(path).exists(), "{page}: there is no {link}");
            }
        }
    }
}

#[test]
fn every_file_that_is_named_is_there() {
    for chapter in chapters() {
        for name in read(format!("docs/{chapter}")).split("```").step_by(2).flat_map(|prose| prose.split('`').skip(1).step_by(2))
        {
            let is_path = ["crates/", "tests/", "benches/", "docs/", "weights/"].iter().any(|folder| name.starts_with(folder));
            if is_path && !name.contains(['{', '*', ' ']) && !name.contains("MACHINE") {
                assert!(root().join(name).exists(), "{chapter}: there is no {name}");
            }
        }
    }
}

#[test]
fn the_summary_lists_the_chapters_in_their_order() {
    assert_eq!(links(&read("docs/SUMMARY.md")), chapters());
}

#[test]
fn every_chapter_has_a_figure_a_table_and_a_way_on() {
    let all = chapters();
    for (i, chapter) in course().iter().enumerate() {
        let text = read(format!("docs/{chapter}"));
        assert!(text.contains("\n!["), "{chapter}: no figure");
        assert!(text.contains("|---"), "{chapter}: no table");
        if let Some(next) = all.get(i + 1) {
            assert!(text.trim_end().ends_with(&format!("({next}).")), "{chapter} does not end with the way to {next}");
        }
        for fence in text.split("\n```").skip(1).step_by(2) {
            let language = fence.lines().next().unwrap_or_default();
            assert!(["rust", "text", "sh"].contains(&language), "{chapter}: a block of {language:?}");
        }
    }
}

#[test]
fn every_figure_is_shown() {
    let shown: BTreeSet<String> = chapters().iter().flat_map(|chapter| links(&read(format!("docs/{chapter}")))).collect();
    for figure in files("docs/figures", "svg") {
        let in_readme = read("README.md").contains(&figure);
        assert!(in_readme || shown.contains(&format!("figures/{figure}")), "no chapter shows {figure}");
    }
}

#[test]
fn every_kernel_names_its_chapter_and_is_linked_from_the_book() {
    let linked: BTreeSet<String> = chapters().iter().flat_map(|chapter| links(&read(format!("docs/{chapter}")))).collect();
    for source in sources("crates/kernels/src") {
        let text = read(&source);
        let header = text.lines().take_while(|line| line.starts_with("//!"));
        let chapter = header.filter_map(|line| line.strip_prefix("//! In the book: `")).next();
        let chapter = chapter.and_then(|rest| rest.strip_suffix("`.")).unwrap_or_else(|| panic!("{source} names no chapter"));
        assert!(root().join(chapter).exists(), "{source}: there is no {chapter}");
        assert!(linked.contains(&format!("../{source}")), "no chapter links to {source}");
    }
}

#[test]
fn the_exercises_are_those_that_the_chapters_name() {
    let tests = read("crates/ladder/tests/exercises.rs");
    let tests: BTreeSet<&str> = tests.lines().filter_map(|line| line.strip_prefix("fn chapter_")?.split('(').next()).collect();
    let mut named = BTreeSet::new();
    for (number, chapter) in course().iter().enumerate().skip(1) {
        let text = read(format!("docs/{chapter}"));
        let here: Vec<String> =
            text.lines().filter_map(|line| Some(line.strip_prefix("- `chapter_")?.split('`').next()?.to_owned())).collect();
        assert!(!here.is_empty(), "{chapter}: no exercise");
        assert!(here.iter().all(|name| name.starts_with(&format!("{number}_"))), "{chapter}: {here:?}");
        named.extend(here);
    }
    assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), tests);
}

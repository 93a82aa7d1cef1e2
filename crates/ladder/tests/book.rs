//! The book is consistent: links lead to files, chapters are complete, and every kernel and its
//! chapter name each other.

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
    let mut names: Vec<String> = wanted
        .map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Pages behind the last chapter: to look things up, without figures and exercises.
const REFERENCE: [&str; 6] = [
    "11-tasks.md",
    "12-commands.md",
    "13-directories.md",
    "14-training.md",
    "15-python.md",
    "17-everywhere.md",
];

/// The chapters that are read one after the other.
fn course() -> Vec<String> {
    chapters().into_iter().filter(|chapter| !REFERENCE.contains(&chapter.as_str())).collect()
}

/// All numbered pages, `00-map.md` first.
fn chapters() -> Vec<String> {
    files("docs", "md")
        .into_iter()
        .filter(|name| name.starts_with(|c: char| c.is_ascii_digit()))
        .collect()
}

/// The targets of the links `[…](…)`, without code blocks.
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

/// Pages besides the chapters whose links are followed.
const PAGES: [&str; 11] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/SUMMARY.md",
    "README.md",
    "benches/peers/README.md",
    "benches/record/README.md",
    "crates/ladder/README.md",
    "crates/python/README.md",
    "crates/tasks/tests/original/README.md",
    "tests/golden/README.md",
    "weights/README.md",
];

/// Whether a page has the anchor behind `#` in a link: a heading, or in code the line `L12`.
fn has_anchor(text: &str, anchor: &str) -> bool {
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
    };
    let headings = text
        .split("\n```")
        .step_by(2)
        .flat_map(str::lines)
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#')));
    match anchor.strip_prefix('L').map(str::parse::<usize>) {
        Some(Ok(line)) => (1..=text.lines().count()).contains(&line),
        _ => headings.map(slug).any(|heading| heading == anchor),
    }
}

#[test]
fn every_link_leads_to_a_file_and_a_place_in_it() {
    let pages = chapters().into_iter().map(|name| format!("docs/{name}"));
    for page in pages.chain(PAGES.map(str::to_owned)) {
        let folder = Path::new(&page).parent().expect("a folder");
        for link in links(&read(&page)).iter().filter(|link| !link.contains("://")) {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = if path.is_empty() { PathBuf::from(&page) } else { folder.join(path) };
            assert!(root().join(&path).exists(), "{page}: there is no {link}");
            assert!(
                anchor.is_empty() || has_anchor(&read(&path), anchor),
                "{page}: {} has no #{anchor}",
                path.display()
            );
        }
    }
}

#[test]
fn anchors_are_headings_and_lines() {
    let page = "# A page\n## exp, erf: `f32` & more\n```text\n## none\n```\n";
    for there in ["a-page", "exp-erf-f32--more", "L1", "L5"] {
        assert!(has_anchor(page, there), "{there}");
    }
    for elsewhere in ["none", "page", "A-page", "L0", "L6"] {
        assert!(!has_anchor(page, elsewhere), "{elsewhere}");
    }
}

/// The numbers that chapters quote from the code are those in the code.
#[test]
fn numbers_of_the_text_are_those_of_the_code() {
    for (source, line) in [
        ("crates/kernels/src/gemm.rs", "pub const KC: usize = 128;"),
        ("crates/kernels/src/gemm.rs", "pub const PART: usize = 96;"),
        ("crates/kernels/src/tiles.rs", "32         8 x 3    12 x 2     12 x 1;"),
        ("crates/kernels/src/tiles.rs", "8          6 x 1    6 x 1      6 x 2;"),
        ("crates/ladder/src/attention/tiles.rs", "const MR: usize = 6;"),
        ("crates/ladder/src/gemm/blocked.rs", "const MC: usize = 64;"),
        ("crates/ladder/src/gemm/packed.rs", "const MR: usize = 4;"),
        ("crates/minilm/src/schedule.rs", "const BATCH: usize = 160;"),
        ("crates/minilm/src/schedule.rs", "const SMALLEST_BATCH: usize = 32;"),
        ("crates/model/src/encoder.rs", "const FFN_CHUNK: usize = 3 * KC;"),
        (
            "crates/model/src/encoder/load.rs",
            "[6, 4, 3, 2].into_iter().find(|&groups| heads.is_multiple_of(groups))",
        ),
    ] {
        assert!(
            read(source).contains(line),
            "{source} has no {line:?}: what do the chapters say of it?"
        );
    }
}

/// The files of the numbered list in the section "Reading the code", without their folders.
fn reading_order(page: &str) -> Vec<String> {
    let section = page.split("## Reading the code").nth(1).expect("a section");
    let items = section
        .lines()
        .filter_map(|line| line.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok()))
        .map(|(_, item)| item.split('`').nth(1).expect("a file's name"));
    items.map(|path| path.rsplit_once("src/").map_or(path, |(_, file)| file).to_owned()).collect()
}

#[test]
fn the_reading_order_is_one() {
    let order = reading_order(&read("docs/00-map.md"));
    assert_eq!(order.first().map(String::as_str), Some("naive.rs"));
    assert_eq!(order, reading_order(&read("README.md")));
}

#[test]
fn every_file_that_is_named_is_there() {
    for chapter in chapters() {
        for name in read(format!("docs/{chapter}"))
            .split("```")
            .step_by(2)
            .flat_map(|prose| prose.split('`').skip(1).step_by(2))
        {
            let is_path = ["crates/", "tests/", "benches/", "docs/", "weights/"]
                .iter()
                .any(|folder| name.starts_with(folder));
            if is_path && !name.contains(['{', '*', ' ']) && !name.contains("MACHINE") {
                assert!(root().join(name).exists(), "{chapter}: there is no {name}");
            }
        }
    }
}

#[test]
fn the_summary_lists_the_chapters_in_their_order() {
    let summary = read("docs/SUMMARY.md");
    assert_eq!(links(&summary), chapters());
    // The site numbers the items of the list from 1, so the map stands before the list.
    let items: Vec<&str> = summary.lines().filter(|line| line.starts_with("- ")).collect();
    for (number, item) in (1..).zip(items) {
        assert!(item.contains(&format!("({number:02}-")), "{item} is item {number}");
    }
}

#[test]
fn every_chapter_has_a_figure_a_table_and_a_way_on() {
    let all = chapters();
    for chapter in &course() {
        let text = read(format!("docs/{chapter}"));
        assert!(text.contains("\n!["), "{chapter}: no figure");
        assert!(text.contains("|---"), "{chapter}: no table");
        let place = all.iter().position(|name| name == chapter).expect("a chapter");
        if let Some(next) = all.get(place + 1) {
            assert!(
                text.trim_end().ends_with(&format!("({next}).")),
                "{chapter} does not end with the way to {next}"
            );
        }
        for fence in text.split("\n```").skip(1).step_by(2) {
            let language = fence.lines().next().unwrap_or_default();
            assert!(
                ["rust", "text", "sh"].contains(&language),
                "{chapter}: a block of {language:?}"
            );
        }
    }
}

#[test]
fn every_figure_is_shown() {
    let shown: BTreeSet<String> =
        chapters().iter().flat_map(|chapter| links(&read(format!("docs/{chapter}")))).collect();
    for figure in files("docs/figures", "svg") {
        let in_readme = read("README.md").contains(&figure);
        assert!(
            in_readme || shown.contains(&format!("figures/{figure}")),
            "no chapter shows {figure}"
        );
    }
}

/// The chapter that the header of a source names.
fn chapter_of(source: &str) -> Option<String> {
    let text = read(source);
    let mut header = text.lines().take_while(|line| line.starts_with("//!"));
    let chapter =
        header.find_map(|line| line.strip_prefix("//! In the book: `")?.strip_suffix("`."))?;
    assert!(root().join(chapter).exists(), "{source}: there is no {chapter}");
    Some(chapter.to_owned())
}

#[test]
fn every_kernel_and_part_of_the_model_names_its_chapter_and_is_linked_from_the_book() {
    let linked: BTreeSet<String> =
        chapters().iter().flat_map(|chapter| links(&read(format!("docs/{chapter}")))).collect();
    for source in ["crates/kernels/src", "crates/model/src", "crates/pooling/src"]
        .into_iter()
        .flat_map(sources)
    {
        assert!(chapter_of(&source).is_some(), "{source} names no chapter");
        assert!(linked.contains(&format!("../{source}")), "no chapter links to {source}");
    }
}

#[test]
fn every_rung_and_every_source_that_a_chapter_links_to_names_its_chapter() {
    let linked = chapters().into_iter().flat_map(|chapter| links(&read(format!("docs/{chapter}"))));
    let linked =
        linked.filter_map(|link| Some(link.split('#').next()?.strip_prefix("../")?.to_owned()));
    let linked = linked.filter(|path| path.contains("/src/") && path.ends_with(".rs"));
    let rungs = minilm_ladder::STEPS.iter().flat_map(|step| {
        [
            format!("crates/ladder/src/{}.rs", step.ladder),
            format!("crates/ladder/src/{}/{}.rs", step.ladder, step.name),
        ]
    });
    for source in linked.chain(rungs).collect::<BTreeSet<_>>() {
        assert!(chapter_of(&source).is_some(), "{source} names no chapter");
    }
}

#[test]
fn the_exercises_are_those_that_the_chapters_name() {
    let tests = read("crates/ladder/tests/exercises.rs");
    let tests: BTreeSet<&str> = tests
        .lines()
        .filter_map(|line| line.strip_prefix("fn chapter_")?.split('(').next())
        .collect();
    let mut named = BTreeSet::new();
    for chapter in course().iter().skip(1) {
        let number: u8 = chapter[..2].parse().expect("chapters are numbered");
        let text = read(format!("docs/{chapter}"));
        let here: Vec<String> = text
            .lines()
            .filter_map(|line| {
                Some(line.strip_prefix("- `chapter_")?.split('`').next()?.to_owned())
            })
            .collect();
        assert!(!here.is_empty(), "{chapter}: no exercise");
        assert!(
            here.iter().all(|name| name.starts_with(&format!("{number}_"))),
            "{chapter}: {here:?}"
        );
        named.extend(here);
    }
    assert_eq!(named.iter().map(String::as_str).collect::<BTreeSet<_>>(), tests);
}

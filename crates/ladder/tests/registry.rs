//! The registry, the files and the README agree.

use minilm_kernels::Level;
use minilm_ladder::{LADDERS, Peaks, STEPS, Table};
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn every_file_of_a_ladder_is_a_step_and_every_step_a_file() {
    let mut files = BTreeSet::new();
    for ladder in LADDERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(ladder.name);
        for entry in fs::read_dir(folder).expect("a ladder has a folder") {
            let name = entry.expect("a file").file_name();
            files.insert(format!("{}/{}", ladder.name, name.to_string_lossy()));
        }
    }
    let steps: BTreeSet<String> =
        STEPS.iter().map(|step| format!("{}/{}.rs", step.ladder, step.name)).collect();
    assert_eq!(steps.len(), STEPS.len(), "two steps have one name");
    assert_eq!(files, steps);
}

#[test]
fn every_ladder_ends_with_what_is_shipped() {
    let order: Vec<&str> =
        LADDERS.iter().flat_map(|ladder| ladder.steps().map(|step| step.ladder)).collect();
    assert_eq!(order, STEPS.iter().map(|step| step.ladder).collect::<Vec<_>>());
    for ladder in LADDERS {
        assert_eq!(ladder.steps().last().map(|step| step.name), Some("shipped"), "{}", ladder.name);
    }
}

#[test]
fn every_header_says_the_idea_the_reason_the_price_and_the_limits_in_this_order() {
    for step in STEPS {
        let header: Vec<&str> =
            step.sources[0].lines().take_while(|line| line.starts_with("//!")).collect();
        let name = format!("{}/{}", step.ladder, step.name);
        assert!(
            step.idea().ends_with(['.', ':']) || step.idea().contains(": "),
            "{name}: {:?}",
            step.idea()
        );
        let items: Vec<&str> = header
            .iter()
            .filter_map(|line| Some(line.strip_prefix("//! - **")?.split_once("**")?.0))
            .collect();
        assert_eq!(items, ["Idea", "Why", "Cost", "Limits", "Exercise"], "{name}");
        assert!(header.iter().all(|line| line.chars().count() <= 150), "{name}: a long line");
    }
}

/// The README's table, from the registry.
fn table() -> String {
    let row = |ladder: &str, file: &str, idea: &str| {
        format!("| {ladder} | [`{file}`](src/{ladder}/{file}.rs) | {idea} |\n")
    };
    let rows: String = STEPS.iter().map(|step| row(step.ladder, step.name, step.idea())).collect();
    format!("| ladder | rung | |\n|---|---|---|\n{rows}")
}

#[test]
fn the_readme_lists_the_rungs_in_their_order() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
        .expect("the README");
    assert!(readme.contains(&table()), "README.md should have this table:\n\n{}", table());
}

#[test]
fn every_ladder_can_be_measured_and_printed() {
    let peaks = Peaks { flops: 50e9, ops: 100e9 };
    for ladder in LADDERS {
        for &case in ladder.cases.first().into_iter().chain(ladder.cases.last()) {
            let table = Table::measure(ladder, case, Level::detect(), peaks, 0.0);
            let printed = table.to_string();
            for row in table.rungs.iter().chain([&table.yardstick]) {
                assert!(row.value.is_finite() && row.value > 0.0, "{row:?}");
                assert!(printed.contains(row.name), "{} is not in\n{printed}", row.name);
            }
            assert!(table.ceiling > 0.0);
        }
    }
}

#[test]
fn lines_of_code_are_those_of_the_file_without_comments() {
    let naive = STEPS[0];
    assert_eq!((naive.ladder, naive.name), ("gemm", "naive"));
    let code = naive.sources[0]
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
    assert_eq!(naive.lines(), code.count());
    // The shipped rung counts with the kernel that it calls.
    assert!(
        STEPS
            .iter()
            .filter(|step| step.name == "shipped")
            .all(|step| step.sources.len() > 1 && step.lines() > 25)
    );
}

//! The program's output, as tables and as JSON.

use minilm_kernels::Level;
use minilm_ladder::{LADDERS, bakeoff::Variant};
use serde_json::Value;
use std::process::{Command, Output};

fn ladder(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_minilm-ladder"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn printed(arguments: &[&str]) -> String {
    let output = ladder(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_quick_look_prints_a_table_for_each_ladder_with_every_rung() {
    let text = printed(&["--quick"]);
    let tables: Vec<&str> = text.split("\n\n").filter(|part| part.starts_with("| rung")).collect();
    assert_eq!(tables.len(), LADDERS.len(), "{text}");
    for (ladder, table) in LADDERS.iter().zip(tables) {
        assert!(table.contains("of ceiling") && table.contains("of yardstick"), "{table}");
        assert!(table.contains(&format!("| {:14} |", ladder.yardstick)), "{table}");
        for (step, row) in ladder.steps().zip(table.lines().skip(2)) {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            assert_eq!(cells[1].split(' ').next(), Some(step.name), "{table}");
            let value: f64 = cells[2].parse().expect("a number");
            let of_ceiling: f64 = cells[3].trim_end_matches(" %").parse().expect("a percentage");
            assert!(value > 0.0 && of_ceiling > 0.0, "{row}");
            assert_eq!(cells[6], step.lines().to_string(), "{row}");
        }
    }
}

#[test]
fn one_ladder_on_one_level_as_json() {
    for level in Level::available() {
        let text = printed(&["layer_norm", "--quick", "--json", "--level", level.name()]);
        let report: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(report["level"], level.name());
        let ladders = report["ladders"].as_array().expect("a list");
        assert_eq!(ladders.len(), 1);
        assert_eq!(ladders[0]["name"], "layer_norm");
        let names: Vec<_> =
            ladders[0]["rungs"].as_array().expect("rungs").iter().map(|row| &row["name"]).collect();
        assert_eq!(names, ["three_passes", "two_passes", "welford", "lanes", "shipped"]);
        assert!(ladders[0]["ceiling"].as_f64() > Some(0.0));
    }
}

#[test]
fn a_ladder_that_is_not_there_is_a_wrong_command_line() {
    let output = ladder(&["gem"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("layer_norm"),
        "the ladders that are there"
    );
}

#[test]
fn the_bake_off_prints_a_table_or_json_for_the_level_that_is_asked_for() {
    let Some(level) = Level::available().into_iter().find(|&level| !Variant::all(level).is_empty())
    else {
        return;
    };
    let text = printed(&["bakeoff", "--quick", "--level", level.name()]);
    let rows = text.lines().filter(|line| line.starts_with("| ")).count();
    assert_eq!(
        rows,
        2 + Variant::all(level).len(),
        "a head, what is shipped, the variants:\n{text}"
    );

    let text = printed(&["bakeoff", "--quick", "--json", "--level", level.name()]);
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["levels"].as_array().map(Vec::len), Some(1));
    assert_eq!(report["levels"][0]["level"], level.name());
    assert_eq!(report["levels"][0]["variants"][0]["name"], "shipped");
}

#[test]
fn a_level_without_tiles_is_an_error() {
    let output = ladder(&["bakeoff", "--quick", "--level", "portable"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("portable"), "{output:?}");
}

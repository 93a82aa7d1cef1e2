//! The pages, made by the program itself, and what must be in them.

use crate::{
    cargo::{self, Workspace},
    files,
};
use serde_json::Value;
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// A page, and how often some things are in its document.
pub(super) struct Page {
    pub file: PathBuf,
    pub expected: Vec<(usize, String)>,
}

/// Two texts of each kind. Each is traced, and explained with the other.
fn texts() -> [(&'static str, String, String); 3] {
    let long = |words: &str| words.split(' ').cycle().take(210).collect::<Vec<_>>().join(" ");
    [
        ("short", "A man is eating food.".into(), "Someone has a meal.".into()),
        (
            "ugly",
            "<script>alert(1)</script> 🛬 東京タワー &amp; \"'`${1}`".into(),
            "</script></section>{{ms}} שלום".into(),
        ),
        (
            "long",
            long("the river runs past an old mill where nobody works any more"),
            long("banks lend money and want it back"),
        ),
    ]
}

/// Writes all pages to `directory`.
pub(super) fn write(workspace: &Workspace, directory: &Path) -> Result<Vec<Page>, String> {
    let program = program(workspace)?;
    let config: Value =
        files::read_json(&workspace.root.join("weights/all-MiniLM-L6-v2/config.json"))?;
    let run = |arguments: &[&OsStr]| run(workspace, &program, arguments);
    let mut pages = Vec::new();
    for (name, a, b) in texts() {
        let [trace, explain] =
            ["trace", "explain"].map(|kind| directory.join(format!("{kind}-{name}.html")));
        run(&["trace".as_ref(), "--html".as_ref(), trace.as_os_str(), "--".as_ref(), a.as_ref()])?;
        let json = run(&[
            "explain".as_ref(),
            "--json".as_ref(),
            "--html".as_ref(),
            explain.as_os_str(),
            "--".as_ref(),
            a.as_ref(),
            b.as_ref(),
        ])?;
        let why: Value = serde_json::from_str(&json)
            .map_err(|error| format!("minilm explain --json: {error}"))?;
        let [n, m] = ["a", "b"].map(|side| why[side].as_array().map_or(0, Vec::len));
        pages.push(Page { file: trace, expected: of_trace(&config, n) });
        pages.push(Page { file: explain, expected: of_explanation(n, m) });
    }
    let corpora =
        [("ordinary", corpus()), ("ugly", texts().map(|(_, a, b)| format!("{a}\n{b}\n")).concat())];
    for (name, corpus) in corpora {
        let [lines, map] = ["txt", "html"].map(|kind| directory.join(format!("map-{name}.{kind}")));
        files::write(&lines, &corpus)?;
        run(&[
            "map".as_ref(),
            "--kmeans".as_ref(),
            "3".as_ref(),
            "--html".as_ref(),
            map.as_os_str(),
            lines.as_os_str(),
        ])?;
        pages.push(Page { file: map, expected: of_map(corpus.lines().count(), 3) });
    }
    Ok(pages)
}

/// Builds the program.
fn program(workspace: &Workspace) -> Result<PathBuf, String> {
    workspace.cargo(["build", "--quiet", "--package", "minilm-cli"])?;
    Ok(workspace.target.join("debug").join(format!("minilm{}", env::consts::EXE_SUFFIX)))
}

/// Runs it with the repository's model.
fn run(workspace: &Workspace, program: &Path, arguments: &[&OsStr]) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .current_dir(&workspace.root)
        .env_remove("MINILM_MODEL")
        .args(["--quiet", "--threads", "1"])
        .args(arguments);
    cargo::run(&mut command)
}

/// A map of texts of three subjects that has the npm package inside.
pub(super) fn searched_map(workspace: &Workspace, package: &Path) -> Result<PathBuf, String> {
    let [lines, map] =
        ["txt", "html"].map(|kind| workspace.target.join("xtask/wasm-map").with_extension(kind));
    files::make_parent(&map)?;
    files::write(&lines, &corpus())?;
    let [command, html, search] = ["map", "--html", "--search"].map(OsStr::new);
    let arguments = [command, html, map.as_os_str(), search, package.as_os_str()];
    run(workspace, &program(workspace)?, &[&arguments[..], &[lines.as_os_str()]].concat())?;
    Ok(map)
}

/// Texts of three subjects.
fn corpus() -> String {
    let who =
        ["my sister", "the neighbour", "a teacher", "the old doctor", "our team", "everyone here"];
    let what = [
        "bakes bread with flour and water",
        "takes the night train to Hamburg",
        "reads a book about the stars",
    ];
    who.iter().flat_map(|who| what.map(|what| format!("{who} {what}\n"))).collect()
}

/// After the script ran: a switch and a list for each cluster, every text once, and the canvas has
/// its size.
fn of_map(texts: usize, clusters: usize) -> Vec<(usize, String)> {
    let elements = [
        (1, "data-ready=\"true\""),
        (clusters, "data-group=\""),
        (clusters, "<details class=\"group\""),
        (2 * clusters, "class=\"mark\" style=\"--colour:"),
        (texts, "<li value=\""),
        (0, "<canvas id=\"canvas\" width=\"0\""),
        (2, "<script"),
    ];
    elements.into_iter().map(|(count, what)| (count, what.to_owned())).collect()
}

/// After the script ran: the maps have their size, one is chosen, and every token of the sentence
/// says its share.
fn of_trace(config: &Value, tokens: usize) -> Vec<(usize, String)> {
    let number = |name: &str| config[name].as_u64().unwrap_or_default() as usize;
    let (layers, heads) = (number("num_hidden_layers"), number("num_attention_heads"));
    let elements = [
        (1, "data-ready=\"true\""),
        (layers * heads, "<button type=\"button\" class=\"map\""),
        (1, "class=\"map\" aria-pressed=\"true\""),
        (1, "<output id=\"said\">In layer "),
        (tokens, "style=\"--share:"),
        (1, "<svg id=\"stream-chart\""),
        (tokens, "<polyline class=\"one\""),
        (number("hidden_size"), "<rect class="),
        (1 + 2 * layers + 1 + 7 * layers + 2, "<tr><th scope=\"row\"><code>"),
    ];
    let canvas = (layers * heads + 1, format!("height=\"{tokens}\" width=\"{tokens}\""));
    elements.into_iter().map(|(count, what)| (count, what.to_owned())).chain([canvas]).collect()
}

/// A cell for each pair and each sum.
fn of_explanation(n: usize, m: usize) -> Vec<(usize, String)> {
    let elements = [
        (n * m + n + m + 1, "<td"),
        (n + 1, "<tr><th scope=\"row\">"),
        (1, "id=\"cosine\""),
        (0, "<script"),
    ];
    elements.into_iter().map(|(count, what)| (count, what.to_owned())).collect()
}

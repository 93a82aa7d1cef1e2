//! The map as a page for the browser.
//!
//! All texts are in the markup, by cluster, as lists. The script, which is in the page, draws the
//! canvas: it reads the texts from the lists and is given only the places, in the order of the
//! lists: `x y x y …`, whole numbers from 0 to 9999 on the longer side of the map.

use super::{Group, meaning::Meaning};
use crate::{
    corpus::Vectors,
    error::Error,
    html::{self, escape, fill},
    show::count,
    terminal::printable,
};
use minilm::ndarray::Array2;
use std::{borrow::Cow, fmt::Write, path::Path};

const TEMPLATE: &str = include_str!("page.html");
const SCRIPT: &str = include_str!("page.js");

/// What a page that searches by meaning may do beside the others: run the module, and import
/// scripts that are in the page.
const POLICY: &str = " 'wasm-unsafe-eval' data:";

/// Beside the field for the search.
const SWITCH: &str =
    "<label><input type=\"checkbox\" id=\"by-meaning\" checked> by meaning</label>\n";

/// Letters of a cluster's name.
const NAME: usize = 60;

/// The longer side of the map.
const SIDE: f32 = 9999.0;

pub(super) fn page(
    vectors: &Vectors,
    groups: &[Group],
    points: &Array2<f32>,
    meaning: Option<&Meaning>,
) -> Result<String, Error> {
    let clusters = groups.iter().filter(|group| group.is_cluster).count();
    let mut lists = String::new();
    let mut legend = String::new();
    for (number, group) in (1..).zip(groups) {
        let name = match group.is_cluster {
            true => match &group.name {
                Some(value) => escape(&short(value)),
                None => escape(&short(vectors.text(group.rows[0])?)),
            },
            false => "in no cluster".to_owned(),
        };
        let mark = if group.is_cluster { number.to_string() } else { "–".to_owned() };
        legend += &switch(number - 1, &mark, &name, group.rows.len());
        lists += &list(vectors, group, &mark, &name)?;
    }
    let values = [
        ("style", html::STYLE.to_owned()),
        ("title", escape(&short(&title(&vectors.name)))),
        ("texts", count(vectors.index.len(), "text")),
        ("clusters", count(clusters, "cluster")),
        ("legend", legend),
        ("lists", lists),
        ("places", places(groups, points)),
        ("policy", meaning.map_or("", |_| POLICY).to_owned()),
        ("switch", meaning.map_or("", |_| SWITCH).to_owned()),
        ("meaning", meaning.map_or_else(String::new, Meaning::scripts)),
        ("script", SCRIPT.to_owned()),
    ];
    Ok(fill(TEMPLATE, &values))
}

/// The file, without the directories that a reader of the page may not know.
fn title(name: &str) -> Cow<'_, str> {
    match Path::new(name).file_name() {
        Some(_) if name == "-" => "standard input".into(),
        Some(file) => file.to_string_lossy(),
        None => name.into(),
    }
}

/// The beginning of a text, on one line.
fn short(text: &str) -> String {
    let text = printable(text);
    let begin: String = text.chars().take(NAME).collect();
    match (begin.is_empty(), begin.len() < text.len()) {
        (true, _) => "(an empty text)".to_owned(),
        (_, true) => begin.trim_end().to_owned() + "…",
        _ => begin,
    }
}

fn switch(group: usize, mark: &str, name: &str, size: usize) -> String {
    format!(
        "<li><label><input type=\"checkbox\" checked data-group=\"{group}\">\
         <b class=\"mark\">{mark}</b> \
         <bdi>{name}</bdi> <small>{size}</small></label></li>\n"
    )
}

/// The texts of a cluster, each with the number of its record in the file, from 0.
fn list(vectors: &Vectors, group: &Group, mark: &str, name: &str) -> Result<String, Error> {
    let size = count(group.rows.len(), "text");
    let mut list = format!(
        "<details class=\"group\"><summary><b class=\"mark\">{mark}</b> <bdi>{name}\
         </bdi> <small>{size}</small></summary><ol>\n"
    );
    for &row in &group.rows {
        let text = escape(vectors.text(row)?);
        let (record, label) = (vectors.record(row), vectors.label(row)?);
        let label = match label.trim_start() {
            "" => String::new(),
            label => format!(" <small>{}</small>", escape(label)),
        };
        // a String can be written to
        let _ = writeln!(list, "<li value=\"{record}\"><bdi>{text}</bdi>{label}</li>");
    }
    Ok(list + "</ol></details>\n")
}

/// All places in the order of the lists.
fn places(groups: &[Group], points: &Array2<f32>) -> String {
    let bound = |axis: usize, start: f32, pick: fn(f32, f32) -> f32| {
        points.column(axis).iter().copied().fold(start, pick)
    };
    let low = [0, 1].map(|axis| bound(axis, f32::INFINITY, f32::min));
    let high = [0, 1].map(|axis| bound(axis, f32::NEG_INFINITY, f32::max));
    let side = (high[0] - low[0]).max(high[1] - low[1]).max(f32::MIN_POSITIVE);
    let place =
        |row: usize, axis: usize| ((points[[row, axis]] - low[axis]) / side * SIDE).round() as u32;
    let rows = groups.iter().flat_map(|group| &group.rows);
    let places: Vec<String> =
        rows.map(|&row| format!("{} {}", place(row, 0), place(row, 1))).collect();
    places.join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Group, places, short, title};
    use minilm::ndarray::array;

    #[test]
    fn names_are_short_and_never_empty() {
        assert_eq!(short("a\nb\u{7}"), "a b");
        assert_eq!(short(" \n"), "(an empty text)");
        assert_eq!(short(&"日".repeat(60)), "日".repeat(60));
        assert_eq!(short(&"日".repeat(61)), "日".repeat(60) + "…");
    }

    #[test]
    fn the_title_is_the_name_of_the_file() {
        assert_eq!(
            ["/a/b.txt", "b.txt", "-", ".."].map(title),
            ["b.txt", "b.txt", "standard input", ".."]
        );
    }

    #[test]
    fn the_longer_side_fills_the_map_and_one_place_is_a_map_too() {
        let groups =
            [Group::cluster(vec![2, 0]), Group { name: None, rows: vec![1], is_cluster: false }];
        assert_eq!(
            places(&groups, &array![[0.0, 1.0], [4.0, 1.0], [2.0, 3.0]]),
            "5000 5000 0 0 9999 0"
        );
        assert_eq!(places(&groups, &array![[7.0, 7.0], [7.0, 7.0], [7.0, 7.0]]), "0 0 0 0 0 0");
    }
}

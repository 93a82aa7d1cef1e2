//! The table for the terminal.
//!
//! Numbers have signs, so that colour is not needed. Columns that do not fit side by side follow
//! below.

use super::{
    table::Table,
    unit::{SHADES, Unit},
};
use crate::terminal;
use minilm::Explanation;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// Columns of the terminal for the narrowest and the widest cell.
const CELL: std::ops::RangeInclusive<usize> = 5..=10;

/// Columns of the terminal for a token on the left.
const LABEL: usize = 14;

/// Background and text of a shade, in the palette of 256 colours: the stronger, the darker.
const POSITIVE: [(u8, u8); SHADES] =
    [(195, 16), (153, 16), (117, 16), (75, 16), (32, 231), (25, 231)];
const NEGATIVE: [(u8, u8); SHADES] =
    [(230, 16), (223, 16), (216, 16), (209, 16), (166, 231), (130, 231)];

/// The whole report.
pub(super) fn grid(why: &Explanation, table: &Table, width: usize, coloured: bool) -> String {
    let unit = Unit::of(table.single_pairs());
    let cosine = why.cosine() + 0.0;
    let mut text = format!(
        "cosine {cosine:.6}, the sum of {} × {} pairs of tokens\n",
        why.a.len(),
        why.b.len()
    );
    let _ = writeln!(text, "in units of {}: + makes the texts more alike, - less\n", unit.name());
    let grid = Grid { table, unit, coloured, label: label(table, width) };
    for columns in grid.blocks(width) {
        grid.block(&mut text, columns);
    }
    text.push_str(&strongest(why, unit, width));
    text
}

struct Grid<'a> {
    table: &'a Table,
    unit: Unit,
    coloured: bool,
    /// Columns of the terminal for the tokens on the left.
    label: usize,
}

fn label(table: &Table, width: usize) -> usize {
    let widest =
        table.rows.iter().map(|token| terminal::printable(token).width()).max().unwrap_or(0);
    widest.clamp(3, LABEL.min((width / 3).max(3)))
}

impl Grid<'_> {
    /// Columns of the terminal for column `j`; the last is the sum.
    fn width(&self, j: usize) -> usize {
        let name = self.table.columns.get(j).map_or("sum", String::as_str);
        let name = terminal::printable(name).width().clamp(*CELL.start() - 1, *CELL.end() - 1);
        let number = |x: f64| self.unit.show(x).len();
        let numbers = match j < self.table.columns.len() {
            true => self
                .table
                .pairs
                .column(j)
                .iter()
                .map(|&pair| number(pair))
                .max()
                .unwrap_or(0)
                .max(number(self.sum(j))),
            false => self
                .table
                .pairs
                .rows()
                .into_iter()
                .map(|row| number(row.sum()))
                .max()
                .unwrap_or(0)
                .max(number(self.sum(j))),
        };
        1 + name.max(numbers)
    }

    /// Of column `j`; after the last, of all.
    fn sum(&self, j: usize) -> f64 {
        if j < self.table.columns.len() {
            self.table.pairs.column(j).sum()
        } else {
            self.table.pairs.sum()
        }
    }

    /// The columns of the table, and then the sum, that stand side by side: at least one.
    fn blocks(&self, width: usize) -> Vec<std::ops::Range<usize>> {
        let mut blocks = Vec::new();
        let (mut start, mut used) = (0, self.label);
        for j in 0..=self.table.columns.len() {
            let cell = self.width(j);
            if j > start && used + cell > width {
                blocks.push(start..j);
                (start, used) = (j, self.label);
            }
            used += cell;
        }
        blocks.push(start..self.table.columns.len() + 1);
        blocks
    }

    fn block(&self, text: &mut String, columns: std::ops::Range<usize>) {
        let Table { rows, columns: names, pairs, .. } = self.table;
        text.push_str(&" ".repeat(self.label));
        for j in columns.clone() {
            text.push_str(&terminal::right(
                names.get(j).map_or("sum", String::as_str),
                self.width(j),
            ));
        }
        text.push('\n');
        for (token, row) in rows.iter().zip(pairs.rows()) {
            text.push_str(&terminal::left(token, self.label));
            for j in columns.clone() {
                match row.get(j) {
                    Some(&pair) => text.push_str(&self.cell(pair, self.width(j))),
                    None => {
                        text.push_str(&terminal::right(&self.unit.show(row.sum()), self.width(j)))
                    }
                }
            }
            text.push('\n');
        }
        text.push_str(&terminal::left("sum", self.label));
        for j in columns {
            text.push_str(&terminal::right(&self.unit.show(self.sum(j)), self.width(j)));
        }
        text.push_str("\n\n");
    }

    /// A number, its first column left free of colour.
    fn cell(&self, pair: f64, width: usize) -> String {
        let number = terminal::right(&self.unit.show(pair), width - 1);
        let shade = self.unit.shade(pair);
        if !self.coloured || shade == 0 {
            return format!(" {number}");
        }
        let shades = if shade > 0 { POSITIVE } else { NEGATIVE };
        let (background, colour) = shades[shade.unsigned_abs() as usize - 1];
        format!(" \u{1b}[48;5;{background};38;5;{colour}m{number}\u{1b}[0m")
    }
}

/// The pairs that add most and take most.
fn strongest(why: &Explanation, unit: Unit, width: usize) -> String {
    let [most, least] = extremes(why, unit);
    let line = |about: &str, pairs: &[Place]| {
        let shown = pairs.iter().map(|&(i, j)| {
            let [a, b] = [&why.a[i], &why.b[j]].map(|token| terminal::printable(token));
            format!("{a} · {b} {}", unit.show(why.pairs[[i, j]]))
        });
        let mut line = about.to_owned();
        for (k, pair) in shown.enumerate() {
            let separator = if k == 0 { " " } else { ", " };
            if k > 0 && line.width() + 2 + pair.width() > width {
                break;
            }
            line = line + separator + &pair;
        }
        line + "\n"
    };
    let mut text = line("most: ", &most);
    if !least.is_empty() {
        text += &line("least:", &least);
    }
    text
}

/// A token of the one text and a token of the other.
pub(super) type Place = (usize, usize);

/// Pairs that stand out: the largest first, and the smallest first, as far as they are negative and
/// show.
pub(super) fn extremes(why: &Explanation, unit: Unit) -> [Vec<Place>; 2] {
    const COUNT: usize = 8;
    let shows = |p: Place| unit.show(why.pairs[p]) != "0";
    let mut places: Vec<Place> = why.pairs.indexed_iter().map(|(place, _)| place).collect();
    places.sort_by(|&p, &q| why.pairs[q].total_cmp(&why.pairs[p]));
    let most = places.iter().copied().take_while(|&p| shows(p) && why.pairs[p] > 0.0).take(COUNT);
    let least =
        places.iter().rev().copied().take_while(|&p| shows(p) && why.pairs[p] < 0.0).take(COUNT);
    [most.collect(), least.collect()]
}

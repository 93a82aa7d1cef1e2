//! The table as a page for the browser. It has no script.

use super::{
    grid::{self, Place},
    unit::{SHADES, Unit},
};
use crate::html::{self, escape, fill, signed, token};
use minilm::{Explanation, ndarray::Array1};
use std::fmt::Write;

const TEMPLATE: &str = include_str!("page.html");

pub(super) fn page(texts: [&str; 2], why: &Explanation) -> String {
    let unit = Unit::of(why.pairs.iter().copied());
    let cosine = signed(&format!("{:.4}", why.cosine() + 0.0));
    let values = [
        ("style", html::STYLE.to_owned()),
        ("shades", shades()),
        ("title", format!("{cosine}: {} · {}", short(texts[0]), short(texts[1]))),
        ("a", escape(texts[0])),
        ("b", escape(texts[1])),
        ("cosine", cosine),
        ("meter", format!("{:.1}", (why.cosine().clamp(-1.0, 1.0) + 1.0) * 50.0)),
        ("n", why.a.len().to_string()),
        ("m", why.b.len().to_string()),
        ("pairs", why.pairs.len().to_string()),
        ("dropped", dropped(why)),
        ("tokens-a", tokens(&why.a, &why.of_a())),
        ("tokens-b", tokens(&why.b, &why.of_b())),
        ("unit", unit.name()),
        ("sum", signed(&unit.show(why.cosine()))),
        ("table", table(why, unit)),
        ("strongest", strongest(why, unit)),
    ];
    fill(TEMPLATE, &values)
}

/// The beginning of a text, for the name of the window.
fn short(text: &str) -> String {
    let begin: String = text.chars().take(30).collect();
    let more = if begin.len() < text.len() { "…" } else { "" };
    escape(&begin) + more
}

/// One class of the style sheet for each shade: `p3`, `n2`.
fn shades() -> String {
    let shade = |class: &str, colour: &str, k: usize| {
        let strength = 0.62 * k as f64 / SHADES as f64;
        format!(".{class}{k} {{ background: rgb(var(--{colour}) / {strength:.2}); }}\n")
    };
    (1..=SHADES).map(|k| shade("p", "plus", k) + &shade("n", "minus", k)).collect()
}

fn class(unit: Unit, number: f64) -> String {
    match unit.shade(number) {
        0 => "z".to_owned(),
        shade if shade > 0 => format!("p{shade}"),
        shade => format!("n{}", -shade),
    }
}

fn dropped(why: &Explanation) -> String {
    let note = |name: &str, dropped: usize| match dropped {
        0 => String::new(),
        n => format!(
            "<p class=\"note\">Of text {name}, the last {n} tokens were not read: the model stops \
             before them.</p>"
        ),
    };
    note("A", why.counts[0].dropped) + &note("B", why.counts[1].dropped)
}

/// The text as its tokens, each with the part that it adds.
fn tokens(tokens: &[String], sums: &Array1<f64>) -> String {
    let unit = Unit::of(sums.iter().copied());
    let chip = |(name, &sum): (&String, &f64)| {
        let number = signed(&unit.decimal(sum));
        format!("<li class=\"{}\">{}<small>{number}</small></li>", class(unit, sum), token(name))
    };
    tokens.iter().zip(sums).map(chip).collect()
}

/// Rows of the table: tokens of B along the top, of A down the side, sums at the ends.
fn table(why: &Explanation, unit: Unit) -> String {
    let (of_a, of_b) = (why.of_a(), why.of_b());
    let mut table = String::from(
        "<thead><tr><th scope=\"col\" class=\"corner\"><span>A ↓ &nbsp; B →</span></th>",
    );
    for name in &why.b {
        let _ = write!(table, "<th scope=\"col\"><span>{}</span></th>", token(name));
    }
    table.push_str("<th scope=\"col\" class=\"sum\"><span>sum</span></th></tr></thead>\n<tbody>\n");
    for (i, name) in why.a.iter().enumerate() {
        let _ = write!(table, "<tr><th scope=\"row\">{}</th>", token(name));
        for &pair in why.pairs.row(i) {
            let _ = write!(
                table,
                "<td class=\"{}\">{}</td>",
                class(unit, pair),
                signed(&unit.show(pair))
            );
        }
        let _ = writeln!(table, "<td class=\"sum\">{}</td></tr>", signed(&unit.show(of_a[i])));
    }
    table.push_str("</tbody>\n<tfoot><tr><th scope=\"row\">sum</th>");
    for &sum in &of_b {
        let _ = write!(table, "<td class=\"sum\">{}</td>", signed(&unit.show(sum)));
    }
    let _ = write!(
        table,
        "<td class=\"sum all\">{}</td></tr></tfoot>",
        signed(&unit.show(why.cosine()))
    );
    table
}

/// The pairs that stand out, as lists with bars.
fn strongest(why: &Explanation, unit: Unit) -> String {
    let [most, least] = grid::extremes(why, unit);
    let largest = why.pairs.iter().fold(f64::MIN_POSITIVE, |most, pair| most.max(pair.abs()));
    let list = |title: &str, sign: &str, pairs: &[Place]| {
        let item = |&(i, j): &Place| {
            let pair = why.pairs[[i, j]];
            let width = 100.0 * pair.abs() / largest;
            let (a, b) = (token(&why.a[i]), token(&why.b[j]));
            let number = signed(&unit.show(pair));
            format!(
                "<li><span>{a} · {b}</span><span class=\"bar {sign}\" style=\"--w:{width:.1}%\">\
                 </span><b>{number}</b></li>\n"
            )
        };
        let items: String = pairs.iter().map(item).collect();
        let items = if items.is_empty() { "<li>none</li>".to_owned() } else { items };
        format!("<div><h3>{title}</h3><ol>{items}</ol></div>\n")
    };
    list("More alike by", "plus", &most) + &list("Less alike by", "minus", &least)
}

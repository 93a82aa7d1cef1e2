//! The trace as a page for the browser.
//!
//! All words and numbers are in the markup. The script, which is in the page, draws the maps of
//! attention and answers which token looks at which: it is given the shares as bytes `255·√share`,
//! in base64, `[layers, heads, T, T]`.

use super::{
    attention::Head,
    measure::{Cost, Measures, range},
    svg,
};
use crate::html::{self, escape, fill, signed, token};
use base64::{Engine, prelude::BASE64_STANDARD};
use minilm::{Trace, model::Operation};
use std::fmt::Write;

const TEMPLATE: &str = include_str!("page.html");

/// The values of the names in the template.
type Values = Vec<(&'static str, String)>;

pub(super) fn page(text: &str, trace: &Trace, measures: &Measures) -> String {
    let mut values = vec![
        ("style", html::STYLE.to_owned()),
        ("title", escape(&text.chars().take(60).collect::<String>())),
        ("text", escape(text)),
        ("dropped", dropped(trace)),
        ("tokens", tokens(trace)),
        ("tensors", tensors(trace)),
        ("tensor-count", trace.tensors.len().to_string()),
    ];
    values.extend(sizes(trace));
    values.extend(attention(trace));
    values.extend(times(trace, measures));
    values.extend([
        ("stream-chart", svg::stream(trace, &measures.stream)),
        ("stream-table", stream(measures)),
        ("vector", svg::vector(&trace.tensors[trace.tensors.len() - 1].values)),
    ]);
    fill(TEMPLATE, &values)
}

fn sizes(trace: &Trace) -> Values {
    let hidden = trace.tensors[0].values.shape()[1];
    let sizes = [
        ("t", trace.tokens.len()),
        ("h", hidden),
        ("d", hidden / trace.heads),
        ("f", inner_width(trace)),
        ("layers", trace.layers),
        ("heads", trace.heads),
        ("all-heads", trace.layers * trace.heads),
        ("dimension", trace.tensors[trace.tensors.len() - 1].values.len()),
    ];
    sizes.map(|(name, size)| (name, size.to_string())).into()
}

/// The pictures of attention; the head and the token that they begin with have the strongest link.
fn attention(trace: &Trace) -> Values {
    let heads = Head::all(trace);
    let link = |head: &Head| head.link(&trace.tokens);
    let start =
        heads.iter().max_by(|a, b| link(a).1.total_cmp(&link(b).1)).expect("a model has heads");
    vec![
        ("start-layer", start.layer.to_string()),
        ("start-head", start.head.to_string()),
        ("start-token", link(start).0.to_string()),
        ("commonest", commonest(&heads)),
        ("choices-layer", choices(trace.layers, start.layer)),
        ("choices-head", choices(trace.heads, start.head)),
        ("looks", looks(trace)),
        ("maps", maps(trace, &heads)),
        ("shares", BASE64_STANDARD.encode(shares(&heads))),
    ]
}

fn times(trace: &Trace, measures: &Measures) -> Values {
    let of = |operations: &[Operation]| {
        let costs = measures.operations.iter().filter(|cost| operations.contains(&cost.operation));
        match costs.map(|cost| measures.percent(cost.time)).sum::<f64>() {
            percent if percent < 0.5 => "under 1\u{a0}% of the time".to_owned(),
            percent => format!("{percent:.0}\u{a0}% of the time"),
        }
    };
    vec![
        ("level", measures.level.name().to_owned()),
        ("ms", format!("{:.2}", measures.total.as_secs_f64() * 1e3)),
        ("mflop", format!("{:.0}", measures.flop() as f64 * 1e-6)),
        ("gflops", format!("{:.0}", measures.flops_per_second() * 1e-9)),
        ("peak", format!("{:.0}", measures.peak * 1e-9)),
        ("passes", trace.passes.to_string()),
        ("time-embeddings", of(&[Operation::Embeddings])),
        ("time-qkv", of(&[Operation::QueryKeyValue])),
        ("time-attention", of(&[Operation::Attention])),
        ("time-output", of(&[Operation::AttentionOutput, Operation::AttentionNorm])),
        ("time-up", of(&[Operation::Intermediate])),
        ("time-down", of(&[Operation::Output, Operation::OutputNorm])),
        ("bar", bar(measures)),
        ("kernels", kernels(measures)),
        ("by-layer", by_layer(measures)),
    ]
}

fn inner_width(trace: &Trace) -> usize {
    let inner = trace.tensors.iter().find(|tensor| tensor.name.ends_with("intermediate"));
    inner.map_or(0, |tensor| tensor.values.shape()[1])
}

fn dropped(trace: &Trace) -> String {
    match trace.dropped {
        0 => String::new(),
        n => format!(
            "<p class=\"note\">The last {n} tokens were not read: the model stops before them.</p>"
        ),
    }
}

fn tokens(trace: &Trace) -> String {
    let chip = |(name, id): (&String, &u32)| format!("<li>{}<small>{id}</small></li>", token(name));
    trace.tokens.iter().zip(&trace.ids).map(chip).collect()
}

fn choices(count: usize, chosen: usize) -> String {
    let choice =
        |i: usize| format!("<option{}>{i}</option>", if i == chosen { " selected" } else { "" });
    (0..count).map(choice).collect()
}

/// The sentence as buttons: the script writes the shares into them.
fn looks(trace: &Trace) -> String {
    let button = |name: &String| {
        format!("<li><button type=\"button\">{}<small>&nbsp;</small></button></li>", token(name))
    };
    trace.tokens.iter().map(button).collect()
}

/// The target of most heads' attention.
fn commonest(heads: &[Head]) -> String {
    let count = |name: &str| heads.iter().filter(|head| head.target == name).count();
    let Some(name) = heads.iter().map(|head| head.target.as_str()).max_by_key(|name| count(name))
    else {
        return String::new();
    };
    let count = count(name);
    match name {
        "" => format!("{count} heads spread it over the text."),
        name if name.starts_with('[') => {
            let name = escape(name);
            format!(
                "In {count} heads that is <code>{name}\
                 </code>: often a place to look at when there is nothing to find."
            )
        }
        name => format!("In {count} heads that is {}.", escape(name)),
    }
}

fn maps(trace: &Trace, heads: &[Head]) -> String {
    let mut markup = String::new();
    for layer in heads.chunks(trace.heads) {
        let n = layer[0].layer;
        let _ = writeln!(markup, "<h3>Layer {n}</h3>\n<ul class=\"maps\">");
        for Head { layer, head, habit, .. } in layer {
            let habit = escape(habit);
            let place = format!("data-layer=\"{layer}\" data-head=\"{head}\"");
            let canvas = format!(
                "<canvas role=\"img\" aria-label=\"layer {layer}, head {head}: {habit}\"></canvas>"
            );
            let _ = writeln!(
                markup,
                "<li><button type=\"button\" class=\"map\" aria-pressed=\"false\" {place}>{canvas}\
                 <span>head {head}</span><small>{habit}</small></button></li>"
            );
        }
        markup.push_str("</ul>\n");
    }
    markup
}

/// Small shares are what there is most of, and a root leaves them more of the 256 steps.
fn shares(heads: &[Head]) -> Vec<u8> {
    heads
        .iter()
        .flat_map(|head| head.shares.iter())
        .map(|share| (255.0 * share.sqrt()).round() as u8)
        .collect()
}

fn stream(measures: &Measures) -> String {
    let mut rows = String::new();
    for size in &measures.stream {
        let change =
            size.change.map_or("–".to_owned(), |change| format!("{:.0} %", 100.0 * change));
        let alike = size.alike.map_or("–".to_owned(), |alike| signed(&format!("{alike:.2}")));
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{:.2}</td><td>{:.2}</td><td>{:.2}</td>\
             <td>{change}</td><td>{alike}</td></tr>",
            escape(&size.name),
            size.mean(),
            size.least(),
            size.most(),
        );
    }
    rows
}

/// All kernels as one bar; each part names itself.
fn bar(measures: &Measures) -> String {
    let part = |(i, cost): (usize, &Cost)| {
        let percent = measures.percent(cost.time);
        let name = if percent < 2.0 { String::new() } else { i.to_string() };
        format!(
            "<span class=\"k{i}\" style=\"--w:{percent:.2}%\" title=\"{}, {percent:.0} %\">{name}\
             </span>",
            cost.operation
        )
    };
    measures.operations.iter().enumerate().map(part).collect()
}

fn kernels(measures: &Measures) -> String {
    let row = |(i, cost): (usize, &Cost)| {
        let speed = cost.flops_per_second();
        format!(
            "<tr><th scope=\"row\"><span class=\"key k{i}\">{i}</span> {}</th><td>{:.3}</td>\
             <td>{:.1} %</td><td>{:.2}</td><td>{:.1}</td><td>{:.0} %</td></tr>\n",
            cost.operation,
            cost.time.as_secs_f64() * 1e3,
            measures.percent(cost.time),
            cost.flop as f64 * 1e-6,
            speed * 1e-9,
            100.0 * speed / measures.peak,
        )
    };
    let rows: String = measures.operations.iter().enumerate().map(row).collect();
    let all = format!(
        "<tr class=\"all\"><th scope=\"row\">all</th><td>{:.3}</td><td>100 %</td><td>{:.2}</td>\
         <td>{:.1}</td><td>{:.0} %</td></tr>\n",
        measures.total.as_secs_f64() * 1e3,
        measures.flop() as f64 * 1e-6,
        measures.flops_per_second() * 1e-9,
        100.0 * measures.flops_per_second() / measures.peak,
    );
    rows + &all
}

/// Microseconds of each operation in each layer.
fn by_layer(measures: &Measures) -> String {
    let inside: Vec<&Cost> =
        measures.operations.iter().filter(|cost| cost.operation != Operation::Embeddings).collect();
    let layers = inside.iter().map(|cost| cost.layers.len()).max().unwrap_or(0);
    let heads: String = (0..layers).map(|n| format!("<th scope=\"col\">layer {n}</th>")).collect();
    let mut table = format!("<thead><tr><th scope=\"col\">µs</th>{heads}</tr></thead><tbody>\n");
    for cost in inside {
        let cells: String = cost
            .layers
            .iter()
            .map(|time| format!("<td>{:.1}</td>", time.as_secs_f64() * 1e6))
            .collect();
        let _ = writeln!(table, "<tr><th scope=\"row\">{}</th>{cells}</tr>", cost.operation);
    }
    table + "</tbody>"
}

fn tensors(trace: &Trace) -> String {
    let mut rows = String::new();
    for tensor in &trace.tensors {
        let (least, most, rms) = range(tensor.values.iter());
        let shape: Vec<String> = tensor.values.shape().iter().map(usize::to_string).collect();
        let first: Vec<String> =
            tensor.values.iter().take(4).map(|x| signed(&format!("{x:>9.4}"))).collect();
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td><td>{}</td>\
             <td>{rms:.3}</td><td class=\"mono\">{} …</td></tr>",
            escape(&tensor.name),
            shape.join("&nbsp;×&nbsp;"),
            signed(&format!("{least:.3}")),
            signed(&format!("{most:.3}")),
            first.concat(),
        );
    }
    rows
}

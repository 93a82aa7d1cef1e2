//! The portrait for people: a sentence, then a table.

use super::{Portrait, clock::Ceilings, kernels::Kernel, latency::Latency, start::Start};
use crate::table::Table;

pub(super) fn all(portrait: &Portrait) -> String {
    let parts = [
        head(portrait),
        ceilings(&portrait.ceilings),
        gemm(portrait),
        forward(portrait),
        kernels(&portrait.kernels),
        start(portrait),
        latency(portrait),
        throughput(portrait),
    ];
    parts.join("\n")
}

fn head(portrait: &Portrait) -> String {
    let (model, machine) = (&portrait.model, &portrait.machine);
    let mut table = Table::new(["machine", &machine.cpu]).left(2);
    table.row(["CPUs", &format!("{} may be used", machine.cpus)]);
    table.row(["level", portrait.level]);
    table.row(["precision", portrait.precision]);
    table.row(["model", &model.name]);
    let shape = (model.layers, model.hidden, model.heads, model.intermediate);
    table.row([
        "",
        &format!("{} layers of {}, {} heads, feed-forward {}", shape.0, shape.1, shape.2, shape.3),
    ]);
    let per_token = model.linear_flop / 1e6;
    table.row([
        "",
        &format!(
            "{per_token:.2} MFLOP per token, and {:.4} for each token of its sentence",
            model.attention_flop / 1e6
        ),
    ]);
    table.text()
}

fn ceilings(ceilings: &Ceilings) -> String {
    let mut table = Table::new(["ceiling", "a second", ""]).left(1);
    if let Some(integers) = ceilings.integer_operations_per_second {
        table.row(["integer products on registers", &format!("{:.1}", integers / 1e9), "GOP"]);
    }
    table.row([
        "multiply-adds on registers",
        &format!("{:.1}", ceilings.flops_per_second / 1e9),
        "GFLOP",
    ]);
    table.row([
        "vector operations on registers",
        &format!("{:.2}", ceilings.operations_per_second / 1e9),
        "billion",
    ]);
    table.row([
        "divisions on registers",
        &format!("{:.1}", ceilings.divisions_per_second / 1e9),
        "billion",
    ]);
    for read in &ceilings.read {
        let size = if read.bytes < 1 << 20 {
            (read.bytes >> 10, "KiB")
        } else {
            (read.bytes >> 20, "MiB")
        };
        let name = format!("reading {} {} again and again", size.0, size.1);
        table.row([&name, &format!("{:.1}", read.bytes_per_second / 1e9), "GB"]);
    }
    "The ceilings of one core. Percentages below are of the first line.\n\n".to_owned()
        + &table.text()
}

fn gemm(portrait: &Portrait) -> String {
    let products = &portrait.gemm;
    let rows: Vec<usize> = unique(products.iter().map(|product| product.rows));
    let shapes: Vec<(usize, usize)> =
        unique(products.iter().map(|product| (product.inputs, product.outputs)));
    let head = shapes.iter().map(|(inputs, outputs)| format!("{inputs}→{outputs}"));
    let mut table = Table::new(["rows".to_owned()].into_iter().chain(head));
    for rows in rows {
        let of_shape = |&(inputs, outputs): &(usize, usize)| {
            let product =
                products.iter().find(|p| (p.rows, p.inputs, p.outputs) == (rows, inputs, outputs));
            product.map_or_else(String::new, |product| format!("{:.1} %", product.speed.percent))
        };
        table.row([rows.to_string()].into_iter().chain(shapes.iter().map(of_shape)));
    }
    "Each matrix product of the model alone, one thread. Rows are tokens that are computed \
     together.\n\n"
        .to_owned()
        + &table.text()
}

fn forward(portrait: &Portrait) -> String {
    let mut table = Table::new(["sentences × tokens", "ms", "GFLOP/s", "of the ceiling"]);
    for forward in &portrait.forward {
        let speed = &forward.speed;
        table.row([
            format!("{} × {}", forward.sentences, forward.tokens),
            format!("{:.2}", speed.best_seconds * 1e3),
            format!("{:.1}", speed.flops_per_second / 1e9),
            format!("{:.1} %", speed.percent),
        ]);
    }
    "The whole model, one thread: token ids in, hidden states out. First single sentences, then \
     batches of several.\n\n"
        .to_owned()
        + &table.text()
}

fn kernels(kernels: &[Kernel]) -> String {
    if kernels.is_empty() {
        return "The other kernels have no ceiling on this level.\n".to_owned();
    }
    let mut table =
        Table::new(["kernel", "on", "ns", "slots", "least slots", "of the ceiling"]).left(2);
    for kernel in kernels {
        table.row([
            kernel.name.to_owned(),
            kernel.case.clone(),
            format!("{:.2}", kernel.nanoseconds),
            format!("{:.1}", kernel.slots),
            format!("{:.1}", kernel.least_slots),
            format!("{:.0} %", kernel.percent),
        ]);
    }
    "The other kernels, one thread, for sixteen values (attention: scores). A slot is the time of \
     one multiply-add of sixteen lanes.\n\
     The least is what the operations in the source need, by the ceilings above: one \
     multiplication a slot, and so many operations in all.\n\n"
        .to_owned()
        + &table.text()
}

fn start(portrait: &Portrait) -> String {
    let mut table = Table::new(["threads", "weights", "encoder", "first text"]);
    for Start { threads, weights, encoder, text } in &portrait.start {
        let times = [weights, encoder, text].map(|seconds| format!("{:.1}", seconds * 1e3));
        table.row([threads.to_string()].into_iter().chain(times));
    }
    "Starting with the files in memory, in milliseconds: the weights alone, the encoder with its \
     tokenizer, then one text of 8 tokens.\n\n"
        .to_owned()
        + &table.text()
}

fn latency(portrait: &Portrait) -> String {
    let mut table = Table::new(["tokens", "threads", "calls", "p50", "p90", "p99", "max"]);
    for latency in &portrait.latency {
        let Latency { tokens, threads, calls, p50, p90, p99, max } = latency;
        let times = [p50, p90, p99, max].map(|seconds| format!("{:.2}", seconds * 1e3));
        table.row([tokens, threads, calls].map(usize::to_string).into_iter().chain(times));
    }
    "One text from characters to embedding, in milliseconds: half, 90 % and 99 % of the calls take \
     no longer.\n\n"
        .to_owned()
        + &table.text()
}

fn throughput(portrait: &Portrait) -> String {
    let mut table =
        Table::new(["threads", "tokens per second", "texts per second", "of the ceiling"]);
    for all in &portrait.throughput {
        table.row([
            all.threads.to_string(),
            format!("{:.0}", all.tokens_per_second),
            format!("{:.1}", all.texts as f64 / all.speed.best_seconds),
            format!("{:.1} %", all.speed.percent),
        ]);
    }
    let (texts, tokens) = portrait.throughput.first().map_or((0, 0), |all| (all.texts, all.tokens));
    format!(
        "A batch of {texts} texts of mixed lengths with {tokens} tokens, from characters to \
         embeddings.\n\n"
    ) + &table.text()
}

/// The different values, in the order in which they come.
fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_values_keep_their_order() {
        assert_eq!(unique([3, 1, 3, 2, 1].into_iter()), [3, 1, 2]);
    }
}

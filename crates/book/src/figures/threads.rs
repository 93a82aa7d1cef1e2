//! Two ways to use two threads: a batch each, or one batch together.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, GREY, INK, ORANGE, Source};

pub fn draw(source: &Source) -> Result<String, String> {
    let mut d = Diagram::new(
        (800, 410),
        "Above, each thread takes batches through all layers by itself; below, two threads share \
         each product, with an all-gather after it",
    );
    many_texts(&mut d, source.config.num_hidden_layers);
    one_text(&mut d);
    Ok(d.finish())
}

/// A batch for each thread.
fn many_texts(d: &mut Diagram, layers: usize) {
    d.text(
        (20.0, 32.0),
        Anchor::Start,
        16,
        "many texts: a thread takes a whole batch through all layers, then the next",
    );
    let batches = [
        vec![("batch 0", 240.0), ("batch 2", 200.0), ("batch 4", 150.0)],
        vec![("batch 1", 230.0), ("batch 3", 190.0), ("batch 5", 160.0)],
    ];
    for (thread, batches) in batches.iter().enumerate() {
        let y = 50.0 + 46.0 * thread as f64;
        d.text((90.0, y + 24.0), Anchor::End, 14, &format!("thread {thread}"));
        let mut x = 100.0;
        for (name, width) in batches {
            d.rect((x, y), (*width, 36.0), if thread == 0 { BLUE } else { GREEN });
            for layer in 1..layers {
                let at = x + width * layer as f64 / layers as f64;
                d.line(&[(at, y), (at, y + 36.0)], FAINT, 0.6);
            }
            d.coloured((x + width / 2.0, y + 23.0), Anchor::Middle, 14, "#FFFFFF", name);
            x += width;
        }
    }
    d.text(
        (100.0, 160.0),
        Anchor::Start,
        13,
        "the threads share the weights alone, which are only read, and meet when the batches run \
         out",
    );
}

/// A batch for both, with a legend.
fn one_text(d: &mut Diagram) {
    d.text(
        (20.0, 210.0),
        Anchor::Start,
        16,
        "one text: both threads take it through a layer together",
    );
    for thread in 0..2 {
        let y = 230.0 + 46.0 * f64::from(thread);
        let own = if thread == 0 { BLUE } else { GREEN };
        d.text((90.0, y + 24.0), Anchor::End, 14, &format!("thread {thread}"));
        let mut x = 100.0;
        let mut part = |width: f64, colour: &str, name: &str| {
            d.rect((x, y), (width, 36.0), colour);
            d.coloured((x + width / 2.0, y + 23.0), Anchor::Middle, 12, "#FFFFFF", name);
            x += width;
        };
        part(130.0, own, "q k v, attention");
        part(16.0, ORANGE, "");
        part(60.0, own, "output");
        part(16.0, ORANGE, "");
        part(16.0, GREY, "");
        for _ in 0..4 {
            part(40.0, own, "up");
            part(16.0, ORANGE, "");
            part(44.0, own, "down");
        }
        part(16.0, ORANGE, "");
        part(16.0, GREY, "");
    }
    d.text(
        (100.0, 336.0),
        Anchor::Start,
        13,
        "each thread takes half of the heads, then half of the columns of every product",
    );
    for (i, (colour, what)) in [
        (ORANGE, "all-gather: publish the own columns, wait, copy those of the others"),
        (GREY, "LayerNorm, which each thread computes for itself"),
    ]
    .into_iter()
    .enumerate()
    {
        let y = 352.0 + 22.0 * i as f64;
        d.rect((100.0, y), (14.0, 14.0), colour);
        d.coloured((122.0, y + 12.0), Anchor::Start, 13, INK, what);
    }
}

//! Weights as they are stored and as they are packed.

use super::{Anchor, BLUE, Diagram, GREEN, ORANGE, Source};

/// A small matrix: N rows, K columns, panels of NR.
const N: usize = 6;
const K: usize = 4;
const NR: usize = 2;
const CELL: f64 = 44.0;
const COLOURS: [&str; 3] = [BLUE, ORANGE, GREEN];

pub fn draw(_: &Source) -> Result<String, String> {
    let mut d = Diagram::new(
        (800, 480),
        "A weight matrix row by row as stored, and panel by panel as packed, with the order in \
         memory",
    );
    d.text((40.0, 36.0), Anchor::Start, 16, "W [N, K] as stored: a row is an output");
    d.text((460.0, 36.0), Anchor::Start, 16, "packed: a panel is NR outputs, k after k");
    for n in 0..N {
        for k in 0..K {
            let stored = (40.0 + CELL * k as f64, 56.0 + CELL * n as f64);
            cell(&mut d, stored, n, &format!("w{n}{k}"));
            // Panels side by side: columns of y to the right, k downwards.
            let (panel, lane) = (n / NR, n % NR);
            let packed = (
                460.0 + (CELL * NR as f64 + 20.0) * panel as f64 + CELL * lane as f64,
                56.0 + CELL * k as f64,
            );
            cell(&mut d, packed, n, &format!("w{n}{k}"));
        }
    }
    for panel in 0..N / NR {
        let x = 460.0 + (CELL * NR as f64 + 20.0) * panel as f64;
        d.text(
            (x + CELL, 56.0 + CELL * K as f64 + 20.0),
            Anchor::Middle,
            14,
            &format!("panel {panel}"),
        );
    }
    d.text((460.0, 282.0), Anchor::Start, 13, "for each k, a row of one panel is read");
    tape(&mut d, 368.0, "in memory, as stored", |at| (at / K, at % K));
    tape(&mut d, 432.0, "in memory, packed", |at| {
        let (panel, within) = (at / (K * NR), at % (K * NR));
        (panel * NR + within % NR, within / NR)
    });
    Ok(d.finish())
}

fn cell(d: &mut Diagram, at: (f64, f64), n: usize, name: &str) {
    d.rect(at, (CELL, CELL), COLOURS[n / NR]);
    d.coloured((at.0 + CELL / 2.0, at.1 + CELL / 2.0 + 5.0), Anchor::Middle, 14, "#FFFFFF", name);
}

/// All values in the order of their addresses.
fn tape(d: &mut Diagram, y: f64, name: &str, at: impl Fn(usize) -> (usize, usize)) {
    d.text((40.0, y - 8.0), Anchor::Start, 14, name);
    for i in 0..N * K {
        let (n, k) = at(i);
        let x = 40.0 + 30.0 * i as f64;
        d.rect((x, y), (30.0, 26.0), COLOURS[n / NR]);
        d.coloured((x + 15.0, y + 18.0), Anchor::Middle, 11, "#FFFFFF", &format!("{n}{k}"));
    }
}

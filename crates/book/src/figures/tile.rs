//! The shipped GEMM: a tile moves through x, W and y.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, ORANGE, Source};

/// Tiles of rows, chains of k and panels of columns that are drawn, and the size of each.
const ROWS: usize = 4;
const CHAINS: usize = 3;
const PANELS: usize = 3;
const MR: f64 = 40.0;
const KC: f64 = 80.0;
const NR: f64 = 100.0;
const M: f64 = MR * ROWS as f64;
const K: f64 = KC * CHAINS as f64;
const N: f64 = NR * PANELS as f64;
/// The place of each matrix: W above y, x on its left.
const Y: (f64, f64) = (350.0, 320.0);
const X: (f64, f64) = (Y.0 - GAP - K, Y.1);
const W: (f64, f64) = (Y.0, Y.1 - GAP - K);
const GAP: f64 = 14.0;

pub fn draw(_: &Source) -> Result<String, String> {
    let about = "Three matrices; a tile of y, the rows of x and the panel of W that it needs move: \
        rows first, then chains, then panels";
    let mut d = Diagram::new((760, 520), about);
    for (at, size) in [(X, (K, M)), (W, (N, K)), (Y, (N, M))] {
        d.rect(at, size, "#FFFFFF");
    }
    parts(&mut d);
    grid(&mut d);
    words(&mut d);
    Ok(d.finish())
}

/// The current tile, moment by moment.
fn parts(d: &mut Diagram) {
    let mut moments = Vec::new();
    for panel in 0..PANELS {
        for chain in 0..CHAINS {
            for row in 0..ROWS {
                moments.push((row as f64 * MR, chain as f64 * KC, panel as f64 * NR));
            }
        }
    }
    let places = |place: fn((f64, f64, f64)) -> (f64, f64)| {
        moments.iter().map(|m| place(*m)).collect::<Vec<_>>()
    };
    let seconds = moments.len() as f64 * 0.4;
    d.moving(&places(|(_, _, p)| (W.0 + p, W.1)), (NR, K), FAINT, seconds);
    d.moving(&places(|(_, c, p)| (W.0 + p, W.1 + c)), (NR, KC), ORANGE, seconds);
    d.moving(&places(|(r, c, _)| (X.0 + c, X.1 + r)), (KC, MR), BLUE, seconds);
    d.moving(&places(|(_, _, p)| (Y.0 + p, Y.1)), (NR, M), FAINT, seconds);
    d.moving(&places(|(r, _, p)| (Y.0 + p, Y.1 + r)), (NR, MR), GREEN, seconds);
}

/// Lines between the tiles, the chains and the panels.
fn grid(d: &mut Diagram) {
    for i in 1..ROWS {
        let at = Y.1 + MR * i as f64;
        d.line(&[(X.0, at), (X.0 + K, at)], FAINT, 0.8);
        d.line(&[(Y.0, at), (Y.0 + N, at)], FAINT, 0.8);
    }
    for i in 1..CHAINS {
        let at = KC * i as f64;
        d.line(&[(X.0 + at, X.1), (X.0 + at, X.1 + M)], FAINT, 0.8);
        d.line(&[(W.0, W.1 + at), (W.0 + N, W.1 + at)], FAINT, 0.8);
    }
    for i in 1..PANELS {
        let at = Y.0 + NR * i as f64;
        d.line(&[(at, W.1), (at, W.1 + K)], FAINT, 0.8);
        d.line(&[(at, Y.1), (at, Y.1 + M)], FAINT, 0.8);
    }
}

fn words(d: &mut Diagram) {
    d.text((X.0 + K / 2.0, X.1 + M + 22.0), Anchor::Middle, 15, "x [M, K]");
    d.text((Y.0 + N / 2.0, Y.1 + M + 22.0), Anchor::Middle, 15, "y [M, N]");
    d.text((W.0 + N + 10.0, W.1 + K / 2.0), Anchor::Start, 15, "Wᵀ [K, N]");
    d.coloured((30.0, 60.0), Anchor::Start, 14, GREEN, "tile: MR × NR sums in registers");
    d.coloured((30.0, 84.0), Anchor::Start, 14, BLUE, "MR rows of x, KC long");
    d.coloured((30.0, 108.0), Anchor::Start, 14, ORANGE, "KC × NR weights, in L1");
    d.text((30.0, 132.0), Anchor::Start, 14, "grey: the panel that is worked on");
    d.text((30.0, 164.0), Anchor::Start, 14, "rows move first, then the chain,");
    d.text((30.0, 184.0), Anchor::Start, 14, "then the panel");
    d.text((X.0 - 8.0, X.1 + 25.0), Anchor::End, 14, "MR");
    d.text((X.0 + KC / 2.0, X.1 - 6.0), Anchor::Middle, 14, "KC");
    d.text((W.0 + NR / 2.0, W.1 - 8.0), Anchor::Middle, 14, "NR");
}

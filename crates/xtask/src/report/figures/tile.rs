//! The shipped GEMM: a tile moves through x, W and y.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, ORANGE, Source};

/// Tiles of rows, chains of k and panels of columns that are drawn, and how large each is.
const ROWS: usize = 4;
const CHAINS: usize = 3;
const PANELS: usize = 3;
const MR: f64 = 40.0;
const KC: f64 = 80.0;
const NR: f64 = 100.0;
/// The corner in which the three matrices meet.
const CORNER: (f64, f64) = (350.0, 320.0);

pub fn draw(_: &Source) -> Result<String, String> {
    let about =
        "Three matrices; a tile of y, the rows of x and the panel of W that it needs move: rows first, then chains, then panels";
    let mut d = Diagram::new((760, 560), about);
    let (x, y) = CORNER;
    let (m, k, n) = (MR * ROWS as f64, KC * CHAINS as f64, NR * PANELS as f64);
    let gap = 14.0;
    let (x_at, w_at, y_at) = ((x - gap - k, y), (x, y - gap - k), (x, y));
    for (at, size) in [(x_at, (k, m)), (w_at, (n, k)), (y_at, (n, m))] {
        d.rect(at, size, "#FFFFFF");
    }
    let mut moments = Vec::new();
    for panel in 0..PANELS {
        for chain in 0..CHAINS {
            for row in 0..ROWS {
                moments.push((row as f64 * MR, chain as f64 * KC, panel as f64 * NR));
            }
        }
    }
    let places = |place: &dyn Fn((f64, f64, f64)) -> (f64, f64)| moments.iter().map(|m| place(*m)).collect::<Vec<_>>();
    let seconds = moments.len() as f64 * 0.4;
    d.moving(&places(&|(_, _, p)| (w_at.0 + p, w_at.1)), (NR, k), FAINT, seconds);
    d.moving(&places(&|(_, c, p)| (w_at.0 + p, w_at.1 + c)), (NR, KC), ORANGE, seconds);
    d.moving(&places(&|(r, c, _)| (x_at.0 + c, x_at.1 + r)), (KC, MR), BLUE, seconds);
    d.moving(&places(&|(_, _, p)| (y_at.0 + p, y_at.1)), (NR, m), FAINT, seconds);
    d.moving(&places(&|(r, _, p)| (y_at.0 + p, y_at.1 + r)), (NR, MR), GREEN, seconds);
    for i in 1..ROWS {
        let at = y + MR * i as f64;
        d.line(&[(x_at.0, at), (x_at.0 + k, at)], FAINT, 0.8);
        d.line(&[(x, at), (x + n, at)], FAINT, 0.8);
    }
    for i in 1..CHAINS {
        let at = KC * i as f64;
        d.line(&[(x_at.0 + at, y), (x_at.0 + at, y + m)], FAINT, 0.8);
        d.line(&[(x, w_at.1 + at), (x + n, w_at.1 + at)], FAINT, 0.8);
    }
    for i in 1..PANELS {
        let at = x + NR * i as f64;
        d.line(&[(at, w_at.1), (at, w_at.1 + k)], FAINT, 0.8);
        d.line(&[(at, y), (at, y + m)], FAINT, 0.8);
    }
    d.text((x_at.0 + k / 2.0, y + m + 22.0), Anchor::Middle, 15, "x [M, K]");
    d.text((x + n / 2.0, y + m + 22.0), Anchor::Middle, 15, "y [M, N]");
    d.text((x + n + 10.0, w_at.1 + k / 2.0), Anchor::Start, 15, "Wᵀ [K, N]");
    d.coloured((30.0, 60.0), Anchor::Start, 14, GREEN, "tile: MR × NR sums in registers");
    d.coloured((30.0, 84.0), Anchor::Start, 14, BLUE, "MR rows of x, KC long");
    d.coloured((30.0, 108.0), Anchor::Start, 14, ORANGE, "KC × NR weights, in L1");
    d.text((30.0, 140.0), Anchor::Start, 14, "rows move first, then the chain,");
    d.text((30.0, 160.0), Anchor::Start, 14, "then the panel");
    d.text((x_at.0 - 8.0, y + 25.0), Anchor::End, 14, "MR");
    d.text((x_at.0 + KC / 2.0, y - 6.0), Anchor::Middle, 14, "KC");
    d.text((x + NR / 2.0, w_at.1 - 8.0), Anchor::Middle, 14, "NR");
    Ok(d.finish())
}

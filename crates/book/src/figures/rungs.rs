//! The upper rungs of the ladder of GEMM, a picture for each.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, GREY, INK, ORANGE, Source};

/// One step in k of a tile of 4 rows × 4 vectors.
pub fn simd_tile(_: &Source) -> Result<String, String> {
    const TILE: usize = 4;
    const VECTOR: (f64, f64) = (112.0, 26.0);
    let (left, top) = (200.0, 96.0);
    let about = "Four values of x, each multiplied with four vectors of a row of W transposed, \
        and added to sixteen vectors of sums";
    let mut d = Diagram::new((760, 300), about);
    d.text((left, 34.0), Anchor::Start, 15, "step k: row k of Wᵀ, four vectors of sixteen lanes");
    d.text((24.0, top - 12.0), Anchor::Start, 15, "x[i, k], broadcast");
    for j in 0..TILE {
        let x = left + (VECTOR.0 + 14.0) * j as f64;
        vector(&mut d, (x, 46.0), VECTOR, ORANGE);
        for i in 0..TILE {
            vector(&mut d, (x, top + 40.0 * i as f64), VECTOR, GREEN);
        }
    }
    for i in 0..TILE {
        let y = top + 40.0 * i as f64;
        d.rect((120.0, y), (26.0, VECTOR.1), BLUE);
        d.arrow(&[(150.0, y + VECTOR.1 / 2.0), (left - 6.0, y + VECTOR.1 / 2.0)], INK);
    }
    let told = "4 vectors loaded, 4 values broadcast, 16 multiply-adds: the sums stay in registers";
    d.text((120.0, 280.0), Anchor::Start, 14, told);
    Ok(d.finish())
}

/// A vector with its sixteen lanes.
fn vector(d: &mut Diagram, at: (f64, f64), size: (f64, f64), colour: &str) {
    d.rect(at, size, colour);
    for lane in 1..16 {
        let x = at.0 + size.0 * f64::from(lane) / 16.0;
        d.line(&[(x, at.1), (x, at.1 + size.1)], "#FFFFFF", 0.8);
    }
}

/// Where the steps of one tile lie in memory, before and after packing.
pub fn packed(_: &Source) -> Result<String, String> {
    const STEPS: usize = 5;
    let about = "The steps of a tile lie a whole row of W transposed apart; in a packed panel they \
        lie side by side";
    let mut d = Diagram::new((760, 290), about);
    d.text((24.0, 34.0), Anchor::Start, 15, "Wᵀ [K, N] as it was: each step is on another page");
    for k in 0..STEPS {
        let y = 50.0 + 28.0 * k as f64;
        d.rect((60.0, y), (660.0, 20.0), FAINT);
        d.rect((260.0, y), (80.0, 20.0), ORANGE);
        d.text((50.0, y + 15.0), Anchor::End, 13, &format!("k = {k}"));
    }
    d.arrow(&[(300.0, 54.0), (300.0, 178.0)], INK);
    d.text((24.0, 224.0), Anchor::Start, 15, "its panel, packed: each step follows the one before");
    for k in 0..STEPS {
        let x = 60.0 + 80.0 * k as f64;
        d.rect((x, 238.0), (80.0, 20.0), ORANGE);
        d.coloured((x + 40.0, 253.0), Anchor::Middle, 13, "#FFFFFF", &format!("k = {k}"));
    }
    d.arrow(&[(60.0, 272.0), (60.0 + 80.0 * STEPS as f64, 272.0)], INK);
    Ok(d.finish())
}

/// The blocks of x, W and y that are in use together.
pub fn blocked(_: &Source) -> Result<String, String> {
    let about = "A block of 64 rows and 128 columns of x, the part of a panel of W that it meets, \
        and the tiles of y";
    let mut d = Diagram::new((800, 330), about);
    let (x, w, y) = ((60.0, 170.0), (330.0, 20.0), (330.0, 170.0));
    d.rect(x, (250.0, 130.0), "#FFFFFF");
    d.rect(w, (240.0, 140.0), "#FFFFFF");
    d.rect(y, (240.0, 130.0), "#FFFFFF");
    d.rect((x.0 + 70.0, x.1 + 45.0), (70.0, 45.0), BLUE);
    d.rect((w.0 + 80.0, w.1 + 39.0), (40.0, 39.0), ORANGE);
    d.rect((y.0 + 80.0, y.1 + 45.0), (40.0, 45.0), GREEN);
    d.text((x.0 + 6.0, x.1 + 20.0), Anchor::Start, 15, "x [M, K]");
    d.text((w.0 + 6.0, w.1 + 20.0), Anchor::Start, 15, "Wᵀ [K, N]");
    d.text((y.0 + 6.0, y.1 + 20.0), Anchor::Start, 15, "y [M, N]");
    for (y, colour, words) in [
        (44.0, ORANGE, "128 k × 64 columns: 32 KiB,"),
        (64.0, ORANGE, "read by every tile of rows"),
        (196.0, BLUE, "64 rows × 128 k: 32 KiB,"),
        (216.0, BLUE, "read again for every panel"),
        (250.0, GREEN, "loaded and stored once"),
        (270.0, GREEN, "for every 128 k"),
    ] {
        d.coloured((586.0, y), Anchor::Start, 13, colour, words);
    }
    d.text((24.0, 322.0), Anchor::Start, 14, "the pieces of x and W stay in a cache near the core");
    Ok(d.finish())
}

/// A product on two cores, and on two threads of one core.
pub fn threads(_: &Source) -> Result<String, String> {
    let about = "Timelines: a woken thread on a second core works beside the caller; on the \
        caller's core it begins when the caller is done";
    let mut d = Diagram::new((760, 300), about);
    let lane = |d: &mut Diagram, y: f64, name: &str, parts: &[(f64, f64, &str, &str)]| {
        d.text((120.0, y + 19.0), Anchor::End, 14, name);
        for &(start, length, colour, words) in parts {
            d.rect((130.0 + start, y), (length, 28.0), colour);
            let middle = 130.0 + start + length / 2.0;
            d.coloured((middle, y + 19.0), Anchor::Middle, 12, "#FFFFFF", words);
        }
    };
    let (share, wake) = (230.0, 60.0);
    let own = (0.0, share, BLUE, "share 0");
    d.text((24.0, 34.0), Anchor::Start, 15, "the woken thread gets a core of its own");
    lane(&mut d, 48.0, "the caller", &[own, (share, wake, GREY, "waits")]);
    lane(&mut d, 82.0, "the other", &[(0.0, wake, GREY, "wakes"), (wake, share, GREEN, "share 1")]);
    d.text((24.0, 160.0), Anchor::Start, 15, "the woken thread is put on the caller's core");
    lane(&mut d, 174.0, "the caller", &[own, (share, share, GREY, "waits")]);
    let late = [(0.0, share, GREY, "is ready, and waits"), (share, share, GREEN, "share 1")];
    lane(&mut d, 208.0, "the other", &late);
    d.arrow(&[(130.0, 262.0), (700.0, 262.0)], INK);
    d.text((700.0, 284.0), Anchor::End, 14, "time");
    Ok(d.finish())
}

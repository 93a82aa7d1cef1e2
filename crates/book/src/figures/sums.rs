//! The order of additions: chains in a product, lanes and a tree in a reduction.

use super::{Anchor, BLUE, Diagram, GREEN, GREY, ORANGE, Source};

pub fn draw(_: &Source) -> Result<String, String> {
    let mut d = Diagram::new(
        (800, 484),
        "Two orders of addition: three chains of 128 added in order, and sixteen lanes added as a \
         tree",
    );
    chains(&mut d);
    tree(&mut d);
    Ok(d.finish())
}

/// An element of a product.
fn chains(d: &mut Diagram) {
    d.text(
        (20.0, 32.0),
        Anchor::Start,
        16,
        "an element of a product, K = 384: chains of KC = 128, in order, then the bias",
    );
    for chain in 0..3 {
        let x = 40.0 + 250.0 * f64::from(chain);
        d.rect((x, 50.0), (190.0, 30.0), BLUE);
        let (from, to) = (chain * 128, chain * 128 + 127);
        d.coloured(
            (x + 95.0, 70.0),
            Anchor::Middle,
            14,
            "#FFFFFF",
            &format!("k = {from} … {to}, from 0"),
        );
        d.arrow(&[(x + 95.0, 80.0), (x + 95.0, 106.0)], GREY);
        d.rect((x + 75.0, 106.0), (40.0, 30.0), GREEN);
        d.coloured(
            (x + 95.0, 126.0),
            Anchor::Middle,
            15,
            "#FFFFFF",
            if chain == 0 { "y" } else { "+" },
        );
        if chain < 2 {
            d.arrow(&[(x + 115.0, 121.0), (x + 325.0, 121.0)], GREY);
        }
    }
    d.arrow(&[(655.0, 121.0), (700.0, 121.0)], GREY);
    d.text((706.0, 126.0), Anchor::Start, 14, "+ bias");
}

/// A reduction of a row.
fn tree(d: &mut Diagram) {
    d.text(
        (20.0, 186.0),
        Anchor::Start,
        16,
        "a sum over a row: value i into lane i mod 16, then halves are added until one lane is \
         left",
    );
    let place = |lane: usize| 40.0 + 46.0 * lane as f64;
    for lane in 0..16 {
        d.rect((place(lane), 204.0), (40.0, 30.0), BLUE);
        d.coloured((place(lane) + 20.0, 224.0), Anchor::Middle, 13, "#FFFFFF", &lane.to_string());
    }
    for (level, half) in [8, 4, 2, 1].into_iter().enumerate() {
        let y = 204.0 + 58.0 * level as f64;
        for lane in 0..half {
            let to = (place(lane) + 20.0, y + 58.0);
            d.line(&[(place(lane + half) + 20.0, y + 30.0), to], ORANGE, 0.9);
            d.line(&[(place(lane) + 20.0, y + 30.0), to], GREY, 0.9);
            d.rect((place(lane), y + 58.0), (40.0, 30.0), GREEN);
            d.coloured(
                (place(lane) + 20.0, y + 78.0),
                Anchor::Middle,
                12,
                "#FFFFFF",
                &format!("+{half}"),
            );
        }
    }
    d.text((place(2), 456.0), Anchor::Start, 13, "+8: lane i and lane i + 8");
}

//! Sixteen lanes, and the registers that hold them on each level.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, ORANGE, Source};

const CELL: f64 = 34.0;
const LEFT: f64 = 180.0;

pub fn draw(_: &Source) -> Result<String, String> {
    let mut d = Diagram::new(
        (760, 430),
        "A fused multiply-add on sixteen lanes, and the registers that hold sixteen lanes on each \
         level",
    );
    d.text(
        (20.0, 34.0),
        Anchor::Start,
        16,
        "s.mul_add(a, b, c): sixteen multiplications and additions, one instruction a register",
    );
    let rows = [("a", BLUE), ("× b", BLUE), ("+ c", ORANGE), ("=", GREEN)];
    for (i, (name, colour)) in rows.into_iter().enumerate() {
        let y = 54.0 + (CELL + 6.0) * i as f64;
        d.text((LEFT - 14.0, y + 22.0), Anchor::End, 15, name);
        for lane in 0..16 {
            let x = LEFT + CELL * lane as f64;
            d.rect((x, y), (CELL, CELL), colour);
            let letter = ["a", "b", "c", "d"][i];
            d.coloured(
                (x + CELL / 2.0, y + 22.0),
                Anchor::Middle,
                12,
                "#FFFFFF",
                &format!("{letter}{lane}"),
            );
        }
    }
    d.text((20.0, 250.0), Anchor::Start, 16, "one F32x16 is");
    let levels = [
        ("Avx512", 1, "one zmm register of 512 bits"),
        ("Avx2", 2, "two ymm of 256"),
        ("Portable", 16, "[f32; 16]: the compiler puts it where it likes"),
    ];
    for (i, (name, registers, what)) in levels.into_iter().enumerate() {
        let y = 266.0 + 54.0 * i as f64;
        d.text((LEFT - 14.0, y + 22.0), Anchor::End, 15, name);
        for register in 0..registers {
            let width = CELL * 16.0 / f64::from(registers);
            d.rect((LEFT + width * f64::from(register) + 1.5, y), (width - 3.0, CELL), FAINT);
        }
        d.text((LEFT + 4.0, y + CELL + 14.0), Anchor::Start, 12, what);
    }
    Ok(d.finish())
}

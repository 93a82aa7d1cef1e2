//! The rounding errors of sums, and their bounds.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, INK, ORANGE, Source};
use minilm_kernels::{Level, Linear, naive};
use minilm_testing::Random;

const K: usize = 384;
/// x `[M, K]` and W `[N, K]`.
const M: usize = 64;
const N: usize = 192;
/// Columns of the histogram: log₂ of error / (u·Σ|x·w|), from 2⁻¹⁴ to 2⁹.
const FIRST: i32 = -14;
const BINS: usize = 46;

pub fn draw(_: &Source) -> Result<String, String> {
    let [one_chain, shipped] = histograms();
    let mut d = Diagram::new(
        (760, 400),
        "Histogram of rounding errors of 12 288 dot products, far below the bounds",
    );
    d.text(
        (20.0, 30.0),
        Anchor::Start,
        16,
        "12 288 dot products of 384 terms: rounding error, in units of u·Σ|x·w|",
    );
    let (left, bottom, width) = (60.0, 310.0, 660.0);
    let place = |bin: f64| left + width * bin / BINS as f64;
    for power in (FIRST..=8).step_by(2) {
        let x = place(bin_of(2f64.powi(power)));
        d.line(&[(x, 60.0), (x, bottom)], FAINT, 0.8);
        d.text((x, bottom + 18.0), Anchor::Middle, 13, &power_of_two(power));
    }
    let curves =
        [("one chain of 384", one_chain, ORANGE), ("chains of 128, as shipped", shipped, BLUE)];
    let highest = curves.iter().flat_map(|curve| curve.1).max().unwrap_or(1) as f64;
    for (i, (name, counts, colour)) in curves.iter().enumerate() {
        let at = |(bin, count): (usize, &usize)| {
            (place(bin as f64 + 0.5), bottom - 240.0 * *count as f64 / highest)
        };
        d.line(&counts.iter().enumerate().map(at).collect::<Vec<_>>(), colour, 2.0);
        let y = 352.0 + 20.0 * i as f64;
        d.line(&[(60.0, y), (84.0, y)], colour, 3.0);
        d.coloured((90.0, y + 5.0), Anchor::Start, 13, INK, name);
    }
    for (roundings, y, name) in
        [(130.0, 112.0, "bound, chains of 128"), (384.0, 76.0, "bound, one chain")]
    {
        let x = place(bin_of(roundings));
        d.line(&[(x, y - 18.0), (x, bottom)], GREEN, 2.0);
        d.coloured((x - 6.0, y), Anchor::End, 13, GREEN, name);
    }
    Ok(d.finish())
}

/// The number of products with each error, with one chain and with the shipped ones.
fn histograms() -> [[usize; BINS]; 2] {
    let mut random = Random(1);
    let (x, w) = (random.values(M * K), random.values(N * K));
    let zero = [0.0; N];
    let truth = naive::linear(&x, &w, &zero);
    let abs = |values: &[f32]| values.iter().map(|value| value.abs()).collect::<Vec<_>>();
    let magnitude = naive::linear(&abs(&x), &abs(&w), &zero);

    let mut shipped = vec![0.0; M * N];
    Linear::pack(Level::detect(), &w, zero.len()).forward(&x, &mut shipped);
    let one_chain = x.chunks_exact(K).flat_map(|x| {
        w.chunks_exact(K).map(|w| x.iter().zip(w).fold(0f32, |sum, (x, w)| x.mul_add(*w, sum)))
    });
    let one_chain: Vec<f32> = one_chain.collect();
    let u = 1.0 / f64::from(1u32 << 24);
    [one_chain, shipped].map(|y| {
        let mut counts = [0; BINS];
        for ((y, truth), magnitude) in y.iter().zip(&truth).zip(&magnitude) {
            let error = (f64::from(*y) - truth).abs() / (u * magnitude);
            counts[bin_of(error.max(1e-9)).floor().clamp(0.0, BINS as f64 - 1.0) as usize] += 1;
        }
        counts
    })
}

/// The place of an error in the histogram, in columns: two for each doubling.
fn bin_of(error: f64) -> f64 {
    (error.log2() - f64::from(FIRST)) * 2.0
}

/// 2⁻⁴
fn power_of_two(power: i32) -> String {
    let digits = ["⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"];
    let sign = if power < 0 { "⁻" } else { "" };
    let digits: String =
        power.abs().to_string().bytes().map(|digit| digits[usize::from(digit - b'0')]).collect();
    format!("2{sign}{digits}")
}

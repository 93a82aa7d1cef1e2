//! Error curves: the functions of one variable against `f64`, every point the worst of many inputs.

use super::{Anchor, BLUE, Diagram, FAINT, GREEN, GREY, INK, ORANGE, Source};
use minilm_kernels::{Level, naive};
use minilm_ladder::{exp, gelu, layer_norm};

type Function = fn(Level, &mut [f32]);

/// The rectangle in which curves are drawn.
const PLOT: ((f64, f64), (f64, f64)) = ((80.0, 50.0), (650.0, 300.0));
/// Points of a curve, and inputs of each.
const BINS: usize = 325;
const INPUTS: usize = 300;

/// Axes from x to x and y to y.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
}

impl Axes {
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let ((left, top), (width, height)) = PLOT;
        let part =
            |value: f64, (from, to): (f64, f64)| ((value - from) / (to - from)).clamp(0.0, 1.0);
        (left + width * part(x, self.x), top + height * (1.0 - part(y, self.y)))
    }

    fn draw(&self, d: &mut Diagram, xs: &[f64], ys: &[(f64, &str)], x_name: &str) {
        for &x in xs {
            let (at, bottom) = self.place(x, self.y.0);
            d.line(&[(at, PLOT.0.1), (at, bottom)], FAINT, 0.8);
            d.text((at, bottom + 18.0), Anchor::Middle, 13, &format!("{x}"));
        }
        for (y, label) in ys {
            let (left, at) = self.place(self.x.0, *y);
            d.line(&[(left, at), (left + PLOT.1.0, at)], FAINT, 0.8);
            d.text((left - 8.0, at + 5.0), Anchor::End, 13, label);
        }
        d.text((PLOT.0.0 + PLOT.1.0 / 2.0, PLOT.0.1 + PLOT.1.1 + 40.0), Anchor::Middle, 14, x_name);
    }

    /// The worst of each bin of x.
    fn curve(&self, function: Function, error: impl Fn(f32, f32) -> f64) -> Vec<(f64, f64)> {
        let bin = |i: usize| self.x.0 + (self.x.1 - self.x.0) * i as f64 / BINS as f64;
        let worst = |i: usize| {
            let (from, to) = (bin(i), bin(i + 1));
            let inputs: Vec<f32> = (0..INPUTS)
                .map(|j| (from + (to - from) * j as f64 / INPUTS as f64) as f32)
                .collect();
            let mut results = inputs.clone();
            function(Level::detect(), &mut results);
            let worst = inputs.iter().zip(&results).map(|(&x, &y)| error(x, y)).fold(0.0, f64::max);
            ((from + to) / 2.0, worst)
        };
        (0..BINS).map(worst).collect()
    }
}

/// The rungs of the ladder `exp`, in units of the last place.
pub fn exp(_: &Source) -> Result<String, String> {
    let axes = Axes { x: (-87.0, 88.0), y: (0.0, 6.0) };
    let mut d = Diagram::new(
        (760, 470),
        "Error of three exponentials in units of the last place, from −87 to 88",
    );
    d.text(
        (20.0, 30.0),
        Anchor::Start,
        16,
        "eˣ: error against f64 in units of the last place, the worst of 300 inputs a point",
    );
    let ys = [0, 1, 2, 3, 4, 5, 6].map(|y| (f64::from(y), y.to_string()));
    let ys: Vec<(f64, &str)> = ys.iter().map(|(y, label)| (*y, label.as_str())).collect();
    axes.draw(&mut d, &[-80.0, -60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0, 80.0], &ys, "x");
    let curves: [(&str, Function, &str); 3] = [
        ("reduced", exp::reduced::exp, ORANGE),
        ("cody_waite", exp::cody_waite::exp, GREY),
        ("shipped", exp::shipped::exp, BLUE),
    ];
    for (i, (name, function, colour)) in curves.into_iter().enumerate() {
        let curve = axes.curve(function, |x, y| ulps(y, libm::exp(x.into())));
        line(&mut d, &axes, &curve, colour);
        legend(&mut d, i, name, colour);
    }
    Ok(d.finish())
}

/// Two rungs of the ladder `gelu`, in absolute terms, on a logarithmic axis.
pub fn gelu(_: &Source) -> Result<String, String> {
    let axes = Axes { x: (-8.0, 8.0), y: (-13.0, -5.0) };
    let mut d = Diagram::new(
        (760, 470),
        "Absolute error of two approximations of GELU, from −8 to 8, and half a unit in the last \
         place",
    );
    d.text(
        (20.0, 30.0),
        Anchor::Start,
        16,
        "x·Φ(x): absolute error against f64, the worst of 300 inputs a point",
    );
    let ys: Vec<(f64, &str)> =
        [(-13.0, "10⁻¹³"), (-11.0, "10⁻¹¹"), (-9.0, "10⁻⁹"), (-7.0, "10⁻⁷"), (-5.0, "10⁻⁵")]
            .to_vec();
    axes.draw(&mut d, &[-8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0, 8.0], &ys, "x");
    let log = |curve: Vec<(f64, f64)>| {
        curve.into_iter().map(|(x, y)| (x, y.max(1e-14).log10())).collect::<Vec<_>>()
    };
    let curves: [(&str, Function, &str); 2] = [
        ("rational (Abramowitz–Stegun)", gelu::rational::gelu, ORANGE),
        ("shipped (piecewise polynomial)", gelu::shipped::gelu, BLUE),
    ];
    for (i, (name, function, colour)) in curves.into_iter().enumerate() {
        let curve = log(axes.curve(function, |x, y| (f64::from(y) - naive::gelu(x.into())).abs()));
        line(&mut d, &axes, &curve, colour);
        legend(&mut d, i, name, colour);
    }
    let half = (0..=BINS).map(|i| axes.x.0 + (axes.x.1 - axes.x.0) * i as f64 / BINS as f64);
    let half: Vec<_> = half.map(|x| (x, ulp(naive::gelu(x)) / 2.0)).collect();
    line(&mut d, &axes, &log(half), GREEN);
    legend(&mut d, 2, "half a unit in the last place: the best that f32 can do", GREEN);
    Ok(d.finish())
}

/// Four ways to the statistics of a row, as its mean moves away from 0.
pub fn layer_norm(source: &Source) -> Result<String, String> {
    let h = source.config.hidden_size;
    let axes = Axes { x: (-1.0, 6.0), y: (-8.0, 1.0) };
    let mut d =
        Diagram::new((760, 490), "Error of four LayerNorms for rows of deviation 1, by their mean");
    d.text(
        (20.0, 30.0),
        Anchor::Start,
        16,
        &format!("LayerNorm of {h} values of deviation 1: largest error, by their mean"),
    );
    let ys = [(-8.0, "10⁻⁸"), (-6.0, "10⁻⁶"), (-4.0, "10⁻⁴"), (-2.0, "10⁻²"), (0.0, "1")];
    axes.draw(&mut d, &[-1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &ys, "log₁₀ of the mean");
    let rungs: [(&str, layer_norm::Rung, &str); 4] = [
        ("two_passes: E[x²] − E[x]²", layer_norm::two_passes::layer_norm, ORANGE),
        ("welford", layer_norm::welford::layer_norm, GREEN),
        ("three_passes", layer_norm::three_passes::layer_norm, GREY),
        ("shipped", layer_norm::shipped::layer_norm, BLUE),
    ];
    let (gamma, beta) = (vec![1.0; h], vec![0.0; h]);
    for (i, (name, rung, colour)) in rungs.into_iter().enumerate() {
        let error = |step: i32| {
            let exponent = f64::from(step) * 0.1 - 1.0;
            // Deviation 1: a triangle wave between −√3 and √3.
            let wave = |i: usize| ((i * 37 % h) as f64 / h as f64 * 2.0 - 1.0) * 3f64.sqrt();
            let row: Vec<f32> = (0..h).map(|i| (wave(i) + 10f64.powf(exponent)) as f32).collect();
            let mut y = row.clone();
            rung(Level::detect(), &mut y, &gamma, &beta, 1e-12);
            let truth = naive::layer_norm(&row, &gamma, &beta, 1e-12);
            let worst = y
                .iter()
                .zip(truth)
                .map(|(y, truth)| (f64::from(*y) - truth).abs())
                .fold(1e-9, f64::max);
            (exponent, worst.min(10.0).log10())
        };
        line(&mut d, &axes, &(0..=70).map(error).collect::<Vec<_>>(), colour);
        legend(&mut d, i, name, colour);
    }
    Ok(d.finish())
}

fn line(d: &mut Diagram, axes: &Axes, curve: &[(f64, f64)], colour: &str) {
    let points: Vec<_> = curve.iter().map(|(x, y)| axes.place(*x, *y)).collect();
    d.line(&points, colour, 1.4);
}

/// Names of curves stand below the axis, one below the other.
fn legend(d: &mut Diagram, i: usize, name: &str, colour: &str) {
    let (x, y) = (80.0, 412.0 + 20.0 * i as f64);
    d.line(&[(x, y), (x + 24.0, y)], colour, 3.0);
    d.coloured((x + 30.0, y + 5.0), Anchor::Start, 13, INK, name);
}

/// The distance between neighbouring `f32` at x.
fn ulp(x: f64) -> f64 {
    let exponent = (x.abs().max(f64::from(f32::MIN_POSITIVE)).to_bits() >> 52) as i32 - 1023;
    2f64.powi(exponent - 23)
}

/// The error of `got` in units of the last place of `want`.
pub fn ulps(got: f32, want: f64) -> f64 {
    (f64::from(got) - want).abs() / ulp(want)
}

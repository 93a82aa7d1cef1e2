//! L-BFGS: Newton's direction from the last steps.
//!
//! ```text
//! d = −H·g       H from the last pairs s = Δw, y = Δg, by two loops over them
//! w += t·d       t halved until the value has fallen by 1e-4·t·(g·d)
//! ```
//!
//! Reference: J. Nocedal and S. Wright, *Numerical Optimization*, 2006, algorithm 7.4.

use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 10;

/// Part of the fall that the slope promises, at least.
const ENOUGH: f64 = 1e-4;

/// Halvings of a step, at most.
const HALVINGS: usize = 60;

/// The place of the least value of a convex function, from `w` on, until no component of the
/// gradient is larger than `tolerance`.
pub(super) fn minimise(
    f: impl Fn(&[f64]) -> (f64, Vec<f64>),
    mut w: Vec<f64>,
    tolerance: f64,
    steps: usize,
) -> Vec<f64> {
    let (mut value, mut g) = f(&w);
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..steps {
        if g.iter().all(|g| g.abs() <= tolerance) {
            break;
        }
        let d = direction(&g, &pairs);
        let slope = dot(&g, &d);
        // Before there are pairs, the length of the gradient is no measure of a step.
        let mut t = if pairs.is_empty() { 1.0 / dot(&g, &g).sqrt().max(1.0) } else { 1.0 };
        let step = |t: f64| w.iter().zip(&d).map(|(w, d)| w + t * d).collect::<Vec<f64>>();
        let mut next = None;
        for _ in 0..HALVINGS {
            let to = step(t);
            let (found, gradient) = f(&to);
            if found <= value + ENOUGH * t * slope {
                next = Some((to, found, gradient));
                break;
            }
            t /= 2.0;
        }
        let Some((to, found, gradient)) = next else { break }; // as low as f64 can tell
        let s: Vec<f64> = to.iter().zip(&w).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = gradient.iter().zip(&g).map(|(a, b)| a - b).collect();
        if dot(&s, &y) > 0.0 {
            pairs.push_back((s, y));
            if pairs.len() > MEMORY {
                pairs.pop_front();
            }
        }
        (w, value, g) = (to, found, gradient);
    }
    w
}

/// −H·g, by the two loops.
fn direction(g: &[f64], pairs: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q = g.to_vec();
    let mut alphas = Vec::with_capacity(pairs.len());
    for (s, y) in pairs.iter().rev() {
        let alpha = dot(s, &q) / dot(s, y);
        add(&mut q, -alpha, y);
        alphas.push(alpha);
    }
    if let Some((s, y)) = pairs.back() {
        let scale = dot(s, y) / dot(y, y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y), alpha) in pairs.iter().zip(alphas.into_iter().rev()) {
        let beta = dot(y, &q) / dot(s, y);
        add(&mut q, alpha - beta, s);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(y: &mut [f64], factor: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += factor * x);
}

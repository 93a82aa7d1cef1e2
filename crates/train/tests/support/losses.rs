//! Losses in `f64` as plain loops: value and gradient of unit embeddings, one column of the batch
//! after the other.

use ndarray::{Array2, ArrayView2, s};

const SCALE: f64 = 20.0;

/// In-batch negatives: each anchor's positive among all positives and hard negatives.
pub fn ranking(e: ArrayView2<f64>, columns: usize) -> (f64, Array2<f64>) {
    let b = e.nrows() / columns;
    let (mut loss, mut d) = (0.0, Array2::zeros(e.dim()));
    for i in 0..b {
        let logits: Vec<f64> = (b..e.nrows()).map(|j| SCALE * e.row(i).dot(&e.row(j))).collect();
        let terms: Vec<f64> = logits.iter().map(|logit| (logit - logits[i]).exp()).collect();
        let others: f64 = (0..terms.len()).filter(|&j| j != i).map(|j| terms[j]).sum();
        loss += others.ln_1p() / b as f64;
        for (j, term) in terms.into_iter().enumerate() {
            // p − 1 of the positive as the sum of the others.
            let p = if j == i { -others } else { term } / (1.0 + others);
            let weight = SCALE * p / b as f64;
            d.row_mut(i).scaled_add(weight, &e.row(b + j));
            d.row_mut(b + j).scaled_add(weight, &e.row(i));
        }
    }
    (loss, d)
}

/// A loss of the pairs' cosines, from the derivatives for each cosine.
fn of_cosines(e: ArrayView2<f64>, loss: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> (f64, Array2<f64>) {
    let b = e.nrows() / 2;
    let cosines: Vec<f64> = (0..b).map(|i| e.row(i).dot(&e.row(b + i))).collect();
    let (value, derivatives) = loss(&cosines);
    let mut d = Array2::zeros(e.dim());
    for (i, derivative) in derivatives.into_iter().enumerate() {
        d.row_mut(i).scaled_add(derivative, &e.row(b + i));
        d.row_mut(b + i).scaled_add(derivative, &e.row(i));
    }
    (value, d)
}

/// log(1 + Σ exp(scale·(cosⱼ − cosᵢ))) over the pairs with labelᵢ > labelⱼ.
pub fn cosent(e: ArrayView2<f64>, labels: &[f64]) -> (f64, Array2<f64>) {
    of_cosines(e, |cosines| {
        let b = cosines.len();
        let pairs: Vec<(usize, usize)> = (0..b)
            .flat_map(|i| (0..b).map(move |j| (i, j)))
            .filter(|&(i, j)| labels[i] > labels[j])
            .collect();
        let terms: Vec<f64> =
            pairs.iter().map(|&(i, j)| (SCALE * (cosines[j] - cosines[i])).exp()).collect();
        let sum = 1.0 + terms.iter().sum::<f64>();
        let mut d = vec![0.0; b];
        for (&(i, j), term) in pairs.iter().zip(&terms) {
            d[i] -= SCALE * term / sum;
            d[j] += SCALE * term / sum;
        }
        (sum.ln(), d)
    })
}

/// The mean of (cos − label)².
pub fn cosine(e: ArrayView2<f64>, labels: &[f64]) -> (f64, Array2<f64>) {
    of_cosines(e, |cosines| {
        let n = cosines.len() as f64;
        let errors = || cosines.iter().zip(labels).map(|(c, y)| c - y);
        (errors().map(|e| e * e).sum::<f64>() / n, errors().map(|e| 2.0 * e / n).collect())
    })
}

/// The mean of max(0, cos(a, n) − cos(a, p) + 0.2).
pub fn triplet(e: ArrayView2<f64>) -> (f64, Array2<f64>) {
    let b = e.nrows() / 3;
    let (mut loss, mut d) = (0.0, Array2::zeros(e.dim()));
    for i in 0..b {
        let [a, p, n] = [0, 1, 2].map(|column| e.slice(s![column * b + i, ..]));
        let value = a.dot(&n) - a.dot(&p) + 0.2;
        if value > 0.0 {
            let weight = 1.0 / b as f64;
            loss += value * weight;
            d.row_mut(i).scaled_add(weight, &(&n - &p));
            d.row_mut(b + i).scaled_add(-weight, &a);
            d.row_mut(2 * b + i).scaled_add(weight, &a);
        }
    }
    (loss, d)
}

//! One step of Lloyd's iteration: rows to their nearest centres, and the means of the rows.

use crate::{Error, matrix::Matrix, stop::check};
use minilm_kernels::{
    Level, RowsMut,
    linear::{Epilogue, Linear},
};
use rayon::prelude::*;
use std::sync::atomic::AtomicBool;

/// Rows that one task assigns and adds up.
const BLOCK: usize = 4096;

/// Rows of one product: 128 · 1024 scores are 512 KiB.
const STEP: usize = 128;

/// The centre of each row, and its squared distance.
pub(super) struct Step {
    pub(super) labels: Vec<usize>,
    pub(super) distances: Vec<f64>,
}

impl Step {
    /// Each row to its nearest centre, the first of equally near ones.
    pub(super) fn assign(
        level: Level,
        rows: &Matrix,
        centres: &[f32],
        stop: &AtomicBool,
    ) -> Result<Step, Error> {
        let d = rows.columns();
        let half_square =
            |c: &[f32]| (c.iter().map(|&c| f64::from(c).powi(2)).sum::<f64>() / 2.0) as f32;
        let bias: Vec<f32> = centres.chunks_exact(d).map(|c| -half_square(c)).collect();
        let linear = Linear::pack(level, centres, bias.len()).with_bias(&bias);
        let starts: Vec<usize> = (0..rows.rows()).step_by(BLOCK).collect();
        let block = |&start: &usize| assign_block(rows, start, &linear, centres, stop);
        let blocks: Vec<Step> = starts.par_iter().map(block).collect::<Result<_, Error>>()?;
        let mut whole = Step {
            labels: Vec::with_capacity(rows.rows()),
            distances: Vec::with_capacity(rows.rows()),
        };
        for block in blocks {
            whole.labels.extend(block.labels);
            whole.distances.extend(block.distances);
        }
        Ok(whole)
    }

    /// The mean of each cluster's rows `[clusters, d]`. Clusters without rows get the rows that are
    /// farthest from their centres.
    pub(super) fn means(&mut self, rows: &Matrix, clusters: usize) -> Vec<f32> {
        self.fill_empty(clusters);
        let d = rows.columns();
        let block = |(start, labels): &(usize, &[usize])| {
            let mut sums = vec![0.0_f64; clusters * d];
            for (row, label) in (*start..).zip(labels.iter()) {
                let sums = &mut sums[label * d..(label + 1) * d];
                sums.iter_mut().zip(rows.row(row)).for_each(|(sum, x)| *sum += f64::from(*x));
            }
            sums
        };
        let blocks: Vec<(usize, &[usize])> =
            (0..).step_by(BLOCK).zip(self.labels.chunks(BLOCK)).collect();
        let mut total = vec![0.0_f64; clusters * d];
        // Sums of a few blocks at a time, because all would be as large as the rows when there are
        // many clusters.
        for some in blocks.chunks(rayon::current_num_threads()) {
            let sums: Vec<Vec<f64>> = some.par_iter().map(block).collect();
            sums.iter()
                .for_each(|sums| total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum));
        }
        let mut counts = vec![0_usize; clusters];
        self.labels.iter().for_each(|&label| counts[label] += 1);
        (0..clusters * d).map(|i| (total[i] / counts[i / d] as f64) as f32).collect()
    }

    fn fill_empty(&mut self, clusters: usize) {
        let mut counts = vec![0_usize; clusters];
        self.labels.iter().for_each(|&label| counts[label] += 1);
        let empty: Vec<usize> = (0..clusters).filter(|&cluster| counts[cluster] == 0).collect();
        if empty.is_empty() {
            return;
        }
        let mut farthest: Vec<usize> = (0..self.labels.len()).collect();
        farthest.sort_by(|&a, &b| self.distances[b].total_cmp(&self.distances[a])); // stable
        let mut farthest = farthest.into_iter();
        for cluster in empty {
            // A cluster's only row stays: there are as many rows as clusters, so another one has
            // two.
            if let Some(row) = farthest.find(|&row| counts[self.labels[row]] > 1) {
                counts[self.labels[row]] -= 1;
                self.labels[row] = cluster;
            }
        }
    }
}

fn assign_block(
    rows: &Matrix,
    start: usize,
    linear: &Linear,
    centres: &[f32],
    stop: &AtomicBool,
) -> Result<Step, Error> {
    let end = rows.rows().min(start + BLOCK);
    let k = linear.outputs();
    let mut scores = vec![0.0; STEP * k];
    let mut step = Step { labels: Vec::new(), distances: Vec::new() };
    for first in (start..end).step_by(STEP) {
        check(stop)?;
        let some = first..end.min(first + STEP);
        let scores = &mut scores[..some.len() * k];
        linear.forward_with(rows.slice(some.clone()), RowsMut::new(scores, k), Epilogue::Identity);
        for (row, scores) in some.zip(scores.chunks_exact(k)) {
            let best = (1..k).fold(0, |best, i| if scores[i] > scores[best] { i } else { best });
            let centre = &centres[best * rows.columns()..(best + 1) * rows.columns()];
            step.labels.push(best);
            step.distances.push(squared_distance(rows.row(row), centre));
        }
    }
    Ok(step)
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum()
}

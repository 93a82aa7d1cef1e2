//! Memory grows with the rows, not with the hits. It is a test of its own, because it measures the
//! peak memory of the process.
#![cfg(target_os = "linux")]

mod support;

use minilm_tasks::cluster::{Communities, KMeans};
use ndarray::{Array2, s};
use support::{Matrices, Random};

/// The most memory that this process has had, in MiB.
fn most_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    most.map(|kilobytes: f64| kilobytes / 1024.0).expect("a number of kilobytes")
}

#[test]
fn clusters_do_not_take_the_memory_of_all_pairs_or_all_sums() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let rows = Random(15).matrix(100_000, 32);
    let (before, clusters) = (most_memory(), 2048);
    let start = rows.slice(s![..clusters, ..]);
    one.install(|| KMeans::new(clusters).max_iterations(1).run_from(rows.view(), start).unwrap());
    let sums = 8 * clusters * 32 * rows.nrows().div_ceil(4096); // of each block for each cluster
    let taken = most_memory() - before;
    assert!(taken < 0.8 * sums as f64 / f64::from(1 << 20), "{taken} MiB");

    let rows = Array2::from_elem((4000, 2), 0.5);
    let before = most_memory();
    let found = one.install(|| Communities::new().run(rows.view()).unwrap());
    assert_eq!((found.len(), found[0].len()), (1, 4000));
    let pairs = 4 * rows.nrows().pow(2); // a number for each
    let taken = most_memory() - before;
    assert!(taken < 0.8 * pairs as f64 / f64::from(1 << 20), "{taken} MiB");
}

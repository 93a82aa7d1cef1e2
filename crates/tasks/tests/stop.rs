//! Work that another thread stops: it ends before it is done, and a flag that stays as it is
//! changes nothing.

mod support;

use minilm_tasks::{
    Error,
    cluster::{Agglomerative, Communities, Distance, KMeans, Linkage},
    duplicates::{near, near_until},
    paraphrases::Mining,
    search::{Metric, Search},
};
use ndarray::{Array2, s};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::Duration,
};
use support::{Matrices, Random};

/// The flag is set by the first row that is asked about, so that no other block is read.
#[test]
fn a_search_looks_at_the_flag_before_each_block() {
    let corpus = Random(21).matrix(1000, 8);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    // By dot products, and by matrix products.
    for queries in [1, 20, 100] {
        let (stop, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
        let filter = |_: usize, row: usize| {
            stop.store(true, Ordering::Relaxed);
            asked.fetch_max(row, Ordering::Relaxed);
            true
        };
        let search = Search::new().metric(Metric::Dot).filter(&filter).stop(&stop);
        let some = corpus.slice(s![..queries, ..]);
        assert_eq!(pool.install(|| search.run(some, corpus.view())), Err(Error::Stopped));
        assert!(asked.into_inner() < 128, "{queries} queries: of another block");
    }
}

/// The result of `work` if its flag is set a moment after it began.
fn stopped<T>(work: impl FnOnce(&AtomicBool) -> Result<T, Error>) -> Result<T, Error> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            stop.store(true, Ordering::Relaxed);
        });
        work(&stop)
    })
}

/// Each has work for much longer than the moment after which it is stopped.
#[test]
fn every_task_ends_in_the_middle() {
    let rows: Array2<f32> = Random(22).matrix(30_000, 96);
    let (all, few) = (rows.view(), rows.slice(s![..9000, ..]));
    let cosine = Agglomerative::new(0.1).linkage(Linkage::Average).distance(Distance::Cosine);
    let found = [
        ("search", stopped(|stop| Search::new().stop(stop).run(all, all)).err()),
        ("mining", stopped(|stop| Mining::new().run_until(all, stop)).err()),
        ("communities", stopped(|stop| Communities::new().run_until(all, stop)).err()),
        ("near", stopped(|stop| near_until(all, 0.9, stop)).err()),
        ("k-means", stopped(|stop| KMeans::new(800).run_until(all, stop)).err()),
        ("agglomerative", stopped(|stop| cosine.run_until(few, stop)).err()),
    ];
    for (task, error) in found {
        assert_eq!(error, Some(Error::Stopped), "{task}");
    }
}

#[test]
fn a_flag_that_stays_false_changes_nothing() {
    let never = AtomicBool::new(false);
    let rows = Random(23).matrix(300, 12);
    let rows = rows.view();
    assert_eq!(Search::new().stop(&never).run(rows, rows), Search::new().run(rows, rows));
    assert_eq!(Mining::new().run_until(rows, &never), Mining::new().run(rows));
    let communities = Communities::new().threshold(0.5).min_size(2);
    assert_eq!(communities.run_until(rows, &never), communities.run(rows));
    assert_eq!(near_until(rows, 0.7, &never), near(rows, 0.7));
    assert_eq!(KMeans::new(9).run_until(rows, &never), KMeans::new(9).run(rows));
    let ward = Agglomerative::new(3.0);
    assert_eq!(ward.run_until(rows, &never), ward.run(rows));
}

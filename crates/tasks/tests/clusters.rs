//! Clusters and duplicates: properties of every result, which does not depend on threads or level.

mod support;

use minilm_kernels::Level;
use minilm_tasks::{
    Error, Similarity,
    cluster::{Agglomerative, Communities, Distance, KMeans, Linkage, members},
    duplicates::{exact, near},
    paraphrases::Mining,
};
use ndarray::{Array2, array};
use support::{Matrices, Random};

/// `n` rows around `centres` random directions, each with its centre's number.
fn blobs(n: usize, d: usize, centres: usize, spread: f32) -> (Array2<f32>, Vec<usize>) {
    let mut random = Random((n * d + centres) as u64);
    let directions = random.matrix(centres, d);
    let which: Vec<usize> = (0..n).map(|_| random.below(centres)).collect();
    let noise = random.matrix(n, d);
    (
        Array2::from_shape_fn((n, d), |(i, j)| directions[[which[i], j]] + spread * noise[[i, j]]),
        which,
    )
}

fn on_threads<T: Send>(threads: usize, f: impl Fn() -> T + Send + Sync) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(f)
}

#[test]
fn k_means_finds_separate_blobs_from_any_seed() {
    let (rows, truth) = blobs(600, 12, 6, 0.05);
    for seed in 0..5 {
        let found = KMeans::new(6).seed(seed).run(rows.view()).unwrap();
        let score = minilm_tasks::evaluate::v_measure(&truth, &found.labels, 1.0).unwrap();
        assert!(score.v > 1.0 - 1e-12, "seed {seed}: {score:?}");
        let inertia: f64 = rows
            .rows()
            .into_iter()
            .zip(&found.labels)
            .map(|(row, &label)| {
                Similarity::Euclidean
                    .of(row.to_slice().unwrap(), found.centres.row(label).to_slice().unwrap())
                    .powi(2)
            })
            .sum();
        assert!((inertia - found.inertia).abs() < 1e-9 * inertia);
    }
}

#[test]
fn k_means_is_the_same_on_any_number_of_threads_and_each_level() {
    let (rows, _) = blobs(9000, 10, 30, 0.4);
    let clustering = KMeans::new(25).restarts(2).max_iterations(5);
    let one = on_threads(1, || clustering.run(rows.view()).unwrap());
    assert_eq!(on_threads(3, || clustering.run(rows.view()).unwrap()), one);
    for level in Level::available() {
        assert_eq!(clustering.level(level).run(rows.view()).unwrap(), one, "{level}");
    }
    assert_ne!(clustering.seed(1).run(rows.view()).unwrap(), one);
}

#[test]
fn more_starts_are_no_worse() {
    let (rows, _) = blobs(300, 8, 20, 0.5);
    let inertia = |restarts| KMeans::new(20).restarts(restarts).run(rows.view()).unwrap().inertia;
    assert!(inertia(8) <= inertia(1));
}

#[test]
fn k_means_has_no_empty_cluster() {
    let rows = array![[0.0, 0.0], [0.0, 0.1], [10.0, 10.0], [10.0, 10.1], [20.0, 0.0]];
    // All centres at one place: all rows go to the first.
    let found = KMeans::new(3)
        .run_from(rows.view(), array![[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]].view())
        .unwrap();
    let sizes: Vec<usize> = members(&found.labels).iter().map(Vec::len).collect();
    assert_eq!(sizes.len(), 3);
    assert!(sizes.iter().all(|&size| size > 0), "{sizes:?}");
    // As many clusters as rows, two of them equal.
    let rows = array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let found = KMeans::new(3).run(rows.view()).unwrap();
    assert!(
        found.inertia == 0.0 && found.centres.iter().all(|value| value.is_finite()),
        "{found:?}"
    );
}

#[test]
fn agglomerative_ends_are_one_cluster_and_as_many_as_rows() {
    let (rows, _) = blobs(50, 5, 3, 0.3);
    for linkage in [Linkage::Single, Linkage::Complete, Linkage::Average, Linkage::Ward] {
        let clustering =
            |threshold| Agglomerative::new(threshold).linkage(linkage).run(rows.view()).unwrap();
        assert_eq!(clustering(1e6), vec![0; 50]);
        assert_eq!(clustering(0.0), (0..50).collect::<Vec<_>>());
        let middle = on_threads(3, || clustering(0.7));
        assert_eq!(on_threads(1, || clustering(0.7)), middle);
        for level in Level::available() {
            assert_eq!(
                Agglomerative::new(0.7).linkage(linkage).level(level).run(rows.view()).unwrap(),
                middle
            );
        }
    }
    for rows in [Array2::zeros((0, 3)), Array2::zeros((1, 3))] {
        assert_eq!(Agglomerative::new(1.0).run(rows.view()).unwrap(), vec![0; rows.nrows()]);
    }
}

#[test]
fn equal_rows_are_one_cluster_in_every_linkage() {
    let rows = Array2::from_elem((20, 4), 0.5);
    for linkage in [Linkage::Single, Linkage::Complete, Linkage::Average] {
        for distance in [Distance::Euclidean, Distance::Cosine] {
            assert_eq!(
                Agglomerative::new(1e-9)
                    .linkage(linkage)
                    .distance(distance)
                    .run(rows.view())
                    .unwrap(),
                [0; 20]
            );
        }
    }
}

#[test]
fn communities_do_not_overlap_and_hold_together() {
    let (rows, _) = blobs(2500, 8, 40, 0.6);
    let detection = Communities::new().threshold(0.8).min_size(5);
    let found = detection.run(rows.view()).unwrap();
    assert!(found.len() > 10);
    let mut seen = vec![false; 2500];
    for community in &found {
        assert!(community.len() >= 5);
        for &row in community {
            assert!(!std::mem::replace(&mut seen[row], true), "row {row} is in two");
            let [centre, row] = [community[0], row].map(|row| rows.row(row).to_slice().unwrap());
            assert!(Similarity::Cosine.of(centre, row) > 0.8 - 1e-6);
        }
    }
    assert!(found.is_sorted_by_key(|community| std::cmp::Reverse(community.len())));
    assert_eq!(on_threads(3, || detection.run(rows.view()).unwrap()), found);
}

/// All pairs, sorted, with the limit that each row brings in only its best.
fn mined_by_sorting(rows: &Array2<f32>, top_k: usize, max_pairs: usize) -> Vec<(usize, usize)> {
    let n = rows.nrows();
    let score = |a: usize, b: usize| {
        Similarity::Dot.of(rows.row(a).to_slice().unwrap(), rows.row(b).to_slice().unwrap())
    };
    let mut pairs = Vec::new();
    for a in 0..n {
        let mut others: Vec<usize> = (0..n).filter(|&b| b != a).collect();
        others.sort_by(|&b, &c| score(a, c).total_cmp(&score(a, b))); // stable
        pairs.extend(others[..top_k.min(n - 1)].iter().map(|&b| (a.min(b), a.max(b))));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs.sort_by(|&(a, b), &(c, d)| score(c, d).total_cmp(&score(a, b)));
    pairs.truncate(max_pairs);
    pairs
}

#[test]
fn mined_pairs_are_those_of_sorting_also_where_scores_are_equal() {
    let rows = Random(11).integer_matrix(120, 6); // exact scores, most of them equal to others
    for (top_k, max_pairs) in
        [(100, 500_000), (3, 500_000), (200, 100), (5, 37), (1, 1), (0, 10), (10, 0)]
    {
        let mining = Mining::new()
            .top_k(top_k)
            .max_pairs(max_pairs)
            .metric(minilm_tasks::search::Metric::Dot);
        let found = mining.run(rows.view()).unwrap();
        let ids: Vec<(usize, usize)> = found.iter().map(|pair| (pair.first, pair.second)).collect();
        assert_eq!(
            ids,
            mined_by_sorting(&rows, top_k, max_pairs),
            "top_k {top_k}, max_pairs {max_pairs}"
        );
    }
}

#[test]
fn mined_pairs_reach_their_minimum() {
    let rows = array![[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]];
    let found = Mining::new().min_score(0.5).run(rows.view()).unwrap();
    let found: Vec<_> = found.iter().map(|pair| (pair.score, pair.first, pair.second)).collect();
    assert_eq!(found, [(1.0, 0, 1)]);
}

#[test]
fn kept_rows_are_not_alike_and_dropped_rows_are_like_a_kept_one() {
    let (rows, _) = blobs(2600, 6, 300, 0.3);
    let found = near(rows.view(), 0.97).unwrap();
    assert_eq!(found.keep.len() + found.drop.len(), 2600);
    assert!(found.drop.len() > 500 && found.keep.len() > 200, "{} dropped", found.drop.len());
    let cosine = |a: usize, b: usize| {
        Similarity::Cosine.of(rows.row(a).to_slice().unwrap(), rows.row(b).to_slice().unwrap())
    };
    for (i, &a) in found.keep.iter().enumerate() {
        assert!(found.keep[..i].iter().all(|&b| cosine(a, b) < 0.97 + 1e-6), "row {a}");
    }
    for dropped in &found.drop {
        let best = found
            .keep
            .iter()
            .filter(|&&kept| kept < dropped.row)
            .map(|&kept| cosine(kept, dropped.row));
        let best = best.fold(f64::NEG_INFINITY, f64::max);
        assert!(
            (best - f64::from(dropped.score)).abs() < 1e-6 && dropped.score >= 0.97,
            "{dropped:?}, {best}"
        );
        assert!((cosine(dropped.row, dropped.kept) - f64::from(dropped.score)).abs() < 1e-6);
    }
    assert_eq!(on_threads(3, || near(rows.view(), 0.97).unwrap()), found);
}

#[test]
fn equal_rows_are_duplicates_of_the_first() {
    let mut rows = Random(12).matrix(1500, 5);
    for (copy, of) in [(7, 2), (1400, 2), (1499, 1030)] {
        let row = rows.row(of).to_owned();
        rows.row_mut(copy).assign(&row);
    }
    let found = near(rows.view(), 1.0).unwrap();
    let pairs: Vec<(usize, usize)> =
        found.drop.iter().map(|dropped| (dropped.row, dropped.kept)).collect();
    assert_eq!(pairs, [(7, 2), (1400, 2), (1499, 1030)]);
    let items: Vec<Vec<u32>> = rows
        .rows()
        .into_iter()
        .map(|row| row.iter().map(|value| value.to_bits()).collect())
        .collect();
    assert_eq!(exact(&items), found);
}

#[test]
fn bad_input_is_refused_by_name() {
    let mut bad = Random(13).matrix(20, 3);
    bad[[17, 2]] = f32::NAN;
    let errors = [
        KMeans::new(2).run(bad.view()).unwrap_err(),
        Agglomerative::new(1.0).run(bad.view()).unwrap_err(),
        Communities::new().run(bad.view()).unwrap_err(),
        Mining::new().run(bad.view()).unwrap_err(),
        near(bad.view(), 0.9).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.to_string(), "row 17 of the embeddings holds NaN in column 2");
    }
    let good = Random(13).matrix(3, 3);
    assert_eq!(
        KMeans::new(4).run(good.view()),
        Err(Error::TooFew { what: "embeddings", found: 3, least: 4 })
    );
    assert!(matches!(
        KMeans::new(0).run(good.view()),
        Err(Error::Option { option: "clusters", .. })
    ));
    assert!(matches!(
        KMeans::new(1).restarts(0).run(good.view()),
        Err(Error::Option { option: "restarts", .. })
    ));
    let centres = Random(14).matrix(2, 4);
    assert_eq!(
        KMeans::new(2).run_from(good.view(), centres.view()),
        Err(Error::Columns { what: "centres", found: 4, expected: 3 })
    );
    assert!(matches!(near(good.view(), f32::NAN), Err(Error::Option { option: "threshold", .. })));
    assert!(matches!(
        Communities::new().min_size(0).run(good.view()),
        Err(Error::Option { option: "min_size", .. })
    ));
    let ward = Agglomerative::new(1.0).distance(Distance::Cosine).run(good.view());
    assert!(matches!(ward, Err(Error::Option { option: "distance", .. })));
}

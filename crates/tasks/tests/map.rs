//! Maps: principal components against NumPy, neighbours that stay neighbours, and rows that leave
//! nothing to choose.

use minilm_tasks::{
    Error,
    map::{Layout, Pca},
};
use minilm_testing::Random;
use ndarray::{Array2, ArrayView2, Axis, array, concatenate};

/// A random number from −1 to 1 for each pair of i and k.
fn noise(i: usize, k: usize) -> f32 {
    Random((i as u64) << 32 | k as u64).value()
}

/// Row i belongs to group i mod `groups`.
fn groups(n: usize, groups: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, 20), |(i, k)| {
        3.0 * noise(1000 + i % groups, k) + 0.4 * noise(i, 100 + k)
    })
}

/// All but the row itself, nearest first.
fn ranking(rows: ArrayView2<f32>, i: usize) -> Vec<usize> {
    let distance =
        |j: usize| rows.row(i).iter().zip(rows.row(j)).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let mut order: Vec<usize> = (0..rows.nrows()).filter(|&j| j != i).collect();
    order.sort_by(|&a, &b| distance(a).total_cmp(&distance(b)));
    order
}

/// 1 if the k nearest on the map are the k nearest in truth, about 0.5 by chance (Venna and Kaski,
/// 2001).
fn trustworthiness(rows: ArrayView2<f32>, points: ArrayView2<f32>, k: usize) -> f64 {
    let n = rows.nrows();
    let mut penalty = 0;
    for i in 0..n {
        let mut rank = vec![0; n];
        ranking(rows, i).into_iter().zip(1..).for_each(|(j, place)| rank[j] = place);
        penalty += ranking(points, i)[..k].iter().map(|&j| rank[j].max(k) - k).sum::<usize>();
    }
    1.0 - 2.0 * penalty as f64 / (n * k * (2 * n - 3 * k - 1)) as f64
}

/// The number of the k nearest on the map that are of the same group.
fn agreement(points: ArrayView2<f32>, groups: usize, k: usize) -> f64 {
    let same =
        |i: usize| ranking(points, i)[..k].iter().filter(|&&j| j % groups == i % groups).count();
    (0..points.nrows()).map(same).sum::<usize>() as f64 / (points.nrows() * k) as f64
}

#[test]
fn principal_components_are_those_of_numpy() {
    // `eigh(cov(x.T))`, by falling eigenvalue, the largest value of each vector positive.
    let rows = array![
        [2.0, 0.0, 1.0, -1.0],
        [0.0, 3.0, 1.0, 0.5],
        [1.0, 1.0, -2.0, 0.0],
        [4.0, -1.0, 0.5, 2.0],
        [-3.0, 0.0, 0.0, 1.0],
        [0.5, 2.0, 2.0, -2.0]
    ];
    let variances = [5.848683645578522, 3.2699828742322663, 1.3023023974380157, 1.0040310827511945];
    let components = array![
        [0.9257296170882374, -0.33719430713548487, -0.020167267159125334, 0.17005280537649825],
        [-0.3013711641781208, -0.4791591032055247, -0.5352002357553717, 0.6270109112803343],
        [-0.21209166590374867, -0.5540201648828911, 0.790967895250637, 0.14982847139340513],
        [0.08495423886870643, 0.5914120475217189, 0.29584417801522495, 0.7453125449627847]
    ];
    let last = [-1.0110339467997782, -2.637349267808617, 0.3468892428564788, -0.4155723577568665];
    let pca = Pca::fit(rows.view(), 4).unwrap();
    assert!(
        pca.variances()
            .iter()
            .zip(variances)
            .all(|(found, expected)| (found - expected).abs() < 1e-12)
    );
    assert_eq!(pca.components().dim(), (4, 4));
    assert!((&pca.components() - &components).iter().all(|difference| difference.abs() < 1e-12));
    let scores = pca.transform(rows.view()).unwrap();
    assert!(
        scores
            .row(5)
            .iter()
            .zip(last)
            .all(|(&found, expected)| (f64::from(found) - expected).abs() < 1e-6)
    );
}

#[test]
fn components_are_orthogonal_and_have_the_variance_they_say() {
    let rows = groups(300, 7);
    let pca = Pca::fit(rows.view(), 50).unwrap();
    let components = pca.components();
    assert_eq!(components.nrows(), 20);
    let products = components.dot(&components.t());
    for ((i, j), product) in products.indexed_iter() {
        assert!((product - f64::from(u8::from(i == j))).abs() < 1e-12, "{i} {j} {product}");
    }
    let scores = pca.transform(rows.view()).unwrap();
    for (column, variance) in scores.columns().into_iter().zip(pca.variances()) {
        let found = column.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>() / 299.0;
        assert!((found / variance - 1.0).abs() < 1e-5, "{found} {variance}");
    }
    assert!(pca.variances().is_sorted_by(|a, b| a >= b));
    assert_eq!(
        Pca::fit(rows.view(), 3).unwrap().components(),
        components.slice(ndarray::s![..3, ..])
    );
}

#[test]
fn neighbours_stay_neighbours_and_a_shuffled_map_is_found_out() {
    let rows = groups(600, 10);
    let points = Layout::new().run(rows.view(), |_, _| {}).unwrap();
    let (trust, same) =
        (trustworthiness(rows.view(), points.view(), 10), agreement(points.view(), 10, 10));
    assert!(trust > 0.97 && same > 0.99, "{trust} {same}");
    let shuffled: Vec<usize> = (0..600).map(|i| (i * 7 + i / 10) % 600).collect();
    let points = points.select(Axis(0), &shuffled);
    let (trust, same) =
        (trustworthiness(rows.view(), points.view(), 10), agreement(points.view(), 10, 10));
    assert!(trust < 0.7 && same < 0.5, "{trust} {same}");
}

#[test]
fn a_seed_fixes_every_bit_on_any_number_of_threads_and_any_level() {
    let rows = groups(150, 3);
    let layout = Layout::new().steps(300).perplexity(10.0);
    let points = layout.seed(5).run(rows.view(), |_, _| {}).unwrap();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(|| layout.seed(5).run(rows.view(), |_, _| {})), Ok(points.clone()));
    }
    for level in minilm_kernels::Level::available() {
        assert_eq!(layout.seed(5).level(level).run(rows.view(), |_, _| {}), Ok(points.clone()));
    }
    assert_ne!(layout.seed(6).run(rows.view(), |_, _| {}), Ok(points));
}

#[test]
fn few_rows_and_equal_rows_have_a_place() {
    let rows = groups(40, 4);
    let doubled = concatenate![Axis(0), rows, rows];
    let equal = Array2::from_elem((25, 3), 0.5);
    let few: Vec<Array2<f32>> = (1..=9).map(|n| groups(n, n)).collect();
    let zeros = Array2::zeros((6, 4));
    for rows in few.iter().chain([&doubled, &equal, &zeros]) {
        let points = Layout::new().run(rows.view(), |_, _| {}).unwrap();
        assert_eq!(points.dim(), (rows.nrows(), 2));
        assert!(points.iter().all(|x| x.is_finite() && x.abs() < 1e4), "{points}");
    }
    let points = Layout::new().run(doubled.view(), |_, _| {}).unwrap();
    let with_its_double =
        (0..40).filter(|&i| ranking(points.view(), i)[..3].contains(&(i + 40))).count();
    assert!(with_its_double > 36, "{with_its_double}");
    assert!(Pca::fit(equal.view(), 50).unwrap().variances().is_empty());
}

#[test]
fn progress_is_told_and_mistakes_are_named() {
    let mut told = Vec::new();
    Layout::new().steps(3).run(groups(9, 3).view(), |done, of| told.push((done, of))).unwrap();
    assert_eq!(told, [(1, 3), (2, 3), (3, 3)]);
    let run = |layout: Layout, rows: Array2<f32>| layout.run(rows.view(), |_, _| {}).unwrap_err();
    assert_eq!(
        run(Layout::new(), Array2::zeros((0, 3))),
        Error::TooFew { what: "embeddings", found: 0, least: 1 }
    );
    assert_eq!(run(Layout::new(), Array2::zeros((3, 0))), Error::NoColumns { what: "embeddings" });
    assert!(matches!(
        run(Layout::new(), array![[0.0], [f32::NAN]]),
        Error::NotFinite { row: 1, .. }
    ));
    for perplexity in [f64::NAN, 0.0, -3.0] {
        let error = run(Layout::new().perplexity(perplexity), groups(9, 3));
        assert!(matches!(error, Error::Option { option: "perplexity", .. }));
    }
    assert!(matches!(
        run(Layout::new().dimensions(0), groups(9, 3)),
        Error::Option { option: "dimensions", .. }
    ));
    let pca = Pca::fit(groups(9, 3).view(), 2).unwrap();
    assert_eq!(
        pca.transform(Array2::zeros((1, 3)).view()),
        Err(Error::Columns { what: "embeddings", found: 3, expected: 20 })
    );
}

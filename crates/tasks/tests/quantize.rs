//! Quantisation: the original's values, and the hits of a search among quantised rows.

mod support;

use minilm_tasks::{
    Error,
    quantize::{QuantizedSearch, Ranges, overlap, to_binary, to_ubinary},
    search::{Hit, Metric, Search},
};
use ndarray::{Array2, array, s};
use safetensors::Dtype;
use support::{Matrices, Random, bytes, vectors};

fn signed(values: &Array2<i8>) -> (Vec<usize>, Vec<u8>) {
    (values.shape().to_vec(), values.iter().map(|value| value.cast_unsigned()).collect())
}

fn unsigned(values: &Array2<u8>) -> (Vec<usize>, Vec<u8>) {
    (values.shape().to_vec(), values.iter().copied().collect())
}

#[test]
fn bytes_are_those_of_quantize_embeddings() {
    let corpus = vectors("corpus");
    let given = vectors("quantize.ranges");
    let cases = [
        ("data", Ranges::of(corpus.view())),
        ("calibrated", Ranges::of(vectors("documents").view())),
        ("given", Ranges::new(given.row(0), given.row(1))),
    ];
    for (name, ranges) in cases {
        let ranges = ranges.unwrap();
        let want = bytes(&format!("quantize.int8.{name}"), Dtype::I8);
        assert_eq!(signed(&ranges.to_i8(corpus.view()).unwrap()), want, "int8 {name}");
        let want = bytes(&format!("quantize.uint8.{name}"), Dtype::U8);
        assert_eq!(unsigned(&ranges.to_u8(corpus.view()).unwrap()), want, "uint8 {name}");
    }
}

#[test]
fn bits_are_those_of_quantize_embeddings() {
    let corpus = vectors("corpus");
    assert_eq!(signed(&to_binary(corpus.view()).unwrap()), bytes("quantize.binary", Dtype::I8));
    assert_eq!(unsigned(&to_ubinary(corpus.view()).unwrap()), bytes("quantize.ubinary", Dtype::U8));
}

/// Queries that are near some of 5000 rows.
fn problem() -> (Array2<f32>, Array2<f32>) {
    let mut random = Random(1);
    let corpus = random.matrix(5000, 70);
    let queries = &corpus.slice(s![..40, ..]) + &(random.matrix(40, 70) * 0.7);
    (queries, corpus)
}

#[test]
fn with_enough_candidates_the_hits_are_the_exact_ones() {
    let (queries, corpus) = problem();
    let ranges = Ranges::of(corpus.view()).unwrap();
    let (u8s, i8s) = (ranges.to_u8(corpus.view()).unwrap(), ranges.to_i8(corpus.view()).unwrap());
    for metric in [Metric::Cosine, Metric::Dot] {
        let exact = Search::new().metric(metric).run(queries.view(), corpus.view()).unwrap();
        let search = QuantizedSearch::new().metric(metric).multiplier(4);
        for q in [1, 40] {
            let some = queries.slice(s![..q, ..]);
            assert_eq!(
                search.scalar(some, u8s.view(), &ranges, Some(corpus.view())).unwrap(),
                exact[..q]
            );
            assert_eq!(
                search.scalar(some, i8s.view(), &ranges, Some(corpus.view())).unwrap(),
                exact[..q]
            );
        }
        let all = QuantizedSearch::new().metric(metric).multiplier(500);
        assert_eq!(
            all.binary(
                queries.view(),
                to_binary(corpus.view()).unwrap().view(),
                Some(corpus.view())
            )
            .unwrap(),
            exact
        );
    }
}

#[test]
fn more_candidates_find_more() {
    let (queries, corpus) = problem();
    let bits = to_ubinary(corpus.view()).unwrap();
    let exact = Search::new().run(queries.view(), corpus.view()).unwrap();
    let share = |multiplier| {
        let search = QuantizedSearch::new().multiplier(multiplier);
        overlap(&exact, &search.binary(queries.view(), bits.view(), Some(corpus.view())).unwrap())
            .unwrap()
    };
    let shares = [1, 4, 16, 64].map(share);
    assert!(
        shares.is_sorted() && shares[0] > 0.1 && shares[0] < 0.6 && shares[3] > 0.9,
        "{shares:?}"
    );
}

#[test]
fn bytes_without_rows_are_searched_as_their_restored_values() {
    let (queries, corpus) = problem();
    let ranges = Ranges::of(corpus.view()).unwrap();
    let found = QuantizedSearch::new()
        .scalar(queries.view(), ranges.to_u8(corpus.view()).unwrap().view(), &ranges, None)
        .unwrap();
    let exact = Search::new().run(queries.view(), corpus.view()).unwrap();
    assert!(overlap(&exact, &found).unwrap() > 0.9);
    for (exact, found) in exact.iter().zip(&found) {
        assert!((exact[0].score - found[0].score).abs() < 5e-3, "{:?} {:?}", exact[0], found[0]);
    }
}

#[test]
fn hits_among_bytes_are_those_among_restored_rows() {
    let (queries, corpus) = problem();
    let ranges = Ranges::of(corpus.view()).unwrap();
    let (u8s, i8s) = (ranges.to_u8(corpus.view()).unwrap(), ranges.to_i8(corpus.view()).unwrap());
    let mut restored = Array2::zeros(corpus.dim());
    for (bytes, mut row) in u8s.rows().into_iter().zip(restored.rows_mut()) {
        ranges.restore(bytes.iter().copied(), row.as_slice_mut().unwrap());
    }
    for metric in [Metric::Cosine, Metric::Dot] {
        // one query, some, and enough for matrix products
        for q in [1, 5, 40] {
            let some = queries.slice(s![..q, ..]);
            let exact = Search::new().metric(metric).run(some, restored.view()).unwrap();
            let search = QuantizedSearch::new().metric(metric);
            assert_eq!(search.scalar(some, u8s.view(), &ranges, None).unwrap(), exact);
            assert_eq!(search.scalar(some, i8s.view(), &ranges, None).unwrap(), exact);
            let columns = i8s.t().as_standard_layout().into_owned();
            assert_eq!(search.scalar(some, columns.t(), &ranges, None).unwrap(), exact);
        }
    }
    let narrow = queries.slice(s![.., ..3]);
    let error = QuantizedSearch::new().scalar(narrow, u8s.view(), &ranges, None).unwrap_err();
    assert_eq!(error, Error::Columns { what: "quantised rows", found: 70, expected: 3 });
}

#[test]
fn bits_without_rows_are_scored_as_signs() {
    let (queries, corpus) = problem();
    let bits = to_binary(corpus.view()).unwrap();
    let found =
        QuantizedSearch::new().multiplier(500).binary(queries.view(), bits.view(), None).unwrap();
    let signs = corpus.mapv(|value| if value > 0.0 { 1.0 } else { -1.0 });
    assert_eq!(found, Search::new().run(queries.view(), signs.view()).unwrap());
}

#[test]
fn matrices_that_do_not_belong_together_are_refused() {
    let (queries, corpus) = problem();
    let ranges = Ranges::of(corpus.view()).unwrap();
    let coded = ranges.to_u8(corpus.view()).unwrap();
    let search = QuantizedSearch::new();
    let other = Random(2).matrix(4999, 70);
    let error =
        search.scalar(queries.view(), coded.view(), &ranges, Some(other.view())).unwrap_err();
    assert_eq!(error, Error::Count { what: "embeddings", found: 4999, expected: 5000 });
    let error = search.scalar(queries.view(), coded.slice(s![.., 1..]), &ranges, None).unwrap_err();
    assert_eq!(error, Error::Columns { what: "quantised rows", found: 69, expected: 70 });
    let error = search.binary(queries.view(), coded.view(), None).unwrap_err();
    assert_eq!(error, Error::Columns { what: "bits", found: 70, expected: 9 });
    let error =
        search.multiplier(0).binary(queries.view(), coded.slice(s![.., ..9]), None).unwrap_err();
    assert_eq!(error.to_string(), "option multiplier: it is at least 1");
    let hits = vec![Hit::new(0, 1.0)];
    assert_eq!(
        overlap(std::slice::from_ref(&hits), &[]),
        Err(Error::Count { what: "queries", found: 0, expected: 1 })
    );
    assert_eq!(
        overlap(&[vec![]], &[hits]),
        Err(Error::TooFew { what: "queries with hits", found: 0, least: 1 })
    );
    let zero = QuantizedSearch::new().scalar(
        array![[f32::NAN, 0.0]].view(),
        Array2::<u8>::zeros((1, 2)).view(),
        &Ranges::new(array![0.0, 0.0].view(), array![1.0, 1.0].view()).unwrap(),
        None,
    );
    assert!(matches!(zero, Err(Error::NotFinite { what: "queries", row: 0, column: 0, .. })));
}

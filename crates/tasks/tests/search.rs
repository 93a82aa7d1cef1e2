//! Search: the result of a sort of all scores, to the bit, with any other queries in the call.

mod support;

use minilm_kernels::{Level, dot::dot};
use minilm_tasks::{
    Error,
    search::{Hit, Metric, Search},
};
use ndarray::{Array2, ArrayView2, array, s};
use support::{Matrices, Random};

/// Sorts the scores of all rows, each computed as the module says.
fn by_sorting(
    queries: ArrayView2<f32>,
    corpus: ArrayView2<f32>,
    metric: Metric,
    top_k: usize,
) -> Vec<Vec<Hit>> {
    let level = Level::PORTABLE;
    let length = |row: &[f32]| f64::from(dot(level, row, row)).sqrt().max(1e-12);
    let one = |query: &[f32]| {
        let score = |row: &[f32]| match metric {
            Metric::Dot => dot(level, query, row),
            Metric::Cosine => (f64::from(dot(level, query, row)) / (length(query) * length(row)))
                .clamp(-1.0, 1.0) as f32,
        };
        let scored = corpus.rows().into_iter().map(|row| score(row.to_slice().unwrap()) + 0.0);
        let mut hits: Vec<Hit> =
            scored.enumerate().map(|(corpus_id, score)| Hit::new(corpus_id, score)).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score)); // stable
        hits.truncate(top_k);
        hits
    };
    queries.rows().into_iter().map(|query| one(query.to_slice().unwrap())).collect()
}

fn assert_same(name: &str, got: &[Vec<Hit>], want: &[Vec<Hit>]) {
    assert_eq!(got.len(), want.len(), "{name}: queries");
    for (query, (got, want)) in got.iter().zip(want).enumerate() {
        assert_eq!(got.len(), want.len(), "{name}: hits of query {query}");
        for (place, (got, want)) in got.iter().zip(want).enumerate() {
            let same =
                got.corpus_id == want.corpus_id && got.score.to_bits() == want.score.to_bits();
            assert!(same, "{name}: query {query}, place {place}: got {got:?}, want {want:?}");
        }
    }
}

/// Queries around the switch from dot products to matrix products, the packed groups, the chunks;
/// rows around the blocks and the parts.
#[test]
fn hits_are_those_of_sorting_at_every_boundary() {
    let mut random = Random(1);
    for (q, n, d) in [
        (1, 1, 1),
        (1, 129, 17),
        (24, 300, 16),
        (25, 300, 16),
        (256, 127, 5),
        (257, 128, 33),
        (1025, 129, 3),
        (3, 2100, 20),
        (30, 4097, 9),
    ] {
        let (queries, corpus) = (random.matrix(q, d), random.matrix(n, d));
        for metric in [Metric::Cosine, Metric::Dot] {
            for top_k in [1, 10, n / 2, n, usize::MAX] {
                let got = Search::new()
                    .metric(metric)
                    .top_k(top_k)
                    .run(queries.view(), corpus.view())
                    .unwrap();
                let want = by_sorting(queries.view(), corpus.view(), metric, top_k.min(n));
                assert_same(
                    &format!("{metric:?} Q = {q}, n = {n}, d = {d}, k = {top_k}"),
                    &got,
                    &want,
                );
            }
        }
    }
}

/// The filter rounds rows and queries, and its bound is widest where one value stands out.
#[test]
fn values_that_stand_out_lose_no_hit() {
    let mut random = Random(11);
    for d in [7, 400, 800] {
        let (mut queries, mut corpus) = (random.matrix(30, d), random.matrix(1500, d));
        for (i, mut row) in queries.rows_mut().into_iter().enumerate() {
            row[i % d] *= 30.0;
        }
        for (i, mut row) in corpus.rows_mut().into_iter().enumerate() {
            row[i % d] *= if i % 3 == 0 { 1000.0 } else { 1.0 };
            row *= 10f32.powi((i % 5) as i32 * 6 - 12);
        }
        for metric in [Metric::Cosine, Metric::Dot] {
            let got = Search::new().metric(metric).run(queries.view(), corpus.view()).unwrap();
            let want = by_sorting(queries.view(), corpus.view(), metric, 10);
            assert_same(&format!("{metric:?} d = {d}"), &got, &want);
        }
    }
}

/// Integers make scores exact and equal: rows in the order of their numbers, in both ways to
/// compute.
#[test]
fn equal_scores_are_in_the_order_of_the_rows() {
    let mut random = Random(2);
    let corpus = random.integer_matrix(3000, 6);
    for q in [2, 40] {
        let queries = random.integer_matrix(q, 6);
        for metric in [Metric::Cosine, Metric::Dot] {
            let got =
                Search::new().metric(metric).top_k(100).run(queries.view(), corpus.view()).unwrap();
            assert_same(
                &format!("{metric:?}, Q = {q}"),
                &got,
                &by_sorting(queries.view(), corpus.view(), metric, 100),
            );
        }
    }
}

/// Rows that differ in the last bits of their scores: what the first look by GEMM cannot tell
/// apart.
#[test]
fn close_rows_are_told_apart_by_the_dot_product_alone() {
    let mut random = Random(3);
    let base = random.matrix(1, 384);
    let noise = random.matrix(2000, 384);
    let corpus = &base + &(noise * 1e-7);
    let queries = &base + &(random.matrix(60, 384) * 1e-3);
    for metric in [Metric::Cosine, Metric::Dot] {
        let got = Search::new().metric(metric).run(queries.view(), corpus.view()).unwrap();
        assert_same(
            &format!("{metric:?}"),
            &got,
            &by_sorting(queries.view(), corpus.view(), metric, 10),
        );
    }
}

#[test]
fn a_query_has_the_same_bits_alone_in_a_batch_on_each_level_and_any_number_of_threads() {
    let mut random = Random(4);
    let (queries, corpus) = (random.matrix(50, 100), random.matrix(5000, 100));
    let whole = Search::new().run(queries.view(), corpus.view()).unwrap();
    for level in Level::available() {
        let hits = Search::new().level(level).run(queries.view(), corpus.view()).unwrap();
        assert_same(level.name(), &hits, &whole);
    }
    for threads in [1, 2, 3, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let hits = pool.install(|| Search::new().run(queries.view(), corpus.view())).unwrap();
        assert_same(&format!("{threads} threads"), &hits, &whole);
    }
    for i in [0, 7, 49] {
        let alone = Search::new().run(queries.slice(s![i..=i, ..]), corpus.view()).unwrap();
        assert_same(&format!("query {i} alone"), &alone, &whole[i..=i]);
    }
}

#[test]
fn a_corpus_in_blocks_gives_the_same_as_in_one() {
    let mut random = Random(5);
    let corpus = random.integer_matrix(1000, 7);
    for q in [1, 40] {
        let queries = random.integer_matrix(q, 7);
        let search = Search::new().top_k(30);
        let mut stream = search.start(queries.view()).unwrap();
        for block in [0..1, 1..500, 500..500, 500..1000] {
            stream.feed(corpus.slice(s![block, ..])).unwrap();
        }
        assert_same(
            "in blocks",
            &stream.finish(),
            &search.run(queries.view(), corpus.view()).unwrap(),
        );
    }
}

#[test]
fn a_filter_and_a_minimum_leave_out_what_they_say() {
    let mut random = Random(6);
    let (queries, corpus) = (random.matrix(40, 12), random.matrix(1500, 12));
    let all = by_sorting(queries.view(), corpus.view(), Metric::Cosine, usize::MAX);
    let filter = |query: usize, row: usize| !(query + row).is_multiple_of(3);
    for q in [5, 40] {
        let some = queries.slice(s![..q, ..]);
        let search = Search::new().top_k(20).filter(&filter).min_score(0.3);
        let want: Vec<Vec<Hit>> = all[..q]
            .iter()
            .enumerate()
            .map(|(query, hits)| {
                hits.iter()
                    .copied()
                    .filter(|hit| hit.score >= 0.3 && filter(query, hit.corpus_id))
                    .take(20)
                    .collect()
            })
            .collect();
        assert_same("filtered", &search.run(some, corpus.view()).unwrap(), &want);
    }
    let exact = all[0][9].score;
    let hits = Search::new()
        .top_k(usize::MAX)
        .min_score(exact)
        .run(queries.view(), corpus.view())
        .unwrap();
    assert_same("the minimum itself", &hits[..1], &[all[0][..10].to_vec()]);
}

#[test]
fn the_scale_of_a_vector_does_not_change_its_cosine() {
    let mut random = Random(7);
    let (queries, corpus) = (random.matrix(30, 48), random.matrix(200, 48));
    let plain = Search::new().run(queries.view(), corpus.view()).unwrap();
    let scaled = Search::new().run((&queries * 1024.0).view(), (&corpus * 0.125).view()).unwrap();
    assert_same("scaled by powers of two", &scaled, &plain);
}

#[test]
fn a_row_finds_itself_with_a_cosine_of_one() {
    let corpus = Random(8).matrix(100, 384);
    for hits in Search::new().top_k(1).run(corpus.view(), corpus.view()).unwrap().iter().enumerate()
    {
        assert_eq!(hits.1[..], [Hit::new(hits.0, 1.0)]);
    }
}

#[test]
fn nothing_is_found_in_nothing() {
    let (none, some) = (Array2::zeros((0, 3)), array![[1.0, 2.0, 3.0]]);
    assert_eq!(Search::new().run(none.view(), some.view()), Ok(vec![]));
    assert_eq!(Search::new().run(some.view(), none.view()), Ok(vec![vec![]]));
    assert_eq!(Search::new().top_k(0).run(some.view(), some.view()), Ok(vec![vec![]]));
}

#[test]
fn zero_vectors_are_like_nothing() {
    let hits = Search::new()
        .run(array![[0.0, 0.0]].view(), array![[1.0, 2.0], [0.0, 0.0]].view())
        .unwrap();
    assert_eq!(hits[0], [Hit::new(0, 0.0), Hit::new(1, 0.0)]);
}

#[test]
fn bad_input_is_refused_by_name() {
    let good = Random(9).matrix(30, 4);
    let run = |queries: &Array2<f32>, corpus: &Array2<f32>| {
        Search::new().top_k(2).run(queries.view(), corpus.view())
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        for q in [1, 30] {
            let queries = good.slice(s![..q, ..]).to_owned();
            let mut bad = Random(9).matrix(3000, 4);
            bad[[2987, 1]] = value;
            bad[[2990, 2]] = value;
            let error = run(&queries, &bad).unwrap_err();
            assert!(
                matches!(error, Error::NotFinite { what: "corpus", row: 2987, column: 1, .. }),
                "{error}"
            );
            let error = run(&bad, &queries).unwrap_err();
            assert!(
                matches!(error, Error::NotFinite { what: "queries", row: 2987, column: 1, .. }),
                "{error}"
            );
        }
    }
    let long = array![[1e19, 1e19, 0.0, 0.0]];
    assert_eq!(run(&good, &long), Err(Error::TooLong { what: "corpus", row: 0 }));
    let narrow = Random(9).matrix(2, 3);
    assert_eq!(run(&good, &narrow), Err(Error::Columns { what: "corpus", found: 3, expected: 4 }));
    assert_eq!(run(&Array2::zeros((1, 0)), &good), Err(Error::NoColumns { what: "queries" }));
    let error = Search::new().min_score(f32::NAN).run(good.view(), good.view()).unwrap_err();
    assert_eq!(error.to_string(), "option min_score: it is NaN");
}

#[test]
fn rows_of_a_stream_are_counted_from_its_beginning() {
    let queries = array![[1.0, 0.0]];
    let mut stream = Search::new().start(queries.view()).unwrap();
    stream.feed(array![[1.0, 0.0], [0.0, 1.0]].view()).unwrap();
    let error = stream.feed(array![[1.0, 0.0], [f32::NAN, 1.0]].view()).unwrap_err();
    assert!(matches!(error, Error::NotFinite { what: "corpus", row: 3, column: 0, .. }), "{error}");
    stream.feed(array![[2.0, 0.0]].view()).unwrap(); // row 2: the bad block does not count
    let ids: Vec<usize> = stream.finish()[0].iter().map(|hit| hit.corpus_id).collect();
    assert_eq!(ids, [0, 2, 1]);
}

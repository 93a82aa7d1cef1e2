//! The numbers of sentence-transformers, SciPy and scikit-learn for the same vectors: see
//! `tests/original/README.md`.

mod support;

use minilm_tasks::{
    Similarity,
    cluster::{Agglomerative, Communities, Distance, KMeans, Linkage},
    evaluate::{
        Cutoffs, Sample, average_precision, binary_classification, classify, embedding_similarity,
        information_retrieval, reranking, triplet_accuracy, v_measure,
    },
    paraphrases::Mining,
    search::{Metric, Search},
};
use ndarray::s;
use std::collections::{BTreeMap, HashSet};
use support::{assert_near, indices, number, numbers, value, vectors};

#[test]
fn semantic_search() {
    let (queries, corpus) = (vectors("queries"), vectors("corpus"));
    for (name, metric) in [("cosine", Metric::Cosine), ("dot", Metric::Dot)] {
        for (top_k, asked) in [(1, 12), (10, 12), (165, 3)] {
            let hits = Search::new()
                .metric(metric)
                .top_k(top_k)
                .run(queries.slice(s![..asked, ..]), corpus.view())
                .unwrap();
            let want = value(&["search", &format!("{name}_{top_k}")]).as_array().unwrap();
            assert_eq!(hits.len(), want.len());
            for (query, (hits, want)) in hits.iter().zip(want).enumerate() {
                let want = want.as_array().unwrap();
                assert_eq!(hits.len(), want.len(), "{name}, k = {top_k}, query {query}");
                for (hit, want) in hits.iter().zip(want) {
                    assert_eq!(hit.corpus_id as u64, want[0], "{name}, k = {top_k}, query {query}");
                    // The scores here are f32.
                    let score = want[1].as_f64().unwrap();
                    assert!(
                        (f64::from(hit.score) - score).abs() <= 1e-6 * score.abs().max(1.0),
                        "{hit:?}, want {score}"
                    );
                }
            }
        }
    }
}

#[test]
fn embedding_similarity_evaluator() {
    let labels = numbers(value(&["labels"]));
    for &similarity in Similarity::ALL {
        let found = embedding_similarity(
            vectors("left").view(),
            vectors("right").view(),
            &labels,
            similarity,
        )
        .unwrap();
        for (name, got) in [("pearson", found.pearson), ("spearman", found.spearman)] {
            let name = format!("{name}_{}", similarity.name());
            assert_near(&name, got, number(&["similarity", &name]));
        }
    }
}

#[test]
fn binary_classification_evaluator() {
    let alike: Vec<bool> =
        numbers(value(&["binary_labels"])).iter().map(|label| *label == 1.0).collect();
    for &similarity in Similarity::ALL {
        let found = binary_classification(
            vectors("left").view(),
            vectors("right").view(),
            &alike,
            similarity,
        )
        .unwrap();
        let numbers = [
            ("accuracy", found.accuracy),
            ("accuracy_threshold", found.accuracy_threshold),
            ("f1", found.f1),
            ("f1_threshold", found.f1_threshold),
            ("precision", found.precision),
            ("recall", found.recall),
            ("ap", found.average_precision),
            ("mcc", found.matthews),
        ];
        for (name, got) in numbers {
            let name = format!("{}_{name}", similarity.name());
            assert_near(&name, got, number(&["binary", &name]));
        }
    }
}

#[test]
fn thresholds_of_tied_scores() {
    for case in value(&["tied_scores"]).as_array().unwrap() {
        let alike: Vec<bool> = numbers(&case["labels"]).iter().map(|label| *label == 1.0).collect();
        let found = classify(&numbers(&case["scores"]), &alike).unwrap();
        let (accuracy, f1) = (numbers(&case["accuracy"]), numbers(&case["f1"]));
        let got = [
            found.accuracy,
            found.accuracy_threshold,
            found.f1,
            found.precision,
            found.recall,
            found.f1_threshold,
        ];
        for (got, want) in got.into_iter().zip([accuracy, f1].concat()) {
            assert_near(&case.to_string(), got, want);
        }
    }
}

#[test]
fn triplet_evaluator() {
    let [anchors, positives, negatives] = ["left", "right", "negatives"].map(vectors);
    for margin in ["0", "0.5"] {
        for &similarity in Similarity::ALL {
            let (a, p, n) = (anchors.view(), positives.view(), negatives.view());
            let got = triplet_accuracy(a, p, n, similarity, margin.parse().unwrap()).unwrap();
            let name = format!("{}_accuracy", similarity.name());
            // The original's mean is an f32.
            assert_eq!(
                got as f32,
                number(&["triplet", margin, &name]) as f32,
                "margin {margin}, {name}"
            );
        }
    }
}

#[test]
fn information_retrieval_evaluator() {
    let relevant: Vec<HashSet<usize>> = value(&["relevant"])
        .as_array()
        .unwrap()
        .iter()
        .map(|row| indices(row).into_iter().collect())
        .collect();
    let cutoffs = Cutoffs {
        mrr: vec![3, 10],
        ndcg: vec![3, 10, 1000],
        map: vec![10, 100],
        ..Cutoffs::default()
    };
    for (prefix, metric) in [("cosine", Metric::Cosine), ("dot", Metric::Dot)] {
        let found = information_retrieval(
            vectors("queries").view(),
            vectors("corpus").view(),
            &relevant,
            metric,
            &cutoffs,
        )
        .unwrap();
        let measures: [(&str, &BTreeMap<usize, f64>, usize); 6] = [
            ("accuracy", &found.accuracy, 4),
            ("precision", &found.precision, 4),
            ("recall", &found.recall, 4),
            ("mrr", &found.mrr, 2),
            ("ndcg", &found.ndcg, 3),
            ("map", &found.map, 2),
        ];
        for (name, values, count) in measures {
            assert_eq!(values.len(), count);
            for (k, got) in values {
                let name = format!("{prefix}_{name}@{k}");
                assert_near(&name, *got, number(&["retrieval", &name]));
            }
        }
    }
}

#[test]
fn reranking_evaluator() {
    let (queries, documents) = (vectors("queries"), vectors("documents"));
    let mut samples = Vec::new();
    let mut used = 0;
    for (query, counts) in queries.rows().into_iter().zip(value(&["counts"]).as_array().unwrap()) {
        let [positives, negatives] = indices(counts)[..] else { panic!("{counts}") };
        let middle = used + positives;
        let end = middle + negatives;
        samples.push(Sample {
            query,
            positives: documents.slice(s![used..middle, ..]),
            negatives: documents.slice(s![middle..end, ..]),
        });
        used = end;
    }
    for similarity in [Similarity::Cosine, Similarity::Dot, Similarity::Euclidean] {
        for k in [3, 10] {
            let found = reranking(&samples, similarity, k).unwrap();
            let at = format!("at_{k}");
            let path = |name: &str| number(&["reranking", similarity.name(), &at, name]);
            assert_near("map", found.map, path("map"));
            assert_near("mrr", found.mrr, path(&format!("mrr@{k}")));
            assert_near("ndcg", found.ndcg, path(&format!("ndcg@{k}")));
        }
    }
}

#[test]
fn v_measure_of_scikit_learn() {
    for case in value(&["v_measure"]).as_array().unwrap() {
        let (classes, clusters) = (indices(&case["truth"]), indices(&case["predicted"]));
        let found = v_measure(&classes, &clusters, case["beta"].as_f64().unwrap()).unwrap();
        for (got, want) in [found.homogeneity, found.completeness, found.v]
            .into_iter()
            .zip(numbers(&case["expected"]))
        {
            assert_near("v", got, want);
        }
    }
}

/// The comparison itself: other vectors have other numbers.
#[test]
fn the_tests_notice_other_vectors() {
    let labels = numbers(value(&["labels"]));
    let mut right = vectors("right");
    right[[17, 3]] += 1e-3;
    let found =
        embedding_similarity(vectors("left").view(), right.view(), &labels, Similarity::Cosine)
            .unwrap();
    assert!((found.pearson - number(&["similarity", "pearson_cosine"])).abs() > 1e-7);
    assert_ne!(
        average_precision(&[2.0, 1.0], &[true, false]),
        average_precision(&[2.0, 1.0], &[false, true])
    );
}

#[test]
fn paraphrase_mining() {
    let corpus = vectors("corpus");
    let cases = [
        ("default", Mining::new()),
        ("top_2", Mining::new().top_k(2)),
        ("max_50", Mining::new().max_pairs(50)),
        ("chunks", Mining::new().top_k(5)),
        ("dot", Mining::new().top_k(3).metric(Metric::Dot)),
    ];
    for (name, mining) in cases {
        let want = value(&["mining", name]).as_array().unwrap();
        let found = mining.run(corpus.view()).unwrap();
        // The fixture holds the first 500.
        assert!(
            found.len() == want.len() || found.len() > 500 && want.len() == 500,
            "{name}: {}",
            found.len()
        );
        for (pair, want) in found.iter().zip(want) {
            let want = numbers(want);
            assert_eq!([pair.first as f64, pair.second as f64], want[1..], "{name}");
            assert!(
                (f64::from(pair.score) - want[0]).abs() <= 1e-6 * want[0].abs().max(1.0),
                "{name}: {pair:?}, want {want:?}"
            );
        }
    }
}

#[test]
fn community_detection() {
    let corpus = vectors("corpus");
    for (threshold, size) in [(0.75, 10), (0.6, 3), (0.9, 2), (0.3, 1), (0.75, 1000)] {
        let name = format!("{threshold}_{size}");
        let want: Vec<Vec<usize>> =
            value(&["communities", &name]).as_array().unwrap().iter().map(indices).collect();
        assert_eq!(
            Communities::new().threshold(threshold).min_size(size).run(corpus.view()).unwrap(),
            want,
            "{name}"
        );
    }
}

#[test]
fn k_means_of_scikit_learn() {
    let corpus = vectors("corpus");
    let found =
        KMeans::new(8).tolerance(0.0).run_from(corpus.view(), corpus.slice(s![..8, ..])).unwrap();
    let want = value(&["clusterings", "k_means"]);
    assert_eq!(found.labels, indices(&want["labels"]));
    // The centres here are f32.
    let inertia = want["inertia"].as_f64().unwrap();
    assert!((found.inertia - inertia).abs() <= 1e-7 * inertia, "{} {inertia}", found.inertia);
    for (centre, want) in found.centres.rows().into_iter().zip(want["centres"].as_array().unwrap())
    {
        for (got, want) in centre.iter().zip(numbers(want)) {
            assert!((f64::from(*got) - want).abs() <= 1e-7, "{got} {want}");
        }
    }
}

#[test]
fn agglomerative_clustering_of_scikit_learn() {
    let cases = [
        ("ward_euclidean", Linkage::Ward, Distance::Euclidean),
        ("average_cosine", Linkage::Average, Distance::Cosine),
        ("complete_euclidean", Linkage::Complete, Distance::Euclidean),
        ("single_euclidean", Linkage::Single, Distance::Euclidean),
        ("average_euclidean", Linkage::Average, Distance::Euclidean),
        ("single_cosine", Linkage::Single, Distance::Cosine),
    ];
    for (name, linkage, distance) in cases {
        let want = value(&["clusterings", name]);
        let clustering = Agglomerative::new(want["threshold"].as_f64().unwrap())
            .linkage(linkage)
            .distance(distance);
        let found = clustering.run(vectors("corpus").view()).unwrap();
        assert_eq!(found, in_order_of_appearance(&indices(&want["labels"])), "{name}");
    }
}

/// The same clusters, numbered by their first rows.
fn in_order_of_appearance(labels: &[usize]) -> Vec<usize> {
    let mut names = BTreeMap::new();
    labels
        .iter()
        .map(|label| {
            let next = names.len();
            *names.entry(label).or_insert(next)
        })
        .collect()
}

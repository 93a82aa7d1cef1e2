//! From texts to answers: the encoder's embeddings as input of `minilm::tasks`.

mod support;

use minilm::{
    model::Mapped,
    similarity,
    tasks::{
        cluster::Communities,
        index::{Index, IndexError, Space, write},
        search::Search,
    },
};
use support::ENCODER;

const NOTES: [&str; 6] = [
    "The train to Hamburg leaves at nine.",
    "Bread needs flour, water, salt and time.",
    "When does the train to Hamburg depart?",
    "The meeting is moved to Thursday.",
    "How to bake bread at home",
    "Hamburg trains are late again this morning.",
];

#[test]
fn a_search_finds_what_the_similarity_says() {
    let notes = ENCODER.encode(&NOTES).unwrap();
    let queries = ENCODER.encode(&["baking", "railway timetable"]).unwrap();
    let found = Search::new().top_k(2).run(queries.view(), notes.view()).unwrap();
    let ids: Vec<Vec<usize>> =
        found.iter().map(|hits| hits.iter().map(|hit| hit.corpus_id).collect()).collect();
    assert_eq!(ids[0], [4, 1]);
    assert!(ids[1].iter().all(|id| [0, 2, 5].contains(id)), "{ids:?}");
    for (query, hits) in queries.rows().into_iter().zip(&found) {
        for hit in hits {
            let cosine = similarity::cosine(query, notes.row(hit.corpus_id));
            assert!((hit.score - cosine).abs() < 5e-7, "{hit:?}, {cosine}");
        }
    }
}

#[test]
fn texts_about_one_thing_are_a_community() {
    let notes = ENCODER.encode(&NOTES).unwrap();
    let found = Communities::new().threshold(0.5).min_size(2).run(notes.view()).unwrap();
    let mut largest = found[0].clone();
    largest.sort_unstable();
    assert_eq!(largest, [0, 2, 5]);
}

#[test]
fn a_mapped_index_answers_and_refuses_another_model() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("notes.index");
    let space = Space::new("all-MiniLM-L6-v2", "mean, normalised");
    let notes = ENCODER.encode(&NOTES).unwrap();
    write(&path, &space, notes.view(), &NOTES).unwrap();

    let index = Index::new(&path, Mapped::open(&path).unwrap()).unwrap();
    assert_eq!(index.vectors().unwrap(), notes);
    assert!(index.vectors().unwrap().is_view(), "the vectors were copied");
    let query = ENCODER.encode(&["baking"]).unwrap();
    let hits = index.search(&space, query.view(), &Search::new().top_k(1)).unwrap();
    assert_eq!(index.text(hits[0][0].corpus_id).unwrap(), "How to bake bread at home");

    let other = Space::new("another-model", "cls");
    assert!(matches!(
        index.search(&other, query.view(), &Search::new()),
        Err(IndexError::Space { .. })
    ));
}

"""Search, mining, clusters and quantisation against plain NumPy."""

import numpy as np
import pytest
from conftest import TEXTS
from minilm import SimilarityFunction, util


@pytest.fixture(scope="module")
def vectors():
    random = np.random.default_rng(7)
    rows = random.normal(size=(300, 48)).astype(np.float32)
    rows[150:200] = rows[:50] + 0.05 * random.normal(size=(50, 48)).astype(np.float32)
    return rows


def cosines(a, b):
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a / np.linalg.norm(a, axis=1)[:, None]) @ (b / np.linalg.norm(b, axis=1)[:, None]).T


def distances(a, b, order):
    return -np.array([[np.linalg.norm(x - y, ord=order) for y in b] for x in a])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cos_sim", cosines),
        ("dot_score", lambda a, b: a.astype(np.float64) @ b.T.astype(np.float64)),
        ("euclidean_sim", lambda a, b: distances(a, b, 2)),
        ("manhattan_sim", lambda a, b: distances(a, b, 1)),
    ],
)
def test_similarities(vectors, name, expected):
    a, b = vectors[:70], vectors[70:90]
    found = getattr(util, name)(a, b)
    assert found.dtype == np.float32 and found.shape == (70, 20)
    assert np.allclose(found, expected(a, b), rtol=1e-5, atol=1e-5)
    pairs = getattr(util, "pairwise_" + name)(a[:20], b)
    assert np.allclose(pairs, np.diag(expected(a[:20], b)), rtol=1e-5, atol=1e-5)
    assert getattr(util, name)(a[0], b).shape == (1, 20), "a vector is a row"
    assert np.array_equal(getattr(util, name)(a.tolist(), list(b)), found)


def test_the_model_has_its_similarity(model, embeddings):
    assert model.similarity_fn_name == "cosine"
    assert np.array_equal(
        model.similarity(embeddings, embeddings), util.cos_sim(embeddings, embeddings)
    )
    model.similarity_fn_name = SimilarityFunction.EUCLIDEAN
    try:
        found = model.similarity_pairwise(embeddings[:2], embeddings[2:4])
    finally:
        model.similarity_fn_name = None
    assert np.array_equal(found, util.pairwise_euclidean_sim(embeddings[:2], embeddings[2:4]))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0)])
def test_empty_matrices(shape):
    rows = np.zeros(shape, dtype=np.float32)
    assert util.cos_sim(rows, rows).shape == (shape[0], shape[0])


def test_vectors_of_different_width_are_refused(vectors):
    with pytest.raises(ValueError, match="vectors of 48 and of 47 values"):
        util.cos_sim(vectors, vectors[:, :47])
    with pytest.raises(ValueError, match="47 columns, but 48"):
        util.semantic_search(vectors, vectors[:, :47])
    with pytest.raises(ValueError, match="shape"):
        util.cos_sim(vectors[None], vectors)


@pytest.mark.parametrize("score", [util.cos_sim, util.dot_score, "cosine", "dot"])
def test_semantic_search_finds_the_best(vectors, score):
    queries, corpus = vectors[:20], vectors[20:]
    scores = cosines(queries, corpus) if "cos" in str(score) else queries @ corpus.T
    hits = util.semantic_search(queries, corpus, top_k=5, score_function=score)
    best = np.argsort(-scores, axis=1, kind="stable")[:, :5]
    assert [[hit["corpus_id"] for hit in found] for found in hits] == best.tolist()
    assert np.allclose(
        [[hit["score"] for hit in found] for found in hits],
        np.take_along_axis(scores, best, 1),
        atol=1e-4,
    )


def test_a_search_without_rows(vectors):
    assert util.semantic_search(vectors[:2], vectors[:0]) == [[], []]
    assert len(util.semantic_search(vectors[0], vectors, top_k=1000)[0]) == 300
    with pytest.raises(ValueError, match="cos_sim or dot_score"):
        util.semantic_search(vectors, vectors, score_function=util.euclidean_sim)
    with pytest.raises(ValueError, match="row 3 of the corpus holds NaN"):
        bad = vectors.copy()
        bad[3, 1] = np.nan
        util.semantic_search(vectors[:1], bad)


def test_paraphrases_are_the_best_pairs(vectors, model):
    pairs = util.paraphrase_mining_embeddings(vectors, max_pairs=50)
    assert sorted((i, j) for _, i, j in pairs) == [(i, i + 150) for i in range(50)]
    assert [score for score, _, _ in pairs] == sorted(
        (score for score, _, _ in pairs), reverse=True
    )
    found = util.paraphrase_mining(model, TEXTS, top_k=2)
    assert found[0][1:] == [0, 6], "the same text twice"
    assert util.paraphrase_mining_embeddings([]) == []


def test_communities_and_duplicates(vectors):
    groups = util.community_detection(vectors, threshold=0.9, min_community_size=2)
    assert sorted(sorted(group) for group in groups) == [[i, i + 150] for i in range(50)]
    assert util.community_detection([]) == []
    keep, dropped = util.near_duplicates(vectors, 0.9)
    assert keep == [*range(150), *range(200, 300)]
    assert [(row, kept) for row, kept, _ in dropped] == [(i + 150, i) for i in range(50)]


def test_clusters(vectors):
    centres = np.eye(4, 48, dtype=np.float32) * 20
    rows = np.concatenate([centres + 0.1 * vectors[4 * i : 4 * i + 4] for i in range(10)])
    labels, found, inertia = util.k_means(rows, 4)
    assert found.shape == (4, 48) and inertia > 0
    agglomerated = util.agglomerative_clustering(rows, 0.3)
    for label in (labels, agglomerated):
        assert len(set(label.tolist())) == 4
        assert all(label[i] == label[i % 4] for i in range(40))


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary", "float32"])
def test_quantisation_is_numpys(vectors, precision):
    found = util.quantize_embeddings(vectors, precision)
    low, high = vectors.min(axis=0), vectors.max(axis=0)
    levels = np.clip(np.floor((vectors - low) / ((high - low) / np.float32(255))), 0, 255)
    packed = np.packbits(vectors > 0, axis=-1)
    expected = {
        "float32": vectors,
        "uint8": levels.astype(np.uint8),
        "int8": (levels - 128).astype(np.int8),
        "ubinary": packed,
        "binary": (packed.astype(np.int16) - 128).astype(np.int8),
    }[precision]
    assert found.dtype == expected.dtype and np.array_equal(found, expected)


def test_quantisation_of_a_model(model):
    bits = model.encode(TEXTS, precision="ubinary")
    assert bits.shape == (len(TEXTS), 48) and bits.dtype == np.uint8
    assert model.encode(TEXTS[0], precision="binary").shape == (48,)
    assert model.encode(TEXTS, precision="int8").dtype == np.int8
    with pytest.raises(ValueError, match="at least 2 are needed"):
        model.encode(TEXTS[0], precision="int8")


def test_ranges_of_other_embeddings(vectors):
    ranges = np.stack([vectors.min(axis=0), vectors.max(axis=0)])
    by_ranges = util.quantize_embeddings(vectors[:5], "int8", ranges=ranges)
    by_sample = util.quantize_embeddings(vectors[:5], "int8", calibration_embeddings=vectors)
    whole = util.quantize_embeddings(vectors, "int8")
    assert np.array_equal(by_ranges, whole[:5]) and np.array_equal(by_sample, whole[:5])
    with pytest.raises(ValueError, match="float rather than int8"):
        util.quantize_embeddings(whole, "int8")
    with pytest.raises(ValueError, match="no precision"):
        util.quantize_embeddings(vectors, "int4")


def test_a_search_among_bits(vectors):
    bits = util.quantize_embeddings(vectors, "ubinary")
    exact = util.semantic_search(vectors[:10], vectors, top_k=1)
    found = util.semantic_search_binary(vectors[:10], bits, 1, 20, corpus_embeddings=vectors)
    assert [hits[0]["corpus_id"] for hits in found] == [hits[0]["corpus_id"] for hits in exact]
    assert len(util.semantic_search_binary(vectors[:10], bits, top_k=3)[0]) == 3


def test_normalising_and_truncating(vectors):
    unit = util.normalize_embeddings(vectors)
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    assert util.truncate_embeddings(vectors, 5).shape == (300, 5)

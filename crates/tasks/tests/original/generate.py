"""Writes the fixtures: what sentence-transformers, SciPy and scikit-learn compute for small vectors of our own.

    python crates/tasks/tests/original/generate.py

The vectors are random, stored as float32, and given to the original in float64: its own rounding is then far below the 1e-9 that the
tests ask for, and no result depends on the kernel that PyTorch picks for a CPU. `README.md` lists what is in the files.
"""

import json
from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from sentence_transformers.sentence_transformer.evaluation import (
    BinaryClassificationEvaluator,
    EmbeddingSimilarityEvaluator,
    InformationRetrievalEvaluator,
    RerankingEvaluator,
    TripletEvaluator,
)
from sentence_transformers.util import (
    community_detection,
    cos_sim,
    dot_score,
    euclidean_sim,
    paraphrase_mining_embeddings,
    quantize_embeddings,
    semantic_search,
)
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import homogeneity_completeness_v_measure

HERE = Path(__file__).resolve().parent
WIDTH = 20  # no multiple of sixteen
SIMILARITIES = ["cosine", "dot", "euclidean", "manhattan"]


class Vectors:
    """In the place of a SentenceTransformer: a text is the decimal number of a row."""

    similarity_fn_name = "cosine"
    similarity = staticmethod(cos_sim)

    class model_card_data:
        @staticmethod
        def set_evaluation_metrics(*_args: object) -> None:
            pass

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows.astype(np.float64)

    def encode(self, texts: str | list[str], convert_to_tensor: bool = False, **_options: object) -> np.ndarray | torch.Tensor:
        rows = self.rows[int(texts)] if isinstance(texts, str) else self.rows[[int(text) for text in texts]]
        return torch.from_numpy(rows) if convert_to_tensor else rows

    encode_query = encode_document = encode


def names(start: int, count: int) -> list[str]:
    """Texts for rows; of one length, so that they sort as their numbers do."""
    return [f"{i:04}" for i in range(start, start + count)]


def blobs(random: np.random.Generator, count: int, centres: int, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """`count` vectors of different lengths around random directions, and which of them each is around."""
    directions = random.normal(size=(centres, WIDTH))
    which = random.integers(centres, size=count)
    rows = directions[which] + spread * random.normal(size=(count, WIDTH))
    return (rows * random.uniform(0.5, 2, size=(count, 1)) / np.sqrt(WIDTH)).astype(np.float32), which


def searches(queries: np.ndarray, corpus: np.ndarray) -> dict:
    """util.semantic_search."""
    found = {}
    for name, score in {"cosine": cos_sim, "dot": dot_score}.items():
        for top_k, count in [(1, len(queries)), (10, len(queries)), (len(corpus) + 5, 3)]:
            some = torch.from_numpy(queries[:count]).double()
            hits = semantic_search(some, torch.from_numpy(corpus).double(), top_k=top_k, score_function=score)
            found[f"{name}_{top_k}"] = [[[hit["corpus_id"], hit["score"]] for hit in row] for row in hits]
    return found


def sentence_pairs(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> dict:
    """EmbeddingSimilarityEvaluator."""
    model = Vectors(np.concatenate([a, b]))
    evaluator = EmbeddingSimilarityEvaluator(
        names(0, len(a)), names(len(a), len(b)), labels.tolist(), similarity_fn_names=SIMILARITIES, write_csv=False
    )
    return evaluator(model)


def binary(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> dict:
    """BinaryClassificationEvaluator."""
    evaluator = BinaryClassificationEvaluator(
        names(0, len(a)), names(len(a), len(b)), labels.tolist(), similarity_fn_names=SIMILARITIES, write_csv=False
    )
    return evaluator(Vectors(np.concatenate([a, b])))


def tied_scores(random: np.random.Generator) -> list[dict]:
    """The thresholds of BinaryClassificationEvaluator for scores with ties, and with one label only."""
    cases = []
    for count, levels, share in [(40, 5, 0.5), (30, 3, 0.2), (25, 25, 0.9), (7, 4, 0.0), (6, 3, 1.0), (1, 1, 1.0)]:
        scores = random.integers(levels, size=count) / 8 - 0.25
        labels = (random.uniform(size=count) < share).astype(int)
        accuracy = BinaryClassificationEvaluator.find_best_acc_and_threshold(scores, labels, True)
        f1 = BinaryClassificationEvaluator.find_best_f1_and_threshold(scores, labels, True)
        cases.append({"scores": scores.tolist(), "labels": labels.tolist(), "accuracy": floats(accuracy), "f1": floats(f1)})
    return cases


def floats(values: tuple) -> list[float]:
    return [float(value) for value in values]


def triplets(anchors: np.ndarray, positives: np.ndarray, negatives: np.ndarray) -> dict:
    """TripletEvaluator, without a margin and with one."""
    count = len(anchors)
    texts = [names(i * count, count) for i in range(3)]
    model = Vectors(np.concatenate([anchors, positives, negatives]))
    found = {}
    for margin in [0, 0.5]:
        evaluator = TripletEvaluator(*texts, margin=margin, similarity_fn_names=SIMILARITIES, write_csv=False)
        found[str(margin)] = evaluator(model)
    return found


def retrieval(queries: np.ndarray, corpus: np.ndarray, relevant: list[list[int]]) -> dict:
    """InformationRetrievalEvaluator; a document that no ranking can hold is relevant too, for some."""
    texts, documents = names(0, len(queries)), names(len(queries), len(corpus))
    evaluator = InformationRetrievalEvaluator(
        dict(zip(texts, texts)),
        dict(zip(documents, documents)),
        {text: {f"{len(queries) + i:04}" for i in row} for text, row in zip(texts, relevant)},
        mrr_at_k=[3, 10],
        ndcg_at_k=[3, 10, 1000],
        map_at_k=[10, 100],
        score_functions={"cosine": cos_sim, "dot": dot_score},
        write_csv=False,
    )
    return evaluator(Vectors(np.concatenate([queries, corpus])))


def reranking(queries: np.ndarray, documents: np.ndarray, counts: list[list[int]]) -> dict:
    """RerankingEvaluator; `counts` are the positives and negatives of each query, taken from `documents` in order."""
    texts, used, samples = names(len(queries), len(documents)), 0, []
    for query, (positives, negatives) in zip(names(0, len(queries)), counts):
        taken = texts[used : used + positives + negatives]
        samples.append({"query": query, "positive": taken[:positives], "negative": taken[positives:]})
        used += positives + negatives
    model = Vectors(np.concatenate([queries, documents]))
    functions = {"cosine": cos_sim, "dot": dot_score, "euclidean": euclidean_sim}
    return {
        name: {f"at_{k}": RerankingEvaluator(samples, at_k=k, similarity_fct=function, write_csv=False)(model) for k in [3, 10]}
        for name, function in functions.items()
    }


def v_measures(random: np.random.Generator) -> list[dict]:
    """sklearn.metrics.homogeneity_completeness_v_measure."""
    cases = []
    for count, truth, predicted, beta in [(60, 5, 7, 1.0), (60, 5, 2, 0.5), (9, 1, 4, 1.0), (9, 4, 1, 1.0), (1, 1, 1, 1.0)]:
        labels = random.integers(truth, size=count).tolist(), random.integers(predicted, size=count).tolist()
        expected = floats(homogeneity_completeness_v_measure(*labels, beta=beta))
        cases.append({"truth": labels[0], "predicted": labels[1], "beta": beta, "expected": expected})
    return cases


def mining(rows: np.ndarray) -> dict:
    """util.paraphrase_mining_embeddings."""
    rows = torch.from_numpy(rows).double()
    options = {"default": {}, "top_2": {"top_k": 2}, "max_50": {"max_pairs": 50}, "chunks": {"query_chunk_size": 7, "top_k": 5}}
    options["dot"] = {"score_function": dot_score, "top_k": 3}
    return {name: paraphrase_mining_embeddings(rows, **option)[:500] for name, option in options.items()}


def communities(rows: np.ndarray) -> dict:
    """util.community_detection."""
    rows = torch.from_numpy(rows).double()
    return {
        f"{threshold}_{size}": [[int(i) for i in one] for one in community_detection(rows, threshold, size)]
        for threshold, size in [(0.75, 10), (0.6, 3), (0.9, 2), (0.3, 1), (0.75, 1000)]
    }


def clusterings(rows: np.ndarray, start: np.ndarray) -> dict:
    """sklearn.cluster: k-means from given centres, agglomerative clustering by threshold."""
    rows = rows.astype(np.float64)
    means = KMeans(len(start), init=start.astype(np.float64), n_init=1, tol=0, algorithm="lloyd").fit(rows)
    found = {"k_means": {"labels": means.labels_.tolist(), "inertia": float(means.inertia_), "centres": means.cluster_centers_.tolist()}}
    cases = [("ward", "euclidean", 1.5), ("average", "cosine", 0.4), ("complete", "euclidean", 1.2), ("single", "euclidean", 0.6)]
    for linkage, metric, threshold in cases + [("average", "euclidean", 0.9), ("single", "cosine", 0.1)]:
        model = AgglomerativeClustering(None, linkage=linkage, metric=metric, distance_threshold=threshold).fit(rows)
        found[f"{linkage}_{metric}"] = {"threshold": threshold, "labels": model.labels_.tolist()}
    return found


def quantized(rows: np.ndarray, calibration: np.ndarray) -> dict[str, np.ndarray]:
    """util.quantize_embeddings, in float32 as it is used."""
    ranges = np.stack([np.full(WIDTH, -0.25), np.linspace(0.1, 0.75, WIDTH)]).astype(np.float32)
    ranges[:, 3] = 0.125  # a dimension without extent
    arrays = {"quantize.ranges": ranges}
    for precision in ["int8", "uint8"]:
        arrays[f"quantize.{precision}.data"] = quantize_embeddings(rows, precision)
        arrays[f"quantize.{precision}.calibrated"] = quantize_embeddings(rows, precision, calibration_embeddings=calibration)
        arrays[f"quantize.{precision}.given"] = quantize_embeddings(rows, precision, ranges=ranges)
    for precision in ["binary", "ubinary"]:
        arrays[f"quantize.{precision}"] = quantize_embeddings(rows, precision)
    return arrays


def main() -> None:
    """Writes vectors.safetensors and expected.json."""
    random = np.random.default_rng(5)
    corpus, topics = blobs(random, 160, 8, 0.6)
    queries, _ = blobs(random, 12, 8, 0.6)
    queries = (corpus[:12] + 0.3 * queries).astype(np.float32)
    relevant = [np.flatnonzero(topics == topics[i])[:: 1 + i % 4].tolist() for i in range(12)]
    relevant[3].append(9000)
    left, _ = blobs(random, 60, 20, 1.0)
    noise = random.uniform(0.1, 2, size=(60, 1))
    right = (left + noise * random.normal(size=left.shape) / np.sqrt(WIDTH)).astype(np.float32)
    labels = np.round(5 * np.exp(-noise[:, 0]) + random.uniform(0, 1, size=60), 0)
    negatives, _ = blobs(random, 60, 20, 1.0)
    documents, _ = blobs(random, 100, 12, 0.8)
    documents[:12] = queries + 0.5 * documents[:12]
    documents[20:24] = documents[20]  # ties
    counts = [[1 + i % 3, 4 + i % 4] for i in range(12)]

    arrays = {"corpus": corpus, "queries": queries, "left": left, "right": right, "negatives": negatives, "documents": documents}
    expected = {
        "topics": topics.tolist(),
        "search": searches(queries, corpus),
        "labels": labels.tolist(),
        "similarity": sentence_pairs(left, right, labels),
        "binary_labels": (labels > 2).astype(int).tolist(),
        "binary": binary(left, right, (labels > 2).astype(int)),
        "tied_scores": tied_scores(random),
        "triplet": triplets(left, right, negatives),
        "relevant": relevant,
        "retrieval": retrieval(queries, corpus, relevant),
        "counts": counts,
        "reranking": reranking(queries, documents, counts),
        "v_measure": v_measures(random),
        "mining": mining(corpus),
        "communities": communities(corpus),
        "clusterings": clusterings(corpus, corpus[:8]),
    }
    arrays |= quantized(corpus, documents)
    (HERE / "vectors.safetensors").write_bytes(safetensors.numpy.save(arrays))
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in expected.items())
    (HERE / "expected.json").write_text("{\n" + lines + "\n}\n", encoding="ascii")


if __name__ == "__main__":
    main()

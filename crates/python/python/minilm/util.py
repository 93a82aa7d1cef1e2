"""What people do with embeddings, by the names of ``sentence_transformers.util``.

Embeddings are NumPy arrays, lists of vectors or tensors; results are plain lists and NumPy arrays.
Keywords for chunks and progress bars are accepted and not used: a search goes through its corpus
in blocks of its own, and no result depends on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import _minilm
from .similarity import (
    Floats,
    SimilarityFunction,
    cos_sim,
    dot_score,
    euclidean_sim,
    manhattan_sim,
    pairwise_cos_sim,
    pairwise_dot_score,
    pairwise_euclidean_sim,
    pairwise_manhattan_sim,
    pytorch_cos_sim,
    vectors,
)

if TYPE_CHECKING:
    from .model import SentenceTransformer

__all__ = [
    "SimilarityFunction",
    "agglomerative_clustering",
    "community_detection",
    "cos_sim",
    "dot_score",
    "euclidean_sim",
    "information_retrieval",
    "k_means",
    "manhattan_sim",
    "near_duplicates",
    "normalize_embeddings",
    "pairwise_cos_sim",
    "pairwise_dot_score",
    "pairwise_euclidean_sim",
    "pairwise_manhattan_sim",
    "paraphrase_mining",
    "paraphrase_mining_embeddings",
    "pytorch_cos_sim",
    "quantize_embeddings",
    "semantic_search",
    "semantic_search_binary",
    "truncate_embeddings",
]


#: The names of similarities by those of their functions.
SIMILARITIES = {
    "cos_sim": "cosine",
    "pytorch_cos_sim": "cosine",
    "dot_score": "dot",
    "euclidean_sim": "euclidean",
    "manhattan_sim": "manhattan",
}


def similarity_name(score_function: Callable[..., Any] | str) -> str:
    """The name of a score function, which is one of this module, the original's, or a name."""
    name = score_function if isinstance(score_function, str) else score_function.__name__
    return SIMILARITIES.get(name, name)


def _metric(score_function: Callable[..., Any] | str) -> str:
    """The metric of a search."""
    if (metric := similarity_name(score_function)) in ("cosine", "dot"):
        return metric
    raise ValueError(f"score_function={metric}: a search scores by cos_sim or dot_score")


def _hits(found: list[list[tuple[int, float]]]) -> list[list[dict[str, int | float]]]:
    return [[{"corpus_id": row, "score": score} for row, score in hits] for hits in found]


def semantic_search(
    query_embeddings: Any,
    corpus_embeddings: Any,
    query_chunk_size: int = 100,
    corpus_chunk_size: int = 500000,
    top_k: int = 10,
    score_function: Callable[..., Any] | str = cos_sim,
) -> list[list[dict[str, int | float]]]:
    """For each query the ``top_k`` best rows of the corpus: ``corpus_id`` and ``score``.

    The search is exact. Equal scores come in the order of their rows.
    """
    queries, corpus = vectors(query_embeddings), vectors(corpus_embeddings)
    return _hits(_minilm.search(queries, corpus, top_k, _metric(score_function)))


def information_retrieval(*args: Any, **kwargs: Any) -> list[list[dict[str, int | float]]]:
    """See :func:`semantic_search`."""
    return semantic_search(*args, **kwargs)


def semantic_search_binary(
    query_embeddings: Any,
    corpus_bits: NDArray[np.uint8],
    top_k: int = 10,
    rescore_multiplier: int = 2,
    score_function: Callable[..., Any] | str = cos_sim,
    corpus_embeddings: Any = None,
) -> list[list[dict[str, int | float]]]:
    """A search among rows of ``ubinary`` embeddings.

    ``top_k`` times ``rescore_multiplier`` rows are found by their bits, and scored again: by
    ``corpus_embeddings`` if they are given, else by the signs.
    """
    rows = None if corpus_embeddings is None else vectors(corpus_embeddings)
    metric = _metric(score_function)
    return _hits(
        _minilm.search_bits(
            vectors(query_embeddings), corpus_bits, top_k, rescore_multiplier, metric, rows
        )
    )


def paraphrase_mining(
    model: SentenceTransformer,
    sentences: list[str],
    show_progress_bar: bool = False,
    batch_size: int = 32,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[..., Any] | str = cos_sim,
    truncate_dim: int | None = None,
    prompt_name: str | None = None,
    prompt: str | None = None,
) -> list[list[float | int]]:
    """The pairs of sentences that are most alike, as ``[score, row, row]``, best first."""
    embeddings = model.encode(
        sentences,
        show_progress_bar=show_progress_bar,
        truncate_dim=truncate_dim,
        prompt_name=prompt_name,
        prompt=prompt,
    )
    return paraphrase_mining_embeddings(
        embeddings, max_pairs=max_pairs, top_k=top_k, score_function=score_function
    )


def paraphrase_mining_embeddings(
    embeddings: Any,
    query_chunk_size: int = 5000,
    corpus_chunk_size: int = 100000,
    max_pairs: int = 500000,
    top_k: int = 100,
    score_function: Callable[..., Any] | str = cos_sim,
) -> list[list[float | int]]:
    """The pairs of rows that are most alike, as ``[score, row, row]``, best first."""
    if len(embeddings) == 0:
        return []
    pairs = _minilm.paraphrases(vectors(embeddings), max_pairs, top_k, _metric(score_function))
    return [list(pair) for pair in pairs]


def community_detection(
    embeddings: Any,
    threshold: float = 0.75,
    min_community_size: int = 10,
    batch_size: int = 1024,
    show_progress_bar: bool = False,
) -> list[list[int]]:
    """Groups of rows whose cosine with a central row is at least ``threshold``, largest first.

    The first row of each group is its centre.
    """
    if len(embeddings) == 0:
        return []
    return _minilm.communities(vectors(embeddings), threshold, min_community_size)


def near_duplicates(
    embeddings: Any, threshold: float = 0.95
) -> tuple[list[int], list[tuple[int, int, float]]]:
    """The rows to keep, and each other row with the kept row that it repeats and their cosine.

    In the order of the rows, a row is dropped if its cosine with a kept one is at least
    ``threshold``.
    """
    return _minilm.near_duplicates(vectors(embeddings), threshold)


def k_means(
    embeddings: Any, n_clusters: int, random_state: int = 0
) -> tuple[NDArray[np.uintp], Floats, float]:
    """Labels, centres and inertia of k-means. The same seed gives the same clusters."""
    return _minilm.k_means(vectors(embeddings), n_clusters, random_state)


def agglomerative_clustering(embeddings: Any, distance_threshold: float) -> NDArray[np.uintp]:
    """Labels of agglomerative clustering by the cosine distance, with average linkage."""
    return _minilm.agglomerative(vectors(embeddings), distance_threshold)


def quantize_embeddings(
    embeddings: Any,
    precision: str,
    ranges: Any = None,
    calibration_embeddings: Any = None,
) -> NDArray[Any]:
    """Embeddings as ``float32``, ``int8``, ``uint8``, ``binary`` or ``ubinary``.

    Args:
        ranges: The least and the largest value of each dimension, ``[2, d]``; for int8 and uint8.
        calibration_embeddings: Embeddings from which the ranges are taken; by default those that
            are quantised.
    """
    dtype = getattr(embeddings, "dtype", None)
    if dtype is not None and str(dtype).removeprefix("torch.") in ("int8", "uint8"):
        raise ValueError("Embeddings to quantize must be float rather than int8 or uint8.")
    shape = np.shape(embeddings)
    rows = vectors(embeddings)
    if precision == "float32":
        return rows.reshape(shape)
    low, high = _ranges(precision, ranges, calibration_embeddings)
    if len(rows) == 0:
        width = rows.shape[1] if "int8" in precision else (rows.shape[1] + 7) // 8
        return np.zeros((0, width), dtype=np.uint8 if precision[0] == "u" else np.int8)
    found = _minilm.quantize(rows, precision, low, high)
    return found[0] if len(shape) == 1 else found


def _ranges(precision: str, ranges: Any, calibration: Any) -> tuple[Floats | None, Floats | None]:
    if ranges is not None:
        low, high = vectors(ranges)
        return low, high
    if calibration is not None and precision in ("int8", "uint8"):
        return _minilm.ranges(vectors(calibration))
    return None, None


def normalize_embeddings(embeddings: Any) -> Floats:
    """Rows of length 1. A row of zeros stays as it is."""
    rows = np.asarray(vectors(embeddings))
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    unit = (rows / np.maximum(lengths, 1e-12)[:, None]).astype(np.float32)
    return unit.reshape(np.shape(embeddings))


def truncate_embeddings(embeddings: Any, truncate_dim: int | None) -> Any:
    """The first ``truncate_dim`` values of each embedding."""
    return embeddings[..., :truncate_dim]

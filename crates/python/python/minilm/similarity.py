"""Similarities of vectors. Results are NumPy arrays of float32."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _minilm

Floats = NDArray[np.float32]


class SimilarityFunction(Enum):
    """The similarities of sentence-transformers."""

    COSINE = "cosine"
    DOT_PRODUCT = "dot"
    DOT = "dot"
    EUCLIDEAN = "euclidean"
    MANHATTAN = "manhattan"

    @staticmethod
    def to_similarity_fn(similarity_function: str | SimilarityFunction) -> Callable[..., Floats]:
        """The function that compares all rows with all rows."""
        return _MATRIX[SimilarityFunction(similarity_function)]

    @staticmethod
    def to_similarity_pairwise_fn(
        similarity_function: str | SimilarityFunction,
    ) -> Callable[..., Floats]:
        """The function that compares each row with the same row of the other."""
        return _PAIRS[SimilarityFunction(similarity_function)]

    @staticmethod
    def possible_values() -> list[str]:
        """The names."""
        return [function.value for function in SimilarityFunction]


def vectors(embeddings: Any) -> Floats:
    """Embeddings as a matrix of float32, ``[n, d]``; one vector becomes a row.

    NumPy arrays, lists of vectors and tensors are taken; float32 arrays are not copied.
    """
    if isinstance(embeddings, (list, tuple)):
        embeddings = np.asarray([_array(row) for row in embeddings], dtype=np.float32)
    rows = np.ascontiguousarray(_array(embeddings), dtype=np.float32)
    if rows.ndim == 1:
        rows = rows.reshape(1, -1)
    if rows.ndim != 2:
        raise ValueError(f"embeddings are a vector or a matrix, not an array of shape {rows.shape}")
    return rows


def _array(values: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        return values.float().numpy() if values.is_floating_point() else values.numpy()
    return values


def cos_sim(a: Any, b: Any) -> Floats:
    """The cosine of each row of ``a`` with each row of ``b``: ``[len(a), len(b)]``."""
    return _minilm.similarity_matrix(vectors(a), vectors(b), "cosine")


def dot_score(a: Any, b: Any) -> Floats:
    """The dot product of each row of ``a`` with each row of ``b``: ``[len(a), len(b)]``."""
    return _minilm.similarity_matrix(vectors(a), vectors(b), "dot")


def euclidean_sim(a: Any, b: Any) -> Floats:
    """Minus the Euclidean distance of each row of ``a`` to each row of ``b``."""
    return _minilm.similarity_matrix(vectors(a), vectors(b), "euclidean")


def manhattan_sim(a: Any, b: Any) -> Floats:
    """Minus the Manhattan distance of each row of ``a`` to each row of ``b``."""
    return _minilm.similarity_matrix(vectors(a), vectors(b), "manhattan")


def pairwise_cos_sim(a: Any, b: Any) -> Floats:
    """The cosine of each row of ``a`` with the same row of ``b``: ``[len(a)]``."""
    return _minilm.similarity_pairs(vectors(a), vectors(b), "cosine")


def pairwise_dot_score(a: Any, b: Any) -> Floats:
    """The dot product of each row of ``a`` with the same row of ``b``: ``[len(a)]``."""
    return _minilm.similarity_pairs(vectors(a), vectors(b), "dot")


def pairwise_euclidean_sim(a: Any, b: Any) -> Floats:
    """Minus the Euclidean distance of each row of ``a`` to the same row of ``b``."""
    return _minilm.similarity_pairs(vectors(a), vectors(b), "euclidean")


def pairwise_manhattan_sim(a: Any, b: Any) -> Floats:
    """Minus the Manhattan distance of each row of ``a`` to the same row of ``b``."""
    return _minilm.similarity_pairs(vectors(a), vectors(b), "manhattan")


pytorch_cos_sim = cos_sim

_MATRIX: dict[SimilarityFunction, Callable[..., Floats]] = {
    SimilarityFunction.COSINE: cos_sim,
    SimilarityFunction.DOT: dot_score,
    SimilarityFunction.EUCLIDEAN: euclidean_sim,
    SimilarityFunction.MANHATTAN: manhattan_sim,
}

_PAIRS: dict[SimilarityFunction, Callable[..., Floats]] = {
    SimilarityFunction.COSINE: pairwise_cos_sim,
    SimilarityFunction.DOT: pairwise_dot_score,
    SimilarityFunction.EUCLIDEAN: pairwise_euclidean_sim,
    SimilarityFunction.MANHATTAN: pairwise_manhattan_sim,
}

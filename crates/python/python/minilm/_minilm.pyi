"""The functions and classes behind the package; use those of the package."""

import os
from collections.abc import Callable
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

_Floats: TypeAlias = NDArray[np.float32]
_Hits: TypeAlias = list[list[tuple[int, float]]]

__all__ = [
    "Encoder",
    "Index",
    "Training",
    "__version__",
    "agglomerative",
    "cached_model",
    "communities",
    "evaluate_binary",
    "evaluate_reranking",
    "evaluate_retrieval",
    "evaluate_similarity",
    "evaluate_triplets",
    "k_means",
    "near_duplicates",
    "paraphrases",
    "quantize",
    "ranges",
    "search",
    "search_bits",
    "similarity_matrix",
    "similarity_pairs",
]

__version__: str

@final
class Encoder:
    @staticmethod
    def load(
        directory: str | os.PathLike[str],
        threads: int | None = None,
        level: str | None = None,
        precision: str | None = None,
    ) -> Encoder: ...
    def encode(
        self,
        texts: list[str],
        prompt: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> _Floats: ...
    def encode_tokens(
        self, texts: list[str], prompt: str | None = None
    ) -> list[tuple[list[str], list[int], _Floats, int]]: ...
    def tokenize(
        self, texts: list[str], prompt: str | None = None
    ) -> list[tuple[list[int], int]]: ...
    def encode_windows(
        self,
        document: str,
        tokens: int | None = None,
        stride: int | None = None,
        prompt: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
    ) -> list[tuple[int, int, int, _Floats]]: ...
    def encode_long(
        self,
        document: str,
        tokens: int | None = None,
        stride: int | None = None,
        prompt: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
    ) -> _Floats: ...
    def explain(self, a: str, b: str) -> tuple[list[str], list[str], NDArray[np.float64]]: ...
    def with_max_tokens(self, tokens: int) -> Encoder: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def precision(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def prompts(self) -> dict[str, str]: ...
    @property
    def default_prompt(self) -> str: ...
    def space(self) -> str: ...

@final
class Index:
    @staticmethod
    def open(path: str | os.PathLike[str]) -> Index: ...
    @staticmethod
    def write(
        path: str | os.PathLike[str],
        encoder: Encoder,
        embeddings: _Floats,
        texts: list[str],
        append: bool,
        prompt: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
    ) -> None: ...
    def search(
        self,
        encoder: Encoder,
        queries: _Floats,
        top_k: int,
        metric: str,
        prompt: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
    ) -> _Hits: ...
    def text(self, row: int) -> str: ...
    def vectors(self) -> _Floats: ...
    def check(self) -> None: ...
    def __len__(self) -> int: ...
    @property
    def dimensions(self) -> int: ...
    @property
    def space(self) -> str: ...

@final
class Training:
    @staticmethod
    def begin(
        base: str | os.PathLike[str],
        output: str | os.PathLike[str],
        table: tuple[list[str], list[list[str]]],
        loss: str | None,
        arguments: str,
        evaluations: list[tuple[str, tuple[list[str], list[list[str]]]]],
        average: float,
        kept_tokens: int | None,
        level: str | None,
        teacher: Encoder | None,
        resume: bool,
    ) -> Training: ...
    def next(self) -> str | None: ...
    def finish(self) -> str: ...
    def stop(self) -> str: ...
    def checkpoint(self) -> os.PathLike[str]: ...
    @property
    def steps(self) -> int: ...
    @property
    def step(self) -> int: ...
    @property
    def findings(self) -> list[str]: ...

def cached_model(
    name: str, revision: str | None = None, cache: str | None = None
) -> os.PathLike[str]: ...
def similarity_matrix(a: _Floats, b: _Floats, name: str) -> _Floats: ...
def similarity_pairs(a: _Floats, b: _Floats, name: str) -> _Floats: ...
def search(queries: _Floats, corpus: _Floats, top_k: int, metric: str) -> _Hits: ...
def search_bits(
    queries: _Floats,
    bits: NDArray[np.uint8],
    top_k: int,
    multiplier: int,
    metric: str,
    embeddings: _Floats | None = None,
) -> _Hits: ...
def paraphrases(
    embeddings: _Floats, max_pairs: int, top_k: int, metric: str
) -> list[tuple[float, int, int]]: ...
def communities(embeddings: _Floats, threshold: float, min_size: int) -> list[list[int]]: ...
def near_duplicates(
    embeddings: _Floats, threshold: float
) -> tuple[list[int], list[tuple[int, int, float]]]: ...
def k_means(
    embeddings: _Floats, clusters: int, seed: int
) -> tuple[NDArray[np.uintp], _Floats, float]: ...
def agglomerative(embeddings: _Floats, threshold: float) -> NDArray[np.uintp]: ...
def ranges(embeddings: _Floats) -> tuple[_Floats, _Floats]: ...
def quantize(
    embeddings: _Floats,
    precision: str,
    low: _Floats | None = None,
    high: _Floats | None = None,
) -> NDArray[Any]: ...
def evaluate_similarity(
    a: _Floats, b: _Floats, labels: list[float], similarity: str
) -> tuple[float, float]: ...
def evaluate_binary(
    a: _Floats, b: _Floats, alike: list[bool], similarity: str
) -> dict[str, float]: ...
def evaluate_triplets(
    anchors: _Floats, positives: _Floats, negatives: _Floats, similarity: str, margin: float
) -> float: ...
def evaluate_retrieval(
    queries: _Floats,
    corpus: _Floats,
    relevant: list[set[int]],
    metric: str,
    accuracy: list[int],
    precision_recall: list[int],
    mrr: list[int],
    ndcg: list[int],
    map: list[int],
) -> dict[str, dict[int, float]]: ...
def evaluate_reranking(
    samples: list[tuple[list[float], list[bool]]], k: int
) -> tuple[float, float, float]: ...

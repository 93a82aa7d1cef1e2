"""Evaluators, by the names and with the metrics of ``sentence_transformers.sentence_transformer``.

Each is called with a model and returns a dictionary of metrics; ``primary_metric`` is the name of
the one that counts.

The arguments are those of the original, in its order. ``batch_size``, ``corpus_chunk_size`` and
``use_batched_encoding`` have no effect on a result. Nothing is written to disk, so ``write_csv``
has no effect either, and an ``output_path`` or ``write_predictions`` is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import _minilm
from .similarity import SimilarityFunction, vectors
from .util import similarity_name

__all__ = [
    "BinaryClassificationEvaluator",
    "EmbeddingSimilarityEvaluator",
    "InformationRetrievalEvaluator",
    "RerankingEvaluator",
    "TripletEvaluator",
]


class _Evaluator:
    """What evaluators share."""

    name: str
    truncate_dim: int | None
    show_progress_bar: bool
    primary_metric: str

    def __call__(
        self, model: Any, output_path: str | None = None, epoch: int = -1, steps: int = -1
    ) -> dict[str, float]:
        if output_path is not None:
            raise ValueError(f"output_path={output_path!r}: evaluators write nothing to disk")
        return self._evaluate(model)

    def _evaluate(self, model: Any) -> dict[str, float]:
        raise NotImplementedError

    def _embed(
        self, model: Any, texts: Sequence[str], method: str = "encode", **prompts: str | None
    ) -> Any:
        encode = getattr(model, method)
        given = {"truncate_dim": self.truncate_dim, "show_progress_bar": self.show_progress_bar}
        return vectors(encode(list(texts), **given, **prompts))

    def _named(self, metrics: dict[str, float], primary: str) -> dict[str, float]:
        prefix = f"{self.name}_" if self.name else ""
        self.primary_metric = prefix + primary
        return {prefix + key: value for key, value in metrics.items()}


def _check_lengths(**lists: Sequence[Any]) -> None:
    if len({len(values) for values in lists.values()}) > 1:
        sizes = ", ".join(f"{name} has {len(values)}" for name, values in lists.items())
        raise ValueError(f"lists that belong together differ in length: {sizes}")


class EmbeddingSimilarityEvaluator(_Evaluator):
    """The correlation of similarities with scores: ``pearson_cosine``, ``spearman_cosine``, …"""

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        scores: Sequence[float],
        batch_size: int = 16,
        main_similarity: str | SimilarityFunction | None = None,
        similarity_fn_names: Sequence[str] | None = None,
        name: str = "",
        show_progress_bar: bool = False,
        write_csv: bool = True,
        precision: str | None = None,
        truncate_dim: int | None = None,
    ) -> None:
        if precision not in (None, "float32"):
            raise ValueError(f"precision={precision!r}: embeddings are compared as float32")
        self.show_progress_bar = show_progress_bar
        _check_lengths(sentences1=sentences1, sentences2=sentences2, scores=scores)
        self.sentences1, self.sentences2, self.scores = sentences1, sentences2, scores
        self.main = SimilarityFunction(main_similarity).value if main_similarity else None
        self.similarity_fn_names = list(similarity_fn_names or ([self.main] if self.main else []))
        self.name, self.truncate_dim = name, truncate_dim

    def _evaluate(self, model: Any) -> dict[str, float]:
        a, b = self._embed(model, self.sentences1), self._embed(model, self.sentences2)
        names = self.similarity_fn_names or [model.similarity_fn_name]
        metrics: dict[str, float] = {}
        for name in names:
            pearson, spearman = _minilm.evaluate_similarity(a, b, list(self.scores), name)
            metrics[f"pearson_{name}"] = pearson
            metrics[f"spearman_{name}"] = spearman
        if len(names) > 1:
            for kind in ("pearson", "spearman"):
                metrics[f"{kind}_max"] = max(metrics[f"{kind}_{name}"] for name in names)
        best = "max" if len(names) > 1 else names[0]
        return self._named(metrics, f"spearman_{self.main or best}")


class BinaryClassificationEvaluator(_Evaluator):
    """Pairs that are alike (1) or not (0), told apart by a threshold: ``cosine_ap``, …"""

    def __init__(
        self,
        sentences1: Sequence[str],
        sentences2: Sequence[str],
        labels: Sequence[int],
        name: str = "",
        batch_size: int = 32,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
    ) -> None:
        self.show_progress_bar = show_progress_bar
        _check_lengths(sentences1=sentences1, sentences2=sentences2, labels=labels)
        if wrong := [label for label in labels if label not in (0, 1)]:
            raise ValueError(f"labels are 0 or 1, not {wrong[0]!r}")
        self.sentences1, self.sentences2, self.labels = sentences1, sentences2, labels
        self.similarity_fn_names = list(similarity_fn_names or [])
        self.name, self.truncate_dim = name, truncate_dim

    def _evaluate(self, model: Any) -> dict[str, float]:
        a, b = self._embed(model, self.sentences1), self._embed(model, self.sentences2)
        names = self.similarity_fn_names or [model.similarity_fn_name]
        alike = [bool(label) for label in self.labels]
        found = {name: _minilm.evaluate_binary(a, b, alike, name) for name in names}
        metrics = {f"{name}_{key}": value for name in names for key, value in found[name].items()}
        if len(names) > 1:
            for key in found[names[0]]:
                metrics[f"max_{key}"] = max(found[name][key] for name in names)
        return self._named(metrics, "max_ap" if len(names) > 1 else f"{names[0]}_ap")


class TripletEvaluator(_Evaluator):
    """The share of triplets in which the positive is nearer than the negative."""

    def __init__(
        self,
        anchors: Sequence[str],
        positives: Sequence[str],
        negatives: Sequence[str],
        main_similarity_function: str | SimilarityFunction | None = None,
        margin: float | dict[str, float] | None = None,
        name: str = "",
        batch_size: int = 16,
        show_progress_bar: bool = False,
        write_csv: bool = True,
        truncate_dim: int | None = None,
        similarity_fn_names: Sequence[str] | None = None,
    ) -> None:
        self.show_progress_bar = show_progress_bar
        _check_lengths(anchors=anchors, positives=positives, negatives=negatives)
        self.anchors, self.positives, self.negatives = anchors, positives, negatives
        main = main_similarity_function
        self.main = SimilarityFunction(main).value if main else None
        self.similarity_fn_names = list(similarity_fn_names or ([self.main] if self.main else []))
        self.margin = margin if isinstance(margin, dict) else {}
        self.default_margin = 0.0 if margin is None or isinstance(margin, dict) else float(margin)
        self.name, self.truncate_dim = name, truncate_dim

    def _evaluate(self, model: Any) -> dict[str, float]:
        a = self._embed(model, self.anchors, "encode_query")
        p = self._embed(model, self.positives, "encode_document")
        n = self._embed(model, self.negatives, "encode_document")
        names = self.similarity_fn_names or [model.similarity_fn_name]
        metrics = {}
        for name in names:
            margin = self.margin.get(name, self.default_margin)
            metrics[f"{name}_accuracy"] = _minilm.evaluate_triplets(a, p, n, name, margin)
        if len(names) > 1:
            metrics["max_accuracy"] = max(metrics.values())
        best = "max" if len(names) > 1 else names[0]
        return self._named(metrics, f"{self.main or best}_accuracy")


class InformationRetrievalEvaluator(_Evaluator):
    """Rankings of a corpus for queries: ``cosine_ndcg@10``, ``cosine_mrr@10``, …"""

    def __init__(
        self,
        queries: dict[str, str],
        corpus: dict[str, str],
        relevant_docs: dict[str, set[str]],
        corpus_chunk_size: int = 50000,
        mrr_at_k: Sequence[int] = (10,),
        ndcg_at_k: Sequence[int] = (10,),
        accuracy_at_k: Sequence[int] = (1, 3, 5, 10),
        precision_recall_at_k: Sequence[int] = (1, 3, 5, 10),
        map_at_k: Sequence[int] = (100,),
        show_progress_bar: bool = False,
        batch_size: int = 32,
        name: str = "",
        write_csv: bool = True,
        truncate_dim: int | None = None,
        score_functions: Mapping[str, Callable[..., Any] | str] | Sequence[str] | None = None,
        main_score_function: str | SimilarityFunction | None = None,
        query_prompt: str | None = None,
        query_prompt_name: str | None = None,
        corpus_prompt: str | None = None,
        corpus_prompt_name: str | None = None,
        write_predictions: bool = False,
    ) -> None:
        if write_predictions:
            raise ValueError("write_predictions: evaluators write nothing to disk")
        self.show_progress_bar = show_progress_bar
        self.queries = {key: text for key, text in queries.items() if relevant_docs.get(key)}
        self.corpus, self.relevant_docs = corpus, relevant_docs
        self.cutoffs = [
            list(k) for k in (accuracy_at_k, precision_recall_at_k, mrr_at_k, ndcg_at_k, map_at_k)
        ]
        if not isinstance(score_functions, Mapping):
            score_functions = {name: name for name in score_functions or []}
        #: The similarities of the search, by the names that their metrics have.
        self.score_functions = {n: similarity_name(fn) for n, fn in score_functions.items()}
        main = main_score_function
        self.main = SimilarityFunction(main).value if main else None
        self.query_prompts = {"prompt": query_prompt, "prompt_name": query_prompt_name}
        self.corpus_prompts = {"prompt": corpus_prompt, "prompt_name": corpus_prompt_name}
        self.name, self.truncate_dim = name, truncate_dim

    def _evaluate(self, model: Any) -> dict[str, float]:
        rows = {key: row for row, key in enumerate(self.corpus)}
        # A relevant document that is not in the corpus cannot be found, and counts all the same.
        missing = len(rows)
        relevant: list[set[int]] = []
        for key in self.queries:
            wanted = [rows.get(document) for document in self.relevant_docs[key]]
            found = {row for row in wanted if row is not None}
            relevant.append(found | {missing + i for i in range(len(wanted) - len(found))})
        texts = list(self.queries.values()), list(self.corpus.values())
        queries = self._embed(model, texts[0], "encode_query", **self.query_prompts)
        corpus = self._embed(model, texts[1], "encode_document", **self.corpus_prompts)
        own = model.similarity_fn_name
        names = self.score_functions or {own: own}
        metrics = {
            f"{name}_{measure}@{k}": value
            for name, similarity in names.items()
            for measure, values in _minilm.evaluate_retrieval(
                queries, corpus, relevant, similarity, *self.cutoffs
            ).items()
            for k, value in values.items()
        }
        best = max(names, key=lambda name: metrics[f"{name}_ndcg@{max(self.cutoffs[3])}"])
        best = self.main or best
        return self._named(metrics, f"{best}_ndcg@{max(self.cutoffs[3])}")


class RerankingEvaluator(_Evaluator):
    """Documents of each query, sorted by similarity: ``map``, ``mrr@10``, ``ndcg@10``.

    A sample has a ``query`` and lists ``positive`` and ``negative``; one without positives or
    without negatives does not count.
    """

    def __init__(
        self,
        samples: Sequence[dict[str, Any]],
        at_k: int = 10,
        name: str = "",
        write_csv: bool = True,
        similarity_fct: Callable[..., Any] | str = "cosine",
        batch_size: int = 64,
        show_progress_bar: bool = False,
        use_batched_encoding: bool = True,
        truncate_dim: int | None = None,
        mrr_at_k: int | None = None,
    ) -> None:
        self.show_progress_bar = show_progress_bar
        listed = [
            {
                key: [value] if isinstance(value, str) else list(value)
                for key, value in sample.items()
            }
            for sample in samples
        ]
        self.samples = [sample for sample in listed if sample["positive"] and sample["negative"]]
        self.at_k = at_k if mrr_at_k is None else mrr_at_k
        self.name, self.truncate_dim = name, truncate_dim
        self.similarity_fct = similarity_name(similarity_fct)

    def _evaluate(self, model: Any) -> dict[str, float]:
        scored = []
        for sample in self.samples:
            documents = sample["positive"] + sample["negative"]
            query = self._embed(model, sample["query"], "encode_query")
            rows = self._embed(model, documents, "encode_document")
            scores = _minilm.similarity_matrix(query, rows, self.similarity_fct)[0]
            relevant = [i < len(sample["positive"]) for i in range(len(documents))]
            scored.append((scores.tolist(), relevant))
        mean_precision, mrr, ndcg = _minilm.evaluate_reranking(scored, self.at_k)
        metrics = {
            "map": mean_precision,
            f"mrr@{self.at_k}": mrr,
            f"ndcg@{self.at_k}": ndcg,
        }
        return self._named(metrics, f"ndcg@{self.at_k}")

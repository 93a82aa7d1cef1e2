"""Index files: vectors, their texts, and a fingerprint of the model that made them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from . import _minilm
from .similarity import Floats, vectors

if TYPE_CHECKING:
    from .model import SentenceTransformer


class Index:
    """An index file, as ``minilm index`` writes it and ``minilm search`` reads it.

    A file says which model made its vectors; a search with another model is refused.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no index, or damaged.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._index = _minilm.Index.open(path)

    @staticmethod
    def write(
        path: str | os.PathLike[str],
        model: SentenceTransformer,
        texts: Sequence[str],
        embeddings: Any = None,
        *,
        append: bool = False,
        **options: Any,
    ) -> Index:
        """Embeds documents and writes an index of them, or adds them to one.

        The file is replaced whole, or not at all. Several processes may append at once.

        Args:
            embeddings: The embeddings of the texts by ``model``, if they are there already.
            options: ``prompt``, ``prompt_name``, ``normalize_embeddings`` and ``truncate_dim`` of
                :meth:`~minilm.SentenceTransformer.encode_document`.
        """
        texts = list(texts)
        if embeddings is None:
            embeddings = model.encode_document(texts, **options)
        if len(texts) == 0:
            raise ValueError("an index has at least one text")
        made = _made(model, ("document", "passage", "corpus"), options)
        _minilm.Index.write(path, model._encoder, vectors(embeddings), texts, append, *made)
        return Index(path)

    def search(
        self,
        model: SentenceTransformer,
        queries: str | Sequence[str],
        top_k: int = 10,
        score_function: str = "cosine",
        **options: Any,
    ) -> list[list[dict[str, Any]]]:
        """For each query the best rows: ``corpus_id``, ``score`` and ``text``.

        Raises:
            ValueError: Another model, or other options, made the vectors.
        """
        texts = [queries] if isinstance(queries, str) else list(queries)
        if not texts:
            return []
        found = self._index.search(
            model._encoder,
            vectors(model.encode_query(texts, **options)),
            top_k,
            score_function,
            *_made(model, ("query",), options),
        )
        return [
            [{"corpus_id": row, "score": score, "text": self[row]} for row, score in hits]
            for hits in found
        ]

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, row: int) -> str:
        return self._index.text(row)

    def __iter__(self) -> Iterator[str]:
        return (self[row] for row in range(len(self)))

    @property
    def embeddings(self) -> Floats:
        """A copy of the vectors, ``[n, d]``."""
        return self._index.vectors()

    @property
    def space(self) -> str:
        """The model's name and fingerprint."""
        return self._index.space

    def check(self) -> None:
        """Verifies every part of the file: checksums, finite vectors, UTF-8."""
        self._index.check()


def _made(
    model: SentenceTransformer, names: Sequence[str], options: dict[str, Any]
) -> tuple[str, bool | None, int | None]:
    """The prompt, normalisation and dimensions that ``options`` stand for."""
    name = options.get("prompt_name")
    if name is None and options.get("prompt") is None:
        name = next((name for name in names if name in model.prompts), None)
    return (
        model._prompt(options.get("prompt"), name),
        options.get("normalize_embeddings") or None,
        model._dimension(options.get("truncate_dim")),
    )

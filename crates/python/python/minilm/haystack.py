"""Components for Haystack (``pip install minilm[haystack]``).

A pipeline that is loaded from a file has to allow this module:
``haystack.core.serialization.allow_deserialization_module("minilm.haystack")``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from haystack import Document, component, default_from_dict, default_to_dict

from .model import DEFAULT_MODEL, SentenceTransformer

__all__ = ["MiniLMDocumentEmbedder", "MiniLMTextEmbedder"]


class _Embedder:
    def __init__(self, model: str = DEFAULT_MODEL, normalize_embeddings: bool = False) -> None:
        self.model, self.normalize_embeddings = model, normalize_embeddings
        self._loaded: SentenceTransformer | None = None

    def warm_up(self) -> None:
        """Loads the model."""
        if self._loaded is None:
            self._loaded = SentenceTransformer(self.model)

    def _encoder(self) -> SentenceTransformer:
        self.warm_up()
        assert self._loaded is not None
        return self._loaded

    def to_dict(self) -> dict[str, Any]:
        """The component's arguments, for a pipeline that is stored."""
        return default_to_dict(
            self, model=self.model, normalize_embeddings=self.normalize_embeddings
        )


@component
class MiniLMTextEmbedder(_Embedder):
    """Embeds a query."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> MiniLMTextEmbedder:
        """The component of stored arguments."""
        return default_from_dict(cls, data)

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, Any]:
        """The embedding of ``text``, with the model's prompt for queries."""
        options = {"normalize_embeddings": self.normalize_embeddings}
        return {"embedding": self._encoder().encode_query(text, **options).tolist()}


@component
class MiniLMDocumentEmbedder(_Embedder):
    """Embeds documents."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> MiniLMDocumentEmbedder:
        """The component of stored arguments."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, Any]:
        """The documents with their embeddings; one without content counts as empty."""
        options = {"normalize_embeddings": self.normalize_embeddings}
        texts = [document.content or "" for document in documents]
        rows = self._encoder().encode_document(texts, **options)
        embedded = [
            replace(document, embedding=row.tolist()) for document, row in zip(documents, rows)
        ]
        return {"documents": embedded}

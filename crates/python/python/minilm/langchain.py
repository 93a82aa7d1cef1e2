"""``Embeddings`` for LangChain (``pip install minilm[langchain]``)."""

from __future__ import annotations

from typing import Any

from langchain_core.embeddings import Embeddings

from .model import SentenceTransformer

__all__ = ["MiniLMEmbeddings"]


class MiniLMEmbeddings(Embeddings):
    """Embeddings of documents and queries.

    Args:
        model_name: A model's name or path.
        encode_kwargs: Keywords of ``encode``, such as ``normalize_embeddings``.
        model_kwargs: Keywords of :class:`~minilm.SentenceTransformer`.
    """

    def __init__(
        self,
        model_name: str | None = None,
        encode_kwargs: dict[str, Any] | None = None,
        **model_kwargs: Any,
    ) -> None:
        self.client = SentenceTransformer(model_name, **model_kwargs)
        self.encode_kwargs = encode_kwargs or {}

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One embedding for each text, with the model's prompt for documents."""
        if not texts:
            return []
        return self.client.encode_document(list(texts), **self.encode_kwargs).tolist()

    def embed_query(self, text: str) -> list[float]:
        """The embedding of a query, with the model's prompt for queries."""
        return self.client.encode_query(text, **self.encode_kwargs).tolist()

"""``BaseEmbedding`` for LlamaIndex (``pip install minilm[llama-index]``)."""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import PrivateAttr

from .model import DEFAULT_MODEL, SentenceTransformer

__all__ = ["MiniLMEmbedding"]


class MiniLMEmbedding(BaseEmbedding):
    """Embeddings of nodes and queries.

    Args:
        model_name: A model's name or path.
        model_kwargs: Keywords of :class:`~minilm.SentenceTransformer`.
    """

    _model: SentenceTransformer = PrivateAttr()

    def __init__(
        self, model_name: str = DEFAULT_MODEL, embed_batch_size: int = 1024, **model_kwargs: Any
    ) -> None:
        super().__init__(model_name=model_name, embed_batch_size=embed_batch_size)
        self._model = SentenceTransformer(model_name, **model_kwargs)

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex stores it."""
        return "MiniLMEmbedding"

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._model.encode_query(query).tolist()

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._model.encode_document(text).tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._model.encode_document(list(texts)).tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

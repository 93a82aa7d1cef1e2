"""``EmbeddingFunction`` for Chroma (``pip install minilm[chroma]``).

Chroma's default function computes the same model on ONNX Runtime, with every text padded to 256
tokens. This one has no padding.
"""

from __future__ import annotations

from typing import Any

from chromadb.api.types import Documents, EmbeddingFunction, Embeddings
from chromadb.utils.embedding_functions import register_embedding_function

from .model import DEFAULT_MODEL, SentenceTransformer

__all__ = ["MiniLMEmbeddingFunction"]


@register_embedding_function
class MiniLMEmbeddingFunction(EmbeddingFunction[Documents]):
    """Embeddings of documents.

    Args:
        model_name: A model's name or path.
        normalize_embeddings: Vectors of length 1, whatever the model's modules say.
    """

    def __init__(self, model_name: str = DEFAULT_MODEL, normalize_embeddings: bool = False) -> None:
        self.model_name, self.normalize_embeddings = model_name, normalize_embeddings
        self.model = SentenceTransformer(model_name)

    def __call__(self, input: Documents) -> Embeddings:
        """One embedding for each document."""
        return list(self.model.encode(list(input), normalize_embeddings=self.normalize_embeddings))

    @staticmethod
    def name() -> str:
        """The name under which Chroma stores it."""
        return "minilm"

    def get_config(self) -> dict[str, Any]:
        """The arguments, which Chroma stores with a collection."""
        return {
            "model_name": self.model_name,
            "normalize_embeddings": self.normalize_embeddings,
        }

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> MiniLMEmbeddingFunction:
        """The function of stored arguments."""
        return MiniLMEmbeddingFunction(**config)

"""The model for MTEB (``pip install minilm[mteb]``).

>>> import mteb                                                         # doctest: +SKIP
>>> from minilm.mteb import MiniLMModel                                 # doctest: +SKIP
>>> mteb.evaluate(MiniLMModel(), mteb.get_task("STSBenchmark"))         # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mteb.models.abs_encoder import AbsEncoder
from mteb.models.model_meta import ModelMeta

from .model import DEFAULT_MODEL, SentenceTransformer

__all__ = ["MiniLMModel"]


class MiniLMModel(AbsEncoder):
    """An encoder that ``mteb.evaluate`` takes."""

    def __init__(self, model_name: str = DEFAULT_MODEL, **model_kwargs: Any) -> None:
        self.model = SentenceTransformer(model_name, **model_kwargs)
        name = f"minilm/{model_name.rstrip('/').rpartition('/')[2]}"
        self.mteb_model_meta = ModelMeta.create_empty(overwrites={"name": name, "revision": "1"})

    def encode(self, inputs: Any, **kwargs: Any) -> np.ndarray:
        """The embeddings of the texts of a data loader's batches."""
        texts = [text for batch in inputs for text in batch["text"]]
        return self.model.encode(texts)

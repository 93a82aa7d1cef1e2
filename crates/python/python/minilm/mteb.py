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
    """An encoder that ``mteb.evaluate`` takes.

    A task's prompt is chosen as for a model of sentence-transformers: by the names of the task, its
    type, and ``query`` or ``document``, among ``model_prompts``, or else the model's own prompts.

    Args:
        model_name: A model's name or path.
        model_prompts: Prompts by those names; none other may be among them.
        model_kwargs: As those of :class:`~minilm.SentenceTransformer`.
    """

    def __init__(
        self,
        model_name: str = DEFAULT_MODEL,
        model_prompts: dict[str, str] | None = None,
        **model_kwargs: Any,
    ) -> None:
        self.model = SentenceTransformer(model_name, **model_kwargs)
        given = self.validate_task_to_prompt_name(model_prompts)
        # The model's own prompts may have names that MTEB does not know.
        own = {name: text for name, text in self.model.prompts.items() if text}
        self.model_prompts = given or self._known(own)
        name = f"minilm/{model_name.rstrip('/').rpartition('/')[2]}"
        self.mteb_model_meta = ModelMeta.create_empty(overwrites={"name": name, "revision": "1"})

    def _known(self, prompts: dict[str, str]) -> dict[str, str] | None:
        known, _ = self.validate_task_to_prompt_name(prompts, raise_for_invalid_keys=False)
        return known or None

    def encode(
        self,
        inputs: Any,
        *,
        task_metadata: Any,
        hf_split: str,
        hf_subset: str,
        prompt_type: Any = None,
        **kwargs: Any,
    ) -> np.ndarray:
        """The embeddings of the texts of a data loader's batches.

        The texts have the prompt of the task. Further keywords are those of
        :meth:`~minilm.SentenceTransformer.encode`.
        """
        texts = [text for batch in inputs for text in batch["text"]]
        name = self.get_prompt_name(task_metadata, prompt_type)
        prompt = (self.model_prompts or {}).get(name) if name else None
        methods = {"query": self.model.encode_query, "document": self.model.encode_document}
        encode = methods[prompt_type.value] if prompt_type else self.model.encode
        return encode(texts, prompt=prompt, **kwargs)

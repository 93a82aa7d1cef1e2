"""minilm's arithmetic inside the classes of other packages."""

from __future__ import annotations

import tempfile
from typing import Any

from .model import SentenceTransformer

__all__ = ["accelerate"]


def accelerate(model: Any) -> Any:
    """Lets minilm compute the embeddings of a sentence-transformers model, in place.

    Programs such as BERTopic and KeyBERT ask whether a model *is* a
    ``sentence_transformers.SentenceTransformer``. This one stays what it is; its method ``encode``,
    and those that call it, run on minilm. The weights are copied as they are now: a model that is
    trained afterwards has to be accelerated again. ``encode`` takes the arguments that it took, and
    refuses the ones that :meth:`minilm.SentenceTransformer.encode` refuses.

    Returns:
        The same object.

    Raises:
        ValueError: minilm cannot load a model of that kind; the message names what differs.
    """
    with tempfile.TemporaryDirectory(prefix="minilm-") as folder:
        model.save_pretrained(folder, create_model_card=False)
        engine = SentenceTransformer(folder)
    engine.max_seq_length = model.max_seq_length
    model.minilm = engine
    tensor = _Tensor(model, engine)
    model.encode = tensor.encode
    return model


class _Tensor:
    """``encode`` with the state of the original model: its prompts and dimensions can be set."""

    def __init__(self, model: Any, engine: SentenceTransformer) -> None:
        self.model, self.engine = model, engine

    def encode(self, *args: Any, **kwargs: Any) -> Any:
        model, engine = self.model, self.engine
        if engine.max_seq_length != model.max_seq_length:
            engine.max_seq_length = model.max_seq_length
        engine.prompts = dict(model.prompts)
        engine.default_prompt_name = model.default_prompt_name
        engine.truncate_dim = model.truncate_dim
        return engine.encode(*args, **kwargs)

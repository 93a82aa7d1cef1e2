"""Sentence embeddings on the CPU without PyTorch.

``SentenceTransformer`` has the names, defaults and shapes of the class of that name in
sentence-transformers:

>>> from minilm import SentenceTransformer
>>> model = SentenceTransformer("sentence-transformers/all-MiniLM-L6-v2")
>>> embeddings = model.encode(["A man is eating food.", "Someone has a meal."])
>>> embeddings.shape
(2, 384)
>>> print(f"{model.similarity(embeddings[0], embeddings[1])[0, 0]:.4f}")
0.6795

The same text gives the same bits, alone or among others, on any number of threads and in any
process.
"""

from . import losses, util
from ._minilm import __version__
from .index import Index
from .model import SentenceTransformer
from .similarity import SimilarityFunction

__all__ = [
    "Index",
    "SentenceTransformer",
    "SimilarityFunction",
    "__version__",
    "accelerate",
    "losses",
    "util",
]


def accelerate(model):
    """Lets minilm compute the embeddings of a sentence-transformers model, in place.

    See :func:`minilm.accelerated.accelerate`.
    """
    from .accelerated import accelerate

    return accelerate(model)

"""Texts as tokens, documents that are longer than the model reads, and why two texts are alike."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _minilm, arguments
from .similarity import Floats


class Window(NamedTuple):
    """A window of a document that is longer than the model reads."""

    start: int  #: The first character.
    end: int  #: The character behind the last.
    tokens: int  #: Tokens, ``[CLS]`` and ``[SEP]`` among them.
    embedding: Floats  #: ``[dimension]``


class Explanation(NamedTuple):
    """The cosine of two texts, split among the pairs of their tokens."""

    a: list[str]  #: The tokens of the first text.
    b: list[str]  #: The tokens of the second.
    pairs: NDArray[np.float64]  #: What each pair adds, ``[len(a), len(b)]``; the sum is the cosine.


class Documents:
    """The methods of :class:`~minilm.SentenceTransformer` for tokens and long documents."""

    _encoder: _minilm.Encoder

    def _prompt(self, prompt: str | None, prompt_name: str | None) -> str:
        raise NotImplementedError

    def _dimension(self, truncate_dim: int | None = None) -> int | None:
        raise NotImplementedError

    def preprocess(
        self, inputs: Any, prompt: str | None = None, **kwargs: Any
    ) -> dict[str, NDArray[np.int64]]:
        """The token ids of texts, padded with 0 to the longest: ``input_ids``,
        ``token_type_ids`` and ``attention_mask``, each ``[len(inputs), longest]``; {} for no text.
        """
        arguments.check_encode_arguments(type(self).__name__, 1, None, None, kwargs)
        items, _ = arguments.texts_of(inputs)
        if not items:
            return {}
        ids = [found for found, _ in self._encoder.tokenize(items, prompt or "")]
        shape = (len(ids), max(map(len, ids), default=0))
        padded, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for row, found in enumerate(ids):
            padded[row, : len(found)] = found
            mask[row, : len(found)] = 1
        return {
            "input_ids": padded,
            "token_type_ids": np.zeros(shape, dtype=np.int64),
            "attention_mask": mask,
        }

    def tokenize(self, texts: Any, **kwargs: Any) -> dict[str, NDArray[np.int64]]:
        """As :meth:`preprocess`."""
        return self.preprocess(texts, **kwargs)

    def dropped_tokens(self, inputs: Any) -> list[int]:
        """The tokens of each text beyond :attr:`max_seq_length`, which :meth:`encode` drops."""
        texts, _ = arguments.texts_of(inputs)
        found = self._encoder.tokenize(texts, self._prompt(None, None))
        return [dropped for _, dropped in found]

    def encode_windows(
        self,
        document: str,
        window: int | None = None,
        stride: int | None = None,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> list[Window]:
        """The windows of a document that is longer than the model reads.

        Args:
            window: Tokens of a window, ``[CLS]`` and ``[SEP]`` among them; by default
                :attr:`max_seq_length`.
            stride: Tokens from the begin of a window to that of the next; by default a window's
                words, so that no word is in two windows.
        """
        found = self._encoder.encode_windows(
            document,
            window,
            stride,
            self._prompt(prompt, prompt_name),
            normalize_embeddings or None,
            self._dimension(truncate_dim),
        )
        return [Window(*one) for one in found]

    def encode_long(
        self,
        document: str,
        window: int | None = None,
        stride: int | None = None,
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
    ) -> Floats:
        """One embedding for a document of any length: the mean of its windows' embeddings,
        weighted by their tokens, of length 1 if embeddings are."""
        return self._encoder.encode_long(
            document,
            window,
            stride,
            self._prompt(prompt, prompt_name),
            normalize_embeddings or None,
            self._dimension(truncate_dim),
        )

    def explain(self, a: str, b: str) -> Explanation:
        """The cosine similarity of two texts, split exactly among the pairs of their tokens."""
        return Explanation(*self._encoder.explain(a, b))

"""``SentenceTransformer``: the class of that name in sentence-transformers, on minilm's engine."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import _minilm, arguments
from .compatible import Compatible
from .documents import Documents
from .progress import bar
from .similarity import Floats, SimilarityFunction
from .util import quantize_embeddings
from .weights import locate

logger = logging.getLogger("minilm")

Texts = str | Sequence[str] | NDArray[Any]
Precision = Literal["float32", "int8", "uint8", "binary", "ubinary"]
DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"


class SentenceTransformer(Documents, Compatible):
    """A sentence-embedding model.

    Args:
        model_name_or_path: A directory, or a model's name: see :func:`minilm.weights.locate`.
        device: ``None`` or ``"cpu"``.
        prompts: Prompts by name, in addition to the model's own.
        default_prompt_name: The prompt of calls that ask for no other.
        cache_folder: The Hugging Face cache; by default that of the environment.
        revision: A commit, branch or tag.
        local_files_only: Nothing is downloaded.
        token: For ``huggingface_hub``.
        similarity_fn_name: ``"cosine"``, ``"dot"``, ``"euclidean"`` or ``"manhattan"``; by default
            the model's.
        truncate_dim: Values of an embedding that are kept; by default as the model's files say.
        threads: Threads that work at once; by default one for each CPU.
        level: The instruction set, such as ``"avx2"``; by default the fastest. The bits are the
            same on each.
        precision: The numbers that the linear layers compute with: ``"f32"``, ``"int16"`` or
            ``"int8"``; by default as the model's file has them. Embeddings are float32 with each,
            and those of different precisions are not compared. The argument of that name of
            :meth:`encode` quantises the result instead.

    Arguments of sentence-transformers that would matter and are not there are refused: other
    devices, ``modules``, ``trust_remote_code``, other backends, and keywords for PyTorch.

    Raises:
        FileNotFoundError: The model, or one of its files, is missing.
        ValueError: An argument or a file cannot be used; the message names it.
    """

    def __init__(
        self,
        model_name_or_path: str | os.PathLike[str] | None = None,
        *,
        modules: None = None,
        device: Any = None,
        prompts: dict[str, str] | None = None,
        default_prompt_name: str | None = None,
        cache_folder: str | None = None,
        trust_remote_code: bool = False,
        revision: str | None = None,
        local_files_only: bool = False,
        token: bool | str | None = None,
        use_auth_token: bool | str | None = None,
        model_kwargs: dict[str, Any] | None = None,
        processor_kwargs: dict[str, Any] | None = None,
        tokenizer_kwargs: dict[str, Any] | None = None,
        config_kwargs: dict[str, Any] | None = None,
        model_card_data: Any = None,
        backend: str = "torch",
        similarity_fn_name: str | SimilarityFunction | None = None,
        truncate_dim: int | None = None,
        threads: int | None = None,
        level: str | None = None,
        precision: Literal["f32", "int16", "int8"] | None = None,
    ) -> None:
        arguments.check_model_arguments(locals())
        directory = locate(
            os.fspath(DEFAULT_MODEL if model_name_or_path is None else model_name_or_path),
            revision=revision,
            cache_folder=cache_folder,
            local_files_only=local_files_only,
            token=token if use_auth_token is None else use_auth_token,
            precision=precision,
        )
        self._open(directory, threads, level, precision)
        config = _config(directory)
        #: Prompts by name.
        given = {name: text or "" for name, text in (prompts or {}).items()}
        self.prompts: dict[str, str] = {**self._encoder.prompts, **given}
        #: The name of the prompt of calls that ask for no other.
        self.default_prompt_name: str | None = default_prompt_name or config.get(
            "default_prompt_name"
        )
        self._prompt(None, None)  # it must be there
        self.similarity_fn_name = similarity_fn_name or config.get("similarity_fn_name")
        #: Values of an embedding that are kept; ``None`` is as the model's files say.
        self.truncate_dim: int | None = truncate_dim
        self._dimension()
        self.model_card_data = model_card_data

    def _open(self, directory: str, *options: Any) -> None:
        self._directory, self._options = directory, options
        self._encoder = _minilm.Encoder.load(directory, *options)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_encoder"]
        return {
            **state,
            "_directory": os.path.abspath(self._directory),
            "_max": self.max_seq_length,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        limit = state.pop("_max")
        self.__dict__.update(state)
        self._open(self._directory, *self._options)
        self.max_seq_length = limit

    def __repr__(self) -> str:
        return (
            f"SentenceTransformer({self._directory!r}, max_seq_length={self.max_seq_length}, "
            f"dimension={self.get_embedding_dimension()}, level={self._encoder.level!r}, "
            f"precision={self._encoder.precision!r})"
        )

    def encode(
        self,
        inputs: Texts | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        show_progress_bar: bool | None = None,
        output_value: Literal["sentence_embedding", "token_embeddings"] | None = (
            "sentence_embedding"
        ),
        precision: Precision | None = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: Any = None,
        normalize_embeddings: bool = False,
        truncate_dim: int | None = None,
        pool: dict[str, Any] | None = None,
        chunk_size: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The embeddings of texts.

        Args:
            inputs: A str, or a list, tuple, array or column of them.
            prompt_name: The prompt of this name is put before each text.
            prompt: This text is put before each text.
            batch_size, chunk_size, pool: Accepted and not used: batches are made by tokens and
                have no padding, and all CPUs work in one process. No bit depends on them.
            show_progress_bar: A bar on standard error; by default if the logger ``minilm`` logs
                at the level INFO.
            output_value: ``"token_embeddings"`` is the last hidden state of each text, and
                ``None`` a dictionary of everything for each text, both as NumPy arrays without
                padding. As in the original, ``normalize_embeddings`` is not for them.
            precision: ``"int8"``, ``"uint8"``, ``"binary"`` and ``"ubinary"`` quantise the
                embeddings of texts; with another ``output_value`` they are refused.
            convert_to_numpy: ``False`` returns a list of tensors. It needs PyTorch.
            convert_to_tensor: One tensor. It needs PyTorch.
            device: ``None`` or ``"cpu"``.
            normalize_embeddings: Vectors of length 1, also after truncation. ``False`` leaves it
                to the model's modules, and all-MiniLM-L6-v2 normalises.
            truncate_dim: Values of an embedding that are kept.

        Returns:
            ``[len(inputs), dimension]`` of float32, or ``[dimension]`` for a str.

        Raises:
            TypeError: An input is no str; the message has its number.
            ValueError: An argument cannot be used; the message names it.
            KeyboardInterrupt: Within a second of Ctrl-C.
        """
        if "sentences" in kwargs and inputs is None:
            inputs = kwargs.pop("sentences")
        arguments.check_encode_arguments(
            type(self).__name__, batch_size, chunk_size, device, kwargs
        )
        arguments.check_precision(precision, output_value)
        texts, single = arguments.texts_of(inputs)
        text = self._prompt(prompt, prompt_name)
        if output_value != "sentence_embedding":
            found = self._tokens(texts, text, output_value, truncate_dim)
            found = _tensors(found) if convert_to_tensor else found
            return found[0] if single else found
        if show_progress_bar is None:
            show_progress_bar = logger.getEffectiveLevel() in (logging.INFO, logging.DEBUG)
        embeddings = self._embeddings(
            texts, text, normalize_embeddings, truncate_dim, show_progress_bar
        )
        if precision not in (None, "float32") and texts:
            embeddings = quantize_embeddings(embeddings, precision=precision)
        if not texts:
            embeddings = np.array([])
        if convert_to_tensor:
            torch = arguments.torch_module()
            tensor = torch.from_numpy(embeddings) if texts else torch.tensor([])
            return tensor[0] if single else tensor
        if not convert_to_numpy:
            tensors = list(arguments.torch_module().from_numpy(embeddings)) if texts else []
            return tensors[0] if single else tensors
        return embeddings[0] if single else embeddings

    def encode_query(
        self,
        inputs: Texts | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As :meth:`encode`, with the model's prompt ``query``."""
        name = self._first_prompt(("query",), prompt_name, prompt)
        return self.encode(inputs, name, prompt, *args, **kwargs)

    def encode_document(
        self,
        inputs: Texts | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """As :meth:`encode`, with the model's prompt ``document``, ``passage`` or ``corpus``."""
        name = self._first_prompt(("document", "passage", "corpus"), prompt_name, prompt)
        return self.encode(inputs, name, prompt, *args, **kwargs)

    def _first_prompt(
        self, names: Sequence[str], prompt_name: str | None, prompt: str | None
    ) -> str | None:
        """The first of the names that the model has a prompt of, unless a call gives another."""
        if prompt_name is None and prompt is None:
            return next((name for name in names if name in self.prompts), None)
        return prompt_name

    def _prompt(self, prompt: str | None, prompt_name: str | None) -> str:
        """The text before each text."""
        if prompt is not None:
            if prompt_name is not None:
                logger.warning("prompt and prompt_name are given: prompt_name is not used")
            return prompt
        name = self.default_prompt_name if prompt_name is None else prompt_name
        if name is None:
            return ""
        if name not in self.prompts:
            known = ", ".join(sorted(self.prompts))
            raise ValueError(f'the model has no prompt "{name}"; its prompts are: {known}')
        return self.prompts[name] or ""

    def _dimension(self, truncate_dim: int | None = None) -> int | None:
        """The values of an embedding that are kept, as the engine takes them."""
        wanted = self.truncate_dim if truncate_dim is None else truncate_dim
        if wanted is None:
            return None
        if wanted < 1:
            raise ValueError(f"truncate_dim: {wanted} is not a positive integer")
        return min(wanted, self._encoder.max_dimension)

    def _embeddings(
        self, texts: list[str], prompt: str, normalize: bool, truncate_dim: int | None, show: bool
    ) -> Any:
        with bar(len(texts), show) as report:
            return self._encoder.encode(
                texts, prompt, normalize or None, self._dimension(truncate_dim), report
            )

    def _tokens(
        self,
        texts: list[str],
        prompt: str,
        output_value: str | None,
        truncate_dim: int | None,
    ) -> list[Any]:
        if output_value not in (None, "token_embeddings"):
            raise ValueError(f"output_value: there is no {output_value!r}")
        found = self._encoder.encode_tokens(texts, prompt)
        if output_value == "token_embeddings":
            return [embeddings for _, _, embeddings, _ in found]
        rows = self._embeddings(texts, prompt, False, truncate_dim, False)
        return [
            {
                "input_ids": np.asarray(ids, dtype=np.int64),
                "token_type_ids": np.zeros(len(ids), dtype=np.int64),
                "attention_mask": np.ones(len(ids), dtype=np.int64),
                "token_embeddings": embeddings,
                "sentence_embedding": row,
            }
            for (_, ids, embeddings, _), row in zip(found, rows)
        ]

    @property
    def similarity_fn_name(self) -> str:
        """The name of the similarity of :meth:`similarity`."""
        return self._similarity_fn_name

    @similarity_fn_name.setter
    def similarity_fn_name(self, value: str | SimilarityFunction | None) -> None:
        self._similarity_fn_name: str = SimilarityFunction(value or "cosine").value

    def similarity(self, embeddings1: Any, embeddings2: Any) -> Floats:
        """The similarity of all rows with all rows, ``[n, m]``. It is a NumPy array."""
        return SimilarityFunction.to_similarity_fn(self.similarity_fn_name)(
            embeddings1, embeddings2
        )

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> Floats:
        """The similarity of each row with the same row of the other, ``[n]``."""
        return SimilarityFunction.to_similarity_pairwise_fn(self.similarity_fn_name)(
            embeddings1, embeddings2
        )

    def get_embedding_dimension(self) -> int:
        """Values of an embedding."""
        dimension = self._dimension()
        return self._encoder.dimension if dimension is None else dimension

    get_sentence_embedding_dimension = get_embedding_dimension

    @property
    def max_seq_length(self) -> int:
        """The longest text that is read whole, in tokens; it can be set."""
        return self._encoder.max_tokens

    @max_seq_length.setter
    def max_seq_length(self, value: int) -> None:
        self._encoder = self._encoder.with_max_tokens(value)

    def get_max_seq_length(self) -> int:
        """See :attr:`max_seq_length`."""
        return self.max_seq_length

    @contextmanager
    def truncate_embeddings(self, truncate_dim: int | None) -> Iterator[None]:
        """Within this context, embeddings have ``truncate_dim`` values."""
        before, self.truncate_dim = self.truncate_dim, truncate_dim
        try:
            self._dimension()
            yield
        finally:
            self.truncate_dim = before

    truncate_sentence_embeddings = truncate_embeddings

    @property
    def precision(self) -> str:
        """The numbers that the linear layers compute with: ``"f32"``, ``"int16"`` or ``"int8"``."""
        return self._encoder.precision

    def save_pretrained(self, path: str | os.PathLike[str]) -> None:
        """Copies the files that the model was loaded from into a new directory.

        Raises:
            FileExistsError: The directory is there already.
        """
        checkpoints = shutil.ignore_patterns("checkpoint-*")
        shutil.copytree(self._directory, path, ignore=checkpoints)

    save = save_pretrained

    def space(self) -> str:
        """The model's name and a fingerprint of everything that two comparable embeddings share."""
        return self._encoder.space()


def _config(directory: str) -> dict[str, Any]:
    """``config_sentence_transformers.json``, which the engine has checked; {} if there is none."""
    path = os.path.join(directory, "config_sentence_transformers.json")
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _tensors(values: list[Any]) -> list[Any]:
    """Arrays, or dictionaries of arrays, as tensors."""
    torch = arguments.torch_module()
    return [
        {name: torch.from_numpy(array) for name, array in value.items()}
        if isinstance(value, dict)
        else torch.from_numpy(value)
        for value in values
    ]

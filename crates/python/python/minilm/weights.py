"""The directory of a model: a path, the Hugging Face cache, packages, a download, this package."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from importlib import metadata
from typing import Any

from . import _minilm

logger = logging.getLogger("minilm")

ORGANISATION = "sentence-transformers"

#: The model that this package carries, if the wheel was built with it.
CARRIED = f"{ORGANISATION}/all-MiniLM-L6-v2"

#: Packages that carry a model announce it under this entry point group: the entry's name is the
#: model's, and its value is a path or a function that returns one.
GROUP = "minilm.models"

#: What a download needs of a repository.
PATTERNS = ["*.json", "*/config.json", "*.safetensors", "vocab.txt"]


def carried() -> str | None:
    """The directory of the model inside this package, with weights of 8 bits.

    ``None`` if the wheel was built without it. It is ``sentence-transformers/all-MiniLM-L6-v2``,
    loaded with ``precision="int8"``.
    """
    path = os.path.join(os.path.dirname(__file__), "models", "all-MiniLM-L6-v2-int8")
    return path if os.path.isdir(path) else None


def locate(
    name: str,
    *,
    revision: str | None = None,
    cache_folder: str | None = None,
    local_files_only: bool = False,
    token: bool | str | None = None,
    precision: str | None = None,
) -> str:
    """The directory that holds the model ``name``.

    The places are, in this order: a path; the Hugging Face cache; an installed package with an
    entry point in the group ``minilm.models``; ``huggingface_hub``, if it is installed and
    ``local_files_only`` is false; and for ``all-MiniLM-L6-v2`` the weights of 8 bits that this
    package carries. Those are logged as a warning, unless ``precision`` is ``"int8"``. A revision
    other than the default is neither looked for in packages nor carried.

    Raises:
        FileNotFoundError: The model is in none of them, or only with other weights than
            ``precision`` asks for; the message lists what was tried.
    """
    if os.path.exists(name) or os.path.isabs(name) or name.count("/") > 1 or name[:1] == ".":
        return name  # a path; loading it says what is missing
    try:
        return os.fspath(_minilm.cached_model(name, revision, cache_folder))
    except FileNotFoundError as error:
        # What the library in Rust advises is for programs in Rust.
        missing = str(error).partition("; get it with")[0]
    full = name if "/" in name else f"{ORGANISATION}/{name}"
    if revision is None and (path := _packaged(full)) is not None:
        return path
    inside = carried() if full == CARRIED and revision is None else None
    try:
        if local_files_only:
            raise FileNotFoundError(f"{missing}; local_files_only is set")
        return _downloaded(full, revision, cache_folder, token, missing)
    except (OSError, ValueError) as error:  # not installed, not reachable, not there
        if inside is None:
            raise
        return _carried(inside, precision, error)


def _carried(path: str, precision: str | None, error: Exception) -> str:
    """The model inside this package, if it has the weights that are asked for."""
    if precision not in (None, "int8"):
        raise FileNotFoundError(
            f"{error}; this package carries {CARRIED} with weights of int8, not {precision}: ask "
            "for precision='int8', or give a directory with the weights in f32"
        ) from error
    if precision is None:
        logger.warning(
            "%s is loaded from the package minilm with weights of 8 bits (precision 'int8'), since "
            "it is nowhere else; ask for precision='int8' if that is right",
            CARRIED,
        )
    return path


def _packaged(name: str) -> str | None:
    """The directory that an installed package has for the model."""
    for entry in metadata.entry_points(group=GROUP):
        if entry.name in (name, name.rpartition("/")[2]):
            found: str | os.PathLike[str] | Callable[[], str | os.PathLike[str]] = entry.load()
            return os.fspath(found() if callable(found) else found)
    return None


def _downloaded(
    name: str,
    revision: str | None,
    cache_folder: str | None,
    token: bool | str | None,
    missing: str,
) -> str:
    hub: Any
    try:
        import huggingface_hub as hub
    except ImportError:
        raise FileNotFoundError(
            f"{missing}; after `pip install huggingface_hub` it is downloaded"
        ) from None
    cache = cache_folder or os.environ.get("SENTENCE_TRANSFORMERS_HOME")
    return hub.snapshot_download(
        name, revision=revision, cache_dir=cache, token=token, allow_patterns=PATTERNS
    )

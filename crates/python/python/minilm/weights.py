"""The directory of a model: a path, the Hugging Face cache, an installed package, a download."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import metadata

from . import _minilm

ORGANISATION = "sentence-transformers"

#: Packages that carry a model announce it under this entry point group: the entry's name is the
#: model's, and its value is a path or a function that returns one.
GROUP = "minilm.models"

#: What a download needs of a repository.
PATTERNS = ["*.json", "*/config.json", "*.safetensors", "vocab.txt"]


def locate(
    name: str,
    *,
    revision: str | None = None,
    cache_folder: str | None = None,
    local_files_only: bool = False,
    token: bool | str | None = None,
) -> str:
    """The directory that holds the model ``name``.

    The places are, in this order: a path; the Hugging Face cache; an installed package with an
    entry point in the group ``minilm.models``; ``huggingface_hub``, if it is installed and
    ``local_files_only`` is false. A revision other than the default is not looked for in packages.

    Raises:
        FileNotFoundError: The model is in none of them; the message lists what was tried.
    """
    if os.path.exists(name) or os.path.isabs(name) or name.count("/") > 1 or name[:1] == ".":
        return name  # a path; loading it says what is missing
    try:
        return os.fspath(_minilm.cached_model(name, revision, cache_folder))
    except FileNotFoundError as error:
        missing = str(error)
    full = name if "/" in name else f"{ORGANISATION}/{name}"
    if revision is None and (path := _packaged(full)) is not None:
        return path
    if local_files_only:
        raise FileNotFoundError(f"{missing}; local_files_only is set")
    return _downloaded(full, revision, cache_folder, token, missing)


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
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise FileNotFoundError(
            f"{missing}; it can be downloaded with `pip install huggingface_hub`"
        ) from None
    cache = cache_folder or os.environ.get("SENTENCE_TRANSFORMERS_HOME")
    return snapshot_download(
        name, revision=revision, cache_dir=cache, token=token, allow_patterns=PATTERNS
    )

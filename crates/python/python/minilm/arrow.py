"""Columns of texts to columns of embeddings, with one model per process.

Ray, Spark, Dask, Polars and DuckDB all hand Arrow columns to Python; :func:`embed` is what they
call.
"""

from __future__ import annotations

import threading
from typing import Any

import pyarrow as pa

from .model import SentenceTransformer

#: Models that this process has loaded, by the arguments that they were loaded with.
_MODELS: dict[str, SentenceTransformer] = {}
_LOCK = threading.Lock()


def shared_model(model: str | SentenceTransformer | None = None, **kwargs: Any) -> Any:
    """The model of that name, loaded once per process."""
    if model is not None and not isinstance(model, str):
        return model
    key = repr((model, sorted(kwargs.items())))
    if (found := _MODELS.get(key)) is None:
        with _LOCK:
            if (found := _MODELS.get(key)) is None:
                found = _MODELS[key] = SentenceTransformer(model, **kwargs)
    return found


def vector_type(dimension: int) -> pa.DataType:
    """The Arrow type of an embedding: a fixed number of float32."""
    return pa.list_(pa.float32(), dimension)


def embed(texts: Any, model: str | SentenceTransformer | None = None, **options: Any) -> Any:
    """The embeddings of a column of texts, a ``FixedSizeListArray`` of float32.

    Args:
        texts: An Arrow array, or chunked array, of strings. A null has a null embedding.
        model: A model, or its name or path, which is loaded once per process.
        options: As those of :meth:`~minilm.SentenceTransformer.encode`.
    """
    model = shared_model(model)
    if isinstance(texts, pa.ChunkedArray):
        chunks = [embed(chunk, model, **options) for chunk in texts.chunks]
        return pa.chunked_array(chunks, type=vector_type(_dimension(model, options)))
    values = texts.to_pylist()
    present = [text for text in values if text is not None]
    width = _dimension(model, options)
    rows = model.encode(present, **options) if present else []
    flat = pa.array(rows.reshape(-1) if present else [], type=pa.float32())
    array = pa.FixedSizeListArray.from_arrays(flat, width)
    if len(present) == len(values):
        return array
    places = iter(range(len(present)))
    take = [None if text is None else next(places) for text in values]
    return array.take(pa.array(take, type=pa.int64()))


def _dimension(model: Any, options: dict[str, Any]) -> int:
    with model.truncate_embeddings(options.get("truncate_dim") or model.truncate_dim):
        return model.get_embedding_dimension()

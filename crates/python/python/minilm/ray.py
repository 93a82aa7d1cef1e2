"""Embeddings of a Ray Data set.

>>> import ray                                                          # doctest: +SKIP
>>> from minilm.ray import Embed                                        # doctest: +SKIP
>>> dataset = ray.data.read_parquet("texts.parquet").map_batches(       # doctest: +SKIP
...     Embed, fn_constructor_kwargs={"column": "text"},
...     compute=ray.data.ActorPoolStrategy(size=1), num_cpus=1, batch_format="pyarrow")

One actor per machine with all of its CPUs but one is the right shape: an actor uses its CPUs
together, and a model takes about 80 MB per process beside the file, which processes share. An
actor pool that takes every CPU leaves none for reading, and Ray then waits without a message.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from .arrow import embed, shared_model

__all__ = ["Embed"]


class Embed:
    """A class for ``Dataset.map_batches``: adds a column of embeddings to each batch.

    Args:
        model: A model's name or path, which every machine can read.
        column: The column of texts.
        output: The name of the column of embeddings, ``FixedSizeList[float32]``.
        threads: Threads of the actor; by default one for each CPU of its machine.
        model_kwargs: More keywords of :class:`~minilm.SentenceTransformer`, such as its
            ``precision``.
        options: As those of :meth:`~minilm.SentenceTransformer.encode`; its ``precision`` is that
            of the result.
    """

    def __init__(
        self,
        model: str | None = None,
        column: str = "text",
        output: str = "embedding",
        threads: int | None = None,
        model_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.model = shared_model(model, threads=threads, **(model_kwargs or {}))
        self.column, self.output, self.options = column, output, options

    def __call__(self, batch: Any) -> pa.Table:
        """The batch, an Arrow table or a dictionary of columns, with its embeddings."""
        table = batch if isinstance(batch, pa.Table) else pa.table(batch)
        vectors = embed(table.column(self.column), self.model, **self.options)
        return table.append_column(self.output, vectors.combine_chunks())

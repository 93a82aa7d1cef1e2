"""Embeddings of a Spark data frame.

>>> from minilm.spark import embed                                      # doctest: +SKIP
>>> embed(spark.read.parquet("texts"), "text").write.parquet("vectors") # doctest: +SKIP

Each Python worker loads the model once, not once per partition (Spark keeps workers by default).
Spark starts a worker per task: ``spark.task.cpus`` says how many CPUs a task has, and ``threads``
should be as many. A worker takes about 80 MB beside the model's file, which workers share.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from .arrow import embed as embed_column
from .arrow import shared_model

__all__ = ["embed"]


def embed(
    df: Any,
    column: str,
    output: str = "embedding",
    model: str | None = None,
    threads: int = 1,
    model_kwargs: dict[str, Any] | None = None,
    **options: Any,
) -> Any:
    """The data frame with a column of embeddings, ``array<float>``.

    Args:
        df: A ``pyspark.sql.DataFrame``.
        column: The column of texts. A null has a null embedding.
        output: The name of the column of embeddings.
        model: A model's name or path, which every machine can read.
        threads: Threads of each worker: as many as ``spark.task.cpus``.
        model_kwargs: More keywords of :class:`~minilm.SentenceTransformer`, such as its
            ``precision``.
        options: As those of :meth:`~minilm.SentenceTransformer.encode`; its ``precision`` is that
            of the result.
    """
    from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

    if column not in df.columns:
        raise ValueError(f"the data frame has no column {column!r}; its columns are: {df.columns}")
    kept = [field for field in df.schema.fields if field.name != output]
    field = StructField(output, ArrayType(FloatType(), False), True)
    schema = StructType([*kept, field])

    def batches(parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        own = shared_model(model, threads=threads, **(model_kwargs or {}))
        for part in parts:
            rows = embed_column(part.column(column), own, **options)
            names = [name for name in part.schema.names if name != output]
            columns = [part.column(name) for name in names]
            lists = rows.cast(pa.list_(pa.float32()))
            yield pa.RecordBatch.from_arrays([*columns, lists], names=[*names, output])

    return df.mapInArrow(batches, schema)

"""The meaning of arguments that sentence-transformers has.

What cannot matter here is accepted. What would matter and is not there is refused by name.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

#: Types of which a list is taken as it is.
PRECISIONS = ("float32", "int8", "uint8", "binary", "ubinary")


def texts_of(inputs: Any) -> tuple[list[str], bool]:
    """The texts of ``inputs`` as a list, and whether it is a single text.

    Lists and tuples, NumPy arrays of str, and the columns of pandas, Polars, Arrow and datasets
    are many texts. The items are checked when they are read.
    """
    if isinstance(inputs, str):
        return [inputs], True
    if isinstance(inputs, list):
        return inputs, False
    if isinstance(inputs, tuple):
        return list(inputs), False
    if not isinstance(inputs, (bytes, bytearray, memoryview, dict, type)):
        for name in ("to_pylist", "to_list", "tolist"):
            if callable(method := getattr(inputs, name, None)):
                found = method()
                if isinstance(found, list):
                    return found, False
        if (
            hasattr(inputs, "__getitem__")
            and hasattr(inputs, "__len__")
            and getattr(inputs, "ndim", 1) != 0
        ):
            return [inputs[i] for i in range(len(inputs))], False
    kind = type(inputs).__name__
    hint = "; make a list of it with list()" if hasattr(inputs, "__next__") else ""
    raise TypeError(f"inputs are a str or a list of str, not a {kind}{hint}")


def check_device(device: Any) -> None:
    """There is the CPU only; a list of it is what several processes would use elsewhere."""
    devices: Sequence[Any] = device if isinstance(device, (list, tuple)) else [device]
    for one in devices:
        if one is not None and str(one).partition(":")[0] != "cpu":
            raise ValueError(f"device={device!r}: minilm runs on the CPU only")


def check_model_arguments(arguments: dict[str, Any]) -> None:
    """Refuses the constructor's arguments that would change the result, and have no effect here."""
    if arguments["modules"] is not None:
        raise ValueError("modules: minilm loads a model from its files only")
    check_device(arguments["device"])
    if arguments["use_auth_token"] is not None:
        warnings.warn("use_auth_token is deprecated: give a token", FutureWarning, stacklevel=3)
        if arguments["token"] is not None:
            raise ValueError("token and use_auth_token: give the token only")
    if arguments["trust_remote_code"]:
        raise ValueError("trust_remote_code: minilm runs no code of a model")
    if arguments["backend"] not in ("torch", "minilm"):
        raise ValueError(f"backend={arguments['backend']!r}: minilm is its own backend")
    for name in ("processor_kwargs", "tokenizer_kwargs", "config_kwargs"):
        if arguments.get(name):
            raise ValueError(f"{name}={arguments[name]!r}: they are read from the model's files")
    for name, value in (arguments["model_kwargs"] or {}).items():
        is_f32 = name in ("torch_dtype", "dtype") and str(value) in (
            "float32",
            "torch.float32",
            "auto",
        )
        if not is_f32:
            raise ValueError(f"model_kwargs: minilm has no {name}={value!r}")


def check_precision(precision: str | None, output_value: str | None) -> None:
    """A result of ``encode`` can be quantised, if it is the embeddings of texts."""
    if precision is not None and precision not in PRECISIONS:
        raise ValueError(f"Precision {precision!r} is not supported, must be one of {PRECISIONS}")
    if output_value != "sentence_embedding" and precision not in (None, "float32"):
        raise ValueError(
            f"precision={precision!r}: the vectors of output_value={output_value!r} stay float32"
        )


def check_encode_arguments(
    name: str, batch_size: int, chunk_size: int | None, device: Any, kwargs: dict[str, Any]
) -> None:
    """The arguments of ``encode`` that have no effect here, and those that nothing knows."""
    if batch_size <= 0:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size}.")
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"chunk_size must be a positive integer, got {chunk_size}.")
    if device is not None:
        check_device(device)
    if unknown := set(kwargs) - {"task"}:
        raise ValueError(
            f"{name}.encode() has been called with additional keyword arguments that this model "
            f"does not use: {sorted(unknown)}."
        )


def torch_module() -> Any:
    """PyTorch, for results that are tensors."""
    try:
        import torch
    except ImportError:
        raise ImportError(
            "tensors need PyTorch: `pip install torch`, or take the NumPy arrays of "
            "convert_to_numpy=True"
        ) from None
    return torch

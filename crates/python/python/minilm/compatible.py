"""What programs for sentence-transformers call, and what has nothing to do here."""

from __future__ import annotations

from typing import Any, TypeVar

from . import arguments

Self = TypeVar("Self", bound="Compatible")


class Compatible:
    """The methods of :class:`~minilm.SentenceTransformer` for devices and pools of processes.

    There is one device, and one process uses all CPUs.
    """

    def encode(self, inputs: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The model's own method."""
        raise NotImplementedError

    @property
    def device(self) -> str:
        """It is ``"cpu"``."""
        return "cpu"

    def to(self: Self, device: Any = None, **kwargs: Any) -> Self:
        """The model itself; other devices than the CPU are refused."""
        arguments.check_device(device)
        if kwargs:
            raise ValueError(f"to(): minilm has no {', '.join(kwargs)}")
        return self

    def cpu(self: Self) -> Self:
        """The model itself."""
        return self

    def eval(self: Self) -> Self:
        """The model itself, which is never trained."""
        return self

    def start_multi_process_pool(self, target_devices: Any = None) -> dict[str, Any]:
        """An empty pool, for programs that pass it to :meth:`encode`: one process uses all CPUs."""
        arguments.check_device(target_devices)
        return {"input": None, "output": None, "processes": []}

    @staticmethod
    def stop_multi_process_pool(pool: dict[str, Any]) -> None:
        """Does nothing: the pool is empty."""

    def encode_multi_process(
        self,
        sentences: Any,
        pool: dict[str, Any] | None = None,
        prompt_name: str | None = None,
        prompt: str | None = None,
        batch_size: int = 32,
        chunk_size: int | None = None,
        show_progress_bar: bool | None = None,
        **kwargs: Any,
    ) -> Any:
        """As :meth:`encode`."""
        shown = {"show_progress_bar": show_progress_bar, "pool": pool, "chunk_size": chunk_size}
        return self.encode(sentences, prompt_name, prompt, batch_size, **shown, **kwargs)

    def evaluate(self, evaluator: Any, output_path: str | None = None) -> Any:
        """The metrics of an evaluator of :mod:`minilm.evaluation`."""
        return evaluator(self, output_path=output_path)

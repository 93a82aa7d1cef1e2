"""Training, by the names of sentence-transformers: the engine of ``minilm train``.

>>> from minilm import SentenceTransformer, losses                      # doctest: +SKIP
>>> from minilm.training import (                                       # doctest: +SKIP
...     SentenceTransformerTrainer, SentenceTransformerTrainingArguments)
>>> model = SentenceTransformer("sentence-transformers/all-MiniLM-L6-v2")  # doctest: +SKIP
>>> data = {"anchor": ["How do I pay?", "Where is my parcel?"],         # doctest: +SKIP
...         "positive": ["Paying with a card", "Tracking a delivery"]}
>>> arguments = SentenceTransformerTrainingArguments("my-model")        # doctest: +SKIP
>>> SentenceTransformerTrainer(model, arguments, data).train()          # doctest: +SKIP

The same data and settings give the same bits of every weight, on any number of threads and with any
instruction set; they are the bits of ``minilm train`` with these settings.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, NamedTuple

from . import _minilm
from .losses import EmbedDistillLoss, Loss, MatryoshkaLoss
from .model import SentenceTransformer
from .progress import bar

__all__ = [
    "SentenceTransformerTrainer",
    "SentenceTransformerTrainingArguments",
    "TrainOutput",
]


@dataclasses.dataclass
class SentenceTransformerTrainingArguments:
    """How to train: names and defaults of ``transformers.TrainingArguments``.

    An argument that is not there is a ``TypeError``.

    Args:
        output_dir: The directory of the new model: new, or empty.
        max_steps: Steps instead of epochs, if it is positive.
        batch_sampler: ``"batch_sampler"``, ``"no_duplicates"`` or ``"group_by_label"``.
        lr_scheduler_type: ``"linear"``, ``"constant"`` or ``"cosine"``.
        warmup_steps: Steps, or below 1 their share of all steps.
        eval_strategy: ``"no"``, ``"epoch"`` or ``"steps"``: when ``eval_dataset`` is evaluated.
            Then the model of the best evaluation is what is written, as with the original's
            ``load_best_model_at_end``.
        save_total_limit: Checkpoints that are kept during the run.
        disable_tqdm: No bar of progress.
        early_stopping_patience: Evaluations without a better one after which training ends.
        dropout: In the place of the model's own.
        mask_false_negatives: Rows with equal texts or labels are no negatives of each other. The
            original takes them for negatives, as ``False`` does.
        keep: The weight of a second loss that keeps embeddings near to the base's.
        average: The share of the base's weights in the result.
        max_tokens: The most tokens of a text in training.
        kept_tokens: Tokens of a batch whose forward pass is kept for the backward pass, which
            computes that of the others again: memory for time, and no bit depends on it. 2048 by
            default, with 92 kB each for all-MiniLM-L6-v2.
    """

    output_dir: str | os.PathLike[str]
    num_train_epochs: float = 3.0
    max_steps: int = -1
    per_device_train_batch_size: int = 8
    gradient_accumulation_steps: int = 1
    learning_rate: float = 5e-5
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    max_grad_norm: float = 1.0
    lr_scheduler_type: str = "linear"
    warmup_steps: float = 0
    batch_sampler: str = "batch_sampler"
    seed: int = 42
    eval_strategy: str = "no"
    eval_steps: int | None = None
    save_steps: int = 500
    save_total_limit: int = 1
    metric_for_best_model: str | None = None
    disable_tqdm: bool = False
    early_stopping_patience: int | None = None
    dropout: float | None = None
    mask_false_negatives: bool = True
    keep: float = 0.0
    average: float = 0.0
    max_tokens: int | None = None
    kept_tokens: int | None = None

    def __post_init__(self) -> None:
        _one_of("eval_strategy", self.eval_strategy, ("no", "epoch", "steps"))
        if self.eval_strategy == "steps" and self.eval_steps is None:
            raise ValueError("eval_steps: eval_strategy='steps' needs a number of steps")
        if self.eval_strategy != "steps" and self.eval_steps is not None:
            raise ValueError("eval_steps: it has no effect without eval_strategy='steps'")
        if self.kept_tokens is not None and self.kept_tokens < 1:
            raise ValueError(f"kept_tokens is at least 1, not {self.kept_tokens}")

    def _engine(self) -> str:
        """The settings as ``minilm_train::Arguments`` writes them in JSON."""
        given = dataclasses.asdict(self)
        for name in ("output_dir", "eval_strategy", "disable_tqdm", "average", "kept_tokens"):
            del given[name]
        given["max_steps"] = self.max_steps if self.max_steps > 0 else None
        samplers = {
            "batch_sampler": "Batch",
            "no_duplicates": "NoDuplicates",
            "group_by_label": "GroupByLabel",
        }
        schedules = {"linear": "Linear", "constant": "Constant", "cosine": "Cosine"}
        for name, known in (("batch_sampler", samplers), ("lr_scheduler_type", schedules)):
            value = getattr(given[name], "value", given[name])  # the original's are enums
            given[name] = known[_one_of(name, value, tuple(known))]
        return json.dumps(given)


class TrainOutput(NamedTuple):
    """What :meth:`SentenceTransformerTrainer.train` returns."""

    #: Steps of the weights that were written.
    global_step: int
    #: The mean loss of all steps.
    training_loss: float
    #: Scores ``before`` and ``after``, and ``sha256`` of the file of weights.
    metrics: dict[str, Any]


class SentenceTransformerTrainer:
    """Trains a model, which afterwards computes with the new weights.

    Args:
        model: A :class:`~minilm.SentenceTransformer`, whose directory is trained in float32.
        args: The settings.
        train_dataset: Columns of texts, and of scores or labels: a ``dict`` of lists, a
            ``datasets.Dataset``, a data frame or an Arrow table. The columns' names tell what is
            learned: ``anchor`` and ``positive`` (and ``negative``), ``sentence1``, ``sentence2``
            and ``score`` or ``label``, or ``text`` and ``label``.
        eval_dataset: Such columns, or a ``dict`` of names and such columns.
        loss: One of :mod:`minilm.losses`, or a function that makes one for a model; by default
            that which suits the columns.
        callbacks: Functions that get each event as a dictionary, whose ``event`` is ``"step"``,
            ``"evaluation"`` or ``"checkpoint"``.

    The original's other arguments are refused by name: ``evaluator`` (``eval_dataset`` does it),
    ``optimizers``, ``data_collator`` and so on.

    Raises:
        ValueError: Data, settings and loss that do not fit each other; the message names them.
    """

    def __init__(
        self,
        model: SentenceTransformer | None = None,
        args: SentenceTransformerTrainingArguments | None = None,
        train_dataset: Any = None,
        eval_dataset: Any = None,
        loss: Loss | Callable[[SentenceTransformer], Loss] | None = None,
        evaluator: None = None,
        callbacks: list[Callable[[dict[str, Any]], Any]] | None = None,
        **others: Any,
    ) -> None:
        refused = {name: value for name, value in others.items() if value is not None}
        if evaluator is not None:
            refused["evaluator"] = evaluator
        if refused:
            raise ValueError(f"{', '.join(sorted(refused))}: minilm's trainer has no such argument")
        if not isinstance(model, SentenceTransformer):
            raise TypeError("model is a minilm.SentenceTransformer")
        if not isinstance(args, SentenceTransformerTrainingArguments):
            raise TypeError("args are SentenceTransformerTrainingArguments, with an output_dir")
        if loss is not None and not isinstance(loss, Loss):
            loss = loss(model) if callable(loss) else loss
            if not isinstance(loss, Loss):
                raise TypeError(f"loss is one of minilm.losses, not a {type(loss).__name__}")
        for callback in callbacks or ():
            if not callable(callback):
                raise TypeError("callbacks are functions of an event, not TrainerCallback objects")
        if (eval_dataset is None) != (args.eval_strategy == "no"):
            raise ValueError(
                "eval_dataset and eval_strategy belong together: the dataset is evaluated after "
                "each epoch with eval_strategy='epoch', and never with 'no'"
            )
        self.model, self.args, self.loss = model, args, loss
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.callbacks = list(callbacks or ())
        #: ``global_step``, ``max_steps`` and ``log_history``: each event as a dictionary.
        self.state = SimpleNamespace(global_step=0, max_steps=0, log_history=[])

    def train(self, resume_from_checkpoint: bool | None = None) -> TrainOutput:
        """Trains, writes the model to ``args.output_dir`` and loads it into ``model``.

        Args:
            resume_from_checkpoint: Goes on from the checkpoint that an interrupted run of the same
                data and settings left in ``output_dir``, with the same bits as if it had not been
                interrupted.

        Raises:
            KeyboardInterrupt: Ctrl-C, after the step that is at work. A checkpoint is written.
        """
        if resume_from_checkpoint not in (None, False, True):
            raise ValueError("resume_from_checkpoint is a bool: output_dir has the checkpoints")
        run = self._begin(bool(resume_from_checkpoint))
        self.state.max_steps = run.steps
        try:
            self._go_on(run)
        except KeyboardInterrupt:
            run.checkpoint()
            raise
        outcome = json.loads(run.finish())
        self.model._open(os.fspath(self.args.output_dir), *self.model._options)
        losses = [event["loss"] for event in self.state.log_history if event["event"] == "step"]
        mean = statistics.fmean(losses) if losses else 0.0
        return TrainOutput(outcome.pop("step"), mean, outcome)

    def save_model(self, output_dir: str | os.PathLike[str] | None = None) -> None:
        """Copies the model's directory; ``args.output_dir`` has it already."""
        if output_dir is not None:
            self.model.save_pretrained(output_dir)

    def _begin(self, resume: bool) -> Any:
        inner = self.loss.loss if isinstance(self.loss, MatryoshkaLoss) else self.loss
        teacher = inner.teacher if isinstance(inner, EmbedDistillLoss) else None
        return _minilm.Training.begin(
            self.model._directory,
            self.args.output_dir,
            _table("train_dataset", self.train_dataset),
            None if self.loss is None else json.dumps(self.loss._engine()),
            self.args._engine(),
            [(name, _table(name, data)) for name, data in _evaluations(self.eval_dataset)],
            self.args.average,
            self.args.kept_tokens,
            self.model._encoder.level,
            None if teacher is None else teacher._encoder,
            resume,
        )

    def _go_on(self, run: Any) -> None:
        with bar(run.steps, not self.args.disable_tqdm, "Steps") as report:
            while (told := run.next()) is not None:
                event = json.loads(told)
                self.state.log_history.append(event)
                self.state.global_step = event["step"]
                if report is not None:
                    report(event["step"])
                for callback in self.callbacks:
                    callback(event)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"{name}={value!r} is not there; it is one of {', '.join(known)}")
    return value


def _evaluations(data: Any) -> list[tuple[str, Any]]:
    """Datasets and their names."""
    if data is None:
        return []
    if isinstance(data, Mapping) and all(_columns(one) is not None for one in data.values()):
        return list(data.items())
    return [("eval", data)]


def _columns(data: Any) -> list[str] | None:
    """The names of a table's columns; ``None`` if it is no table."""
    if isinstance(data, Mapping):
        return list(data)
    for name in ("column_names", "columns"):  # datasets and Arrow; pandas and Polars
        names = getattr(data, name, None)
        if names is not None:
            return [str(one) for one in names]
    return None


def _table(what: str, data: Any) -> tuple[list[str], list[list[str]]]:
    """The columns of a table, each value as text."""
    names = _columns(data)
    if not names:
        raise TypeError(f"{what} is a table with named columns, not a {type(data).__name__}")
    columns = []
    for name in names:
        column = data[name]
        if hasattr(column, "to_pylist"):  # Arrow's values are objects of its own
            column = column.to_pylist()
        values = list(column)
        for row, value in enumerate(values):
            if value is None:
                raise TypeError(f"{what}: row {row} of the column {name!r} is None")
        columns.append([value if isinstance(value, str) else str(value) for value in values])
    if len({len(column) for column in columns}) > 1:
        sizes = ", ".join(f"{name} has {len(column)}" for name, column in zip(names, columns))
        raise ValueError(f"{what}: columns differ in length: {sizes}")
    return names, columns

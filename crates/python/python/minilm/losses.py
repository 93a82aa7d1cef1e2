"""Losses of training, by the names and with the defaults of ``sentence_transformers`` 6.

>>> from minilm import losses
>>> losses.CoSENTLoss(scale=10.0)
CoSENTLoss(scale=10.0)

The first argument is the model, as in the original. It is not needed here, and not looked at. What
the original has and minilm has not is refused with the argument's name.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from typing import Any

from .similarity import cos_sim, pairwise_cos_sim

__all__ = [
    "CoSENTLoss",
    "ContrastiveLoss",
    "CosineSimilarityLoss",
    "EmbedDistillLoss",
    "MatryoshkaLoss",
    "MultipleNegativesRankingLoss",
    "SiameseDistanceMetric",
    "TripletDistanceMetric",
    "TripletLoss",
]


class Loss:
    """What losses share: the form in which the engine takes them, and in which they print."""

    _settings: dict[str, Any]

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self._settings.items())
        return f"{type(self).__name__}({settings})"

    def _engine(self) -> Any:
        """The loss as ``minilm_train::Loss`` writes it in JSON."""
        raise NotImplementedError


def _refuse(loss: str, **given: tuple[Any, Sequence[Any]]) -> None:
    """Refuses arguments that have none of the values that are there."""
    for name, (value, known) in given.items():
        if not any(value is one or value == one for one in known):
            some = " or ".join(getattr(one, "__name__", repr(one)) for one in known)
            raise ValueError(f"{loss}: {name}={value!r} is not there; it is {some}")


def _number(loss: str, name: str, value: float, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{loss}: {name} is a number, not a {type(value).__name__}")
    if not least < value < float("inf"):
        raise ValueError(f"{loss}: {name}={value} is not above {least} and finite")
    return float(value)


class MultipleNegativesRankingLoss(Loss):
    """Each anchor finds its positive among all positives and negatives of the batch.

    Args:
        scale: The factor of the cosines.
        directions: ``("query_to_doc",)``, or ``("query_to_doc", "doc_to_query")`` with
            ``partition_mode="per_direction"``: then each positive has to find its anchor too.
    """

    def __init__(
        self,
        model: Any = None,
        scale: float = 20.0,
        similarity_fct: Callable[..., Any] = cos_sim,
        gather_across_devices: bool = False,
        directions: Sequence[str] = ("query_to_doc",),
        partition_mode: str = "joint",
        hardness_mode: None = None,
        hardness_strength: float = 0.0,
    ) -> None:
        name, directions = type(self).__name__, tuple(directions)
        one, both = ("query_to_doc",), ("query_to_doc", "doc_to_query")
        _refuse(
            name,
            similarity_fct=(similarity_fct, (cos_sim,)),
            gather_across_devices=(gather_across_devices, (False,)),
            directions=(directions, (one, both)),
            partition_mode=(
                partition_mode,
                ("joint", "per_direction") if directions == one else ("per_direction",),
            ),
            hardness_mode=(hardness_mode, (None,)),
            hardness_strength=(hardness_strength, (0.0,)),
        )
        self.scale, self.symmetric = _number(name, "scale", scale, 0.0), directions == both
        self._settings = {"scale": scale, "directions": directions}

    def _engine(self) -> Any:
        return {"MultipleNegativesRanking": {"scale": self.scale, "symmetric": self.symmetric}}


class CoSENTLoss(Loss):
    """A pair with a higher score should have the higher cosine."""

    def __init__(
        self,
        model: Any = None,
        scale: float = 20.0,
        similarity_fct: Callable[..., Any] = pairwise_cos_sim,
    ) -> None:
        name = type(self).__name__
        _refuse(name, similarity_fct=(similarity_fct, (pairwise_cos_sim,)))
        self.scale = _number(name, "scale", scale, 0.0)
        self._settings = {"scale": scale}

    def _engine(self) -> Any:
        return {"CoSent": {"scale": self.scale}}


class CosineSimilarityLoss(Loss):
    """The cosine should be the score: the mean of the squared differences."""

    def __init__(
        self, model: Any = None, loss_fct: None = None, cos_score_transformation: None = None
    ) -> None:
        _refuse(
            type(self).__name__,
            loss_fct=(loss_fct, (None,)),
            cos_score_transformation=(cos_score_transformation, (None,)),
        )
        self._settings = {}

    def _engine(self) -> Any:
        return "CosineSimilarity"


class SiameseDistanceMetric(enum.Enum):
    """The distance of :class:`ContrastiveLoss`."""

    COSINE_DISTANCE = "cosine"


class ContrastiveLoss(Loss):
    """Pairs with label 1 are pulled together, those with 0 pushed apart up to the margin."""

    def __init__(
        self,
        model: Any = None,
        distance_metric: SiameseDistanceMetric = SiameseDistanceMetric.COSINE_DISTANCE,
        margin: float = 0.5,
        size_average: bool = True,
    ) -> None:
        name = type(self).__name__
        _refuse(
            name,
            distance_metric=(distance_metric, tuple(SiameseDistanceMetric)),
            size_average=(size_average, (True,)),
        )
        self.margin = _number(name, "margin", margin, 0.0)
        self._settings = {"margin": margin}

    def _engine(self) -> Any:
        return {"Contrastive": {"margin": self.margin}}


class TripletDistanceMetric(enum.Enum):
    """The distance of :class:`TripletLoss`."""

    COSINE = "Cosine"
    EUCLIDEAN = "Euclidean"


class TripletLoss(Loss):
    """The anchor should be nearer to its positive than to its negative, by the margin.

    The defaults are the original's. Vectors of length 1 are at most 2 apart, so that a margin of 5
    never lets go of a triplet: for this model, take ``TripletDistanceMetric.COSINE`` and a margin
    of 0.2, which are the defaults of ``minilm train``.
    """

    def __init__(
        self,
        model: Any = None,
        distance_metric: TripletDistanceMetric = TripletDistanceMetric.EUCLIDEAN,
        triplet_margin: float = 5,
    ) -> None:
        name = type(self).__name__
        _refuse(name, distance_metric=(distance_metric, tuple(TripletDistanceMetric)))
        self.distance_metric = distance_metric
        self.triplet_margin = _number(name, "triplet_margin", triplet_margin, 0.0)
        self._settings = {"distance_metric": distance_metric, "triplet_margin": triplet_margin}

    def _engine(self) -> Any:
        distance = self.distance_metric.value
        return {"Triplet": {"margin": self.triplet_margin, "distance": distance}}


class EmbedDistillLoss(Loss):
    """The embeddings should be those of ``teacher``.

    The original reads the teacher's embeddings from a column of the data. Here the teacher is given
    and embeds the texts itself.
    """

    def __init__(
        self,
        model: Any = None,
        distance_metric: str = "cosine",
        projection_dim: None = None,
        *,
        teacher: Any,
    ) -> None:
        name = type(self).__name__
        _refuse(
            name,
            distance_metric=(distance_metric, ("cosine", "mse")),
            projection_dim=(projection_dim, (None,)),
        )
        self.distance_metric, self.teacher = distance_metric, teacher
        self._settings = {"distance_metric": distance_metric, "teacher": teacher}

    def _engine(self) -> Any:
        return {"Distillation": {"distance": self.distance_metric.capitalize()}}


class MatryoshkaLoss(Loss):
    """A loss of the first values of the embeddings, for several numbers of values."""

    def __init__(
        self,
        model: Any = None,
        loss: Loss | None = None,
        matryoshka_dims: Sequence[int] = (),
        matryoshka_weights: Sequence[float] | None = None,
        n_dims_per_step: int = -1,
    ) -> None:
        name = type(self).__name__
        if not isinstance(loss, Loss) or isinstance(loss, MatryoshkaLoss):
            raise TypeError(f"{name}: loss is another loss of minilm.losses, not {loss!r}")
        _refuse(name, n_dims_per_step=(n_dims_per_step, (-1,)))
        weights = [1.0] * len(matryoshka_dims) if matryoshka_weights is None else matryoshka_weights
        if len(weights) != len(matryoshka_dims) or not weights:
            raise ValueError(
                f"{name}: {len(matryoshka_dims)} matryoshka_dims, {len(weights)} matryoshka_weights"
            )
        self.loss = loss
        self.dimensions = [[int(k), float(w)] for k, w in zip(matryoshka_dims, weights)]
        self._settings = {"loss": loss, "matryoshka_dims": list(matryoshka_dims)}

    def _engine(self) -> Any:
        return {"Matryoshka": {"loss": self.loss._engine(), "dimensions": self.dimensions}}

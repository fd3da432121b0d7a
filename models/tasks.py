"""What an output means, and so by which metric a model is judged. A declaration names one, or one for each output.

Importing this module imports no heavy library. `fixtures/harness/metrics.py` computes what is declared here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Classification:
    """One of several classes: outputs (samples, classes), the largest is the prediction; targets (samples,) integers.

    top_k: a sample is right if its class is among so many of the largest outputs.
    """

    top_k: int = 1

    def __post_init__(self) -> None:
        """Refuse what is no number of outputs."""
        if not isinstance(self.top_k, int) or isinstance(self.top_k, bool) or self.top_k < 1:
            raise ValueError(f"top_k of {self.top_k!r}: a whole number from 1 on was expected")


@dataclass(frozen=True)
class Binary:
    """Yes or no: outputs (samples,) or (samples, 1), yes from `threshold` on; targets the same shape, 0 or 1."""

    threshold: float = 0.5


@dataclass(frozen=True)
class MultiLabel:
    """Several labels a sample: outputs (samples, labels), a label holds from `threshold` on; targets 0 or 1.

    The metric is F1 over all samples and labels (micro average). Outputs may have more axes: of a mask, (samples,
    height, width, 1), it is the Dice coefficient.
    """

    threshold: float = 0.5


@dataclass(frozen=True)
class Regression:
    """Numbers: outputs and targets of one shape, (samples, …), judged by one of three metrics over all of them.

    A number a sample may also be (samples,) in the one and (samples, 1) in the other, as in `Binary`. R² is 1 less the
    squared errors as a share of the targets' squared distances from their mean, which is one for all places.
    """

    metric: Literal["mae", "rmse", "r2"] = "mae"


@dataclass(frozen=True)
class Segmentation:
    """A class for each place: outputs (samples, …, classes), targets (samples, …) integers, `ignore` left out.

    The metric is the mean over the classes that the targets have of intersection over union (mIoU), counted over all
    samples.
    """

    ignore: int | None = None


@dataclass(frozen=True)
class Embedding:
    """A direction: outputs and targets (samples, size); the metric is the mean cosine similarity to the target."""


@dataclass(frozen=True)
class Sequence:
    """A class for each step: outputs (samples, steps, classes), targets (samples, steps) integers, `ignore` left out.

    metric: the share of right steps, or the share of samples that are right in all of them.
    """

    metric: Literal["steps", "whole"] = "steps"
    ignore: int | None = None


@dataclass(frozen=True)
class Metric:
    """A metric of the user's own.

    function: takes outputs and targets, first axis the samples; returns a score for each sample, float, (samples,), of
        which the mean is the metric; or with `whole` one number for all, for what is no mean (the area under a curve).
        It is called for one block of samples after the other. With `whole` it is called for all at once, and 1,000
        times more for random choices of them with repetitions, to tell what they prove; it may return NaN where a
        choice has no value, as one without a positive sample. Outputs and targets are then copied whole each time.
    higher_is_better: the direction.
    relative: whether a loss counts as a share of the float32 file's value, rather than in the metric's own unit.

    Scores that are all 0 or 1 are outcomes, and decided exactly. Of other scores, a loss that no sample shows counts as
    none, because nothing says how large it might be.
    """

    name: str
    function: Callable[["np.ndarray", "np.ndarray"], "np.ndarray | float"]
    higher_is_better: bool
    whole: bool = False
    relative: bool = False


Task = Classification | Binary | MultiLabel | Regression | Segmentation | Embedding | Sequence | Metric

"""The types of a model declaration.

Importing this module, or any declaration, imports no TensorFlow: a builder imports it when it is called.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A model's name is a test id, a file name and a word for ``-k``."""

LEAST_SAMPLE = 1000
"""The fewest images that a software GPU may be judged on; a data set with fewer is run whole."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: everything that moves a weight, named.

    The loss is sparse categorical cross-entropy on logits and the optimizer is Adam, as in the tutorial
    "Post-training float16 quantization".
    """

    dataset: str
    epochs: int
    seed: int
    batch_size: int = 32
    learning_rate: float = 0.001


@dataclass(frozen=True)
class Budget:
    """What a model may cost in float16. Fractions, unless said otherwise; each default has its reason here.

    baseline_accuracy: the least top-1 accuracy of Keras and of the float32 file. Only the model knows it.
    accuracy_drop: the largest loss of top-1 accuracy from float32 to float16 that may remain possible at `confidence`.
        Half a point is the smallest loss that 10,000 images tell from none almost surely.
    class_drop: the same within one class. A tenth of the images means ten times the uncertainty.
    confidence: of the intervals above. At 0.99 a true drop as large as the bound passes less than once in 100 runs.
    flipped: share of samples whose predicted class float16 weights may change. Rounding moves only close calls.
    flushed: share of non-zero weights that may become zero. Weights under 2**-25 carry nothing in a healthy layer.
    saturated: number of weights that may saturate at 65504. None does in a model whose outputs can be trusted.
    roundoff: how many probabilistic error bounds (fixtures/harness/bounds.py) an output may be off. Two, because the
        bound is on a standard deviation's scale, and the worst of 100,000 outputs is looked at.
    sample: how many of the test images a software GPU runs, balanced over the classes; a GPU and a CPU run all. From
        1,000 images on, a change of one prediction in 100 shows almost surely; wrong arithmetic shows in most images.
    """

    baseline_accuracy: float
    accuracy_drop: float = 0.005
    class_drop: float = 0.02
    confidence: float = 0.99
    flipped: float = 0.001
    flushed: float = 0.001
    saturated: int = 0
    roundoff: float = 2.0
    sample: int = 1000

    def __post_init__(self) -> None:
        """Refuse a sample that shows nothing."""
        if self.sample < LEAST_SAMPLE:
            raise ValueError(f"a sample of {self.sample} images is too small: at least {LEAST_SAMPLE}")


@dataclass(frozen=True)
class ModelSpec:
    """A model that the gate validates.

    build: makes the untrained Keras model, in Keras' current float type, with the given batch size (None: any). It
        names every input, layer and model, because Keras' automatic names depend on what was built before.
    example: the test image that every file on every target must get right, and that the report shows.
    partly_delegated: targets that are known not to support all of its operators, so that a part of it runs on the
        runtime's own kernels. One that turns out to take the whole graph falls short, and is to be removed.
    not_meant_for: targets that the model is not to run on: skipped, and counted as such in the report.
    source: the file that declares the model; the gate fills it in where it finds the model.
    """

    name: str
    build: Callable[[int | None], "keras.Model"]
    recipe: Recipe
    budget: Budget
    example: int = 0
    partly_delegated: frozenset[str] = frozenset()
    not_meant_for: frozenset[str] = frozenset()
    source: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a name that could not be a test id and a file name."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r}: use lower-case letters, digits and underscores")
        for field in ("partly_delegated", "not_meant_for"):
            if isinstance(getattr(self, field), str):
                raise ValueError(f"{field} of {self.name}: a set of names was expected, not one name")

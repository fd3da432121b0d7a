"""The types of a model declaration.

Importing this module, or any declaration, imports no TensorFlow: a builder imports it when it is called.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.tasks import Task

if TYPE_CHECKING:
    import keras
    import numpy as np

    Arrays = np.ndarray | Mapping[str, np.ndarray]

NAME = re.compile(r"[a-z][a-z0-9_]*")
"""A model's name is a test id, a file name and a word for ``-k``."""

LONGEST_NAME = 200
"""Characters that a model's name may have: files are called after it, by at most 255."""

LEAST_SAMPLE = 1000
"""The fewest samples that a software GPU may be judged on; a data set with fewer is run whole."""


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: everything that moves a weight, named. The optimizer is Adam.

    dataset: the name of a data set that ships with the gate, for training and for the evaluation.
    prepare: makes the model's inputs and targets of images, float32 (samples, 28, 28) in 0..1, and classes, int64
        (samples,): each an array, or a dict of arrays by the names of the model's inputs and outputs. None leaves them
        as they are.
    loss: Keras' name of a loss, or one for each output. None takes the usual one for the model's task: for logits
        cross-entropy, for numbers the mean squared error.
    """

    dataset: str
    epochs: int
    seed: int
    batch_size: int = 32
    learning_rate: float = 0.001
    prepare: Callable[["np.ndarray", "np.ndarray"], tuple["Arrays", "Arrays"]] | None = None
    loss: str | Mapping[str, str] | None = None


@dataclass(frozen=True)
class Budget:
    """What a model may cost in float16. Fractions, unless said otherwise; each default has its reason here.

    baseline: the worst value of the task's metric that Keras and the float32 file may have, the least accuracy or the
        largest error; by the outputs' names where there are several. Only the model knows it; None leaves it unjudged.
    metric_drop: the largest loss of the task's metric from float32 to float16 that may remain possible at
        `confidence`: in the metric's own unit where it is a share (accuracy, F1, mIoU, R², cosine), as a share of the
        float32 file's value where it is an error (MAE, RMSE). Half a point of accuracy is the smallest loss that 10,000
        samples tell from none almost surely. Samples too few for that fail a model for a loss that rounding does not
        explain, and say what they cannot exclude.
    class_drop: the same of accuracy within one class. A tenth of the samples means ten times the uncertainty.
    confidence: of the intervals above. At 0.99, a true drop as large as the bound passes less than once in 100 runs of
        samples that are enough to exclude it.
    flipped: share of samples whose predicted class float16 weights may change. Rounding moves only close calls. A good
        model is taken to have half of it moved, and of so few samples that those would now and then be more than the
        share, as many may change as rounding explains (fixtures/harness/statistics.py).
    flushed: share of non-zero weights that may become zero. Weights under 2**-25 carry nothing in a healthy layer.
    saturated: number of weights that may saturate at 65504. None does in a model whose outputs can be trusted.
    roundoff: how many probabilistic error bounds (fixtures/harness/bounds.py) an output may be off. Two, because the
        bound is on a standard deviation's scale, and the worst of 100,000 outputs is looked at.
    sample: how many of the samples a software GPU runs, balanced over the classes; a GPU and a CPU run all. From
        1,000 on, a change of one prediction in 100 shows almost surely; wrong arithmetic shows in most samples.
    """

    baseline: float | Mapping[str, float] | None = None
    metric_drop: float = 0.005
    class_drop: float = 0.02
    confidence: float = 0.99
    flipped: float = 0.001
    flushed: float = 0.001
    saturated: int = 0
    roundoff: float = 2.0
    sample: int = 1000

    def __post_init__(self) -> None:
        """Refuse bounds that nothing could be beyond, and a sample that shows nothing."""
        if self.sample < LEAST_SAMPLE:
            raise ValueError(f"a sample of {self.sample} is too small: at least {LEAST_SAMPLE}")
        if not 0 < self.confidence < 1:
            raise ValueError(f"a confidence of {self.confidence}: a share under 1 was expected, 0.99 for one")
        for name in ("metric_drop", "class_drop", "flipped", "flushed", "saturated", "roundoff"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"a bound of {getattr(self, name)} on {name}: a number from 0 on was expected")
        for name in ("class_drop", "flipped", "flushed"):
            if getattr(self, name) > 1:
                raise ValueError(f"a bound of {getattr(self, name)} on {name}, which is a share: 1 is all")

    def baseline_of(self, output: str) -> float | None:
        """Return the baseline of *output*."""
        return self.baseline.get(output) if isinstance(self.baseline, Mapping) else self.baseline


@dataclass(frozen=True)
class ModelSpec:
    """A model that the gate validates, of one of three origins.

    build, recipe: trained and converted by the gate. `build` makes the untrained Keras model, in Keras' current float
        type, with the given batch size (None: any). It names every input, layer and model, because Keras' automatic
        names depend on what was built before.
    keras_model: trained elsewhere, converted by the gate: a `.keras` or `.h5` file, or a SavedModel folder.
    fp16, fp32: converted elsewhere: the two `.tflite` files, or the float16 one alone.

    data: the evaluation data of a model that comes as a file, an `EVAL.npz` or a folder of `.npy` shards. Paths are
        relative to the declaration.
    task: what the output means, or a dict of that by the names of the outputs. None: labels, if any, tell.
    example: the sample that every file on every target must give its class, and that the report shows; None for none.
    partly_delegated: targets that are known not to support all of its operators, so that a part of it runs on the
        runtime's own kernels. One that turns out to take the whole graph falls short, and is to be removed.
    not_meant_for: targets that the model is not to run on: skipped, and counted as such in the report.
    title: what people call the model, any text, for the reports; None: its name.
    class_names: what its classes are called, in their order, or a dict of that by the names of the outputs: for the
        reports, which have numbers without.
    source: the file that declares the model; the gate fills it in where it finds the model. None: the command line.
    """

    name: str
    build: Callable[[int | None], "keras.Model"] | None = None
    recipe: Recipe | None = None
    keras_model: Path | str | None = None
    fp32: Path | str | None = None
    fp16: Path | str | None = None
    data: Path | str | None = None
    task: Task | Mapping[str, Task] | None = None
    budget: Budget = field(default_factory=Budget)
    example: int | None = None
    partly_delegated: frozenset[str] = frozenset()
    not_meant_for: frozenset[str] = frozenset()
    title: str | None = None
    class_names: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    source: Path | None = None

    def __post_init__(self) -> None:
        """Refuse a name that could not be a test id and a file name, and what is no origin, or several."""
        if not NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r}: use lower-case letters, digits and underscores")
        if len(self.name) > LONGEST_NAME:
            raise ValueError(f"model name {self.name[:40]}…: {len(self.name)} characters, {LONGEST_NAME} at most")
        for name in ("partly_delegated", "not_meant_for"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name} of {self.name}: a set of names was expected, not one name")
        if self.title is not None and not (isinstance(self.title, str) and self.title.strip()):
            raise ValueError(f"title of {self.name}: a text was expected, not {self.title!r}")
        named = self.class_names.values() if isinstance(self.class_names, Mapping) else [self.class_names]
        for names in named:
            if isinstance(names, str) or not all(isinstance(name, str) for name in names):
                raise ValueError(f"class_names of {self.name}: a tuple of texts was expected, not {names!r}")
        if self.example is not None and (not isinstance(self.example, int) or isinstance(self.example, bool)):
            raise ValueError(f"example of {self.name}: the number of a sample was expected, not {self.example!r}")
        self._verify_origin()

    @property
    def trained(self) -> bool:
        """Whether the gate trains the model."""
        return self.build is not None

    @property
    def converted(self) -> bool:
        """Whether the gate converts the model, so that it knows how its files have to be."""
        return self.fp16 is None

    def class_names_of(self, output: str) -> tuple[str, ...]:
        """Return what the classes of *output* are called, in their order; empty where nobody says."""
        return tuple(self.class_names.get(output, ()) if isinstance(self.class_names, Mapping) else self.class_names)

    def path(self, given: Path | str) -> Path:
        """Return where *given*, one of the paths above, leads."""
        base = self.source.parent if self.source else Path.cwd()
        return base / Path(given).expanduser()

    def _verify_origin(self) -> None:
        origins: dict[str, Any] = {"build": self.build, "keras_model": self.keras_model, "fp16": self.fp16}
        given = [name for name, value in origins.items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                f"{self.name} has {' and '.join(given) or 'no origin'}: one of {', '.join(origins)} was expected"
            )
        for needs, needed in (("build", "recipe"), ("recipe", "build"), ("fp32", "fp16")):
            if getattr(self, needs) is not None and getattr(self, needed) is None:
                raise ValueError(f"{self.name} has {needs} but no {needed}")
        if self.trained == (self.data is not None):
            why = "its recipe names its data" if self.trained else "it needs data to be evaluated on"
            raise ValueError(f"data of {self.name}: {why}")

"""The same by simulation: the gate's own code judges made-up outputs of models whose true rates are known."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fixtures.harness import metrics
from fixtures.harness.comparison import agreement
from fixtures.harness.statistics import at_least, most_changed
from models.tasks import Classification, Embedding, MultiLabel, Regression, Segmentation, Sequence, Task
from tests.power.computed import BUDGET, CLASSES, DROPS, MOVED, ROUNDING, SIZES

RUNS = {50: 1000, 500: 500, 2000: 300, 10_000: 100, 50_000: 40}
EVERY = 6  # of the drops
RIGHT = 0.96  # of the float32 file, as the tutorial's model
DOUBT = 1e-3
"""How often an exact computation and a simulation of it may be found to differ, in all comparisons together."""


def red(samples: int, drop: float, random: np.random.Generator) -> tuple[bool, bool]:
    """Return whether the accuracy, and whether accuracy or changed predictions, fall short in one run."""
    truth = random.integers(CLASSES, size=samples)
    chances = [MOVED / 2 + drop, MOVED / 2, RIGHT - MOVED / 2 - drop]
    fate = np.searchsorted(np.cumsum(chances), random.random(samples), side="right")  # lost, gained, right, wrong
    wrong = (truth + random.integers(1, CLASSES, size=samples)) % CLASSES
    before = np.where((fate == 0) | (fate == 2), truth, wrong)
    now = np.where((fate == 1) | (fate == 2), truth, wrong)
    baseline, candidate = (np.eye(CLASSES, dtype=np.float32)[predicted] for predicted in (before, now))
    found = metrics.change(candidate, baseline, truth, Classification(), BUDGET.confidence, ROUNDING)
    flips = len(agreement(candidate, baseline).flips)
    accuracy = not found.judged(BUDGET.metric_drop).holds
    return accuracy, accuracy or flips > most_changed(samples, BUDGET.flipped)


def all_sizes() -> dict[str, dict[str, Any]]:
    """Return by the number of samples how many of how many runs fell short of each of some drops."""
    random = np.random.default_rng(0)
    found = {}
    for samples in SIZES:
        places = list(range(0, len(DROPS), EVERY))
        counts = [
            np.sum([red(samples, DROPS[place], random) for _ in range(RUNS[samples])], axis=0).tolist()
            for place in places
        ]
        found[str(samples)] = {
            "runs": RUNS[samples],
            "places": places,
            "accuracy": [accuracy for accuracy, _ in counts],
            "gate": [gate for _, gate in counts],
        }
    return found


def differences(computed: dict[str, Any], simulated: dict[str, Any]) -> list[str]:
    """Return where *simulated* runs are not what *computed* chances explain, a sentence each."""
    compared = [
        (samples, kind, place, falls, of_size["runs"])
        for samples, of_size in simulated.items()
        for kind in ("accuracy", "gate")
        for place, falls in zip(of_size["places"], of_size[kind], strict=True)
    ]
    doubt = DOUBT / (2 * len(compared))  # on either side
    wrong = []
    for samples, kind, place, falls, runs in compared:
        expected = computed["sizes"][samples][kind][place]
        if min(at_least(falls, runs, expected), 1 - at_least(falls + 1, runs, expected)) < doubt:
            wrong.append(
                f"{samples} samples, a drop of {computed['drops'][place]} points: {kind} fell short in {falls} of "
                f"{runs} runs, computed are {expected:.4%}"
            )
    return wrong


@dataclass(frozen=True)
class Kind:
    """Outputs for a task that is bootstrapped: so many of each sample, and how targets are made of true ones."""

    called: str
    task: Task
    shape: tuple[int, ...]

    def targets(self, true: np.ndarray) -> np.ndarray:
        """Return the targets of what the outputs should be."""
        if isinstance(self.task, MultiLabel):
            return (true > self.task.threshold).astype(np.int64)
        return true.argmax(axis=-1) if isinstance(self.task, Segmentation | Sequence) else true


KINDS = (
    Kind("MAE", Regression("mae"), (1,)),
    Kind("RMSE", Regression("rmse"), (1,)),
    Kind("R²", Regression("r2"), (1,)),
    Kind("F1", MultiLabel(1.0), (5,)),
    Kind("mIoU", Segmentation(), (4, 4, 3)),
    Kind("cosine", Embedding(), (16,)),
    Kind("steps", Sequence("steps"), (10, 5)),
)
FEW = {20: 200, 50: 200, 2000: 10}
"""How often so many samples are judged."""


def bootstrapped() -> list[dict[str, Any]]:
    """Return for each kind and number of samples how near rounding alone brings a bootstrapped loss to its bound.

    fell_short: in how many of the runs; few: in how many the samples were too few to exclude the bound; nearest: the
    largest share of the bound that was judged, or of what rounding explains of few samples.
    """
    random = np.random.default_rng(0)
    found = []
    for kind in KINDS:
        for samples, runs in FEW.items():
            judged = [_rounded(kind, samples, random) for _ in range(runs)]
            shares = np.array([one.value / one.at_most for one in judged])
            found.append(
                {
                    "metric": kind.called,
                    "samples": samples,
                    "runs": runs,
                    "fell_short": sum(not one.holds for one in judged),
                    "few": sum(one.few for one in judged),
                    "nearest": float(shares.max()),
                }
            )
    return found


def _rounded(kind: Kind, samples: int, random: np.random.Generator) -> metrics.Judgement:
    true = random.normal(size=(samples, *kind.shape))
    baseline = true + 0.1 * random.normal(size=true.shape)  # a model that is a little off
    candidate = baseline + ROUNDING.noise * random.normal(size=true.shape)
    found = metrics.change(candidate, baseline, kind.targets(true), kind.task, BUDGET.confidence, ROUNDING)
    return found.judged(BUDGET.metric_drop)

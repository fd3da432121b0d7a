"""How often the gate's decisions on accuracy fall short, computed exactly from the models' true rates.

The model of a model: each sample is lost, gained or neither, independently of the others. Rounding loses and gains half
of `MOVED` each, as in a good model, and a fault loses as many more as the drop says. Every prediction that changes
gains or loses its sample, and samples are of `CLASSES` classes, as many of each.
"""

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any

from fixtures.harness.bounds import rounding
from fixtures.harness.statistics import at_least, lower_limit, most_changed, upper_limit
from models.spec import Budget

BUDGET = Budget()
ROUNDING = rounding(BUDGET, "float32")
MOVED = ROUNDING.moved
CLASSES = 10
SIZES = (50, 500, 2000, 10_000, 50_000)
DROPS = tuple(step / 4000 for step in range(61))
"""True drops, in fractions: 0 to 1.5 points."""

DECISIONS = {"accuracy": 8, "class": 8, "changed": 17}
"""How many of each kind a run makes on one output: on eight targets, of two files where predictions are compared, and
one against Keras."""

CAUGHT = 0.99
UNSEEN = 1e-15
"""What happens less often is left out of a sum."""

Rule = Callable[[int], int]
"""Returns from how many lost samples on a decision falls short, of how many are gained."""


def accuracy(samples: int, bound: float = BUDGET.metric_drop, among: int = 1) -> Rule:
    """Return the rule by which a drop of accuracy is judged on so many samples."""
    allowed = ROUNDING.lost(samples, among)
    error = (1 - BUDGET.confidence) / 2

    @cache
    def falls_short(gained: int) -> int:
        beyond = bound + lower_limit(gained, samples, error)  # what the upper limit on the lost ones must not exceed
        low, high = allowed, samples + 1  # `low` passes; there may be nothing that does not
        while high - low > 1:
            middle = (low + high) // 2
            excluded = 1 - at_least(middle + 1, samples, beyond) <= error
            low, high = (middle, high) if excluded else (low, middle)
        return high

    return falls_short


def changed(samples: int) -> Rule:
    """Return the rule by which changed predictions are judged, in terms of lost samples."""
    most = int(most_changed(samples, BUDGET.flipped))
    return lambda gained: most + 1 - gained


def either(*rules: Rule) -> Rule:
    """Return the rule that falls short where one of *rules* does."""
    return lambda gained: min(rule(gained) for rule in rules)


def chance(rule: Rule, samples: int, drop: float) -> float:
    """Return how often *rule* falls short of so many *samples* of a model whose true drop is *drop*, a fraction."""
    gained_share, lost_share = MOVED / 2, MOVED / 2 + drop
    return sum(
        weight * at_least(rule(gained), samples - gained, lost_share / (1 - gained_share))
        for gained, weight in _weights(samples, gained_share)
    )


def caught(rule: Rule, samples: int) -> float:
    """Return the smallest drop with which *rule* falls short as often as `CAUGHT`, a fraction."""
    low, high = 0.0, 1 - MOVED
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if chance(rule, samples, middle) >= CAUGHT else (middle, high)
    return high


def false_alarms(samples: int) -> dict[str, float]:
    """Return how often each decision, and a whole run, falls short of a good model.

    Of a run it is the most that it can be: the sum over all its decisions, as if no two ever fell short together.
    """
    of_class = chance(accuracy(samples // CLASSES, BUDGET.class_drop, CLASSES), samples // CLASSES, 0.0)
    return with_run(
        {
            "accuracy": chance(accuracy(samples), samples, 0.0),
            "class": 1 - (1 - of_class) ** CLASSES,
            "changed": at_least(int(most_changed(samples, BUDGET.flipped)) + 1, samples, MOVED),
        }
    )


@cache
def thresholds(samples: int) -> tuple[int, int, int, int]:
    """Return from how many on decisions fall short where nothing is gained.

    Of lost samples in all, in a class of the fewest samples and in one of the most; of changed predictions. None
    lessens with the samples.
    """
    few, most = samples // CLASSES, -(-samples // CLASSES)
    return (
        accuracy(samples)(0),
        accuracy(few, BUDGET.class_drop, CLASSES)(0),
        accuracy(most, BUDGET.class_drop, CLASSES)(0),
        int(most_changed(samples, BUDGET.flipped)) + 1,
    )


def most_false_alarms(samples: int) -> dict[str, float]:
    """Return as `false_alarms` does, but no less, and in a moment: as if no sample were ever gained.

    A gain makes it harder to fall short. Classes have as many samples as each other, or one more.
    """
    lost, of_few, of_most, changed = thresholds(samples)
    few, larger = divmod(samples, CLASSES)
    return with_run(
        {
            "accuracy": at_least(lost, samples, MOVED / 2),
            "class": (CLASSES - larger) * at_least(of_few, few, MOVED / 2)
            + larger * at_least(of_most, few + 1, MOVED / 2),
            "changed": at_least(changed, samples, MOVED),
        }
    )


def with_run(chances: dict[str, float]) -> dict[str, float]:
    """Return *chances* of a decision of each kind with that of a run."""
    return chances | {"run": sum(DECISIONS[kind] * one for kind, one in chances.items())}


def worst(smallest: int, largest: int) -> dict[str, dict[str, float]]:
    """Return for each kind of decision, and for a run, with how many samples it fails a good model most often.

    More samples fail it more often up to where a threshold rises: these are looked at, of all from *smallest* on.
    """
    found = {samples: most_false_alarms(samples) for samples in _before_rises(smallest, largest)}
    return {
        kind: {"samples": at, "chance": found[at][kind]}
        for kind in (*DECISIONS, "run")
        for at in [max(found, key=lambda samples, kind=kind: found[samples][kind])]
    }


def _before_rises(first: int, last: int) -> list[int]:
    """Return the numbers of samples, from *first* to *last*, behind which a threshold rises; and *last*."""
    found = [last]
    ranges = [(first, last)]
    while ranges:
        low, high = ranges.pop()
        if thresholds(low) == thresholds(high):
            continue
        if high - low == 1:
            found.append(low)
        else:
            middle = (low + high) // 2
            ranges += [(low, middle), (middle, high)]
    return found


def of_size(samples: int) -> dict[str, Any]:
    """Return all that is computed of so many *samples*. Drops in points, as texts for people have them."""
    judged = accuracy(samples)
    gate = either(judged, changed(samples))
    return {
        "lost_allowed": judged(0) - 1,
        "changed_allowed": int(most_changed(samples, BUDGET.flipped)),
        "not_excluded": 100 * upper_limit(0, samples, (1 - BUDGET.confidence) / 2),
        "false_alarm": false_alarms(samples),
        "caught": {"accuracy": 100 * caught(judged, samples), "gate": 100 * caught(gate, samples)},
        "accuracy": [chance(judged, samples, drop) for drop in DROPS],
        "gate": [chance(gate, samples, drop) for drop in DROPS],
    }


def settings() -> dict[str, Any]:
    """Return what it is computed of, as JSON values."""
    return {
        "budget": {name: getattr(BUDGET, name) for name in ("metric_drop", "class_drop", "flipped", "confidence")},
        "moved": MOVED,
        "classes": CLASSES,
        "decisions": DECISIONS,
        "drops": [round(100 * drop, 6) for drop in DROPS],
    }


def all_sizes() -> dict[str, Any]:
    """Return what is computed, as JSON values."""
    return settings() | {"sizes": {str(samples): of_size(samples) for samples in SIZES}}


def _weights(samples: int, share: float) -> Iterator[tuple[int, float]]:
    """Yield how many samples may be gained, and how often they are."""
    for gained in count():
        left = at_least(gained, samples, share)
        if left < UNSEEN:
            return
        yield gained, left - at_least(gained + 1, samples, share)

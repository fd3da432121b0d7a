"""Faults of accuracy: rounding to float16 that costs right answers, where nothing else is wrong.

A number that is common to all scores of a classifier changes no answer, and takes the digits that tell close calls
apart: at 1536, float16 holds whole numbers. A bias of that much, added to the last layer of the float32 file and
rounded as it should be, leaves sizes, operators, stored values and the outputs' error, a share of the largest, in
order; what is lost is accuracy, and how much is a matter of how large the scores are beside that number.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.schema_py_generated import ModelT

from fixtures.harness.comparison import margin
from tests.faults.bench import Case, Fault, Named, NotPlanted, Planter, Severity, arrays, computed
from tests.faults.planted.editing import edit, held_by, last_dense, operators, read, store, stored

DROPS = "tests/test_accuracy.py::test_float16_accuracy_does_not_drop"
CLASS = "tests/test_accuracy.py::test_no_class_drops"
FLIPS = "tests/test_accuracy.py::test_top_1_agrees_with_the_truth"
MOVED = "tests/test_delegates.py::test_float16_weights_move_outputs_little"

COMMON = 1536
"""In the middle of those numbers that are whole in float16."""

SCALES = np.exp2(np.linspace(-5, 6, 90))
"""What scores are multiplied with."""

ATTEMPTS = 8
"""So often what was foreseen is planted and measured: the weights are rounded anew, which moves close calls too."""

MODELS = ("mnist_separable", "mnist_multi", "mnist_attention")
"""Models that give ten classes in a moment: the faults need all of the data."""


def scores(case: Case) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the scores of both files, float64, (samples, classes), and the true classes, (samples,)."""
    columns = arrays(case.data)
    true = np.asarray(columns["y"] if "y" in columns else columns["y_digit"])
    fp32, fp16 = (max(computed(file, case.data), key=np.size).astype(np.float64) for file in (case.fp32, case.fp16))
    return fp32, fp16, true


def overall(before: np.ndarray, now: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """Return how many samples are lost and gained, of the classes that they were and are given, and the true ones."""
    was, is_now = before == true, now == true
    return int((was & ~is_now).sum()), int((is_now & ~was).sum())


def of_worst_class(before: np.ndarray, now: np.ndarray, true: np.ndarray) -> tuple[int, int]:
    """Return how many samples are lost and gained in the class that loses most."""
    return max(
        (overall(before[of_class], now[of_class], true[of_class]) for of_class in (true == k for k in range(10))),
        key=lambda found: found[0] - found[1],
    )


def changed(before: np.ndarray, now: np.ndarray, _: np.ndarray) -> tuple[int, int]:
    """Return how many samples are given another class."""
    return int((before != now).sum()), 0


Counted = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[int, int]]


def close_calls_lost(case: Case, lost: int, gained: int = 0, counted: Counted = overall) -> None:
    """Round the last layer so that about so many samples are lost and gained, as *counted*.

    Both files get the same scale and the same number in their last layer, which changes no answer in float32.
    """
    fp32, fp16, true = scores(case)
    weights, bias = (values.astype(np.float64) for values in last_layer(case.fp32))
    margins = margin(fp16)
    order = np.argsort(margins)
    fp16, true, before, margins = fp16[order], true[order], fp32[order].argmax(axis=1), margins[order]
    given = fp16.argmax(axis=1)

    def foreseen(scale: float, place: float) -> tuple[int, int]:
        moved = np.float32(bias * scale + COMMON + place)
        errors = (np.float64(np.float16(moved)) - moved) / scale
        near = slice(int(np.searchsorted(margins, np.ptp(errors))))  # the others keep their class
        now = given.copy()
        now[near] = (fp16[near] + errors).argmax(axis=1)
        return counted(before, now, true)

    # Half of a whole number between two classes rounds the one down and the other up: so the scores part by one, and
    # the smaller they are, the more that counts.
    middles = np.convolve(np.unique(bias), [0.5, 0.5], "valid")
    tried = [(scale, 0.5 - scale * middle) for scale in SCALES for middle in middles]
    found = {one: foreseen(*one) for one in tried}
    tried.sort(key=lambda one: 2 * abs(found[one][0] - found[one][1] - lost + gained) + abs(found[one][0] - lost))
    for scale, place in tried[:ATTEMPTS]:
        replace_last_layer(case, np.float32(weights * scale), np.float32(bias * scale + COMMON + place))
        was, now, true = scores(case)
        measured = counted(was.argmax(axis=1), now.argmax(axis=1), true)
        if abs(measured[0] - measured[1] - lost + gained) <= max(1, 0.1 * (lost - gained)):
            return
    raise NotPlanted(f"{measured[0]} lost and {measured[1]} gained, where {lost} and {gained} were wanted")


def last_layer(file: Path) -> list[np.ndarray]:
    """Return the weights and the bias of the last layer of *file*."""
    model = read(file)
    return [stored(model, held_by(model, int(tensor))) for tensor in last_dense(model).inputs[1:]]


def replace_last_layer(case: Case, *values: np.ndarray) -> None:
    """Make *values*, float32, the last layer's weights and bias in the float32 file, and rounded in the other."""
    for file, dtype in ((case.fp32, np.float32), (case.fp16, np.float16)):

        def change(model: ModelT, dtype: type = dtype) -> None:
            for tensor, array in zip(last_dense(model).inputs[1:], values, strict=True):
                store(model, held_by(model, int(tensor)), array.astype(dtype))

        edit(file, change)


def errors_grown(case: Case, number: float, least: float, most: float) -> None:
    """Have an autoencoder compute with a large *number* that cancels, so that its error grows.

    What is added to all values of the code is taken off again, times the weights, by the bias of the layer that reads
    it: nothing changes but what rounding costs. least, most: how much that may be, as a share of the error.
    """
    good = read(case.fp32)
    encoder, decoder = operators(good, "FULLY_CONNECTED")[:2]
    code, rows, bias = (
        stored(good, held_by(good, int(tensor))).astype(np.float64)
        for tensor in (encoder.inputs[2], decoder.inputs[1], decoder.inputs[2])
    )
    moved = np.float32(code + number), np.float32(bias - number * rows.sum(axis=1))
    for file, dtype in ((case.fp32, np.float32), (case.fp16, np.float16)):

        def change(model: ModelT, dtype: type = dtype) -> None:
            layers = operators(model, "FULLY_CONNECTED")[:2]
            for layer, values in zip(layers, moved, strict=True):
                store(model, held_by(model, int(layer.inputs[2])), values.astype(dtype))

        edit(file, change)
    targets = arrays(case.data)["y"]
    before, now = (float(np.abs(computed(file, case.data)[0] - targets).mean()) for file in (case.fp32, case.fp16))
    if not least <= now / before - 1 <= most:
        raise NotPlanted(f"the error grows by {now / before - 1:.3%}, where {least:.1%} to {most:.1%} was wanted")


def by_itself(case: Case, plant: Planter, *without: str) -> None:
    """Plant, and take the bounds *without* away, so that no other verdict speaks before the one that is looked at."""
    plant(case)
    for name in without:
        case.arguments += ["--bound", f"{name}={FREE[name]}"]


FREE = {"flipped": 1, "class_drop": 1, "metric_drop": 1, "roundoff": 1000}
"""Values that nothing is beyond."""


def points(lost: int, gained: int) -> Planter:
    """Return a planter of a drop that the verdict on accuracy is alone with."""
    return lambda case: by_itself(case, partial(close_calls_lost, lost=lost, gained=gained), "flipped", "class_drop")


def of_class(lost: int) -> Planter:
    """Return a planter of a drop within a class that the verdict on classes is alone with."""
    plant = partial(close_calls_lost, lost=lost, counted=of_worst_class)
    return lambda case: by_itself(case, plant, "flipped", "metric_drop")


def growth(number: float, least: float, most: float) -> Planter:
    """Return a planter of errors that the verdict on the metric is alone with."""
    plant = partial(errors_grown, number=number, least=least, most=most)
    return lambda case: by_itself(case, plant, "roundoff")


ALL = 10_000

FAULTS = (
    Fault(
        "accuracy drops",
        "accuracy",
        "between 0.2 and 0.3 points on 10,000 samples: from there on they do not exclude 0.5 points at 99 % confidence",
        (
            Severity("1 point", points(120, 20), (Named(DROPS, "that cannot be excluded"),)),
            Severity("0.5 points", points(62, 12), (Named(DROPS, "that cannot be excluded"),)),
            Severity("0.3 points", points(45, 15), (Named(DROPS, "that cannot be excluded"),)),
            Severity("0.2 points", points(26, 6)),
            Severity("0.1 points", points(14, 4)),
        ),
        MODELS,
        samples=ALL,
    ),
    Fault(
        "accuracy drops of 500 samples",
        "accuracy",
        "1 point, five lost samples: four are what close calls explain of so few; what is not excluded is told",
        (
            Severity("6 points", points(32, 2), (Named(DROPS, "lost samples"),)),
            Severity("2 points", points(10, 0), (Named(DROPS, "lost samples"),)),
            Severity("1 point", points(5, 0), (Named(DROPS, "at most 4 allowed"),)),
            Severity("0.4 points", points(2, 0)),
        ),
        MODELS,
        samples=500,
    ),
    Fault(
        "accuracy of a class drops",
        "accuracy",
        "1 % of a class of 1,000, ten samples: fewer exclude a drop of 2 points at 99 % confidence",
        (
            Severity("10 %", of_class(100), (Named(CLASS, "class"),)),
            Severity("3 %", of_class(30), (Named(CLASS, "class"),)),
            Severity("1.6 %", of_class(16), (Named(CLASS, "class"),)),
            Severity("0.5 %", of_class(5)),
        ),
        MODELS,
        samples=ALL,
    ),
    Fault(
        "close calls lost",
        "accuracy",
        "21 of 10,000 predictions: 20 are what close calls explain; it speaks long before accuracy has dropped",
        (
            Severity("1 point", partial(close_calls_lost, lost=120, gained=20), (Named(FLIPS, "changed"),)),
            Severity("0.2 points", partial(close_calls_lost, lost=26, gained=6), (Named(FLIPS, "changed"),)),
            Severity("21 flips", partial(close_calls_lost, lost=21, counted=changed), (Named(FLIPS, "changed"),)),
            Severity("6 flips", partial(close_calls_lost, lost=6, counted=changed)),
        ),
        MODELS,
        samples=ALL,
    ),
    Fault(
        "error grows",
        "accuracy",
        "0.5 % of the error, the budget: so even a loss is known well from 1,000 samples, and 0.4 % are let pass",
        (
            Severity("a third", growth(2**11.5, 0.3, 2.0), (Named(DROPS, "relative MAE increase"),)),
            Severity("3 % and more", growth(2**10, 0.03, 0.3), (Named(DROPS, "relative MAE increase"),)),
            Severity("1 % and more", growth(2**9, 0.01, 0.05), (Named(DROPS, "relative MAE increase"),)),
            Severity("0.4 % at most", growth(2**6, -0.001, 0.004)),
        ),
        ("mnist_autoencoder",),
        samples=1000,
    ),
)

"""Faults of weights that were trained: of another time, of another seed, or of a size that float16 does not hold."""

import shutil
from functools import partial
from pathlib import Path

import numpy as np

from models.spec import ModelSpec
from tests.faults.bench import SEEDS, Case, Fault, Named, Severity
from tests.faults.planted.editing import read
from tests.faults.planted.effects import BY_WEIGHTS
from tests.faults.planted.values import Chosen, a_bias, called, change, everything, largest, replace, rounding, values
from tests.faults.planted.weights import ONE, WRONG, ZERO
from tests.faults.workshop import HERE

BEYOND = "tests/test_weights.py::test_no_weight_is_beyond_float16"
PRECISION = "tests/test_weights.py::test_weights_keep_their_precision"

CHAINED = ("mnist_autoencoder", "mnist_multi")
"""Models of which `training` makes files: in both a factor of the first layer passes through to the next ones."""

SEEDED = ("mnist_cnn", "mnist_rows")
"""Models that other seeds' weights are taken of: few, as each is trained for it."""


def made(case: Case) -> Path:
    """Return the folder of what `training` made of the case's model."""
    return case.workshop.converted(spec(case), "tests.faults.planted.training", HERE / "planted" / "training.py")


def spec(case: Case, later: int = 0) -> ModelSpec:
    """Return the declaration of the case's model, trained from a seed that many *later*."""
    model, _, seed = case.name.partition("_seed")
    return case.workshop.spec(model, (int(seed or 0) + later) % SEEDS)


def taken_from(case: Case, file: Path, chosen: Chosen) -> None:
    """Give the float16 file constants of another one of the same model."""
    model = read(file)
    names = {called(model, tensor) for tensor in chosen(model)}
    replace(case.fp16, {name: array for name, array in values(file).items() if name in names})


def earlier(case: Case, chosen: Chosen = everything) -> None:
    """Give the float16 file constants of the model as it was before the last epoch, or half epoch, of its training."""
    taken_from(case, made(case) / "earlier.tflite", chosen)


def later(case: Case, file: str) -> None:
    """Train on, and convert the float32 file only."""
    replace(case.fp32, values(made(case) / file))


def of_other_seed(case: Case, chosen: Chosen) -> None:
    """Give the float16 file constants of the model as another seed trained it."""
    taken_from(case, case.workshop.build(spec(case, 1)) / "fp16.tflite", chosen)


def one_value_of_other_seed(case: Case) -> None:
    """Give the float16 file one value of the model as another seed trained it."""
    theirs, mine = values(case.workshop.build(spec(case, 1)) / "fp16.tflite"), values(case.fp16)
    name = max(mine, key=lambda name: mine[name].size)
    mine[name].reshape(-1)[0] = theirs[name].reshape(-1)[0]
    replace(case.fp16, mine)


def trained_on(case: Case, *, over: bool) -> None:
    """Move one float32 value to the midpoint of two float16 values, and *over* it by the least step, or not."""

    def by(array: np.ndarray) -> np.ndarray:
        flat = array.reshape(-1)
        held = rounding(flat[:1])
        upper = np.nextafter(held, np.copysign(np.float16(np.inf), held))
        middle = ((held.astype(np.float64) + upper.astype(np.float64)) / 2).astype(np.float32)
        steps = [np.nextafter(middle, np.float32(0)), middle, np.nextafter(middle, np.copysign(np.inf, middle))]
        past = [step for step in steps if (rounding(step) != held).all()]
        flat[:1] = past[0] if over else steps[len(steps) - len(past) - 1]
        return array

    change(case.fp32, by)


def pair_of(case: Case, folder: str) -> None:
    """Make the case another good float32 file, and what the converter makes of it."""
    for file in (case.fp32, case.fp16):
        shutil.copyfile(made(case) / folder / file.name, file)


FAULTS = (
    Fault(
        "stale",
        "weights",
        "one float32 value that was trained past the midpoint of two float16 ones; up to it nothing is stale",
        (
            Severity("an epoch, in outputs", earlier, BY_WEIGHTS),
            Severity("an epoch", earlier, WRONG),
            Severity("a tensor by an epoch", partial(earlier, chosen=largest), WRONG),
            Severity("by a step", partial(later, file="later.tflite"), WRONG),
            Severity("by a ten-thousandth of a step", partial(later, file="little_later.tflite"), WRONG),
            Severity("by one value", partial(trained_on, over=True), ONE),
            Severity("by what rounding hides", partial(trained_on, over=False)),
        ),
        CHAINED,
    ),
    Fault(
        "another seed's weights",
        "weights",
        "one value that another seed made another one",
        (
            Severity("the whole file, in outputs", partial(of_other_seed, chosen=everything), BY_WEIGHTS),
            Severity("the whole file", partial(of_other_seed, chosen=everything), WRONG),
            Severity("a tensor", partial(of_other_seed, chosen=largest), WRONG),
            Severity("a bias", partial(of_other_seed, chosen=a_bias), WRONG),
            Severity("one value", one_value_of_other_seed, ONE),
        ),
        SEEDED,
    ),
    Fault(
        "weights beyond float16",
        "weights",
        "65504, the largest float16: of a model that is right in float32",
        (
            Severity("a million times as large", partial(pair_of, folder="million"), (Named(BEYOND, "65504"),)),
            Severity("one float32 beyond", partial(pair_of, folder="beyond"), (Named(BEYOND, "1 of"),)),
            Severity("at 65504", partial(pair_of, folder="at")),
        ),
        CHAINED,
    ),
    Fault(
        "weights too small for float16",
        "weights",
        "where rounding loses 2**-11 of a kernel, as weights under 2**-14 have fewer bits, or a value of a vector",
        (
            Severity("become zero", partial(pair_of, folder="tiny"), (Named(ZERO, "became zero"),)),
            Severity("2**-16 of what they were", partial(pair_of, folder="small"), (Named(PRECISION, "most is lost"),)),
            Severity(
                "just lost", partial(pair_of, folder="lost"), (Named(PRECISION, "most is"), Named(ZERO, "became"))
            ),
            Severity("just kept", partial(pair_of, folder="kept")),
        ),
        CHAINED,
    ),
)

"""Faults of stored weights: the float16 file is not the float32 file, rounded."""

from functools import partial

import numpy as np

from tests.faults.bench import Case, Fault, Named, Severity, outputs_differ
from tests.faults.planted.editing import edit_tensor
from tests.faults.workshop import ZOO

ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"


def ulps_off(case: Case, values: int) -> None:
    """Move so many *values* of the largest weight tensor to the next float16."""

    def change(tensor: np.ndarray) -> None:
        tensor.view(np.uint16).reshape(-1)[:: max(1, tensor.size // values)] += 1

    edit_tensor(case.fp16, change)


FAULTS = (
    Fault(
        "one ulp off",
        "weights",
        "no value off: a single one is caught",
        (
            Severity("every value", partial(ulps_off, values=10**9), (Named(ROUNDED, "values"),)),
            Severity("a hundred values", partial(ulps_off, values=100), (Named(ROUNDED, "values"),)),
            Severity("one value", partial(ulps_off, values=1), (Named(ROUNDED, "1 of"),)),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
)

"""What to change follows from the evidence: which of float16's limits was passed, and in which kind of operator."""

import math

import numpy as np
import pytest

from fixtures.harness.advice import Evidence, advice
from fixtures.harness.headroom import LARGEST, WARN
from fixtures.harness.tflite_file import Operator, Subgraph, Tensor


def tensor(index, name="values"):
    """Return a computed tensor."""
    return Tensor(0, index, 0, name, "FLOAT32", (1, 4), False, False, None)


def advise(name, given, true, found, *, before=None, arithmetic="float16", reach=0.0, own=2.0**-10):
    """Return the advice for the last operator of a graph: *name* of tensor 1, which *before* makes of tensor 0."""
    operators = [Operator(0, before, (tensor(0),), (tensor(1),))] if before else []
    operator = Operator(len(operators), name, tuple(tensor(1 + number) for number in range(len(given))), (tensor(9),))
    graph = Subgraph("main", (tensor(0),), (tensor(9),), (), (*operators, operator))
    given, true, found = [np.float32([values]) for values in given], np.float32([true]), np.float32([found])
    return advice(Evidence(graph, operator, arithmetic, given, true, found, reach, own))


@pytest.mark.parametrize("name", ["FULLY_CONNECTED", "MEAN", "SUM"])
@pytest.mark.parametrize("reach", [70000.0, 3e5, 1e7])
def test_partial_sums_are_scaled_into_float16(name, reach):
    """The stated power of two brings the partial sums to where two bits are left, and no further."""
    told = advise(name, [[1e4, 0.3]], [0.5], [math.inf], reach=reach)
    power = math.ceil(math.log2(reach / LARGEST / WARN))

    assert WARN / 2 * LARGEST < reach * 2.0**-power <= WARN * LARGEST
    assert f"partial sums are over 65504 (up to {reach:.4g}): multiply its input by 2^-{power}, and its output" in told


@pytest.mark.parametrize(("name", "before"), [("SUM", "SQUARE"), ("MEAN", "SQUARED_DIFFERENCE"), ("L2_POOL_2D", None)])
def test_sums_of_squares_are_scaled_before_the_square(name, before):
    """A square of half as much is a quarter: half of the power is enough."""
    told = advise(name, [[1e4, 0.3]], [0.5], [math.inf], before=before, reach=1e6)

    assert "multiply what is squared by 2^-3, and its output by 2^6" in told


def test_normalization_needs_no_scaling_back():
    """What is divided by its own length has no scale."""
    told = advise("L2_NORMALIZATION", [[1e3, 0.3]], [0.5], [0.0], reach=1e6)

    assert told.endswith("multiply what is squared by 2^-3")


@pytest.mark.parametrize(
    ("name", "given", "true", "found", "told"),
    [
        ("MUL", [[1e4], [10.3]], [103000.0], [math.inf], "multiply its input by 2^-3, and undo that by 2^3"),
        (
            "SQUARE",
            [[300.5]],
            [90300.25],
            [math.inf],
            "multiply what is squared by 2^-2, and what is made of the squares",
        ),
        ("EXP", [[11.5]], [98715.8], [math.inf], "subtract the largest exponent before, or clamp it to 11"),
        ("MUL", [[1.0], [-1e9]], [-1e9], [-math.inf], "-1e4 masks as well"),
        ("EXP", [[9.3]], [10938.02], [10990.0], "subtract the largest exponent before"),
        ("LOG", [[1e-9]], [-20.7], [-math.inf], "which becomes 0 in float16: add an epsilon of at least 2^-14"),
        ("LOG", [[1.5e-5]], [-11.1], [-11.0], "which loses its digits in float16: add an epsilon of at least 2^-14"),
        ("RSQRT", [[1e-9]], [31622.8], [math.inf], "add an epsilon of at least 2^-14 (6.1e-5) to it before"),
        ("ADD", [[2048.0], [1.0]], [2049.0], [2048.0], "keep them in int32"),
        ("SUB", [[1000.3], [999.7]], [0.6], [0.5], "cancel to 0.6, with the rounding of the former: center its inputs"),
        ("CONV_2D", [[3e-5], [0.1]], [2e-5], [1.8e-5], "values are at most 2e-05, where float16 has few digits left"),
        ("FLOOR", [[1.9999]], [1.0], [2.0], "near to a step"),
        (
            "MAXIMUM",
            [[1.5], [0.5]],
            [1.5],
            [0.5],
            "the limits of float16 do not explain this: report the kernel, MAXIMUM",
        ),
    ],
)
def test_evidence_tells_the_cause(name, given, true, found, told):
    """Each limit of float16 shows in the values, and has its cure."""
    assert told in advise(name, given, true, found)


def test_logarithm_is_told_how_it_is_computed_from_logits():
    """An epsilon is the smaller change, the logits the better one."""
    assert "log_softmax(x), or -softplus(-x) for a sigmoid" in advise("LOG", [[1e-9]], [-20.7], [-math.inf])


@pytest.mark.parametrize("arithmetic", ["float32", "bfloat16"])
def test_range_is_no_excuse_where_there_is_more_of_it(arithmetic):
    """Only float16 ends at 65504: of other arithmetics, the kernel is to be looked at."""
    told = advise("MUL", [[1e4], [10.3]], [103000.0], [5.0], arithmetic=arithmetic)

    assert told.startswith(
        f"the limits of {arithmetic} do not explain this: report the kernel, MUL of values float32[1, 4]"
    )


def test_small_values_carry_the_rounding_of_large_ones():
    """A logarithm makes errors out of roundings that were none, in float32 too."""
    told = advise("LOG", [[1.0, 1e-9]], [0.0, -20.7], [0.0, -20.6], arithmetic="float32")

    assert "which carry the rounding of the largest: add an epsilon before" in told

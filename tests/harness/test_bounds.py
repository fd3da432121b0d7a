"""The bounds on rounding errors follow from how many terms each operator sums."""

import math

import pytest

from fixtures.harness.bounds import UNIT_ROUNDOFF, arithmetic_bounds, arithmetic_error, reduction_length, weight_error

TERMS = {
    "CONV_2D": 3 * 3 * 2,
    "DEPTHWISE_CONV_2D": 3 * 3,
    "MEAN": 4 * 4,
    "FULLY_CONNECTED": 4,
}
"""What one output of each operator of the model "conv" sums, counted by hand."""


@pytest.fixture(params=["conv-fp32", "conv-fp16"])
def conv(files, request):
    """A file with one of each operator that sums."""
    return files[request.param]


def test_terms_of_a_sum_are_counted(conv):
    """What an output sums is counted from the shapes of weights, whatever they are stored in."""
    assert {op.name: reduction_length(op) for op in conv.subgraphs[0].calculations} == TERMS


def test_other_operators_sum_nothing(files):
    """An operator that is not known to sum counts as one term."""
    lengths = {op.name: reduction_length(op) for op in files["two-fp32"].subgraphs[0].calculations}

    assert (lengths["ADD"], lengths["MUL"]) == (1, 1)


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_error_grows_with_the_root_of_the_terms(conv, arithmetic):
    """The error is the unit roundoff times the root of all terms, layers added in squares."""
    expected = UNIT_ROUNDOFF[arithmetic] * math.sqrt(sum(TERMS.values()))

    assert arithmetic_error(conv, arithmetic) == pytest.approx(expected)


def test_unit_roundoff_is_half_of_the_last_digit():
    """Float32 has 24 significant bits, float16 11."""
    assert UNIT_ROUNDOFF == {"float32": 2**-24, "float16": 2**-11}


def test_float32_arithmetic_has_no_least_error(conv):
    """Outputs of float32 arithmetic may be exactly those of the reference kernels."""
    assert arithmetic_bounds(conv, "float32", 2) == (None, 2 * arithmetic_error(conv, "float32"))


def test_float16_arithmetic_has_a_least_error(conv):
    """Outputs that are as close as float32 arithmetic makes them were not computed in float16."""
    least, most = arithmetic_bounds(conv, "float16", 2)

    assert (least, most) == (2 * arithmetic_error(conv, "float32"), 2 * arithmetic_error(conv, "float16"))
    assert least < most


def test_weight_error_grows_with_the_root_of_the_layers(conv):
    """The errors of three layers' weights add up in squares."""
    assert weight_error(conv) == pytest.approx(2**-11 * math.sqrt(3))

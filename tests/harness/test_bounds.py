"""The bounds on rounding errors follow from how many terms each operator sums."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.harness.bounds import (
    UNFELT,
    UNIT_ROUNDOFF,
    WORST,
    arithmetic_bounds,
    arithmetic_error,
    flip_bound,
    noise_bound,
    reduction_length,
    rounding_error,
    steepness,
    weight_bound,
    weight_error,
    weights_error,
)

TERMS = {
    "CONV_2D": 3 * 3 * 2,
    "DEPTHWISE_CONV_2D": 3 * 3,
    "MEAN": 4 * 4,
    "FULLY_CONNECTED": 4,
}
"""What one output of each operator of the model "conv" sums, counted by hand."""
STEPS = {
    "float32": sum(TERMS.values()),  # every sum of a product is rounded
    "float16": len(TERMS) + sum(TERMS.values()) / 2,  # each result, and the partial sums, which grow on the way
    "bfloat16": 3 * len(TERMS),  # each result, input and weight; sums are float32
}
"""How many roundings of its size each arithmetic makes in that model."""
LOGITS = np.array([[3, -7, 1], [-2, 4, 0]], np.float32)
SHARES = np.array([[0.5, 0.25, 0.25], [0.9, np.exp(-12.0), 0.1]], np.float32)


def softmax(logits):
    """Return what a SOFTMAX makes of *logits*."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def logistic(logits):
    """Return what a LOGISTIC makes of *logits*."""
    return 1 / (1 + np.exp(-logits))


ACTIVATIONS = {"softmax": softmax, "sigmoid": logistic}


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


@pytest.mark.parametrize(("arithmetic", "steps"), STEPS.items())
def test_error_grows_with_the_root_of_the_steps(conv, arithmetic, steps):
    """The error is the unit roundoff times the root of all steps that round, layers added in squares."""
    assert arithmetic_error(conv, arithmetic) == pytest.approx(UNIT_ROUNDOFF[arithmetic] * math.sqrt(steps))


def test_unit_roundoff_is_half_of_the_last_digit():
    """Float32 has 24 significant bits, float16 11, bfloat16 8."""
    assert UNIT_ROUNDOFF == {"float32": 2**-24, "float16": 2**-11, "bfloat16": 2**-8}


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_error_of_operators_in_a_row_is_that_of_the_file(conv, arithmetic):
    """A file's error is that of all its operators, and of fewer operators there is less of it."""
    operators = conv.subgraphs[0].calculations

    assert rounding_error(operators, arithmetic) == arithmetic_error(conv, arithmetic)
    assert rounding_error(operators[:-1], arithmetic) < rounding_error(operators, arithmetic)
    assert rounding_error([], arithmetic) == 0


@pytest.mark.parametrize(("roundoff", "most"), [(2, UNFELT), (200, 200 * 2**-24 * math.sqrt(sum(TERMS.values())))])
def test_float32_arithmetic_has_no_least_error(conv, roundoff, most):
    """Outputs of float32 arithmetic may be exactly the reference kernels'; what nobody feels is always allowed."""
    assert arithmetic_bounds(conv, LOGITS, "float32", roundoff) == (None, pytest.approx(most))


@pytest.mark.parametrize("arithmetic", ["float16", "bfloat16"])
def test_reduced_arithmetic_has_a_least_error(conv, arithmetic):
    """Outputs that are as close as float32 arithmetic makes them were not computed in anything less."""
    least, most = arithmetic_bounds(conv, LOGITS, arithmetic, 2)

    assert (least, most) == (2 * arithmetic_error(conv, "float32"), 2 * arithmetic_error(conv, arithmetic))
    assert least < most


def test_what_nobody_feels_is_far_under_float16(conv):
    """The floor of float32 hides no error that float16 makes: it is a 64th of one rounding."""
    assert UNIT_ROUNDOFF["float16"] / 64 == UNFELT


@pytest.mark.parametrize(("arithmetic", "allowed"), [("float32", 0.001), ("float16", 0.001), ("bfloat16", 0.008)])
def test_share_of_flips_grows_with_the_roundoff(arithmetic, allowed):
    """Bfloat16 rounds eight times as coarsely as float16, and may change so many more classes; float32 no fewer."""
    assert flip_bound(0.001, arithmetic) == pytest.approx(allowed)


def test_weights_of_some_operators_weigh_less(conv):
    """The weights' error is that of all layers together in squares; an operator without weights adds none."""
    graph = conv.subgraphs[0]
    averaging = [op for op in graph.calculations if op.name == "MEAN"]
    weighted = [op for op in graph.calculations if op.name != "MEAN"]

    assert weights_error(graph, averaging) == 0
    assert weights_error(graph, weighted[:1]) == pytest.approx(2**-11)
    assert weights_error(graph, weighted) == pytest.approx(weight_error(conv))


def test_weight_error_grows_with_the_root_of_the_layers(conv):
    """The errors of three layers' weights add up in squares."""
    assert weight_error(conv) == pytest.approx(2**-11 * math.sqrt(3))


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_weights_move_outputs_by_their_rounding_and_the_arithmetics(conv, arithmetic):
    """Two files on one target may differ by what rounding the weights explains, and twice-run arithmetic besides."""
    expected = 2 * weight_error(conv) + arithmetic_bounds(conv, LOGITS, arithmetic, 2)[1]

    assert weight_bound(conv, LOGITS, arithmetic, 2) == pytest.approx(expected)


def test_logits_are_not_steep(conv):
    """Errors of a sum are shares of the largest output as they are, whatever the outputs are."""
    assert [steepness(conv, truth) for truth in (LOGITS, SHARES)] == [1, 1]


def test_softmax_is_as_steep_as_its_smallest_probability(files):
    """A probability of e**-12 comes from logits that are 12 apart: half of that is the factor."""
    assert steepness(files["softmax-fp32"], SHARES) == pytest.approx(6)


@pytest.mark.parametrize("logit", [-12, 12])
def test_logistic_is_as_steep_as_its_largest_logit(files, logit):
    """A probability that a logit of 12, of either sign, explains is a quarter of that as steep."""
    assert steepness(files["sigmoid-fp32"], logistic(np.array([[0.0, logit]]))) == pytest.approx(3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gentle_probabilities_are_not_steep(files, name):
    """Where logits are small, the errors of probabilities are at most those of the logits: no bound gets smaller."""
    assert steepness(files[f"{name}-fp32"], np.full((2, 3), 1 / 3, np.float32)) == 1


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_probability_without_a_logit_is_not_infinitely_steep(files, name, extreme):
    """A probability that float32 rounds to 0 or 1 still gives a finite bound, that something can exceed."""
    assert 1 < steepness(files[f"{name}-fp32"], np.array([[extreme, 1 - extreme, 0]], np.float32)) < 50


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1, 3, 10])
@pytest.mark.parametrize("error", [1e-3, 1e-2])
def test_no_error_of_logits_is_steeper(files, name, scale, error):
    """Moving each logit by a share of the largest one moves no probability by more than that share times the factor."""
    rng = np.random.default_rng(0)
    logits = np.clip(rng.normal(scale=scale, size=(2000, 3)), -14, 14)
    logits = np.concatenate([logits, -logits])
    moved = logits + error * np.abs(logits).max() * rng.choice([-1, 1], logits.shape)
    truth, found = ACTIVATIONS[name](logits), ACTIVATIONS[name](moved)

    assert np.abs(found - truth).max() <= error * steepness(files[f"{name}-fp32"], truth.astype(np.float32))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bounds_of_probabilities_are_wider(files, name):
    """Both bounds, and that of the weights, are as many times wider as the last operator is steep."""
    file, times = files[f"{name}-fp32"], steepness(files[f"{name}-fp32"], SHARES)
    bounds = [*arithmetic_bounds(file, SHARES, "float16", 2), weight_bound(file, SHARES, "float32", 2)]
    errors = [arithmetic_error(file, "float32"), arithmetic_error(file, "float16"), weight_error(file) + UNFELT / 2]

    assert bounds == pytest.approx([2 * times * error for error in errors])


@pytest.mark.parametrize("arithmetic", ["float16", "bfloat16"])
def test_no_more_is_explained_than_working_models_show(arithmetic):
    """However deep a model is, an error of a fifth of the largest output is not explained by rounding."""
    graph = SimpleNamespace(calculations=[SimpleNamespace(name="ADD", inputs=(), outputs=())] * 10**6, producers={})
    graph.outputs = [SimpleNamespace(index=0)]
    deep = SimpleNamespace(subgraphs=[graph], entry=SimpleNamespace(subgraph=0))

    assert arithmetic_bounds(deep, LOGITS, arithmetic, 2)[1] == 2 * WORST[arithmetic] <= 0.2
    assert noise_bound(deep, arithmetic, 2) < WORST[arithmetic]


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_noise_is_bounded_more_tightly_than_the_largest_error(conv, arithmetic):
    """Errors of rounding are spread: their rms is a part of what the largest may be, and never none."""
    bound = noise_bound(conv, arithmetic, 2)

    assert UNFELT <= bound <= max(UNFELT, arithmetic_bounds(conv, LOGITS, arithmetic, 2)[1] / 2)

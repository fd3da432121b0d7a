"""The bounds on rounding errors follow from how many terms each operator sums."""

import copy
import dataclasses
import math
from types import SimpleNamespace

import numpy as np
import pytest

from fixtures.harness import arrays
from fixtures.harness.bounds import (
    UNFELT,
    UNIT_ROUNDOFF,
    ArithmeticLaw,
    BaselineLaw,
    BudgetLaw,
    ChangedPredictionsLaw,
    ChangedShareLaw,
    ConversionLaw,
    NearTruthLaw,
    NoiseLaw,
    Route,
    WeightsLaw,
    WeightsNoiseLaw,
    arithmetic_error,
    flip_bound,
    reduction_length,
    rounding,
    rounding_error,
    route,
    steepness,
    weight_error,
    weights_error,
)
from fixtures.harness.statistics import most_changed
from fixtures.harness.verdict import Ruling
from models.spec import Budget
from tests.harness import flatbuffer

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


ACTIVATIONS = {"softmax": softmax, "sigmoid": logistic, "tanh": np.tanh}
FURTHEST = {"softmax": 14, "sigmoid": 14, "tanh": 8}
"""How large a logit float32 tells of."""


BUDGET = Budget()


def arithmetic_bounds(way, truth, arithmetic, budget):
    """Return the least and the largest error that an output may have."""
    found = ArithmeticLaw.of(way, truth, arithmetic).ruling(budget)
    return found.at_least, found.at_most


def weight_bound(way, truth, arithmetic, budget):
    """Return the largest error that float16 weights may add."""
    return WeightsLaw.of(way, truth, arithmetic).ruling(budget).at_most


def noise_bound(way, arithmetic, budget):
    """Return the largest rms error."""
    return NoiseLaw.of(way, arithmetic).ruling(budget).at_most


def weight_noise_bound(way, arithmetic, budget):
    """Return the largest rms error that float16 weights may add."""
    return WeightsNoiseLaw.of(way, arithmetic).ruling(budget).at_most


@pytest.fixture(params=["conv-fp32", "conv-fp16"])
def conv(files, request):
    """What the output of a file with one of each operator that sums is computed by."""
    return route(files[request.param], "output_0")


@pytest.fixture
def squeezed(files):
    """Return what the output of a file that ends in that activation is computed by."""

    def way(name):
        if name != "tanh":
            return route(files[f"{name}-fp32"], "output_0")
        dense = route(files["softmax-fp32"], "output_0")
        last = dataclasses.replace(dense.last, name="TANH")
        return Route(((dense.parts[0][0], (*dense.operators[:-1], last)),), last)

    return way


def test_terms_of_a_sum_are_counted(conv):
    """What an output sums is counted from the shapes of weights, whatever they are stored in."""
    assert {op.name: reduction_length(op) for op in conv.operators} == TERMS


def test_other_operators_sum_nothing(files):
    """An operator that is not known to sum counts as one term."""
    lengths = {op.name: reduction_length(op) for op in files["two-fp32"].subgraphs[0].calculations}

    assert (lengths["ADD"], lengths["MUL"]) == (1, 1)


def summing(name, *shapes, output=(1,), **options):
    """Return an operator of inputs of these *shapes*."""
    tensors = tuple(SimpleNamespace(shape=shape) for shape in shapes)
    told = tuple((option, str(value)) for option, value in options.items())
    return SimpleNamespace(name=name, inputs=tensors, outputs=(SimpleNamespace(shape=output),), options=told)


SUMS = {
    "mean of places": (summing("MEAN", (1, 4, 5, 3), (2,), output=(1, 3)), 4 * 5),
    "sum of places": (summing("SUM", (1, 4, 5, 3), (2,), output=(1, 3)), 4 * 5),
    "sum of all": (summing("SUM", (6,), (1,), output=()), 6),
    "sum of one": (summing("SUM", (4, 1), (1,), output=(4,)), 1),
    "sum of nothing": (summing("SUM", (0, 4), (1,), output=(0,)), 1),
    "product": (summing("BATCH_MATMUL", (2, 9, 8), (2, 8, 5)), 8),
    "product of columns": (summing("BATCH_MATMUL", (9, 1), (1, 5)), 1),
    "product of nothing": (summing("BATCH_MATMUL", (9, 0), (0, 5)), 1),
    "product, left turned": (summing("BATCH_MATMUL", (2, 8, 9), (2, 8, 5), adjX=True, adjY=False), 8),
    "product, both turned": (summing("BATCH_MATMUL", (20, 8, 9), (20, 5, 8), adjX=True, adjY=True), 8),
    "product, right turned": (summing("BATCH_MATMUL", (2, 9, 8), (2, 5, 8), adjX=False, adjY=True), 8),
    "one unit": (summing("FULLY_CONNECTED", (1, 4), (1, 4)), 4),
    "units of one": (summing("FULLY_CONNECTED", (1, 1), (3, 1)), 1),
    "no unit": (summing("FULLY_CONNECTED", (1, 4), (0, 4)), 1),
    "filter": (summing("CONV_2D", (1, 9, 9, 5), (7, 3, 2, 5)), 3 * 2 * 5),
    "transposed filter": (summing("TRANSPOSE_CONV", (4,), (7, 3, 2, 5), (1, 9, 9, 5)), 3 * 2 * 5),
    "filter of each channel": (summing("DEPTHWISE_CONV_2D", (1, 9, 9, 5), (1, 3, 2, 5)), 3 * 2),
    "sum of two": (summing("ADD", (9, 9), (9, 9)), 1),
}


@pytest.mark.parametrize(("operator", "terms"), SUMS.values(), ids=SUMS)
def test_terms_follow_from_the_shapes(operator, terms):
    """An output sums as many terms as there are values for each; at least one, where there is nothing to sum, too."""
    assert reduction_length(operator) == terms


@pytest.mark.parametrize("name", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL"])
def test_sum_over_a_scalar_is_one_term(name):
    """A file may say that what is multiplied with has no dimension: another check names that."""
    assert reduction_length(summing(name, (), (), output=())) == 1


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
    operators = conv.operators

    assert rounding_error(operators, arithmetic) == arithmetic_error(conv, arithmetic)
    assert rounding_error(operators[:-1], arithmetic) < rounding_error(operators, arithmetic)
    assert rounding_error([], arithmetic) == 0


@pytest.mark.parametrize(("roundoff", "most"), [(2, UNFELT), (200, 200 * 2**-24 * math.sqrt(sum(TERMS.values())))])
def test_float32_arithmetic_has_no_least_error(conv, roundoff, most):
    """Outputs of float32 arithmetic may be exactly the reference kernels'; what nobody feels is always allowed."""
    assert arithmetic_bounds(conv, LOGITS, "float32", Budget(roundoff=roundoff)) == (None, pytest.approx(most))


@pytest.mark.parametrize("arithmetic", ["float16", "bfloat16"])
def test_reduced_arithmetic_has_a_least_error(conv, arithmetic):
    """Outputs that are as close as float32 arithmetic makes them were not computed in anything less."""
    least, most = arithmetic_bounds(conv, LOGITS, arithmetic, BUDGET)

    assert (least, most) == (2 * arithmetic_error(conv, "float32"), 2 * arithmetic_error(conv, arithmetic))
    assert least < most


def test_what_nobody_feels_is_far_under_float16(conv):
    """The floor of float32 hides no error that float16 makes: it is a 64th of one rounding."""
    assert UNIT_ROUNDOFF["float16"] / 64 == UNFELT


@pytest.mark.parametrize(("arithmetic", "allowed"), [("float32", 0.001), ("float16", 0.001), ("bfloat16", 0.008)])
def test_share_of_flips_grows_with_the_roundoff(arithmetic, allowed):
    """Bfloat16 rounds eight times as coarsely as float16, and may change so many more classes; float32 no fewer."""
    assert flip_bound(0.001, arithmetic) == pytest.approx(allowed)


@pytest.mark.parametrize(
    ("arithmetic", "moved", "noise"),
    [("float32", 0.0005, 2**-11), ("float16", 0.0005, 2**-11), ("bfloat16", 0.004, 2**-8)],
)
@pytest.mark.parametrize("flipped", [0.001, 0.1])
def test_rounding_moves_half_of_what_may_flip(arithmetic, moved, noise, flipped):
    """Half of the flips that are allowed are those of a good model; allowing more allows no more loss."""
    found = rounding(Budget(flipped=flipped), arithmetic)

    assert (found.moved, found.noise) == (pytest.approx(moved), noise)


def test_strict_budget_has_stricter_good_models():
    """Where no class may change, a good model loses nothing."""
    assert rounding(Budget(flipped=0), "float16").moved == 0


def test_weights_of_some_operators_weigh_less(conv):
    """The weights' error is that of all layers together in squares; an operator without weights adds none."""
    ((graph, operators),) = conv.parts
    averaging = [op for op in operators if op.name == "MEAN"]
    weighted = [op for op in operators if op.name != "MEAN"]

    assert weights_error(graph, averaging) == 0
    assert weights_error(graph, weighted[:1]) == pytest.approx(2**-11)
    assert weights_error(graph, weighted) == pytest.approx(weight_error(conv))


def test_weight_error_grows_with_the_root_of_the_layers(conv):
    """The errors of three layers' weights add up in squares."""
    assert weight_error(conv) == pytest.approx(2**-11 * math.sqrt(3))


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_weights_move_outputs_by_their_rounding_and_the_arithmetics(conv, arithmetic):
    """Two files on one target may differ by what rounding the weights explains, and twice-run arithmetic besides."""
    expected = 2 * weight_error(conv) + arithmetic_bounds(conv, LOGITS, arithmetic, BUDGET)[1]

    assert weight_bound(conv, LOGITS, arithmetic, BUDGET) == pytest.approx(expected)


def test_logits_are_not_steep(conv):
    """Errors of a sum are shares of the largest output as they are, whatever the outputs are."""
    assert [steepness(conv, truth) for truth in (LOGITS, SHARES)] == [1, 1]


def test_softmax_is_as_steep_as_its_smallest_probability(squeezed):
    """A probability of e**-12 comes from logits that are 12 apart: half of that is the factor."""
    assert steepness(squeezed("softmax"), SHARES) == pytest.approx(6)


@pytest.mark.parametrize("logit", [-6, 6])
def test_tanh_is_as_steep_as_its_largest_logit(squeezed, logit):
    """A TANH moves by as much as its logit, where that is small: the largest logit, of either sign, is the factor."""
    assert steepness(squeezed("tanh"), np.tanh([[0.0, logit], [0.5, -0.5]])) == pytest.approx(6)


@pytest.mark.parametrize(("name", "times"), [("softmax", 8), ("sigmoid", 4), ("tanh", (16 + math.log(2)) / 2)])
def test_logits_that_decide_are_told_apart_no_further(squeezed, name, times):
    """A probability of less than e**-16 says that a logit decides, and as much as one of it."""
    for least in (0.0, 1e-8):
        truth = np.array([[1 - least, least], [least, 1 - least]])
        for sign in (1, -1) if name == "tanh" else (1,):
            assert steepness(squeezed(name), sign * truth) == pytest.approx(times, abs=1e-5)


@pytest.mark.parametrize("logit", [-12, 12])
def test_logistic_is_as_steep_as_its_largest_logit(squeezed, logit):
    """A probability that a logit of 12, of either sign, explains is a quarter of that as steep."""
    assert steepness(squeezed("sigmoid"), logistic(np.array([[0.0, logit]]))) == pytest.approx(3)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gentle_probabilities_are_not_steep(squeezed, name):
    """Where logits are small, the errors of probabilities are at most those of the logits: no bound gets smaller."""
    assert steepness(squeezed(name), np.full((2, 3), 1 / 3, np.float32)) == 1


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("extreme", [0.0, 1.0])
def test_probability_without_a_logit_is_not_infinitely_steep(squeezed, name, extreme):
    """A probability that float32 rounds to 0 or 1 still gives a finite bound, that something can exceed."""
    assert 1 < steepness(squeezed(name), np.array([[extreme, 1 - extreme, 0]], np.float32)) < 50


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("scale", [1, 3, 10])
@pytest.mark.parametrize("error", [1e-3, 1e-2])
def test_no_error_of_logits_is_steeper(squeezed, name, scale, error):
    """Moving each logit by a share of the largest one moves no probability by more than that share times the factor."""
    rng = np.random.default_rng(0)
    logits = np.clip(rng.normal(scale=scale, size=(2000, 3)), -FURTHEST[name], FURTHEST[name])
    logits = np.concatenate([logits, -logits])
    moved = logits + error * np.abs(logits).max() * rng.choice([-1, 1], logits.shape)
    truth, found = ACTIVATIONS[name](logits), ACTIVATIONS[name](moved)

    assert np.abs(found - truth).max() <= error * steepness(squeezed(name), truth)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_bounds_of_probabilities_are_wider(squeezed, name):
    """Both bounds, and that of the weights, are as many times wider as the last operator is steep."""
    way = squeezed(name)
    times = steepness(way, SHARES)
    bounds = [*arithmetic_bounds(way, SHARES, "float16", BUDGET), weight_bound(way, SHARES, "float32", BUDGET)]
    errors = [arithmetic_error(way, "float32"), arithmetic_error(way, "float16"), weight_error(way) + UNFELT / 2]

    assert bounds == pytest.approx([2 * times * error for error in errors])


@pytest.mark.parametrize("arithmetic", ["float16", "bfloat16"])
def test_no_more_is_explained_than_working_models_show(arithmetic):
    """However deep a model is, an error of a tenth of the largest output, of a fifth in bfloat16, is the most."""
    most = {"float16": 0.1, "bfloat16": 0.2}[arithmetic]
    adding = summing("ADD")
    deep = Route(((None, (adding,) * 10**6),), adding)

    assert arithmetic_bounds(deep, LOGITS, arithmetic, BUDGET)[1] == most
    assert noise_bound(deep, arithmetic, BUDGET) < most / 2


def test_noise_is_never_as_loud_as_the_signal():
    """However many terms there are, float32 explains no error as large as what it is an error of."""
    endless = summing("FULLY_CONNECTED", (1, 2**60), (1, 2**60))

    assert 0.5 < noise_bound(Route(((None, (endless,)),), endless), "float32", BUDGET) < 1


def test_rounding_is_off_by_a_typical_share_of_the_most(conv):
    """The rms error of rounding numbers to float16 is the share of its unit roundoff that the noise is bounded by."""
    numbers = 10 ** np.random.default_rng(0).uniform(0, 4, 10**5)
    typical = np.sqrt((((numbers.astype(np.float16) - numbers) / numbers) ** 2).mean())

    for times in (1, 3):
        bound = noise_bound(conv, "float16", Budget(roundoff=times))
        assert bound == pytest.approx(times * typical * arithmetic_error(conv, "float16") * 2**11, rel=0.02)


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_noise_is_bounded_more_tightly_than_the_largest_error(conv, arithmetic):
    """Errors of rounding are spread: their rms is a part of what the largest may be, and never none."""
    bound = noise_bound(conv, arithmetic, BUDGET)

    assert UNFELT <= bound <= max(UNFELT, arithmetic_bounds(conv, LOGITS, arithmetic, BUDGET)[1] / 2)


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_weights_add_noise_of_their_own(conv, arithmetic):
    """What rounding the weights adds to the noise is as large as what it adds to an error."""
    expected = noise_bound(conv, arithmetic, BUDGET) + 2 * weight_error(conv)

    assert weight_noise_bound(conv, arithmetic, BUDGET) == pytest.approx(expected)


@pytest.mark.parametrize("arithmetic", UNIT_ROUNDOFF)
def test_laws_have_the_terms_that_bounds_follow_from(conv, arithmetic):
    """What a law keeps of a file and its outputs is what its arithmetic, and its weights, may add to an error."""
    float32, error, weights = (
        *(arithmetic_error(conv, one) for one in ("float32", arithmetic)),
        weight_error(conv),
    )
    terms = (arithmetic, float32, error, steepness(conv, SHARES), None)

    assert ArithmeticLaw.of(conv, SHARES, arithmetic) == ArithmeticLaw(*terms)
    assert WeightsLaw.of(conv, SHARES, arithmetic) == WeightsLaw(*terms, weights)
    assert NoiseLaw.of(conv, arithmetic) == NoiseLaw(arithmetic, error)
    assert WeightsNoiseLaw.of(conv, arithmetic) == WeightsNoiseLaw(arithmetic, error, weights)


def test_laws_of_whole_numbers_have_their_number(files):
    """Of an output of whole numbers, it counts how many there are, and nothing else of the file."""
    way, terms = route(files["typed-fp16"], "best"), ("float16", 0.0, 0.0, 1.0, 6)

    assert ArithmeticLaw.of(way, np.arange(6).reshape(2, 3), "float16") == ArithmeticLaw(*terms)
    assert WeightsLaw.of(way, np.arange(6).reshape(2, 3), "float16") == WeightsLaw(*terms, 0.0)


LAWS = [
    (ArithmeticLaw("float32", 0.25, 9.0, 3.0, None), {"roundoff": 2}, Ruling(at_most=2 * 3 * 0.25)),
    (ArithmeticLaw("float32", 0.0, 9.0, 3.0, None), {"roundoff": 2}, Ruling(at_most=3 * 2.0**-17)),
    (ArithmeticLaw("float16", 2.0**-20, 0.01, 4.0, None), {"roundoff": 0.5}, Ruling(2.0**-19, 0.5 * 0.04)),
    (ArithmeticLaw("float16", 2.0**-20, 0.01, 6.0, None), {"roundoff": 0.5}, Ruling(6 * 2.0**-21, 0.5 * 0.05)),
    (ArithmeticLaw("bfloat16", 2.0**-20, 0.05, 3.0, None), {"roundoff": 4}, Ruling(3 * 2.0**-18, 4 * 0.1)),
    (ArithmeticLaw("float32", 0.0, 0.0, 1.0, 90_000), {"flipped": 0.5}, Ruling(at_most=0.0)),
    (ArithmeticLaw("float16", 0.0, 0.0, 1.0, 90_000), {"flipped": 0.5}, Ruling(at_most=0.5)),
    (NearTruthLaw("float16", 2.0**-20, 0.01, 4.0, None), {"roundoff": 0.5}, Ruling(at_most=0.5 * 0.04)),
    (ConversionLaw("float32", 0.25, 0.25, 3.0, None), {"roundoff": 2}, Ruling(at_most=2 * 3 * 0.25)),
    (WeightsLaw("float16", 2.0**-20, 0.01, 4.0, None, 0.125), {"roundoff": 0.5}, Ruling(at_most=0.25 + 0.5 * 0.04)),
    (WeightsLaw("float32", 0.0, 0.0, 1.0, 90_000, 0.0), {"flipped": 0.5}, Ruling(at_most=0.5)),
    (WeightsLaw("bfloat16", 0.0, 0.0, 1.0, 90_000, 0.0), {"flipped": 0.0625}, Ruling(at_most=0.5)),
    (NoiseLaw("float16", 0.01), {"roundoff": 4}, Ruling(at_most=0.42 * 4 * 0.01)),
    (NoiseLaw("float16", 0.06), {"roundoff": 4}, Ruling(at_most=0.42 * 4 * 0.05)),
    (NoiseLaw("float16", 0.01), {"roundoff": 0}, Ruling(at_most=2.0**-17)),
    (WeightsNoiseLaw("float16", 0.01, 0.5), {"roundoff": 4}, Ruling(at_most=0.42 * 4 * 0.01 + 2)),
    (ChangedPredictionsLaw(1000), {"flipped": 0.5}, Ruling(at_most=500)),
    (ChangedPredictionsLaw(1000, "bfloat16"), {"flipped": 0.0625}, Ruling(at_most=500)),
    (ChangedPredictionsLaw(50), {"flipped": 0.001}, Ruling(at_most=most_changed(50, 0.001))),
    (ChangedShareLaw(1000, "float16"), {"flipped": 0.5}, Ruling(at_most=0.5)),
    (ChangedShareLaw(1000, "bfloat16"), {"flipped": 0.0625}, Ruling(at_most=0.5)),
    (BaselineLaw("digit", higher_is_better=True), {"baseline": 0.75}, Ruling(at_least=0.75)),
    (BaselineLaw("digit", higher_is_better=False), {"baseline": {"digit": 0.5, "age": 1}}, Ruling(at_most=0.5)),
    (BudgetLaw("saturated"), {"saturated": 7}, Ruling(at_most=7)),
    (BudgetLaw("flushed"), {"flushed": 0.25}, Ruling(at_most=0.25)),
]


@pytest.mark.parametrize(("law", "told", "ruling"), LAWS)
def test_bounds_follow_from_the_budget(law, told, ruling):
    """A law says what its terms allow, by the bound of the budget that it is of; another budget allows otherwise."""
    expected = {
        name: value if value is None else pytest.approx(value, rel=1e-15) for name, value in vars(ruling).items()
    }

    assert vars(law.ruling(Budget(**told))) == expected


def names(way):
    """Return the operators of *way*."""
    return [operator.name for operator in way.operators]


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_route_leads_to_its_own_output(files, form):
    """Of several outputs, each has a way of its own: what only another one needs is none of it."""
    file = files[f"sums-{form}"]
    ways = {output: route(file, output) for output in file.entry.outputs}

    assert "CONV_2D" not in names(ways["sum"]) + names(ways["mean"]) + names(ways["depthwise"])
    assert {output: way.last.name for output, way in ways.items()} == {
        "averaged": "AVERAGE_POOL_2D",
        "connected": "FULLY_CONNECTED",
        "depthwise": "DEPTHWISE_CONV_2D",
        "dilated": "CONV_2D",
        "grouped": "CONV_2D",
        "mean": "MEAN",
        "multiplied": "BATCH_MATMUL",
        "same": "CONV_2D",
        "sum": "SUM",
        "transposed_same": "TRANSPOSE_CONV",
        "transposed_valid": "TRANSPOSE_CONV",
        "valid": "CONV_2D",
    }
    assert all(len(way.operators) < len(file.subgraphs[0].calculations) / 2 for way in ways.values())


def test_shared_part_is_on_both_ways(files):
    """What two outputs are both made of is part of both."""
    total, product = (route(files["two-fp16"], output) for output in ("total", "product"))

    assert names(total)[:2] == names(product)[:2] == ["FULLY_CONNECTED"] * 2
    assert (total.last.name, product.last.name) == ("ADD", "MUL")
    assert {"ADD"} & set(names(product)) == {"MUL"} & set(names(total)) == set()


def test_shorter_way_is_allowed_less(files):
    """An output that fewer operators compute may be off by less than one of the same file that more do."""
    summed, connected = (route(files["sums-fp32"], output) for output in ("sum", "connected"))

    for arithmetic in UNIT_ROUNDOFF:
        assert arithmetic_error(summed, arithmetic) <= arithmetic_error(connected, arithmetic)
    assert arithmetic_error(summed, "float16") < arithmetic_error(connected, "float16")


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_loop_leads_into_its_body(files, form):
    """What a loop computes is part of the way, with the weights that lie in other subgraphs."""
    file = files[f"lstm-{form}"]
    way = route(file, "output_0")

    assert len(way.parts) == len(file.subgraphs) > 2
    assert {"WHILE", "LOGISTIC", "TANH"} <= set(names(way))
    assert weight_error(way) > weights_error(*way.parts[0])
    assert [graph for graph, _ in way.parts] == list(file.subgraphs)


@pytest.mark.parametrize("caller", ["IF", "CALL", "CALL_ONCE", "STABLEHLO_COMPOSITE"])
def test_whatever_runs_another_graph_leads_there(edited, caller):
    """What an operator computes by running another graph is part of the way, as a loop's body is."""
    way = route(edited("lstm-fp32", flatbuffer.renaming_operator("WHILE", caller)), "output_0")

    assert caller in names(way)
    assert len(way.parts) > 2


def test_graph_that_nothing_runs_is_on_no_way(edited):
    """A way leads only into graphs that one of its operators may run."""

    def adding_a_graph(model):
        model.subgraphs.append(copy.deepcopy(model.subgraphs[0]))

    assert len(route(edited("dense-fp32", adding_a_graph), "output_0").parts) == 1


def test_variable_tensor_keeps_a_state(edited):
    """A tensor that an operator keeps from sample to sample, as a recurrent one does, keeps the errors too."""

    def keeping(model):
        model.subgraphs[0].tensors[-1].isVariable = True

    assert route(edited("dense-fp32", keeping), "output_0", 100).calls == 100


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_variable_leads_to_what_assigns_it(files, form):
    """What was kept in a variable was computed by what assigned it, in this graph or when it was initialized."""
    way = route(files[f"state-{form}"], "product")

    assert {"ADD", "ASSIGN_VARIABLE", "CALL_ONCE", "FULLY_CONNECTED"} <= set(names(way))
    assert [graph.name for graph, _ in way.parts] == [files[f"state-{form}"].subgraphs[place].name for place in (0, 2)]


def test_signatures_have_ways_of_their_own(files):
    """An output of another signature is computed in its graph, and outputs of one name are told by the signature."""
    file = files["entries-fp16"]
    first, second, summed = (route(file, name) for name in ("product", "second/product", "second/sum"))

    assert [way.parts[0][0] for way in (first, second, summed)] == [file.subgraphs[place] for place in (0, 1, 1)]
    assert (names(summed), weights_error(*summed.parts[0])) == (["SUM"], 0)
    assert all(len(way.parts) == 1 for way in (first, second, summed))


@pytest.mark.parametrize("name", ["nonsense", "second/nonsense", "first/product"])
def test_unknown_output_has_no_way(files, name):
    """An output that no signature has is an error, also where its name has another signature's."""
    with pytest.raises(KeyError):
        route(files["entries-fp16"], name)


def test_output_that_is_an_input_is_computed_by_nothing(edited):
    """What is passed through needs no operator, and has none to be steep."""

    def passing_through(model):
        model.signatureDefs[0].outputs[0].tensorIndex = model.subgraphs[0].inputs[0]
        model.subgraphs[0].outputs = model.subgraphs[0].inputs

    way = route(edited("dense-fp16", passing_through), "output_0")

    assert (way.operators, way.last, steepness(way, SHARES)) == ([], None, 1)
    assert arithmetic_bounds(way, LOGITS, "float32", BUDGET) == (None, UNFELT)


def test_file_without_signatures_has_a_way(edited):
    """Without a signature, outputs go by the names of their tensors."""

    def unsigned(model):
        model.signatureDefs = []

    file = edited("dense-fp16", unsigned)
    (output,) = file.entry.outputs

    assert names(route(file, output)) == ["FULLY_CONNECTED"] * 2


@pytest.mark.parametrize(("arithmetic", "most"), [("float32", 0), ("float16", 0.001), ("bfloat16", 0.008)])
def test_whole_numbers_may_change_as_classes_may(files, arithmetic, most):
    """Of an output of whole numbers, as many values may be others as predictions may; in float32 none, and no least."""
    way, truth = route(files["typed-fp16"], "best"), np.arange(90_000)

    assert arithmetic_bounds(way, truth, arithmetic, BUDGET) == (None, pytest.approx(most))
    assert weight_bound(way, truth, arithmetic, BUDGET) == pytest.approx(max(most, BUDGET.flipped))


def test_some_of_few_whole_numbers_may_change(files):
    """Of so few values that the share allows none, those may be others that rounding explains, where it has a say."""
    way, truth = route(files["typed-fp16"], "best"), np.arange(50)

    some = most_changed(50, BUDGET.flipped) / 50

    assert arithmetic_bounds(way, truth, "float16", BUDGET) == (None, some)
    assert weight_bound(way, truth, "float32", BUDGET) == some
    assert arithmetic_bounds(way, truth, "float32", BUDGET) == (None, 0)


@pytest.mark.parametrize("count", [0, 1])
def test_a_lone_whole_number_may_change(files, count):
    """Of one value, that one may be another; of none, none can be."""
    assert arithmetic_bounds(route(files["typed-fp16"], "best"), np.arange(count), "float16", BUDGET) == (None, count)


def test_errors_grow_with_what_a_state_keeps(files):
    """What is kept from sample to sample keeps their errors too, which add up as those of terms do."""
    once, often = (route(files["state-fp16"], "product", samples) for samples in (1, 100))

    assert arithmetic_error(often, "float16") == pytest.approx(10 * arithmetic_error(once, "float16"))
    assert weight_error(often) == pytest.approx(10 * weight_error(once))
    assert route(files["dense-fp16"], "output_0", 100).calls == Route((), None).calls == 1
    assert route(files["state-fp16"], "product") == once


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("row", [0, 37])
def test_steepness_is_that_of_all_blocks(squeezed, monkeypatch, name, row):
    """The largest logit counts, in whichever block of samples it is."""
    logits = np.zeros((50, 3), np.float32)
    logits[row] = [7, -2, 0]
    truth = ACTIVATIONS[name](logits)
    whole = steepness(squeezed(name), truth)
    monkeypatch.setattr(arrays, "BLOCK", 3 * 8 * 4)

    assert steepness(squeezed(name), truth) == whole > 1.7

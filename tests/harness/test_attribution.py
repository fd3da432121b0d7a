"""Who is over its bound, and who is not, tells the cause."""

import dataclasses
import json

import numpy as np
import pytest

from fixtures.harness.attribution import Deviation, deviation, verdict
from fixtures.harness.bounds import ArithmeticLaw, NearTruthLaw, NoiseLaw, WeightsLaw, WeightsNoiseLaw, route
from fixtures.harness.comparison import decibels
from fixtures.harness.statistics import most_changed
from fixtures.harness.targets import TARGETS
from fixtures.harness.verdict import recorded
from models.spec import Budget
from models.tasks import Classification, Regression

ARITHMETICS = {name: target.arithmetic for name, target in TARGETS.items()} | {"openvino": "bfloat16"}
LEGS = [(precision, target) for precision in ("fp32", "fp16") for target in ARITHMETICS]
BUDGET = Budget()
CONVERTED, MISCONVERTED = (1e-7, 1e-5), (1e-3, 1e-5)
NAN = float("nan")


def leg(precision, target, share):
    """Return a leg that is allowed a share of 1."""
    allowed = 0.0 if (precision, target) == ("fp32", "reference") else 1.0
    arithmetic = ARITHMETICS[target]
    return Deviation(precision, target, "", arithmetic, 10, share, share, allowed, 60, 0, 1, 0, 0, "F1", 0.9)


def judge(*over, conversion=CONVERTED, share=2.0, missing=()):
    """Return the verdict where the legs *over* are over their bounds, and all others use half of theirs."""
    shares = dict.fromkeys(LEGS, 0.5) | {("fp32", "reference"): 0.0} | dict.fromkeys(over, share)
    return verdict((leg(*found, value) for found, value in shares.items()), conversion, missing)


def both(target):
    """Return both files on *target*."""
    return ("fp32", target), ("fp16", target)


def test_nothing_is_out_of_bounds():
    """Where all hold, the verdict says so, and who came closest to its bound."""
    shares = {("fp16", "gpu_fp16"): 0.9}
    legs = [leg(*found, shares.get(found, 0.5)) for found in LEGS if found != ("fp32", "reference")]

    assert verdict([*legs, leg("fp32", "reference", 0.0)], CONVERTED) == (
        "nothing is out of bounds: gpu_fp16 uses the most of what its arithmetic and the weights explain, 90%"
    )


def test_conversion_is_the_cause():
    """A float32 file that is not the trained model is wrong before anything runs on a target."""
    assert judge(conversion=MISCONVERTED) == (
        "conversion: the float32 file does not compute what the trained model does"
    )


def test_conversion_that_was_not_measured_is_no_cause():
    """A pair of ready files has no trained model to be compared with."""
    assert judge(conversion=None).startswith("nothing is out of bounds")


def test_weights_are_the_cause():
    """A float16 file that is off on the reference kernels is off everywhere: no target is blamed for that."""
    everywhere = [("fp16", target) for target in ARITHMETICS]

    assert judge(*everywhere) == (
        "weights: rounding them to float16 changes the outputs on the reference kernels already"
    )


def test_kernel_is_the_cause():
    """A target that computes in float32, and is off with both files, has a wrong kernel."""
    assert judge(*both("xnnpack")) == "kernel: xnnpack, in float32, further off than float32 explains"


def test_kernel_of_one_file_is_named_with_it():
    """A kernel that goes wrong over one of the files only, as over float16 weights, is named with that file."""
    assert judge(("fp16", "gpu")) == "kernel: gpu (fp16), in float32, further off than float32 explains"


def test_arithmetic_is_the_cause():
    """Targets that compute in less than float32, and are off, are told beside those that are right in float32."""
    assert judge(*both("gpu_fp16"), *both("xnnpack_fp16")) == (
        "arithmetic: xnnpack_fp16, gpu_fp16 wrong in float16; "
        "reference, builtin, xnnpack, tf_lite, gpu right in float32"
    )


def test_each_arithmetic_is_named():
    """Two kinds of reduced arithmetic are both named."""
    assert judge(*both("gpu_fp16"), *both("openvino")).startswith(
        "arithmetic: gpu_fp16, openvino wrong in float16 and bfloat16; "
    )


def test_arithmetic_without_a_right_target_names_none():
    """Where nothing is right in float32, nothing is said to be."""
    legs = [leg("fp32", "gpu_fp16", 2.0)]

    assert verdict(legs, None) == "arithmetic: gpu_fp16 (fp32) wrong in float16"


def test_target_that_is_wrong_in_one_output_is_not_right():
    """A file is right on a target in all of its outputs or not at all; it is named once, however many are wrong."""
    outputs = {
        ("fp32", "gpu_fp16"): (2.0, 2.0),
        ("fp32", "gpu"): (0.5, 2.0),
        ("fp32", "xnnpack"): (0.5, 0.5),
    }
    legs = [
        dataclasses.replace(leg(*found, share), output=f"output {number}")
        for found, shares in outputs.items()
        for number, share in enumerate(shares)
    ]

    assert verdict(legs, None) == (
        "kernel: gpu (fp32), in float32, further off than float32 explains; "
        "arithmetic: gpu_fp16 (fp32) wrong in float16; xnnpack (fp32) right in float32"
    )


def test_several_causes_are_all_told():
    """Each of several causes is told, the first to look at first."""
    weights = [("fp16", target) for target in ARITHMETICS]
    over = [*weights, ("fp32", "builtin"), ("fp32", "gpu_fp16")]

    assert judge(*over, conversion=MISCONVERTED, missing=["fp16 on gpu"]) == (
        "conversion: the float32 file does not compute what the trained model does; "
        "weights: rounding them to float16 changes the outputs on the reference kernels already; "
        "kernel: builtin (fp32), in float32, further off than float32 explains; "
        "arithmetic: gpu_fp16 (fp32) wrong in float16; "
        "reference (fp32), xnnpack (fp32), tf_lite (fp32), gpu (fp32) right in float32; "
        "target: fp16 on gpu did not run"
    )


def test_missing_leg_is_told():
    """A leg that could not be run is a cause of its own, where all others hold."""
    assert judge(missing=["fp32 on gpu", "fp16 on gpu"]) == "target: fp32 on gpu, fp16 on gpu did not run"


@pytest.mark.parametrize("share", [np.inf, NAN])
@pytest.mark.parametrize(
    ("over", "cause"),
    [(both("gpu_fp16"), "arithmetic: gpu_fp16 wrong"), (both("gpu"), "kernel: gpu"), ([("fp16", "reference")], "weig")],
)
def test_leg_that_is_not_finite_is_over(share, over, cause):
    """An infinite error, or one that is no number, is over every bound."""
    assert judge(*over, share=share).startswith(cause)


@pytest.mark.parametrize("measured", [np.inf, NAN])
def test_conversion_that_is_not_finite_is_the_cause(measured):
    """A float32 file whose error is infinite, or no number, is not the trained model."""
    assert judge(conversion=(measured, 1e-5)).startswith("conversion: ")


def test_nothing_to_compare_is_said():
    """Where nothing but the truth was run, or not even that, the verdict does not claim that all is well."""
    assert [verdict(legs, None) for legs in ([], [leg("fp32", "reference", 0.0)])] == ["nothing was compared"] * 2


@pytest.fixture
def way(files):
    """What the output of a file of three layers is computed by."""
    return route(files["conv-fp16"], "output_0")


@pytest.fixture
def truth():
    """Outputs of the scale of logits, no two of a sample close."""
    return np.random.default_rng(0).permuted(np.tile(np.float32([-4, 0, 8]), (40, 1)), axis=1)


@pytest.fixture
def compare(way, truth):
    """Compare outputs with the truth; the targets are what the truth predicts, and samples go by tens."""

    def measure(outputs, precision="fp32", target="gpu", arithmetic="float32", **others):
        known = {"task": Classification(), "targets": truth.argmax(axis=1), "truth": truth, "output": "logits"} | others
        return deviation(
            precision, target, arithmetic, way=way, budget=BUDGET, outputs=outputs, samples=np.arange(40) * 10, **known
        )

    return measure


def test_deviation_is_measured_against_the_truth(compare, truth):
    """What is off and what changed its class is measured, with the samples' own names."""
    outputs = truth.copy()
    outputs[3] = truth[3] - 20 * (truth[3] == 8)
    found = compare(outputs)

    assert (found.largest, found.share, found.samples) == (20, 2.5, 40)
    assert (found.flipped, found.flipped_margin, found.agreement) == (1, 8, 1 - 1 / 40)
    assert (found.output, found.metric, found.value) == ("logits", "top-1 accuracy", 1 - 1 / 40)
    assert found.sample == 30
    assert not found.holds


def test_deviation_of_nothing_holds(compare, truth):
    """Equal outputs are within every bound, and no prediction changed."""
    found = compare(truth.copy())

    assert (found.share, found.flipped, found.flipped_margin, found.holds) == (0, 0, 0, True)


@pytest.mark.parametrize("arithmetic", ["float32", "float16", "bfloat16"])
def test_deviation_is_allowed_what_explains_it(compare, way, truth, arithmetic):
    """The float32 file is allowed what the arithmetic explains, the float16 file what its weights add to that."""
    allowed = [compare(truth, precision, "openvino", arithmetic).allowed for precision in ("fp32", "fp16")]

    assert allowed == [
        ArithmeticLaw.of(way, truth, arithmetic).ruling(BUDGET).at_most,
        WeightsLaw.of(way, truth, arithmetic).ruling(BUDGET).at_most,
    ]
    assert allowed[0] < allowed[1]


def test_truth_is_allowed_nothing(compare, truth):
    """The float32 file on the reference kernels is the truth: it is not off by anything."""
    nudged = truth + np.float32(1e-6)

    assert compare(truth, target="reference").holds
    assert not compare(nudged, target="reference").holds
    assert compare(nudged, target="builtin").holds


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_broken_deviation_is_infinite(compare, truth, value):
    """One output that is not finite is over every bound, and its sample's prediction changed."""
    outputs = truth.copy()
    outputs[7, 0] = value
    found = compare(outputs)

    assert (found.share, found.largest, found.flipped, found.holds) == (np.inf, np.inf, 1, False)


def test_deviation_is_json(compare, truth):
    """A deviation is written down as JSON, and no value of it is lost."""
    outputs = truth + np.float32(1e-3)
    found = compare(outputs, "fp16")

    laws = {"law": recorded(found.law), "noise": recorded(found.noise)}
    assert json.loads(json.dumps(found.as_dict())) == vars(found) | laws


def test_deviation_says_what_is_allowed_of_it(compare, way, truth):
    """The laws that both bounds follow from are there, but of the truth itself, and one of them judges the share."""
    deviations = [compare(truth, precision, "openvino", "float16") for precision in ("fp32", "fp16")]

    assert [(found.law, found.noise) for found in deviations] == [
        (NearTruthLaw.of(way, truth, "float16"), NoiseLaw.of(way, "float16")),
        (WeightsLaw.of(way, truth, "float16"), WeightsNoiseLaw.of(way, "float16")),
    ]
    assert all(found.allowed == found.law.ruling(BUDGET).at_most for found in deviations)
    assert all(found.least_sqnr == decibels(found.noise.ruling(BUDGET).at_most) for found in deviations)
    assert [found.bound for found in deviations] == [{"law": found.law} for found in deviations]
    itself = compare(truth, target="reference")
    assert (itself.law, itself.noise, itself.bound) == (None, None, {"at_most": 0.0})
    assert itself.as_dict() == vars(itself)


def test_deviation_without_targets_has_no_metric(compare, truth):
    """Without targets, nothing says how good outputs are; how many predictions changed is told all the same."""
    found = compare(truth[:, ::-1].copy(), targets=None)

    assert (found.metric, found.value) == ("", None)
    assert found.flipped > 0


@pytest.mark.parametrize("task", [None, Regression("rmse")])
def test_deviation_of_what_predicts_no_class_has_no_flips(compare, truth, task):
    """Of an output that predicts no class, none can change."""
    found = compare(truth + np.float32(100), task=task, targets=truth if task else None)

    assert (found.agreement, found.flipped, found.flipped_margin) == (None, 0, 0)
    assert (found.metric, found.value) == (("RMSE", 100) if task else ("", None))
    assert not found.holds


@pytest.mark.parametrize(
    ("arithmetic", "changed", "holds"), [("float32", 1, False), ("float16", 4, False), ("float16", 3, True)]
)
def test_deviation_of_whole_numbers_is_the_share_of_others(compare, arithmetic, changed, holds):
    """Of an output of whole numbers, as many may be others as rounding explains of so few; none in float32."""
    truth = np.arange(40).reshape(40, 1)
    found = compare(truth + 7 * (truth < changed), arithmetic=arithmetic, truth=truth, task=None, targets=None)

    assert (found.share, found.holds) == (changed / 40, holds)
    assert found.allowed == (0 if arithmetic == "float32" else most_changed(40, BUDGET.flipped) / 40)

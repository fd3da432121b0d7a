"""Who is over its bound, and who is not, tells the cause."""

import json

import numpy as np
import pytest

from fixtures.harness.attribution import Deviation, deviation, verdict
from fixtures.harness.bounds import arithmetic_bounds, weight_bound
from fixtures.harness.targets import TARGETS

ARITHMETICS = {name: target.arithmetic for name, target in TARGETS.items()} | {"openvino": "bfloat16"}
LEGS = [(precision, target) for precision in ("fp32", "fp16") for target in ARITHMETICS]
CONVERTED, MISCONVERTED = (1e-7, 1e-5), (1e-3, 1e-5)
NAN = float("nan")


def leg(precision, target, share):
    """Return a leg that is allowed a share of 1."""
    allowed = 0.0 if (precision, target) == ("fp32", "reference") else 1.0
    return Deviation(precision, target, ARITHMETICS[target], 10, share, share, allowed, 60, 0, 1, 0, 0, (), 0.9)


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
def file(files):
    """A file of three layers."""
    return files["conv-fp16"]


@pytest.fixture
def truth():
    """Outputs of the scale of logits, no two of a sample close."""
    return np.random.default_rng(0).permuted(np.tile(np.float32([-4, 0, 8]), (40, 1)), axis=1)


@pytest.fixture
def compare(file, truth):
    """Compare outputs with the truth; the labels are what the truth predicts, and samples go by tens."""

    def measure(outputs, precision="fp32", target="gpu", arithmetic="float32"):
        labels, samples = truth.argmax(axis=1), np.arange(40) * 10
        return deviation(
            precision,
            target,
            arithmetic,
            file=file,
            roundoff=2,
            outputs=outputs,
            truth=truth,
            labels=labels,
            samples=samples,
        )

    return measure


def test_deviation_is_measured_against_the_truth(compare, truth):
    """What is off and what changed its class is measured, with the samples' own names."""
    outputs = truth.copy()
    outputs[3] = truth[3] - 20 * (truth[3] == 8)
    found = compare(outputs)

    assert (found.largest, found.share, found.samples) == (20, 2.5, 40)
    assert (found.flipped, found.flipped_margin, found.agreement, found.accuracy) == (1, 8, 1 - 1 / 40, 1 - 1 / 40)
    assert [flip[:11] for flip in found.flips] == ["sample 30: "]
    assert not found.holds


def test_deviation_of_nothing_holds(compare, truth):
    """Equal outputs are within every bound, and no prediction changed."""
    found = compare(truth.copy())

    assert (found.share, found.flipped, found.flipped_margin, found.flips, found.holds) == (0, 0, 0, (), True)


@pytest.mark.parametrize("arithmetic", ["float32", "float16", "bfloat16"])
def test_deviation_is_allowed_what_explains_it(compare, file, truth, arithmetic):
    """The float32 file is allowed what the arithmetic explains, the float16 file what its weights add to that."""
    allowed = [compare(truth, precision, "openvino", arithmetic).allowed for precision in ("fp32", "fp16")]

    assert allowed == [
        arithmetic_bounds(file, truth, arithmetic, 2)[1],
        weight_bound(file, truth, arithmetic, 2),
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

    assert json.loads(json.dumps(found.as_dict())) == vars(found) | {"flips": []}

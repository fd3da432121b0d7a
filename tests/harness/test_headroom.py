"""Activations and partial sums are measured against float16's largest number, on the reference kernels."""

import math

import numpy as np
import pytest

from fixtures.harness import headroom as module
from fixtures.harness.children import JobError
from fixtures.harness.headroom import LARGEST, SMALLEST_NORMAL, Activation, reach
from fixtures.harness.tflite_file import Operator, Tensor
from tests.harness import flatbuffer

SAME, VALID = "0", "1"
ONE_BY_ONE = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": VALID}


@pytest.fixture
def measure(locator, saved):
    """Return the headroom of a file for samples."""

    def ask(file, samples):
        answer = locator.ask({"file": str(file), "data": str(saved(samples))}, print)
        return [Activation(**values | {"shape": tuple(values["shape"])}) for values in answer["headroom"]]

    return ask


def made(name, *values, **options):
    """Return an operator of float tensors with these values, and the function that reads them."""
    arrays = [np.asarray(value) for value in values]
    arrays = [array.astype(np.float32 if array.dtype == np.float64 else array.dtype) for array in arrays]
    tensors = tuple(
        Tensor(0, index, 0, f"input {index}", array.dtype.name.upper(), array.shape, False, False, None)
        for index, array in enumerate(arrays)
    )
    told = tuple((key, str(value)) for key, value in options.items())
    return Operator(0, name, tensors, (), told), lambda tensor: arrays[tensor.index]


def row(*values):
    """Return an image of one row and one channel."""
    return np.array(values, np.float64).reshape(1, 1, -1, 1)


COLUMN = np.array([[[[1.0], [-2.0], [3.0]]]])
"""A convolution's kernel of one output and one input channel, one row, three columns."""

BY_HAND = {
    # 1*3 + 2*-2 + 4*1: 7 of positive terms, 4 of negative ones.
    "dense": (7, "FULLY_CONNECTED", [[3.0, -2.0, 1.0]], [[1.0, 2.0, 4.0]], {}),
    # 3 + 0.5 of positive terms; the other output: 8 of negative ones.
    "dense, bias": (8, "FULLY_CONNECTED", [[3.0, -4.0]], [[1.0, 0.0], [0.0, 2.0]], [0.5, 0.0], {}),
    "dense, bias is the larger": (9.5, "FULLY_CONNECTED", [[3.0, -4.0]], [[1.0, 0.0]], [6.5], {}),
    # Windows (1, 2, 3), (2, 3, 4), (3, 4, 5): the last has 3 + 15 of positive terms.
    "convolution": (18, "CONV_2D", row(1, 2, 3, 4, 5), COLUMN, ONE_BY_ONE),
    # Windows (1, 2, 9) and (9, 4, 1): 1 + 27 and 9 + 3.
    "convolution, stride": (28, "CONV_2D", row(1, 2, 9, 4, 1), COLUMN, ONE_BY_ONE | {"strideW": 2}),
    # Windows (0, 1, 2) … (4, 5, 0), of which (3, 4, 5) has the most.
    "convolution, padding": (18, "CONV_2D", row(1, 2, 3, 4, 5), COLUMN, ONE_BY_ONE | {"padding": SAME}),
    # The odd one of three padded columns comes after: windows (0, 1, 2) and (3, 4, 0); 1*-2 + 2*3 and 3 - 8.
    "convolution, padding and stride": (
        8,
        "CONV_2D",
        row(1, 2, 3, 4),
        COLUMN,
        ONE_BY_ONE | {"padding": SAME, "strideW": 3},
    ),
    # Only the window (1, 3, 5) fits: 1 + 15.
    "convolution, dilation": (16, "CONV_2D", row(1, 9, 3, 9, 5), COLUMN, ONE_BY_ONE | {"dilationWFactor": 2}),
    # Two outputs of one channel: 2*3 and 2*5.
    "depthwise, multiplier": (10, "DEPTHWISE_CONV_2D", row(2), [[[[3.0, -5.0]]]], ONE_BY_ONE),
    # Each channel has its own sum: 1*1 + 2*3, and 10 + 30 of negative terms.
    "depthwise": (
        40,
        "DEPTHWISE_CONV_2D",
        [[[[1.0, 10.0], [2.0, 30.0]]]],
        [[[[1.0, -1.0], [3.0, -1.0]]]],
        ONE_BY_ONE,
    ),
    # (1, 2) becomes 1*(1, -2, 3) and, two to the right, 2*(1, -2, 3): the third output is 3 + 2.
    "transposed": (
        6,
        "TRANSPOSE_CONV",
        np.array([1, 1, 5, 1], np.int32),
        COLUMN,
        row(1, 2),
        {"strideH": 1, "strideW": 2, "padding": VALID},
    ),
    # As many outputs as 2 * 2: one column is cropped, after: the last, with 6, is gone.
    "transposed, padding": (
        5,
        "TRANSPOSE_CONV",
        np.array([1, 1, 4, 1], np.int32),
        COLUMN,
        row(1, 2),
        {"strideH": 1, "strideW": 2, "padding": SAME},
    ),
    # Rows (1, -2) and (3, 4) with columns (5, 7) and (6, 8): 14 of negative terms, 15 + 28, 18 + 32.
    "product": (
        50,
        "BATCH_MATMUL",
        [[1.0, -2.0], [3.0, 4.0]],
        [[5.0, 6.0], [7.0, 8.0]],
        {"adjX": False, "adjY": False},
    ),
    # Columns (1, 3) and (-2, 4), with columns (5, 7) and (6, 8): 6 + 24, 32 of positive terms.
    "product, left transposed": (
        32,
        "BATCH_MATMUL",
        [[1.0, -2.0], [3.0, 4.0]],
        [[5.0, 6.0], [7.0, 8.0]],
        {"adjX": True, "adjY": False},
    ),
    # Rows (1, -2) and (3, 4) with rows (5, 6) and (7, 8): 21 + 32.
    "product, right transposed": (
        53,
        "BATCH_MATMUL",
        [[1.0, -2.0], [3.0, 4.0]],
        [[5.0, 6.0], [7.0, 8.0]],
        {"adjX": False, "adjY": True},
    ),
    # Columns: 1 and -3, -5 and -3, 2 and 4.
    "sum": (8, "SUM", [[1.0, -5.0, 2.0], [-3.0, -3.0, 4.0]], np.array([0], np.int32), {"keepDims": True}),
    "sum, two axes": (11, "SUM", [[1.0, -5.0, 2.0], [-3.0, -3.0, 4.0]], np.array([0, -1], np.int32), {}),
    "mean is summed first": (9, "MEAN", [[2.0, 3.0, 4.0]], np.array([1], np.int32), {"keepDims": False}),
    "average": (
        9,
        "AVERAGE_POOL_2D",
        row(1, 2, -3, 4, 5),
        {"filterHeight": 1, "filterWidth": 2, "strideH": 1, "strideW": 1, "padding": VALID},
    ),
    # Windows (1, 2), (-3, 4) and (5, nothing): -3 is the only negative term.
    "average, padding and stride": (
        5,
        "AVERAGE_POOL_2D",
        row(1, 2, -3, 4, 5),
        {"filterHeight": 1, "filterWidth": 2, "strideH": 1, "strideW": 2, "padding": SAME},
    ),
    "root of the mean of squares": (
        41,
        "L2_POOL_2D",
        row(1, 2, -3, 4, 5),
        {"filterHeight": 1, "filterWidth": 2, "strideH": 1, "strideW": 1, "padding": VALID},
    ),
    "length": (25, "L2_NORMALIZATION", [[3.0, -4.0], [1.0, 1.0]], {}),
    # The largest is subtracted before: 1 + 1/2 + 1/4.
    "softmax": (1.75, "SOFTMAX", [[math.log(8.0), math.log(4.0), math.log(2.0)]], {"beta": 1.0}),
    "softmax of equals": (4, "LOG_SOFTMAX", [[300.0] * 4], {}),
    "addition sums nothing": (0, "ADD", [7.0], [8.0], {}),
    "weights in integers": (0, "FULLY_CONNECTED", [[3.0]], np.array([[1]], np.int8), {}),
}
"""What is reached, worked out on paper: the operator, its inputs, and what it is told besides."""


@pytest.mark.parametrize("case", BY_HAND)
def test_reach_is_the_larger_of_positive_and_negative_terms(case):
    """The worst order of adding has all terms of one sign first."""
    expected, name, *values, options = BY_HAND[case]

    assert reach(*made(name, *values, **options)) == pytest.approx(expected)


@pytest.mark.parametrize("case", BY_HAND)
def test_large_layers_are_measured_in_parts(case, monkeypatch):
    """A layer that is worked on one row, or one channel, at a time has the same reach."""
    monkeypatch.setattr(module, "BAND", 1)
    expected, name, *values, options = BY_HAND[case]

    assert reach(*made(name, *values, **options)) == pytest.approx(expected)


def test_reach_of_not_a_number_is_of_the_other_outputs():
    """NaN hides no other output's reach; infinite terms have no finite one."""
    assert reach(*made("FULLY_CONNECTED", [[1.0, 2.0]], [[math.nan, 1.0], [3.0, 4.0]])) == 11
    assert reach(*made("FULLY_CONNECTED", [[1.0, 2.0]], [[math.inf, 1.0]])) == math.inf


def absolute(model):
    """Make every float constant positive."""
    for tensor in flatbuffer.constants(model):
        model.buffers[tensor.buffer].data = np.abs(flatbuffer.values(model, tensor)).view(np.uint8)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_reach_is_what_the_kernels_add_up(converted, edited, measure, form):
    """With all terms positive, what is reached on the way is the output itself: strides, paddings and all."""
    image = np.random.default_rng(0).uniform(size=(3, 9, 8, 4)).astype(np.float32)
    found = {activation.position: activation for activation in measure(edited(f"sums-{form}", absolute).path, image)}
    sums = {place: activation for place, activation in found.items() if activation.reach}
    times = {"MEAN": 9 * 8, "AVERAGE_POOL_2D": 3 * 2}  # what is divided by afterwards

    assert len(sums) == 12
    for activation in sums.values():
        assert activation.reach == pytest.approx(activation.largest * times.get(activation.operator, 1), rel=1e-5)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_reach_is_at_least_the_value(converted, measure, form):
    """No sum is larger than all of its terms of one sign; with terms of both, it is smaller."""
    image = np.random.default_rng(0).normal(size=(3, 9, 8, 4)).astype(np.float32)
    sums = [found for found in measure(converted / f"sums-{form}.tflite", image) if found.reach]

    assert all(found.reach >= found.largest * (1 - 1e-6) for found in sums)
    assert any(found.reach > found.largest * 1.2 for found in sums)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_every_calculation_is_measured(converted, files, measure, form):
    """Weights that are unpacked are no activation; all else is measured in execution order."""
    graph = files[f"conv-{form}"].subgraphs[0]
    found = measure(converted / f"conv-{form}.tflite", np.ones((1, 8, 8, 2), np.float32))

    assert [activation.position for activation in found] == [op.position for op in graph.calculations]
    assert [activation.tensor for activation in found] == [op.outputs[0].name for op in graph.calculations]
    assert found[-1].shape == (1, 3)


def test_every_output_of_an_operator_is_measured(converted, measure):
    """An operator with two outputs is there twice."""
    found = measure(converted / "parted-fp16.tflite", np.ones((1, 8), np.float32))

    assert [activation.shape for activation in found if activation.operator == "SPLIT"] == [(1, 4), (1, 4)]


def test_values_are_those_of_all_samples(converted, evaluate, measure):
    """The largest, the smallest and the share under 2^-14 are of the outputs, whichever sample has them."""
    samples = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32) * 30
    (outputs,) = evaluate(str(converted / "softmax-fp32.tflite"), "reference", samples).outputs.values()
    last = measure(converted / "softmax-fp32.tflite", samples)[-1]
    sizes = outputs[outputs != 0]

    assert (last.largest, last.smallest) == (sizes.max(), sizes.min())
    assert last.underflow == pytest.approx((sizes < SMALLEST_NORMAL).mean())
    assert 0 < last.underflow < 1
    assert last.finite


def test_what_is_not_finite_is_told(converted, measure):
    """The logarithm of zero is minus infinity in float32 already."""
    found = measure(converted / "logarithm-fp16.tflite", np.full((1, 10), -200, np.float32))

    assert [(activation.largest, activation.finite) for activation in found] == [(0, True), (math.inf, False)]
    assert found[-1].smallest == math.inf
    assert "in float32 already" in str(found[-1])


def test_infinite_sum_is_told_where_kernels_clamp_it(converted, files, measure):
    """Reference kernels put out float32's largest number for a sum beyond it; other kernels put out infinity."""
    weight = next(tensor for tensor in files["dense-fp32"].constants if tensor.shape[-1:] == (16,)).data
    samples = np.where(weight[:1] < 0, -1, 1).astype(np.float32) * np.float32(3e38)
    first = measure(converted / "dense-fp32.tflite", samples)[0]

    assert (first.operator, first.largest, first.finite) == ("FULLY_CONNECTED", math.inf, False)


def test_zeros_have_no_smallest_value(converted, measure):
    """Of zeros only, nothing underflows."""
    first = measure(converted / "logarithm-fp16.tflite", np.full((1, 10), -200, np.float32))[0]

    assert (first.smallest, first.underflow) == (0, 0)


def test_mask_is_reported_as_it_is(converted, measure):
    """A constant of -1e9 is far over 65504, which float16 weights hide: there it is saturated."""
    samples = np.random.default_rng(0).normal(size=(2, 6, 8)).astype(np.float32)
    of_fp32, of_fp16 = (
        max(found.largest for found in measure(converted / f"masked-{form}.tflite", samples) if found.operator == "MUL")
        for form in ("fp32", "fp16")
    )

    assert of_fp32 == pytest.approx(1e9, rel=1e-6)
    assert of_fp16 == pytest.approx(LARGEST, rel=1e-3)


def test_loop_is_measured_from_outside(converted, measure):
    """A loop counts with what it puts out."""
    found = measure(converted / "lstm-fp16.tflite", np.ones((1, 5, 3), np.float32))

    assert "WHILE" in {activation.operator for activation in found}


def test_share_is_of_the_larger_one():
    """Values and sums on the way to them are both held against 65504."""
    activation = Activation(3, "MEAN", "mean", (1, 2), LARGEST / 8, LARGEST * 2, 0.5, 0.25, True)

    assert activation.share == 2
    assert str(activation) == (
        "operator 3 MEAN (mean): values up to 8188, sums up to 1.31e+05 on the way, 2 of float16's largest; "
        "25.00% of the values fade under 2^-14"
    )


def test_samples_that_do_not_fit_are_an_error(converted, measure):
    """What cannot be run has no headroom."""
    with pytest.raises(
        JobError, match=r"has samples of shape \[15\], the input values of dense-fp16\.tflite takes \[1, 16\]"
    ):
        measure(converted / "dense-fp16.tflite", np.ones((3, 15), np.float32))


def test_operator_without_a_reference_kernel_is_an_error(edited, measure):
    """A file that the reference kernels do not run is an error in words."""
    file = edited("dense-fp16", flatbuffer.renaming_operator("FULLY_CONNECTED", "CUSTOM", b"Homemade")).path

    with pytest.raises(JobError, match=r"^dense-fp16\.tflite cannot be run on reference: .*Homemade"):
        measure(file, np.ones((1, 16), np.float32))

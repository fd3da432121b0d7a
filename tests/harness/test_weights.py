"""A float16 file's constants are compared with its parent's, value by value; each difference names its tensor."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from fixtures.harness import weights
from fixtures.harness.tflite_file import FLOAT_TYPES
from fixtures.harness.weights import Findings
from tests.harness import flatbuffer
from tests.harness.flatbuffer import changing_values, constants, renaming_operator, values
from tests.harness.values import EXTREMES

PAIRS = ["dense", "conv", "two", "embedding", "lstm"]
VALUES = 16 * 80 + 80 + 80 * 10 + 10
"""How many float constants the model "dense" has, in four tensors."""


@pytest.fixture(params=PAIRS)
def pair(files, request):
    """A float32 file, and the float16 file of the same model."""
    return files[f"{request.param}-fp32"], files[f"{request.param}-fp16"]


@pytest.fixture
def fp32(files):
    """The float32 file of the dense model."""
    return files["dense-fp32"]


@pytest.fixture
def kernel(fp32):
    """The largest constant of that file."""
    return max(fp32.constants, key=lambda tensor: tensor.bytes)


def changing_largest(change):
    """Return a change of the values of the largest float16 constant, flat, in place."""

    def edit(model):
        halves = [tensor for tensor in flatbuffer.constants(model) if tensor.type == schema.TensorType.FLOAT16]
        held = flatbuffer.values(model, halves[0])
        change(held)
        model.buffers[halves[0].buffer].data = held.view(np.uint8)

    return edit


def one_step_up(values):
    """Move one value to the next float16."""
    values[100] = np.nextafter(values[100], np.float16(np.inf))


def last_bit(values):
    """Flip the last bit of one value."""
    values.view(np.uint16)[100] ^= 1


def nan(values):
    """Lose one value."""
    values[100] = np.nan


def infinity(values):
    """Overflow, where the converter saturates."""
    values[100] = np.inf


def saturation(values):
    """Saturate one value that float16 can hold."""
    values[100] = 65504


def zero(values):
    """Flush one value."""
    values[100] = 0


def other_sign(values):
    """Negate one value."""
    values[100] = -values[100]


ONE_VALUE = [one_step_up, last_bit, nan, infinity, saturation, zero, other_sign]


@pytest.mark.parametrize("measure", [weights.mismatches, weights.unpaired])
def test_good_pair_lines_up(pair, measure):
    """The operators and constants of a good pair have their counterparts."""
    found = measure(*pair)

    assert (found.found, found.looked_at > 0) == ((), True)
    assert str(found).startswith(f"0 of {found.looked_at} ")


@pytest.mark.parametrize(
    ("measure", "looked_at"),
    [(weights.misrounded, np.size), (weights.flushed, np.count_nonzero)],
)
def test_good_pair_has_the_right_values(pair, measure, looked_at):
    """Every value of a good pair is right, and every value, or every one that could become zero, was looked at."""
    found = measure(*pair)

    assert (found.total, found.share, found.worst) == (0, 0, "")
    assert found.values == sum(looked_at(tensor.data) for tensor in pair[0].constants if tensor.type in FLOAT_TYPES)


def test_good_pair_is_within_reach(pair):
    """No value of a good pair is beyond float16; weights are told from other constants, and all are looked at."""
    found, others = weights.saturated(*pair), weights.capped(*pair)

    assert found.total == others.total == 0
    assert found.values > 0
    assert found.values + others.values == sum(
        tensor.data.size for tensor in pair[0].constants if tensor.type in FLOAT_TYPES
    )


def test_cap_is_no_weight(files, edited):
    """A constant that nothing is multiplied with may be beyond float16, as a mask's is: it is told, and no weight."""

    def bias(model):
        (tensor,) = [tensor for tensor in constants(model) if len(tensor.shape) == 1 and tensor.shape[0] == 10]
        vector = values(model, tensor)
        vector[0] = 1e9
        model.buffers[tensor.buffer].data = vector.view(np.uint8)

    fp32, fp16 = edited("dense-fp32", bias), files["dense-fp16"]

    assert weights.saturated(fp32, fp16).total == 0
    assert weights.capped(fp32, fp16).total == 1


def test_good_pair_keeps_its_precision(pair):
    """Rounding to float16 loses at most half of the last of 11 bits, and some of it."""
    found = weights.precision(*pair)

    assert 0 < found.error <= 2**-11
    assert str(found).startswith(f"most is lost in {found.tensor}: ")


def test_mask_has_no_precision_to_lose(files, edited):
    """What a mask has beyond float16 is capped, and no loss of precision; what else such a constant holds has some."""
    fp32, fp16 = files["causal-fp32"], files["causal-fp16"]

    def lose_what_is_within(model):
        (mask,) = [tensor for tensor in constants(model) if list(tensor.shape) == [4, 4]]
        vector = values(model, mask)
        vector[vector == 0] = 1e-7
        model.buffers[mask.buffer].data = vector.view(np.uint8)

    assert weights.capped(fp32, fp16).total == 6
    assert 0 < weights.precision(fp32, fp16).error <= 2**-11
    assert weights.precision(edited("causal-fp32", lose_what_is_within), fp16).error == 1


def test_mask_that_float16_has_can_be_lost(files, edited):
    """The largest float16 is not beyond it: in a mask, too, its loss is one."""

    def reach_the_largest(model):
        (mask,) = [tensor for tensor in constants(model) if list(tensor.shape) == [4, 4]]
        vector = values(model, mask)
        vector[vector < 0] = 65504  # the float16 file has -65504 there
        model.buffers[mask.buffer].data = vector.view(np.uint8)

    found = weights.precision(edited("causal-fp32", reach_the_largest), files["causal-fp16"])

    assert found.error == pytest.approx(2)


def test_weight_beyond_float16_is_lost_precision(edited, kernel):
    """What operators multiply with is no mask: what is capped of it is lost."""

    def beyond(values):
        values[0] = 1e6

    def capped(values):
        values[0] = 65504

    found = weights.precision(
        edited("dense-fp32", changing_values(beyond)), edited("dense-fp16", changing_values(capped))
    )

    assert found.error == pytest.approx((1e6 - 65504) / 1e6, rel=1e-3)
    assert kernel.name in found.tensor


@pytest.fixture(params=PAIRS)
def cast_elsewhere(files, edited, request):
    """A float32 file, and the float16 file that another producer than TensorFlow's converter makes of it."""
    return files[f"{request.param}-fp32"], edited(f"{request.param}-fp32", flatbuffer.casting_weights_only)


@pytest.mark.parametrize("measure", [weights.not_finite, weights.unassigned, weights.dequantized_activations])
def test_good_files_have_no_findings(pair, measure):
    """Neither file of a good pair has weights without a value, lost variables, or a DEQUANTIZE of what is computed."""
    assert [measure(file).found for file in pair] == [(), ()]


def test_good_files_hold_one_type(pair):
    """The one file of a good pair stores float32 alone, the other float16 alone."""
    assert [
        weights.not_stored_as(file, kind).found for file, kind in zip(pair, ("FLOAT32", "FLOAT16"), strict=True)
    ] == [
        (),
        (),
    ]


def test_pairs_are_of_the_same_place(pair):
    """Constants are paired with those whose values they have become, in every subgraph."""
    found = weights.pairs(*pair)

    assert len(found) == sum(tensor.type in FLOAT_TYPES for tensor in pair[0].constants)
    assert all(np.allclose(one.fp32.data, one.fp16.data, rtol=2**-10, atol=2**-24) for one in found)


@pytest.mark.parametrize("change", ONE_VALUE)
def test_one_wrong_value_is_found(fp32, edited, kernel, change):
    """A single value that is not the rounded one, by however little, is counted, and its tensor is named."""
    found = weights.misrounded(fp32, edited("dense-fp16", changing_values(change)))

    assert (found.total, found.values) == (1, VALUES)
    assert found.share == 1 / kernel.data.size
    assert kernel.name in found.worst
    assert str(found).startswith(f"1 of {VALUES} values are not the correctly rounded float32 value; most of all in ")


def test_rounding_towards_zero_is_found(fp32, edited, kernel):
    """A converter that cuts digits off, instead of rounding to nearest even, is found by half of the values."""

    def truncate(values):
        above = np.abs(values.astype(np.float32)) > np.abs(kernel.data.ravel())
        values[above] = np.nextafter(values[above], np.float16(0))

    found = weights.misrounded(fp32, edited("dense-fp16", changing_values(truncate)))

    assert 0.4 < found.share < 0.6


def test_other_weights_are_found(fp32, edited):
    """Weights of the same shapes from another training are found by nearly all values of the tensor."""
    found = weights.misrounded(fp32, edited("dense-fp16", changing_values(lambda values: values.sort())))

    assert found.share > 0.9


def test_swapped_constants_are_found(files, edited):
    """Two constants of one shape that were exchanged are found by their values."""
    found = weights.misrounded(files["conv-fp32"], edited("conv-fp16", flatbuffer.swapping_constants))

    assert (found.total, found.share) == (8, 1)


def test_int8_weights_are_wrong_values(fp32, files, kernel):
    """A file that was quantized to int8 has no correctly rounded value in those tensors."""
    found = weights.misrounded(fp32, files["dense-int8"])

    assert (found.total, found.share) == (VALUES, 1)


def test_converter_rounds_as_it_should(files):
    """TensorFlow's converter rounds to nearest even, saturates and flushes as the checks take for granted."""
    (tensor,) = files["extremes-fp16"].constants
    expected = np.array(list(EXTREMES.values()), np.float16).reshape(4, 4).T

    np.testing.assert_array_equal(tensor.data, expected)
    assert np.signbit(tensor.data).tolist() == np.signbit(expected).tolist()


def test_extreme_values_are_correctly_rounded(files):
    """Values that float16 cannot hold are no rounding errors."""
    assert weights.misrounded(files["extremes-fp32"], files["extremes-fp16"]).total == 0


def test_nan_that_became_a_number_is_found(files, edited):
    """A value that is NaN in the float32 file has to be NaN in the float16 file."""
    file = edited("extremes-fp16", changing_values(lambda values: np.nan_to_num(values, copy=False)))

    assert weights.misrounded(files["extremes-fp32"], file).total == 1


def test_values_beyond_float16_are_counted(files):
    """Every value whose magnitude is over 65504 is counted, infinity included, and the tensor is named."""
    found = weights.saturated(files["extremes-fp32"], files["extremes-fp16"])

    assert (found.total, found.share) == (5, 5 / 16)
    assert str(found).startswith("5 of 16 values are beyond 65504, the largest float16; most of all in ")


def test_values_that_vanish_beside_others_are_not_counted(edited):
    """Of a weight, values of 1e-20 beside ordinary ones become zero and are missed by nobody."""
    tiny, zero = (changing_values(lambda values, held=held: values[:64].fill(held)) for held in (1e-20, 0))
    found = weights.flushed(edited("dense-fp32", tiny), edited("dense-fp16", zero))

    assert (found.total, found.share) == (0, 0)


def test_weight_that_vanishes_is_counted(edited):
    """A weight whose values are all that small is lost, every one of them."""
    tiny, zero = (changing_values(lambda values, held=held: values.fill(held)) for held in (1e-20, 0))
    found = weights.flushed(edited("dense-fp32", tiny), edited("dense-fp16", zero))

    assert found.share == 1


def test_value_of_a_vector_that_vanishes_is_counted(edited):
    """Of a vector every such value counts, whatever is beside it: something may be divided by it."""

    def bias(held):
        def edit(model):
            (tensor,) = [tensor for tensor in constants(model) if len(tensor.shape) == 1 and tensor.shape[0] == 10]
            vector = values(model, tensor)
            vector[0] = held
            model.buffers[tensor.buffer].data = vector.view(np.uint8)

        return edit

    found = weights.flushed(edited("dense-fp32", bias(1e-20)), edited("dense-fp16", bias(0)))

    assert (found.total, found.share) == (1, 0.1)


def test_values_that_were_zero_excuse_nothing(edited):
    """Of a tensor that is zero but for ten values, five that are lost are half of it."""

    def sparse(values):
        values[10:] = 0

    def sparser(values):
        values[5:] = 0

    pair = edited("dense-fp32", changing_values(sparse)), edited("dense-fp16", changing_values(sparser))
    found = weights.flushed(*pair)

    assert (found.total, found.values, found.share) == (5, VALUES - 1280 + 10, 0.5)


def test_tensor_of_zeros_has_nothing_to_lose(edited):
    """A tensor that is zero all over, such as an untrained bias, is no flushed tensor."""
    zeros = changing_values(lambda values: values.fill(0))
    found = weights.flushed(edited("dense-fp32", zeros), edited("dense-fp16", zeros))

    assert (found.total, found.values, found.share) == (0, VALUES - 1280, 0)


def test_flushed_tensor_is_named(fp32, edited, kernel):
    """The tensor that lost the largest part of its values is named, with that part."""
    found = weights.flushed(fp32, edited("dense-fp16", changing_values(lambda values: values[:320].fill(0))))

    assert (found.total, found.share) == (320, 0.25)
    assert kernel.name in str(found)
    assert str(found).endswith("25.00% of it")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weight_without_a_value_is_found(edited, value):
    """A tensor with NaN or infinity is named."""
    found = weights.not_finite(edited("dense-fp16", changing_values(lambda values: values[-1:].fill(value))))

    assert len(found.found) == 1
    assert "float16[80, 16]" in str(found)


def test_weight_without_a_value_is_found_in_the_parent(files):
    """A float32 file whose training diverged is found as well."""
    assert len(weights.not_finite(files["extremes-fp32"]).found) == 1


def test_int8_weights_are_found(files):
    """Weights that were quantized to integers are named with their size."""
    found = weights.not_stored_as(files["dense-int8"], "FLOAT16")

    assert any("int8[80, 16] (1280 bytes)" in tensor for tensor in found.found)


def test_int8_parent_is_found(files):
    """A float32 file whose weights are int8 is none."""
    assert any("int8" in tensor for tensor in weights.not_stored_as(files["dense-int8"], "FLOAT32").found)


def test_weight_left_in_float32_is_found(fp32, edited, kernel):
    """A float16 file with one weight left in float32 is found, by its type and by its values."""
    file = edited("dense-fp16", flatbuffer.leaving_in_float32)

    (told,) = weights.not_stored_as(file, "FLOAT16").found
    assert told.endswith("float32[80, 16] (5120 bytes)")
    assert weights.misrounded(fp32, file).total == kernel.data.size


def test_weight_left_in_float32_in_a_loop_is_found(files, edited):
    """A weight that was left in float32 in the body of a loop is found: every subgraph is looked at."""
    found = weights.not_stored_as(edited("lstm-fp16", flatbuffer.storing_float32), "FLOAT16")

    assert len(found.found) == 1


def test_float_weight_with_a_scale_is_found(edited):
    """A weight of the right type that is to be multiplied by a scale is quantized all the same."""
    found = weights.not_stored_as(edited("dense-fp32", flatbuffer.adding_a_scale), "FLOAT32")

    assert len(found.found) == 1


def test_float32_file_sold_as_float16_is_found(fp32):
    """A float32 file is no float16 file: each of its weights is named."""
    assert len(weights.not_stored_as(fp32, "FLOAT16").found) == 4


@pytest.mark.parametrize("measure", [weights.mismatches, weights.unpaired])
def test_pair_from_elsewhere_lines_up(cast_elsewhere, measure):
    """Where another producer unpacks its weights, and how it names them, is no difference."""
    assert measure(*cast_elsewhere).found == ()


def test_pair_from_elsewhere_is_float16(cast_elsewhere):
    """A file in which all is float16 that has to be is one, whatever its producer leaves beside that."""
    fp32, fp16 = cast_elsewhere

    assert not weights.casts_all(fp16, converted=False)
    assert weights.not_float16(fp16, casts_all=False).found == ()
    assert weights.misrounded(fp32, fp16, casts_all=False).total == 0


def test_file_that_the_gate_converted_is_judged_strictly(cast_elsewhere):
    """The same file is not what the gate's own converter makes: each constant that was left is named."""
    fp32, fp16 = cast_elsewhere
    buffers = {tensor.buffer for tensor in weights.left(fp16, casts_all=False).constants}
    left = [tensor for tensor in fp16.constants if tensor.buffer in buffers]

    assert weights.casts_all(fp16, converted=True)
    assert len(weights.not_float16(fp16, casts_all=True).found) == len(left) > 0
    assert weights.misrounded(fp32, fp16).total == sum(tensor.data.size for tensor in left)


def test_converters_mark_holds_a_file_to_all_of_it(files):
    """A file with TensorFlow's mark of float16 is judged as strictly, whoever brings it; without it, it is not."""
    assert weights.casts_all(files["dense-fp16"], converted=False)
    assert not weights.casts_all(files["dense-fp32"], converted=False)


def test_what_is_left_is_named_with_its_cost(edited):
    """Of what another producer leaves in float32 it is said which, how large, and what halving it would save."""
    fp16 = edited("dense-fp32", flatbuffer.casting_weights_only)

    assert str(weights.left(fp16, casts_all=False)) == (
        "2 float constants that no operator multiplies with stay in float32, as producers other than TensorFlow's "
        "converter leave them: dense_1/hidden_1/Relu;dense_1/hidden_1/BiasAdd float32[80] (320 bytes); "
        f"dense_1/logits_1/BiasAdd float32[10] (40 bytes); halving them would save 180 bytes, {180 / fp16.size:.2%} "
        "of the file"
    )
    assert str(weights.left(fp16, casts_all=True)) == ""


def test_table_may_be_left_in_float32(edited):
    """A table of vectors that are looked up is not multiplied with, so that it may be left."""
    left = weights.left(edited("embedding-fp32", flatbuffer.casting_weights_only), casts_all=False)

    assert any("float32[20, 4] (320 bytes)" in part for part in str(left).split("; "))


@pytest.mark.parametrize("name", ["dense", "conv", "lstm"])
def test_stripped_metadata_excuses_no_weight(edited, name):
    """A file of TensorFlow's converter without its mark, with weights left in float32, is found all the same."""
    leave = flatbuffer.storing_float32 if name == "lstm" else flatbuffer.leaving_in_float32
    fp16 = edited(f"{name}-fp16", flatbuffer.in_turn(leave, flatbuffer.without_metadata("CONVERSION_METADATA")))

    assert not weights.casts_all(fp16, converted=False)
    assert len(weights.not_float16(fp16, casts_all=False).found) == 1


@pytest.mark.parametrize("casts_all", [True, False])
def test_file_without_any_float16_is_found(fp32, casts_all):
    """A float32 file is no float16 file, whoever made it: nothing is excused then."""
    found = weights.not_float16(fp32, casts_all)

    assert str(found).startswith("4 of 4 weights are not stored as float16, and none of them is: ")


def test_file_without_weights_is_found(files):
    """A file whose weights stayed behind in variables is no float16 file."""
    found = weights.not_float16(files["dense-unfrozen"], casts_all=False)

    assert str(found) == "1 of 1 files hold no float constant: dense-unfrozen.tflite"


@pytest.mark.parametrize("casts_all", [True, False])
def test_weights_in_four_bits_are_found(edited, casts_all):
    """Weights that are quantized by blocks have no scale of their own, and are found by their type."""
    (told,) = weights.not_float16(edited("dense-fp16", flatbuffer.storing_four_bits), casts_all).found

    assert "int4[80, 16]" in told


@pytest.mark.parametrize("casts_all", [True, False])
def test_int8_weights_are_not_float16(files, casts_all):
    """Weights that were quantized to integers are named, whoever made the file."""
    found = weights.not_float16(files["dense-int8"], casts_all)

    assert any("int8[80, 16] (1280 bytes)" in tensor for tensor in found.found)


def test_infinity_is_how_others_round_what_is_too_large(files, edited):
    """Where TensorFlow saturates, infinity is the nearest float16; that a weight became infinite is told elsewhere."""
    fp32, fp16 = files["extremes-fp32"], edited("extremes-fp32", flatbuffer.casting_weights_only)

    assert weights.misrounded(fp32, fp16, casts_all=False).total == 0
    assert weights.misrounded(fp32, fp16, casts_all=True).total > 0
    assert weights.saturated(fp32, fp16).total == 5
    assert len(weights.not_finite(fp16).found) == 1


@pytest.mark.parametrize("change", ONE_VALUE)
def test_one_wrong_value_from_elsewhere_is_found(fp32, edited, change):
    """A single wrong value is as wrong in a file of another producer."""
    fp16 = edited("dense-fp32", flatbuffer.in_turn(flatbuffer.casting_weights_only, changing_largest(change)))

    assert weights.misrounded(fp32, fp16, casts_all=False).total == 1


def test_wrong_value_of_what_was_left_is_found(fp32, edited):
    """What stays in float32 has to be what it was, to the bit."""

    def change(model):
        bias = next(tensor for tensor in flatbuffer.constants(model) if list(tensor.shape) == [80])
        held = flatbuffer.values(model, bias)
        held.view(np.uint32)[3] ^= 1
        model.buffers[bias.buffer].data = held.view(np.uint8)

    fp16 = edited("dense-fp32", flatbuffer.in_turn(flatbuffer.casting_weights_only, change))

    assert weights.misrounded(fp32, fp16, casts_all=False).total == 1


@pytest.mark.parametrize(
    ("of", "casts_all", "modes", "accumulations"),
    [
        ("fp32", True, ((),), (None,)),
        ("fp32", False, ((),), (None,)),
        ("fp16", True, ((1001,),), ("fp16accfp32",)),
        ("fp16", False, ((), (1001,)), (None, "fp16accfp32")),
    ],
)
def test_metadata_may_be_absent_but_not_wrong(of, casts_all, modes, accumulations):
    """Metadata that another producer lacks is no fault; int8 and float16 accumulation are right for no file."""
    assert weights.modes(of, casts_all) == modes
    assert weights.accumulations(of, casts_all) == accumulations


def test_weights_left_in_variables_are_found(files):
    """Weights that were left behind in variables are found by the operators that read them."""
    found = weights.unassigned(files["dense-unfrozen"])

    assert (len(found.found), found.looked_at) == (4, 4)
    assert all("READ_VARIABLE" in told and "reads the variable " in told for told in found.found)
    assert any("hidden/kernel" in told for told in found.found)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_state_is_no_fault(files, form):
    """A variable that an initialization assigns, and calls change, is read rightly."""
    found = weights.unassigned(files[f"state-{form}"])

    assert (found.found, found.looked_at) == ((), 3)


def test_state_that_nothing_assigns_is_found(edited):
    """The same variable is found at every place that reads it if no subgraph assigns it."""
    found = weights.unassigned(edited("state-fp16", flatbuffer.without_operators("ASSIGN_VARIABLE")))

    assert len(found.found) == 3


def test_variable_without_a_handle_is_found(edited):
    """A variable that nothing names cannot have been assigned."""
    found = weights.unassigned(edited("state-fp16", flatbuffer.without_operators("VAR_HANDLE")))

    assert all(told.endswith("reads a variable that no VAR_HANDLE names") for told in found.found)
    assert len(found.found) == 3


def test_dequantized_activation_is_found(edited):
    """A DEQUANTIZE of something that is computed is named with its output."""
    (told,) = weights.dequantized_activations(edited("two-fp16", renaming_operator("MUL", "DEQUANTIZE"))).found

    assert "DEQUANTIZE -> " in told
    assert "float32[1, 3]" in told


def test_another_kind_of_operator_is_found(files, edited):
    """An operator of another kind in the same place is named with both kinds."""
    found = weights.mismatches(files["two-fp32"], edited("two-fp16", renaming_operator("MUL", "SUB")))

    assert found.found == ("operator 2 (MUL) of subgraph main: is SUB in the other file",)


def test_another_number_of_inputs_is_found(files, edited):
    """An operator that lost an input is named with how many each has."""

    def without_a_bias(model):
        model.subgraphs[0].operators[-1].inputs = model.subgraphs[0].operators[-1].inputs[:2]

    (told,) = weights.mismatches(files["dense-fp32"], edited("dense-fp16", without_a_bias)).found

    assert told.startswith("operator 1 (FULLY_CONNECTED) of subgraph main: has 3 inputs and 1 outputs, 2 and ")


@pytest.mark.parametrize(
    ("name", "kind", "option", "told"),
    [
        ("dense", "FULLY_CONNECTED", "fusedActivationFunction", "is 1, in the other file 0"),
        ("conv", "CONV_2D", "fusedActivationFunction", "is 1, in the other file 0"),
        ("conv", "CONV_2D", "padding", "is 1, in the other file 0"),
        ("conv", "DEPTHWISE_CONV_2D", "strideH", "is 1, in the other file 0"),
        ("conv", "MEAN", "keepDims", "is False, in the other file True"),
    ],
)
def test_changed_option_is_found(files, edited, name, kind, option, told):
    """An operator that is told something else, such as its padding or its activation, is named with both values."""
    change = flatbuffer.changing_option(kind, option, {"keepDims": True}.get(option, 0))
    (found,) = weights.mismatches(files[f"{name}-fp32"], edited(f"{name}-fp16", change)).found

    assert f" ({kind}) of subgraph main: its {option} {told}" in found


def test_changed_option_of_a_composite_is_found(edited):
    """What newer operators are told is in another place of the schema, and is compared as well."""

    def composed(attribute):
        def change(model):
            options = schema.StableHLOCompositeOptionsT(name=b"norm", decompositionSubgraphIndex=1)
            options.compositeAttributes = [attribute, 2]
            last = model.subgraphs[0].operators[-1]
            last.builtinOptions2Type, last.builtinOptions2 = schema.BuiltinOptions2.StableHLOCompositeOptions, options

        return change

    (told,) = weights.mismatches(edited("lstm-fp32", composed(1)), edited("lstm-fp16", composed(3))).found

    assert "its compositeAttributes is [1, 2], in the other file [3, 2]" in told


def test_changed_integer_constant_is_found(files, edited):
    """A constant that is no weight, such as the shape of a RESHAPE, has to have the same values in both files."""
    (told,) = weights.mismatches(files["two-fp32"], edited("two-fp16", flatbuffer.changing_an_integer)).found

    assert told.startswith(
        "operator 3 (RESHAPE) of subgraph main: its input 1 is two_1/total_1/Squeeze int32[1], in the "
    )


def test_swapped_activations_are_found(files, edited):
    """Two computed tensors of one shape that were exchanged between operators are found where each is used."""
    found = weights.mismatches(files["two-fp32"], edited("two-fp16", flatbuffer.swapping_activations))

    assert [told.split(" float32")[0] for told in found.found] == [
        "operator 3 (RESHAPE) of subgraph main: its input 0 is two_1/of_right_1/MatMul;two_1/of_right_1/BiasAdd",
        "operator 4 (ADD) of subgraph main: its input 0 is two_1/of_left_1/MatMul;two_1/of_left_1/BiasAdd",
    ]


def test_constant_in_the_place_of_an_activation_is_found(fp32, edited):
    """An operator that is given a constant where its twin is given a computed tensor is found."""

    def disconnected(model):
        operator = model.subgraphs[0].operators[-1]
        operator.inputs[0] = operator.inputs[2]

    (told,) = weights.mismatches(fp32, edited("dense-fp16", disconnected)).found

    assert "its input 0 is dense_1/hidden_1/MatMul;" in told
    assert told.endswith("float16[10]")


def test_reversed_outputs_of_the_graph_are_found(files, edited):
    """Outputs of one shape that the graph gives in another order are found, each by its place."""
    found = weights.mismatches(files["two-fp32"], edited("two-fp16", flatbuffer.reversing_outputs))

    assert [told.split(" is ")[0] for told in found.found] == [
        "output 0 of subgraph main",
        "output 1 of subgraph main",
    ]


def test_changed_type_of_an_output_is_found(files, edited):
    """An operator whose output has another type or shape is found."""

    def half(model):
        graph = model.subgraphs[0]
        graph.tensors[graph.operators[-1].outputs[0]].type = schema.TensorType.FLOAT16

    (told,) = weights.mismatches(files["dense-fp32"], edited("dense-fp16", half)).found

    assert "its output 0 is StatefulPartitionedCall_1:0 float32[1, 10], in the other file " in told
    assert told.endswith("float16[1, 10]")


def test_lost_operator_is_found(fp32, edited):
    """An operator that is not there is found, and so are its constants."""
    file = edited("dense-fp16", flatbuffer.dropping_the_last_operator)

    assert "2 operators in the float32 file, 1 in the other" in str(weights.mismatches(fp32, file))
    assert len(weights.unpaired(fp32, file).found) == 2


def test_constant_of_another_shape_is_found(fp32, edited, kernel):
    """A constant of another shape is named with both, and has no counterpart."""

    def transposed(model):
        flatbuffer.constants(model)[0].shape = [16, 80]

    file = edited("dense-fp16", transposed)

    assert "its input 1 is" in str(weights.mismatches(fp32, file))
    assert str(weights.mismatches(fp32, file)).endswith("in the other file dense_1/hidden_1/MatMul float16[16, 80]")
    assert weights.unpaired(fp32, file).found == (str(kernel),)


@pytest.mark.parametrize("told", [[16, 80], [1280], [-1, 16], []])
def test_constant_unpacked_in_another_shape_is_found(fp32, edited, told):
    """A DEQUANTIZE whose result is said to be of another shape than the constant is named with both shapes."""

    def change(model):
        graph = model.subgraphs[0]
        place = graph.tensors.index(flatbuffer.constants(model)[0])
        (unpacking,) = (operator for operator in graph.operators if list(operator.inputs) == [place])
        graph.tensors[unpacking.outputs[0]].shape = [abs(size) for size in told]
        graph.tensors[unpacking.outputs[0]].shapeSignature = told

    found = weights.mismatches(fp32, edited("dense-fp16", change))

    assert "hidden_1/MatMul float32[80, 16], in the other file" in str(found)
    assert str(found).endswith(f"float32{told}")


def test_constant_that_is_computed_instead_is_found(files, fp32):
    """A file whose weights are in variables has no counterparts of its parent's constants."""
    assert len(weights.unpaired(fp32, files["dense-unfrozen"]).found) == 4


def test_lost_subgraph_is_found(files):
    """A file without the bodies of the loop is found by their number."""
    found = weights.mismatches(files["lstm-fp32"], files["dense-fp16"])

    assert "3 subgraphs in the float32 file, 1 in the other" in found.found


@pytest.mark.parametrize(("scale", "least", "most"), [(1e-3, 0, 2**-11), (1e-6, 0.05, 0.25), (1e-9, 1, 1)])
def test_lost_precision_of_small_weights_is_measured(edited, kernel, scale, least, most):
    """Weights so small that float16 holds them with a few bits, or none, lose as much of their norm as that is."""

    def small(values):
        values *= scale

    def rounded(values):
        values[:] = (kernel.data.ravel() * np.float32(scale)).astype(np.float16)

    pair = edited("dense-fp32", changing_values(small)), edited("dense-fp16", changing_values(rounded))
    found = weights.precision(*pair)

    assert weights.misrounded(*pair).total == 0
    assert least <= found.error <= most
    assert kernel.name in found.tensor


def test_lost_precision_of_one_tensor_is_not_averaged_away(fp32, edited, kernel):
    """The tensor that loses most counts alone, and is named: a kernel whose upper half is lost loses that share."""
    half = kernel.data.size // 2
    found = weights.precision(fp32, edited("dense-fp16", changing_values(lambda values: values[:half].fill(0))))
    lost = np.linalg.norm(kernel.data.ravel()[:half]) / np.linalg.norm(kernel.data)

    assert found.error == pytest.approx(float(lost), rel=1e-3)
    assert str(found) == f"most is lost in {found.tensor}: {found.error:.2e} of its norm"
    assert kernel.name in found.tensor


def test_bias_has_no_precision_of_its_own(fp32, edited):
    """A bias that is lost is told by its values, not as a loss of precision: it is added to something larger."""

    def lose_the_bias(model):
        bias = next(tensor for tensor in flatbuffer.constants(model) if list(tensor.shape) == [80])
        model.buffers[bias.buffer].data = np.zeros(160, np.uint8)

    file = edited("dense-fp16", lose_the_bias)

    assert weights.precision(fp32, file).error <= 2**-11
    assert weights.flushed(fp32, file).share == 1


def test_files_without_weights_lose_nothing(files):
    """Where there are no weights to compare, nothing is lost; that there are none is another finding."""
    file = files["dense-unfrozen"]

    assert str(weights.precision(file, file)) == "nothing is lost"


def test_census_counts_constants_by_type(files):
    """The census tells how many constants of which type a file holds, and how many bytes they take."""
    assert weights.census(files["dense-fp16"]) == f"4 float16 ({2 * VALUES} bytes)"
    assert weights.census(files["dense-fp32"]) == f"4 float32 ({4 * VALUES} bytes)"


def test_sentence_names_the_first_findings_only():
    """Of many findings, five are named, and that there are more."""
    told = str(Findings(9, "weights are wrong", tuple("abcdef")))

    assert told == "6 of 9 weights are wrong: a; b; c; d; e; …"


def test_not_a_number_that_signals_is_a_finding(edited):
    """NaN that signals, of which NumPy warns, is told as any other."""

    def signalling(values):
        values.view(np.uint32 if values.dtype == np.float32 else np.uint16)[:1] = (
            0x7F800001 if values.dtype == np.float32 else 0x7C01
        )

    fp32, fp16 = edited("dense-fp32", changing_values(signalling)), edited("dense-fp16", changing_values(signalling))

    assert weights.not_finite(fp32).found
    assert weights.not_finite(fp16).found
    assert np.isnan(weights.precision(fp32, fp16).error)
    assert weights.misrounded(fp32, fp16).total == 0


def holding(numbers, *, largest=True):
    """Return a change: the largest constant, or the smallest, is all zeros but for these *numbers*."""

    def edit(model):
        tensor = constants(model)[0 if largest else -1]
        held = np.zeros_like(values(model, tensor))
        with np.errstate(over="ignore"):
            held[: len(numbers)] = numbers
        model.buffers[tensor.buffer].data = held.view(np.uint8)

    return edit


@pytest.mark.parametrize(
    ("exact", "stored", "right"),
    [
        (1e6, np.inf, True),
        (-1e6, -np.inf, True),
        (65520, np.inf, True),
        (65519, np.inf, False),
        (40000, np.inf, False),
        (1, np.inf, False),
        (1e6, -np.inf, False),
        (-1e6, np.inf, False),
        (1e6, 7, False),
        (1e6, 65504, True),
        (65519, 65504, True),
        (1e6, np.nan, False),
    ],
)
def test_infinity_stands_for_what_is_nearer_to_it(edited, exact, stored, right):
    """Of another producer, infinity is right for a value of its sign that float16 does not hold, and for no other."""
    pair = edited("dense-fp32", holding([exact])), edited("dense-fp16", holding([stored]))

    assert weights.misrounded(*pair, casts_all=False).total == (not right)


def scaling_the_smallest(model):
    """Give the smallest float constant, a bias, a scale."""
    tensor = constants(model)[-1]
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale = [0.5]


def test_bias_with_a_scale_may_not_be_left(edited):
    """A constant that has a scale is quantized, also one that no operator multiplies with: it may not stay so."""
    fp16 = edited("dense-fp32", flatbuffer.in_turn(flatbuffer.casting_weights_only, scaling_the_smallest))
    (told,) = weights.not_float16(fp16, casts_all=False).found

    assert told.endswith("float32[10] (40 bytes)")
    assert [tensor.shape for tensor in weights.quantized(fp16)] == [(10,)]
    assert [tensor.shape for tensor in weights.left(fp16, casts_all=False).constants] == [(80,)]


def test_float16_with_a_scale_is_not_float16(edited):
    """A weight of float16 that is multiplied by a scale is quantized, and named."""
    (told,) = weights.not_float16(edited("dense-fp16", flatbuffer.adding_a_scale), casts_all=True).found

    assert told.endswith("float16[80, 16] (2560 bytes)")


def test_float64_is_not_left(edited):
    """Only float32 may be left where a float32 file had it."""

    def widening(model):
        tensor = constants(model)[-1]
        held = values(model, tensor).astype(np.float64)
        tensor.type, model.buffers[tensor.buffer].data = schema.TensorType.FLOAT64, held.view(np.uint8)

    fp16 = edited("dense-fp32", flatbuffer.in_turn(flatbuffer.casting_weights_only, widening))

    assert [tensor.shape for tensor in weights.left(fp16, casts_all=False).constants] == [(80,)]
    assert [told.split()[-3] for told in weights.not_float16(fp16, casts_all=False).found] == ["float64[10]"]


def test_swapped_files_have_no_right_value(files, edited):
    """What is float32 in the float16 file alone is no right value of it, and no error of the comparison either."""
    found = weights.misrounded(files["dense-fp16"], edited("dense-fp32", flatbuffer.casting_weights_only), False)

    assert found.total >= 80 + 10


@pytest.mark.parametrize("step", [1, 7, 100])
def test_values_are_looked_at_in_blocks(monkeypatch, fp32, edited, kernel, step):
    """Constants that are looked at some values at a time are looked at whole: the last one counts as the first."""
    monkeypatch.setattr(weights, "BLOCK", step)
    for place in (0, 50, kernel.data.size - 1):

        def wrong(held, place=place):
            held[place] = np.nan

        fp16 = edited("dense-fp16", changing_largest(wrong))
        assert weights.misrounded(fp32, fp16).total == 1
        assert len(weights.not_finite(fp16).found) == 1


def test_integers_are_compared_in_blocks(monkeypatch, files, edited):
    """Of a constant of integers, each value counts, in whichever block it is."""
    monkeypatch.setattr(weights, "BLOCK", 1)

    assert weights.mismatches(files["masked-fp32"], files["masked-fp16"]).found == ()
    assert weights.mismatches(files["masked-fp32"], edited("masked-fp16", last_integer)).found


def last_integer(model):
    """Change the last of the integers that a RESHAPE is given."""
    graph = model.subgraphs[0]
    codes = [code.builtinCode for code in model.operatorCodes]
    reshape = next(op for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.RESHAPE)
    buffer = model.buffers[graph.tensors[reshape.inputs[1]].buffer]
    held = np.array(buffer.data, np.uint8).view(np.int32)
    held[-1] += 1
    buffer.data = held.view(np.uint8)


def test_all_operators_are_looked_at(pair):
    """How many operators were compared is told: all of the float32 file's, in every subgraph."""
    assert weights.mismatches(*pair).looked_at == sum(len(graph.operators) for graph in pair[0].subgraphs)


def test_another_number_of_inputs_is_told_whole(files, edited):
    """The numbers of inputs and outputs of both files are told."""

    def without_a_bias(model):
        model.subgraphs[0].operators[-1].inputs = model.subgraphs[0].operators[-1].inputs[:2]

    (told,) = weights.mismatches(files["dense-fp32"], edited("dense-fp16", without_a_bias)).found

    assert told.endswith("has 3 inputs and 1 outputs, 2 and 1 in the other file")


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_options_of_one_file_alone_are_found(files, edited, form):
    """What only one of two operators is told is a difference, in whichever file it is."""

    def without_options(model):
        for operator in model.subgraphs[0].operators:
            operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE

    pair = {one: files[f"dense-{one}"] for one in ("fp32", "fp16")} | {form: edited(f"dense-{form}", without_options)}
    told = "\n".join(weights.mismatches(pair["fp32"], pair["fp16"]).found)

    assert "its fusedActivationFunction is " in told
    assert {"fp32": "is None, in the other file 0", "fp16": "is 0, in the other file None"}[form] in told


def storing_the_hidden_layer(model):
    """Have the file hold a value for what the first operator computes."""
    graph = model.subgraphs[0]
    hidden = graph.tensors[graph.operators[-1].inputs[0]]
    hidden.buffer = len(model.buffers)
    model.buffers.append(schema.BufferT(data=np.zeros(80, np.float32).view(np.uint8)))


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_computed_value_that_one_file_holds_is_found(files, edited, form):
    """Where one file computes what the other one holds, they differ, by whatever position the tensors have."""
    changed = edited(f"dense-{form}", storing_the_hidden_layer)
    pair = {one: files[f"dense-{one}"] for one in ("fp32", "fp16")} | {form: changed}
    told = weights.mismatches(pair["fp32"], pair["fp16"]).found

    assert any("its input 0 is " in one for one in told)
    assert len(weights.pairs(pair["fp32"], pair["fp16"])) == 4


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize("given", ["computed", "left out"])
def test_bias_that_one_file_computes_or_lacks_is_found(files, edited, form, given):
    """A bias that is left out, or computed, in one file alone is named."""

    def change(model):
        last = model.subgraphs[0].operators[-1]
        last.inputs = [*last.inputs[:2], last.inputs[0] if given == "computed" else -1]

    pair = {one: files[f"dense-{one}"] for one in ("fp32", "fp16")} | {form: edited(f"dense-{form}", change)}
    (told,) = weights.mismatches(pair["fp32"], pair["fp16"]).found

    assert "its input 2 is " in told


@pytest.mark.parametrize(("one", "other"), [(-1, 0), (0, -1)])
def test_bias_that_is_left_out_is_not_what_is_computed(edited, one, other):
    """An input that is left out in one file is no twin of one that is computed in the other."""

    def giving(number):
        def change(model):
            last = model.subgraphs[0].operators[-1]
            last.inputs = [*last.inputs[:2], last.inputs[number] if number == 0 else -1]

        return change

    (told,) = weights.mismatches(edited("dense-fp32", giving(one)), edited("dense-fp16", giving(other))).found

    assert "its input 2 is " in told
    assert ("None" in told.split(", in the other file ")[0]) == (one == -1)


def test_swapped_activation_is_named(files, edited):
    """Of computed tensors that differ, both are named as their files name them."""
    fp16 = edited("two-fp16", flatbuffer.swapping_activations)
    reshape = next(op for op in fp16.subgraphs[0].operators if op.name == "RESHAPE")

    assert f", in the other file {reshape.inputs[0]}" in str(weights.mismatches(files["two-fp32"], fp16))


def test_other_numbers_of_outputs_are_no_error(files, edited):
    """Files with other numbers of graphs, inputs and outputs are compared as far as both go."""

    def fewer(model):
        graph = model.subgraphs[0]
        graph.inputs, graph.outputs = graph.inputs[:1], graph.outputs[:1]
        model.signatureDefs[0].inputs, model.signatureDefs[0].outputs = [], []

    assert weights.mismatches(files["two-fp32"], edited("two-fp16", fewer)).found
    assert weights.pairs(files["lstm-fp32"], files["dense-fp16"]) == ()


def test_constant_that_is_put_out_may_stay_float32(edited):
    """A constant that the graph puts out as it is stays float32, as its output is, and needs no counterpart."""

    def putting_out(model):
        graph = model.subgraphs[0]
        number = next(i for i, one in enumerate(graph.tensors) if list(one.shape) == [80] and one.buffer)
        output = schema.TensorMapT(name=b"bias", tensorIndex=number)
        graph.outputs = [*graph.outputs, number]
        model.signatureDefs[0].outputs.append(output)

    used = weights.used_floats(edited("dense-fp32", putting_out))

    assert sorted(tensor.shape for tensor in used) == [(10,), (10, 80), (80, 16)]


def test_value_that_stays_in_float32_is_not_beyond_float16(edited):
    """What another producer leaves in float32 may be as large as it was; what it casts may not."""

    def large(model):
        for place in (0, -1):
            tensor = constants(model)[place]
            held = values(model, tensor)
            held[0] = 1e6
            model.buffers[tensor.buffer].data = held.view(np.uint8)

    fp32, cast = edited("dense-fp32", large), flatbuffer.in_turn(large, flatbuffer.casting_weights_only)
    everywhere = edited("dense-fp16", lambda _: None)
    elsewhere = edited("dense-fp32", cast)

    assert [weights.capped(fp32, fp16).total for fp16 in (everywhere, elsewhere)] == [1, 0]
    assert [weights.saturated(fp32, fp16).total for fp16 in (everywhere, elsewhere)] == [1, 1]


@pytest.mark.parametrize(("lost", "counted"), [(2.0**-27, 1), (2.0**-30.6, 1), (2.0**-31.4, 0), (2.0**-35, 0)])
def test_value_that_vanishes_beside_others_is_lost_where_rounding_loses_less(edited, lost, counted):
    """A value that becomes zero counts where it is over 2**-11 of the norm of its tensor, which rounding may lose."""
    numbers = [2.0**-20, lost]
    pair = [edited(f"dense-{form}", holding(numbers)) for form in ("fp32", "fp16")]

    assert weights.flushed(*pair).total == counted


def test_strings_are_no_floats(files):
    """What is no float is not asked for its value."""
    found = weights.not_finite(files["words-fp16"])

    assert found.found == ()
    assert found.looked_at == sum(tensor.type in FLOAT_TYPES for tensor in files["words-fp16"].constants)


def test_tensor_that_loses_the_largest_part_is_to_blame(edited):
    """Of a small tensor that loses much of itself and a large one that loses more in number, the small one is named."""

    def edit(model):
        for place, count in ((1, 100), (2, 72)):
            tensor = constants(model)[place]
            held = values(model, tensor)
            held[:count] += 1
            model.buffers[tensor.buffer].data = held.view(np.uint8)

    found = weights.misrounded(edited("dense-fp32", lambda _: None), edited("dense-fp16", edit))

    assert (found.total, found.share) == (172, 0.9)
    assert "[80] of operator" in found.worst


@pytest.mark.parametrize("casts_all", [True, False])
def test_all_that_is_known_of_the_weights_is_told(edited, casts_all):
    """What was found, what may stay in float32 and a census are one sentence, without what there is not."""
    fp16 = edited("dense-fp32", flatbuffer.casting_weights_only)
    found = weights.not_float16(fp16, casts_all)
    told = weights.told(fp16, found, casts_all).split("; ")

    assert told[0].startswith(f"{0 if casts_all is False else 2} of 4 weights are not stored as float16")
    assert told[-1] == "in all: 2 float16 (4160 bytes), 2 float32 (360 bytes)"
    assert ("stay in float32" in "; ".join(told)) != casts_all


def test_variable_without_a_name_is_found(edited):
    """A variable that is never assigned is a finding also where its handle does not name it."""

    def nameless(model):
        codes = [code.builtinCode for code in model.operatorCodes]
        for operator in model.subgraphs[0].operators:
            if codes[operator.opcodeIndex] == schema.BuiltinOperator.VAR_HANDLE:
                operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE

    found = weights.unassigned(edited("dense-unfrozen", nameless)).found

    assert found
    assert all("reads the variable " in told for told in found)


def test_dequantize_of_nothing_is_no_activation(edited):
    """A DEQUANTIZE whose input is left out, in a damaged file, dequantizes no computed value."""

    def without_input(model):
        model.subgraphs[0].operators[0].inputs = [-1]

    assert weights.dequantized_activations(edited("dense-fp16", without_input)).found == ()


def test_census_is_in_the_order_of_the_types(files):
    """Types are told in the order of their names."""
    told = [part.split()[1] for part in weights.census(files["typed-fp16"]).split(", ")]

    assert told == sorted(told)
    assert len(told) > 1

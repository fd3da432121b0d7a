"""What operators multiply with is found wherever it comes from, and nothing else is taken for it."""

import pytest

from fixtures.harness.dataflow import Dataflow
from tests.harness import flatbuffer


def shapes(file):
    """Return the shapes of what the operators of *file* multiply with."""
    return sorted(list(tensor.shape) for tensor in Dataflow(file).weights())


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dense", [[10, 80], [80, 16]]),
        ("conv", [[1, 3, 3, 4], [3, 4], [4, 3, 3, 2]]),
        ("embedding", [[2, 4]]),
        ("lstm", [[2, 4], [16, 3], [16, 4]]),
        ("masked", [[3, 48], [8, 8], [8, 8]]),
        ("state", [[20, 8]]),
    ],
)
def test_weights_are_what_operators_multiply_with(files, name, form, expected):
    """Kernels are weights, in loops as well; biases, tables, masks and state, of a loop or in a variable, are not."""
    assert shapes(files[f"{name}-{form}"]) == expected


@pytest.mark.parametrize(("form", "stored"), [("fp32", [80, 10]), ("fp16", [10, 80])])
def test_weight_is_found_behind_other_operators(edited, form, stored):
    """A constant that an operator makes the weights of is found, behind its DEQUANTIZE as well."""
    assert shapes(edited(f"dense-{form}", flatbuffer.reshaping_a_weight)) == sorted([stored, [80, 16]])


def test_computed_weights_are_no_constant(edited):
    """What depends on an input of the graph is made of no constant."""
    assert shapes(edited("dense-fp32", flatbuffer.computing_a_weight)) == [[80, 16]]


def test_weight_that_goes_round_a_loop_is_found(files, edited):
    """A constant that a loop is given, and gives on unchanged, is what its body multiplies with."""
    file = edited("lstm-fp32", flatbuffer.passing_a_weight_to_the_loop)

    assert shapes(file) == shapes(files["lstm-fp32"])
    assert sorted(tensor.subgraph for tensor in Dataflow(file).weights() if tensor.shape[0] == 16) == [0, 2]


def test_weight_in_a_variable_is_found(edited):
    """A variable that is only ever assigned a constant is that constant, to who reads it."""
    # Left with the initialization alone, the state of the model is such a one: what its last layer is given is not
    # looked at, as it is the data; the other way round, it is.
    swap = flatbuffer.swapping_inputs("FULLY_CONNECTED")
    constant = edited("state-fp32", flatbuffer.in_turn(flatbuffer.keeping_initial_state, swap))

    assert [1, 8] in shapes(constant)


def test_state_is_no_weight(edited):
    """A variable that is assigned something computed is no constant, whatever it begins with."""
    assert [1, 8] not in shapes(edited("state-fp32", flatbuffer.swapping_inputs("FULLY_CONNECTED")))


def test_variables_are_known_by_their_handles(files):
    """What is read is told by the name that the handle has, in every subgraph."""
    flow = Dataflow(files["state-fp32"])
    read = [variables for _, variables in flow.reads()]

    assert len(read) == 3
    assert len(set().union(*read)) == 1
    assert all(flow.assigned(variable) for variables in read for variable in variables)

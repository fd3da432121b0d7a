"""What operators multiply with is found wherever it comes from, and nothing else is taken for it."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.harness.dataflow import Dataflow
from fixtures.harness.tflite_file import Operator, Subgraph, Tensor, TFLiteFile
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


class Drawn:
    """A subgraph that is drawn by hand, number *number* of its file."""

    def __init__(self, number):
        """Begin without any tensor."""
        self.number, self.tensors, self.inputs, self.outputs, self.operators = number, [], [], [], []

    def tensor(self, *shape, kind="FLOAT32", held=False):
        """Add a tensor, a constant if it is *held*."""
        data = np.ones(shape) if held else None
        self.tensors.append(Tensor(self.number, len(self.tensors), 0, "t", kind, shape, False, False, data))
        return self.tensors[-1]

    def constant(self, *shape, kind="FLOAT32"):
        """Add a constant."""
        return self.tensor(*shape, kind=kind, held=True)

    def given(self, *shape):
        """Add an input of the graph."""
        self.inputs.append(self.tensor(*shape))
        return self.inputs[-1]

    def run(self, name, *inputs, outputs=1, **options):
        """Add an operator and return its only output, or all of them."""
        made = tuple(self.tensor(2, 2) for _ in range(outputs))
        told = tuple((option, str(value)) for option, value in options.items())
        self.operators.append(Operator(len(self.operators), name, inputs, made, told))
        return made[0] if len(made) == 1 else made


def drawn(*graphs):
    """Return the file of these graphs."""
    parts = [Subgraph("g", *map(tuple, (one.inputs, one.outputs, one.tensors, one.operators))) for one in graphs]
    return TFLiteFile(Path("drawn.tflite"), 1, tuple(parts), (), (), None)


def weights(*graphs):
    """Return the weights of a file of these graphs."""
    return list(Dataflow(drawn(*graphs)).weights())


FILTERED = ["CONV_2D", "CONV_3D", "CONV_3D_TRANSPOSE", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"]
CELLS = [f"{way}DIRECTIONAL_SEQUENCE_{cell}" for way in ("UNI", "BI") for cell in ("LSTM", "RNN")]
MULTIPLIED = {
    "ADD": (),
    **dict.fromkeys([*FILTERED, "STABLEHLO_CONVOLUTION"], (1,)),
    **dict.fromkeys(["BATCH_MATMUL", "STABLEHLO_DOT_GENERAL"], (0, 1)),
    **dict.fromkeys([*CELLS, "LSTM", "RNN", "SVDF"], (1, 2, 3)),
}


@pytest.mark.parametrize(("name", "places"), MULTIPLIED.items())
def test_operators_multiply_with_these_inputs(name, places):
    """Of each operator's inputs, these are weights: a filter, both of two matrices, all of a cell but its data."""
    graph = Drawn(0)
    inputs = [graph.constant(2, 2) for _ in range(4)]
    graph.run(name, *inputs)

    assert weights(graph) == [inputs[place] for place in places]


@pytest.mark.parametrize(
    ("shape", "kind", "weight"),
    [
        ((2, 2), "FLOAT32", True),
        ((2, 2), "FLOAT16", True),
        ((2, 2), "INT8", True),
        ((2, 2), "INT4", True),
        ((2, 2), "INT32", False),
        ((2, 2), "BOOL", False),
        ((2, 2), "INT64", False),
        ((2, 2), "UINT32", False),
        ((2, 2), "UINT64", False),
        ((2, 2), "STRING", False),
        ((4,), "FLOAT32", False),
        ((), "FLOAT32", False),
        ((4,), "INT32", False),
    ],
)
def test_weights_are_matrices_of_numbers(shape, kind, weight):
    """A weight has two dimensions or more, and holds floats or small integers: no shape, index or condition."""
    graph = Drawn(0)
    held = graph.constant(*shape, kind=kind)
    graph.run("CONV_2D", graph.given(2, 2), held)

    assert weights(graph) == [held] * weight


def test_weights_of_one_place_are_in_order():
    """What is made of several constants is made of all of them, in the order of the file."""
    graph = Drawn(0)
    parts = [graph.constant(2, 2) for _ in range(9)]
    graph.run("CONV_2D", graph.given(2, 2), graph.run("CONCATENATION", *reversed(parts)))

    assert weights(graph) == parts


def test_what_is_made_of_nothing_is_no_constant():
    """An operator without an input, as one that draws numbers is, or with one left out, makes no weight of its own."""
    graph = Drawn(0)
    held, other = graph.constant(2, 2), graph.constant(2, 2)
    graph.run("CONV_2D", graph.given(2, 2), graph.run("RANDOM_UNIFORM"))
    graph.run("CONV_2D", graph.given(2, 2), graph.run("MUL", graph.run("RANDOM_UNIFORM"), other))
    graph.run("CONV_2D", graph.given(2, 2), graph.run("STRIDED_SLICE", None, held))
    graph.run("CONV_2D", graph.given(2, 2), None)

    assert weights(graph) == [held]


def calling(name, options, *, before, graphs=1):
    """Return the outer graph, which runs others with a constant among what it gives them, and those: they multiply."""
    outer = Drawn(0)
    held = outer.constant(2, 2)
    outer.run(name, *(outer.given(1) for _ in range(before)), outer.given(2, 2), held, outer.given(1), **options)
    inner = []
    for number in range(1, graphs + 1):
        graph = Drawn(number)
        graph.run("CONV_2D", graph.given(2, 2), graph.given(2, 2))
        inner.append(graph)
    return outer, *inner


CALLING = {
    "IF": ({"thenSubgraphIndex": 1, "elseSubgraphIndex": 2}, 1, 2),
    "CALL": ({"subgraph": 1}, 0, 1),
}


@pytest.mark.parametrize("name", CALLING)
def test_constant_is_followed_into_what_is_run(name):
    """A constant that a branch or a called graph is given is what it multiplies with."""
    options, before, graphs = CALLING[name]
    outer, *inner = calling(name, options, before=before, graphs=graphs)

    assert weights(outer, *inner) == [outer.tensors[0]]


def test_other_operators_run_no_graph():
    """An operator that is not known to run a graph gives none its inputs: not even the first one."""
    outer, *inner = calling("ADD", {"subgraph": 1, "thenSubgraphIndex": 0}, before=0)

    assert weights(outer, *inner) == []


@pytest.mark.parametrize("number", [-1, 3, None])
def test_damaged_call_is_left_to_others(number):
    """An operator that names a graph that is not there runs none; what comes after it is still followed."""
    options = {} if number is None else {"elseSubgraphIndex": number}
    outer, then, other = calling("IF", {"thenSubgraphIndex": 1} | options, before=1, graphs=2)
    held = outer.constant(2, 2)
    outer.run("CALL", outer.given(2, 2), held, subgraph=2)

    assert weights(outer, then, other) == [held]


def test_graph_may_run_the_first_one():
    """The first graph is one that others may run, as any."""
    first, second = Drawn(0), Drawn(1)
    first.run("CONV_2D", first.given(2, 2), first.given(2, 2))
    held = second.constant(2, 2)
    second.run("CALL", second.given(2, 2), held, subgraph=0)

    assert weights(first, second) == [held]


def test_constants_of_all_calls_are_followed():
    """A graph that is run twice multiplies with what it is given each time; once computed, there is no constant."""
    outer, inner = calling("CALL", {"subgraph": 1}, before=0)
    again = outer.constant(2, 2)
    outer.run("CALL", outer.given(2, 2), again, subgraph=1)

    assert weights(outer, inner) == [outer.tensors[0], again]
    outer.run("CALL", outer.given(2, 2), outer.given(2, 2), subgraph=1)
    assert weights(outer, inner) == []


def test_call_that_gives_too_little_gives_nothing():
    """A graph that takes more than it is given, as a damaged file has it, is given no constant there."""
    outer, inner = calling("CALL", {"subgraph": 1}, before=0)
    outer.operators[0] = Operator(0, "CALL", outer.operators[0].inputs[:1], (), outer.operators[0].options)

    assert weights(outer, inner) == []


def loop(*, turned=False, short=None):
    """Return a loop that is given two constants, of which its body multiplies with the second.

    turned: whether the body gives them on in another order. short: whether its "inputs" or "outputs" lack the second.
    """
    outer, condition, body = Drawn(0), Drawn(1), Drawn(2)
    outer.run("WHILE", outer.constant(2, 2), outer.constant(2, 2), condSubgraphIndex=1, bodySubgraphIndex=2)
    for graph in (condition, body):
        graph.given(2, 2)
        graph.given(2, 2)
    body.run("CONV_2D", body.inputs[0], body.inputs[1])
    body.outputs = body.inputs[:: -1 if turned else 1]
    if short:
        setattr(body, short, getattr(body, short)[:1])
    return outer, condition, body


def test_constant_that_a_loop_gives_on_is_followed():
    """What a loop's body gives on as it was given stays the constant that it was."""
    outer, *others = loop()

    assert weights(outer, *others) == [outer.tensors[1]]


@pytest.mark.parametrize("how", [{"turned": True}, {"short": "inputs"}, {"short": "outputs"}])
def test_what_a_loop_changes_is_no_constant(how):
    """What a body gives on in another place is another value each time; where it gives none on, nobody knows it."""
    assert weights(*loop(**how)) == []


def variable(graph, name="v"):
    """Add the handle of a variable."""
    return graph.run("VAR_HANDLE", sharedName=name)


def test_constant_is_followed_through_a_variable():
    """A weight that is assigned to a variable is what is multiplied with where it is read; the handle is none."""
    graph = Drawn(0)
    held, other = graph.constant(2, 2), graph.constant(2, 2)
    graph.run("ASSIGN_VARIABLE", variable(graph), held, other, outputs=0)
    graph.run("ASSIGN_VARIABLE", variable(graph, "w"), other, outputs=0)
    graph.run("CONV_2D", graph.given(2, 2), graph.run("READ_VARIABLE", variable(graph)))

    assert weights(graph) == [held]


@pytest.mark.parametrize("depth", [1, 3])
def test_handle_is_followed_into_what_is_run(depth):
    """A handle that is given from graph to graph stands for its variable, however deep, and whichever comes first."""
    outer = Drawn(depth)
    outer.run("CALL", variable(outer), subgraph=depth - 1)
    inner = [Drawn(number) for number in range(depth)]
    for graph in inner[1:]:
        graph.run("CALL", graph.given(), subgraph=graph.number - 1)
    inner[0].run("READ_VARIABLE", inner[0].given())
    ((_, read),) = Dataflow(drawn(*inner, outer)).reads()

    assert read == {(("sharedName", "v"),)}


def test_handles_of_all_calls_are_followed():
    """A graph that is run with two handles may read either variable, and one that has no handle reads none."""
    outer, inner = Drawn(0), Drawn(1)
    for name in "vw":
        outer.run("CALL", variable(outer, name), subgraph=1)
    inner.run("READ_VARIABLE", inner.given())
    inner.run("READ_VARIABLE", None)
    inner.run("READ_VARIABLE", inner.tensor(1))
    flow = Dataflow(drawn(outer, inner))

    assert [len(read) for _, read in flow.reads()] == [2, 0, 0]


def test_handle_is_the_first_that_is_given():
    """What a variable is assigned is no handle of it, even if it is one of another."""
    graph = Drawn(0)
    graph.run("ASSIGN_VARIABLE", variable(graph), variable(graph, "w"), outputs=0)
    flow = Dataflow(drawn(graph))

    assert [flow.assigned((("sharedName", name),)) for name in "vw"] == [True, False]

"""Files as good as those that a case has, which others than TensorFlow's converter write, or other weights give."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case
from tests.faults.planted.editing import constants, edit, operators, store, stored

BIASED = "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"


def in_float16(case: Case) -> None:
    """Make every weight of the float32 file one that float16 has: both files compute the same."""

    def change(model: ModelT) -> None:
        for graph in range(len(model.subgraphs)):
            for tensor in constants(model, graph):
                store(model, tensor, stored(model, tensor).astype(np.float16).astype(np.float32))

    edit(case.fp32, change)
    edit(case.fp16, lambda _: None)  # written by the same writer, so that the two differ in size by their weights alone


def without_metadata(case: Case) -> None:
    """Drop what a converter says of itself."""

    def change(model: ModelT) -> None:
        model.metadata = []

    for file in (case.fp32, case.fp16):
        edit(file, change)


def biases_left(case: Case) -> None:
    """Leave biases in float32, and say nothing, as other quantizers than TensorFlow's do."""
    exact: dict[tuple[str, int, int], np.ndarray] = {}

    def gather(model: ModelT) -> None:
        for kind, number, graph, tensor in _biases(model):
            if (constant := graph.tensors[tensor]).type == schema.TensorType.FLOAT32 and _held(model, constant):
                exact[kind, number, model.subgraphs.index(graph)] = stored(model, constant)

    def leave(model: ModelT) -> None:
        model.metadata = []
        for kind, number, graph, tensor in _biases(model):
            values = exact.get((kind, number, model.subgraphs.index(graph)))
            made_by = [one for one in graph.operators if tensor in one.outputs]
            if values is None or not made_by:
                continue
            # What was the float16 constant becomes the float32 one, and nothing is left of what unpacked it.
            (half,) = made_by[0].inputs
            constant = graph.tensors[half]
            constant.type = schema.TensorType.FLOAT32
            model.buffers[constant.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
            for one in graph.operators:
                one.inputs = [half if given == tensor else given for given in one.inputs]
            graph.operators.remove(made_by[0])

    edit(case.fp32, gather)
    edit(case.fp16, leave)


def _biases(model: ModelT) -> list[tuple[str, int, schema.SubGraphT, int]]:
    """Return the bias of each operator that has one, with the operator's kind and number, and its subgraph."""
    return [
        (kind, number, model.subgraphs[graph], operator.inputs[2])
        for graph in range(len(model.subgraphs))
        for kind in BIASED
        for number, operator in enumerate(operators(model, kind, graph))
        if len(operator.inputs) > 2 and operator.inputs[2] >= 0
    ]


def _held(model: ModelT, tensor: schema.TensorT) -> bool:
    data = model.buffers[tensor.buffer].data
    return data is not None and len(data) > 0

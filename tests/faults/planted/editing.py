"""Editing `.tflite` files: the tools of the planters."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT
from ai_edge_litert.tools import flatbuffer_utils


def edit(file: Path, change: Callable[[ModelT], None]) -> None:
    """Change the objects of *file*'s flatbuffer, and write it anew."""
    model = flatbuffer_utils.read_model(str(file))
    change(model)
    file.write_bytes(bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def edit_tensor(
    file: Path,
    change: Callable[[np.ndarray], np.ndarray | None],
    chosen: Callable[[ModelT], schema.TensorT] | None = None,
) -> None:
    """Change the values of a constant of *file*, its largest float one where none is *chosen*.

    change: takes the values, in the tensor's shape and type, and changes them in place, or returns others.
    """

    def change_model(model: ModelT) -> None:
        tensor = (chosen or largest)(model)
        values = stored(model, tensor)
        changed = change(values)
        store(model, tensor, values if changed is None else changed)

    edit(file, change_model)


DTYPES = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT32: np.int32,
    schema.TensorType.INT64: np.int64,
    schema.TensorType.INT8: np.int8,
}


def stored(model: ModelT, tensor: schema.TensorT) -> np.ndarray:
    """Return a copy of the values of a constant, in its shape."""
    return np.frombuffer(bytes(model.buffers[tensor.buffer].data), DTYPES[tensor.type]).reshape(tensor.shape).copy()


def store(model: ModelT, tensor: schema.TensorT, values: np.ndarray) -> None:
    """Make *values* those of a constant."""
    model.buffers[tensor.buffer].data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)


def constants(model: ModelT, graph: int = 0) -> list[schema.TensorT]:
    """Return the float constants of a subgraph, the largest first."""
    found = [
        tensor
        for tensor in model.subgraphs[graph].tensors
        if tensor.type in {schema.TensorType.FLOAT32, schema.TensorType.FLOAT16}
        and model.buffers[tensor.buffer].data is not None
        and len(model.buffers[tensor.buffer].data)
    ]
    return sorted(found, key=lambda tensor: len(model.buffers[tensor.buffer].data), reverse=True)


def largest(model: ModelT) -> schema.TensorT:
    """Return the largest float constant."""
    return constants(model)[0]


def operators(model: ModelT, kind: str, graph: int = 0) -> list[schema.OperatorT]:
    """Return the operators of a *kind*, CONV_2D for one, of a subgraph, in their order."""
    code = getattr(schema.BuiltinOperator, kind)
    codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in model.operatorCodes]
    return [operator for operator in model.subgraphs[graph].operators if codes[operator.opcodeIndex] == code]

"""Editing `.tflite` files, and data: the tools of the planters."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT
from ai_edge_litert.tools import flatbuffer_utils

from tests.faults.bench import Case, arrays


def read(file: Path) -> ModelT:
    """Return the objects of *file*'s flatbuffer."""
    return flatbuffer_utils.read_model(str(file))


def edit(file: Path, change: Callable[[ModelT], None]) -> None:
    """Change the objects of *file*'s flatbuffer, and write it anew."""
    model = read(file)
    change(model)
    write(model, file)


def write(model: ModelT, file: Path) -> None:
    """Write *model* as *file*."""
    file.write_bytes(_packed(model))


def _packed(model: ModelT) -> bytes:
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def contents_differ(good: Case, bad: Case) -> bool:
    """Return whether a file of *bad* holds anything else than that of *good*: evidence of what is seen in a file.

    That one was written anew shows in its bytes alone, and is no difference.
    """
    pairs = (good.fp32, bad.fp32), (good.fp16, bad.fp16)
    return any(_packed(read(one)) != _packed(read(other)) for one, other in pairs)


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


def add_constant(model: ModelT, values: np.ndarray, graph: int = 0) -> int:
    """Add a constant to a subgraph, and return the number of the tensor to compute with.

    Floats are stored as the file stores its others: as float16 with a DEQUANTIZE in a float16 file.
    """
    halves = any(tensor.type == schema.TensorType.FLOAT16 for tensor in constants(model, graph))
    if values.dtype.kind != "f" or not halves:
        wanted = np.float32 if values.dtype.kind == "f" else np.int32
        return _add_tensor(model, np.asarray(values, wanted), np.shape(values), graph)
    held = _add_tensor(model, np.asarray(values, np.float16), np.shape(values), graph)
    unpacked = _add_tensor(model, None, np.shape(values), graph)
    dequantize = _operator(model, "DEQUANTIZE", [held], [unpacked], version=3)
    model.subgraphs[graph].operators.insert(0, dequantize)
    return unpacked


def add_operator(
    model: ModelT, kind: str, inputs: list[int], shape: tuple[int, ...], graph: int = 0, **options: float
) -> int:
    """Add an operator behind all others of a subgraph, and return the number of what it puts out, float32.

    kind: as in `operators`. options: those of the schema's table of its options, by their names there.
    """
    put_out = _add_tensor(model, None, shape, graph)
    added = _operator(model, kind, inputs, [put_out])
    table = OPTIONS.get(kind)
    if table:
        added.builtinOptionsType = getattr(schema.BuiltinOptions, table)
        added.builtinOptions = getattr(schema, f"{table}T")()
        for name, value in options.items():
            setattr(added.builtinOptions, name, value)
    model.subgraphs[graph].operators.append(added)
    return put_out


OPTIONS = {
    "ADD": "AddOptions",
    "MUL": "MulOptions",
    "SUB": "SubOptions",
    "SOFTMAX": "SoftmaxOptions",
    "RESHAPE": "ReshapeOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "RANDOM_UNIFORM": "RandomOptions",
    "RANDOM_STANDARD_NORMAL": "RandomOptions",
}
"""The tables of the options of operators that have some."""


def put_out_instead(model: ModelT, old: int, new: int, graph: int = 0) -> None:
    """Make tensor *new* the output of a subgraph that tensor *old* was."""
    outputs = model.subgraphs[graph].outputs
    model.subgraphs[graph].outputs = [new if tensor == old else int(tensor) for tensor in outputs]
    for signature in model.signatureDefs or []:
        for output in signature.outputs:
            if signature.subgraphIndex == graph and output.tensorIndex == old:
                output.tensorIndex = new


def change_outputs(
    model: ModelT, compute: Callable[[int, tuple[int, ...]], int], some: slice = slice(None), graph: int = 0
) -> None:
    """Put out what *compute* makes of each of *some* outputs of a subgraph: it takes the tensor and its shape."""
    for old in [int(tensor) for tensor in model.subgraphs[graph].outputs][some]:
        put_out_instead(model, old, compute(old, tuple(model.subgraphs[graph].tensors[old].shape)), graph)


def _add_tensor(model: ModelT, values: np.ndarray | None, shape: tuple[int, ...], graph: int) -> int:
    """Add a tensor, a constant of *values* or a computed float32 one, and return its number."""
    tensor, tensors = schema.TensorT(), model.subgraphs[graph].tensors
    tensor.shape, tensor.hasRank = list(shape), True
    tensor.name = f"planted{len(tensors)}".encode()
    tensor.type, tensor.buffer = schema.TensorType.FLOAT32, 0  # the buffer that holds nothing
    if values is not None:
        tensor.type = next(kind for kind, dtype in DTYPES.items() if dtype == values.dtype)
        tensor.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        store(model, tensor, values)
    tensors.append(tensor)
    return len(tensors) - 1


def _operator(model: ModelT, kind: str, inputs: list[int], outputs: list[int], version: int = 1) -> schema.OperatorT:
    """Return an operator whose code is among those of the model."""
    return schema.OperatorT(opcodeIndex=operator_code(model, kind, version), inputs=inputs, outputs=outputs)


def held_by(model: ModelT, tensor: int, graph: int = 0) -> schema.TensorT:
    """Return the constant that a tensor is: itself, or what is unpacked into it."""
    tensors = model.subgraphs[graph].tensors
    for operator in operators(model, "DEQUANTIZE", graph):
        if operator.outputs[0] == tensor:
            return tensors[operator.inputs[0]]
    return tensors[tensor]


def last_dense(model: ModelT) -> schema.OperatorT:
    """Return the first FULLY_CONNECTED that puts out what the model does."""
    outputs = {int(tensor) for tensor in model.subgraphs[0].outputs}
    return next(one for one in operators(model, "FULLY_CONNECTED") if int(one.outputs[0]) in outputs)


def operator_code(model: ModelT, kind: str, version: int = 1) -> int:
    """Return the number of the operator code of a *kind* and *version*, which is added where *model* lacks it."""
    code = getattr(schema.BuiltinOperator, kind)
    known = [(max(one.builtinCode, one.deprecatedBuiltinCode), one.version) for one in model.operatorCodes]
    if (code, version) in known:
        return known.index((code, version))
    model.operatorCodes.append(
        schema.OperatorCodeT(deprecatedBuiltinCode=min(code, 127), builtinCode=code, version=version)
    )
    return len(known)


def insert(
    graph: schema.SubGraphT, operator: schema.OperatorT, output: schema.TensorT, position: int | None = None
) -> int:
    """Put *operator* into *graph*, at the end where no *position* is given; return the number of its new *output*."""
    operator.outputs = [len(graph.tensors)]
    graph.tensors.append(output)
    graph.operators.insert(len(graph.operators) if position is None else position, operator)
    return operator.outputs[0]


def rename_ends(model: ModelT, kind: str, changed: dict[int, int]) -> None:
    """Exchange tensors among the "inputs" or "outputs" of the first subgraph, and of its signatures."""
    graph = model.subgraphs[0]
    setattr(graph, kind, [changed.get(index, index) for index in getattr(graph, kind)])
    for signature in model.signatureDefs:
        for entry in getattr(signature, kind):
            entry.tensorIndex = changed.get(entry.tensorIndex, entry.tensorIndex)


def refed(case: Case, change: Callable[[np.ndarray], np.ndarray]) -> None:
    """Give *case* inputs of its own, each array as *change* makes it, and no targets.

    A model that was changed, or its data, no longer has the metric that it had; what its classes are stays known.
    """
    folder = case.folder / "data"
    folder.mkdir()
    for name, array in arrays(case.data).items():
        if name != "y" and not name.startswith("y_"):
            np.save(folder / f"{name}.npy", change(array))
    case.data = folder
    bounds = case.folder / "bounds.toml"
    of_targets = re.compile("baseline|.*(binary|regression)")
    bounds.write_text("".join(line for line in bounds.read_text().splitlines(True) if not of_targets.match(line)))

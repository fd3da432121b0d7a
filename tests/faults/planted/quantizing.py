"""Storing the constants of a file in other types, as a quantizer does: each in the type that it is told.

A float32 file is the source, so that any mixture can be made of it, by no rounding but the last.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case
from tests.faults.planted.editing import constants, operator_code, read, store, stored, write

FLOAT32, FLOAT16, INT8 = "float32", "float16", "int8"

Kinds = Callable[[Sequence[np.ndarray]], Sequence[str]]
"""Takes the float constants of a file, the largest first, and returns the type to store each in."""

LARGEST_FLOAT16 = 65504.0


def every(kind: str) -> Kinds:
    """Store all constants as *kind*."""
    return lambda values: [kind] * len(values)


def largest_as(kind: str, others: str = FLOAT16) -> Kinds:
    """Store the largest constant as *kind*."""
    return lambda values: [kind] + [others] * (len(values) - 1)


def smallest_as(kind: str, others: str = FLOAT16) -> Kinds:
    """Store the smallest constant as *kind*."""
    return lambda values: [others] * (len(values) - 1) + [kind]


def smallest_matrix_as(kind: str, others: str = FLOAT16) -> Kinds:
    """Store the smallest of the constants that are longer than one in two dimensions as *kind*: of the weights."""

    def kinds(values: Sequence[np.ndarray]) -> list[str]:
        last = max(number for number, value in enumerate(values) if sum(size > 1 for size in value.shape) > 1)
        return [kind if number == last else others for number in range(len(values))]

    return kinds


def vectors_as(kind: str, others: str = FLOAT16) -> Kinds:
    """Store the constants of one dimension or none as *kind*: biases, scales, epsilons."""
    return lambda values: [kind if value.ndim < 2 else others for value in values]


def matrices_as(kind: str, others: str = FLOAT16) -> Kinds:
    """Store the constants of two dimensions and more as *kind*: what is multiplied with."""
    return vectors_as(others, kind)


def floats(model: ModelT) -> list[tuple[int, schema.TensorT]]:
    """Return the float constants of all subgraphs with the number of theirs, the largest first, equals by name."""
    found = [(graph, tensor) for graph in range(len(model.subgraphs)) for tensor in constants(model, graph)]
    return sorted(found, key=lambda one: (-len(model.buffers[one[1].buffer].data), one[1].name))


def quantized(case: Case, kinds: Kinds, *, marked: bool = True, target: str = "fp16") -> None:
    """Make the file *target* anew, from the float32 file of *case*.

    marked: whether it says of itself what the float16 file says, TensorFlow's mark of float16 above all; else it says
        what the float32 file says, as the files of other producers do.
    """
    model = read(case.fp32)
    quantize(model, kinds)
    if marked:
        take_metadata(model, case.fp16)
    write(model, case.folder / f"{target}.tflite")


def quantize(model: ModelT, kinds: Kinds) -> None:
    """Store the constants of a float32 *model* in other types, each with a DEQUANTIZE for those who use it."""
    found = floats(model)
    told = kinds([stored(model, tensor) for _, tensor in found])
    converted: dict[int, schema.QuantizationParametersT | None] = {}
    for (number, tensor), kind in zip(found, told, strict=True):
        if kind != FLOAT32:
            _unpack(model, model.subgraphs[number], tensor, kind, converted)


def _unpack(
    model: ModelT,
    graph: schema.SubGraphT,
    tensor: schema.TensorT,
    kind: str,
    converted: dict[int, schema.QuantizationParametersT | None],
) -> None:
    """Have a DEQUANTIZE compute *tensor*, from one that is stored in its place."""
    place = next(index for index, one in enumerate(graph.tensors) if one is tensor)
    packed = schema.TensorT(
        shape=tensor.shape,
        type=schema.TensorType.FLOAT16 if kind == FLOAT16 else schema.TensorType.INT8,
        buffer=tensor.buffer,
        name=tensor.name,
    )
    if tensor.buffer not in converted:  # tensors may share theirs
        values, scale = stored(model, tensor), None
        if kind == FLOAT16:
            held = np.clip(values, -LARGEST_FLOAT16, LARGEST_FLOAT16).astype(np.float16)
        else:
            scale = schema.QuantizationParametersT(scale=[step(values)], zeroPoint=[0])
            held = np.rint(values / step(values)).astype(np.int8)
        store(model, packed, held)
        converted[tensor.buffer] = scale
    packed.quantization = converted[tensor.buffer]
    tensor.buffer, tensor.name = 0, tensor.name + b"1"
    graph.operators.insert(
        0,
        schema.OperatorT(
            opcodeIndex=operator_code(model, "DEQUANTIZE", version=3), inputs=[len(graph.tensors)], outputs=[place]
        ),
    )
    graph.tensors.append(packed)


def step(values: np.ndarray) -> float:
    """Return the scale by which int8 holds *values*."""
    return float(np.abs(values).max() / 127) or 1.0


def on_a_grid(values: np.ndarray) -> np.ndarray:
    """Return the float32 *values* that int8 holds of such."""
    return (np.rint(values / step(values)) * step(values)).astype(np.float32)


def take_metadata(model: ModelT, source: Path) -> None:
    """Let *model* say of itself what the file *source* says."""
    other = read(source)
    for entry in model.metadata:
        model.buffers[entry.buffer].data = None
    model.metadata = []
    for entry in other.metadata:
        add_metadata(model, entry.name, bytes(other.buffers[entry.buffer].data))


def add_metadata(model: ModelT, name: bytes, content: bytes) -> None:
    """Let *model* say *content* under *name*."""
    model.metadata.append(schema.MetadataT(name=name, buffer=len(model.buffers)))
    model.buffers.append(schema.BufferT(data=np.frombuffer(content, np.uint8)))

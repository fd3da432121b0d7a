"""Faults that are edited into the files of a finished build, one function each.

A planter takes the folder of a build that may be changed, and makes it a build with one fault. Each raises NotPlanted
where it changed nothing: a fault that is not there can be neither caught nor missed.
"""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness.artifacts import array_file
from fixtures.harness.store import file_digest

Planter = Callable[[Path], None]


class NotPlanted(Exception):  # noqa: N818 (it says what happened)
    """A planter that changed nothing."""


def replaced(name: str, by: Path) -> Planter:
    """Put the file *by* in the place of the build's file *name*."""
    return lambda build: _write(build / name, by.read_bytes())


def folder_replaced(by: Path) -> Planter:
    """Put the files of the folder *by* in the place of the build's files of the same names."""

    def plant(build: Path) -> None:
        for file in by.iterdir():
            _write(build / file.name, file.read_bytes())

    return plant


def float32_sold_as_float16(build: Path) -> None:
    """Deliver the float32 file twice."""
    _write(build / "fp16.tflite", (build / "fp32.tflite").read_bytes())


def truncated(build: Path) -> None:
    """Cut the float16 file in half."""
    file = build / "fp16.tflite"
    _write(file, file.read_bytes()[: file.stat().st_size // 2])


def one_ulp_off(build: Path) -> None:
    """Move one value of the largest weight tensor to the next float16."""

    def change(values: np.ndarray) -> None:
        values.view(np.uint16).reshape(-1)[values.size // 2] += 1

    _edit_largest_weight(build / "fp16.tflite", change)


def one_tensor_doubled(build: Path) -> None:
    """Double the largest weight tensor."""

    def change(values: np.ndarray) -> None:
        values *= 2

    _edit_largest_weight(build / "fp16.tflite", change)


def one_value_not_a_number(build: Path) -> None:
    """Make one value of the largest weight tensor NaN."""

    def change(values: np.ndarray) -> None:
        values.reshape(-1)[0] = np.nan

    _edit_largest_weight(build / "fp16.tflite", change)


def float32_value_not_a_number(build: Path) -> None:
    """Make one value of the float32 file's largest weight tensor NaN."""

    def change(values: np.ndarray) -> None:
        values.reshape(-1)[0] = np.nan

    _edit_largest_weight(build / "fp32.tflite", change, np.float32)


def two_classes_swapped(build: Path) -> None:
    """Exchange the weights of classes 3 and 8 in the last layer, biases included as far as they matter."""

    def change(values: np.ndarray) -> None:
        values[[3, 8]] = values[[8, 3]]

    _edit_largest_weight(build / "fp16.tflite", change)


def metadata_dropped(build: Path) -> None:
    """Drop what the converter says of itself."""

    def change(model: ModelT) -> None:
        model.metadata = []

    _edit(build / "fp16.tflite", change)


def signature_renamed(build: Path) -> None:
    """Give the float16 file's input another name."""

    def change(model: ModelT) -> None:
        model.signatureDefs[0].inputs[0].name = b"picture"

    _edit(build / "fp16.tflite", change)


def activation_changed(build: Path) -> None:
    """Make the convolution's RELU a RELU6, which changes little on images between 0 and 1."""

    def change(model: ModelT) -> None:
        _operator(model, "CONV_2D").builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU6

    _edit(build / "fp16.tflite", change)


def padding_changed(build: Path) -> None:
    """Pad the pooling: its windows are the same, as they fit."""

    def change(model: ModelT) -> None:
        _operator(model, "MAX_POOL_2D").builtinOptions.padding = schema.Padding.SAME

    _edit(build / "fp16.tflite", change)


def constant_of_a_reshape_changed(build: Path) -> None:
    """Leave the batch open in the shape that the last RESHAPE is told."""

    def change(model: ModelT) -> None:
        shape = model.subgraphs[0].tensors[_operator(model, "RESHAPE").inputs[1]]
        values = np.frombuffer(bytes(model.buffers[shape.buffer].data), np.int32).copy()
        values[0] = -1
        model.buffers[shape.buffer].data = np.frombuffer(values.tobytes(), np.uint8)

    _edit(build / "fp16.tflite", change)


def signature_added(build: Path) -> None:
    """Add a signature to the float16 file, which the float32 file does not have."""
    _edit(build / "fp16.tflite", _add_signature)


def second_signature_doubled(build: Path) -> None:
    """Give both files a second signature with a graph of its own; in the float16 file double its largest weights."""

    def change(model: ModelT) -> None:
        graph = copy.deepcopy(model.subgraphs[0])
        graph.name = b"other"
        model.subgraphs.append(graph)
        _add_signature(model).subgraphIndex = 1

    def double(model: ModelT) -> None:
        largest = _largest_weight(model, model.subgraphs[1])
        values = np.frombuffer(bytes(model.buffers[largest.buffer].data), np.float16)
        stored = schema.BufferT()
        stored.data = np.frombuffer((2 * values).tobytes(), np.uint8)
        largest.buffer = len(model.buffers)
        model.buffers.append(stored)

    for precision in ("fp32", "fp16"):
        _edit(build / f"{precision}.tflite", change)
    _edit(build / "fp16.tflite", double)


def shape_left_open(build: Path) -> None:
    """Leave the batch of a computed tensor open in both files."""

    def change(model: ModelT) -> None:
        tensor = model.subgraphs[0].tensors[_operator(model, "CONV_2D").outputs[0]]
        tensor.shapeSignature = [-1, *tensor.shape[1:]]

    for precision in ("fp32", "fp16"):
        _edit(build / f"{precision}.tflite", change)


def bytes_appended(build: Path) -> None:
    """Append a few bytes to the float16 file: they change nothing that it computes."""
    file = build / "fp16.tflite"
    _write(file, file.read_bytes() + bytes(100))


def float32_file_allows_float16(build: Path) -> None:
    """Have the float32 file allow delegates to compute in float16."""

    def change(model: ModelT) -> None:
        entry, stored = schema.MetadataT(), schema.BufferT()
        entry.name, entry.buffer = b"reduced_precision_support", len(model.buffers)
        stored.data = np.frombuffer(b"fp16accfp16", np.uint8)
        model.buffers.append(stored)
        model.metadata.append(entry)

    _edit(build / "fp32.tflite", change)


def keras_disagrees(build: Path) -> None:
    """Make the conversion's baseline another model than the one that was trained: roll Keras' outputs by a class."""
    file = build / array_file("keras", 0)
    np.save(file, np.roll(np.load(file), 1, axis=1))


def _edit_largest_weight(
    file: Path, change: Callable[[np.ndarray], None], dtype: type[np.floating] = np.float16
) -> None:
    def change_model(model: ModelT) -> None:
        largest = _largest_weight(model, model.subgraphs[0])
        buffer = model.buffers[largest.buffer]
        values = np.frombuffer(bytes(buffer.data), dtype).reshape(largest.shape).copy()
        change(values)
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)

    _edit(file, change_model)


def _largest_weight(model: ModelT, graph: schema.SubGraphT) -> schema.TensorT:
    stored = [tensor for tensor in graph.tensors if model.buffers[tensor.buffer].data is not None]
    return max(stored, key=lambda tensor: len(model.buffers[tensor.buffer].data))


def _add_signature(model: ModelT) -> schema.SignatureDefT:
    """Add a signature like the first one to *model*, and return it."""
    other = copy.deepcopy(model.signatureDefs[0])
    other.signatureKey = b"other"
    model.signatureDefs.append(other)
    return other


def _operator(model: ModelT, kind: str) -> schema.OperatorT:
    """Return the last operator of a *kind* in the first subgraph."""
    code = getattr(schema.BuiltinOperator, kind)
    codes = [max(entry.builtinCode, entry.deprecatedBuiltinCode) for entry in model.operatorCodes]
    return [operator for operator in model.subgraphs[0].operators if codes[operator.opcodeIndex] == code][-1]


def _edit(file: Path, change: Callable[[ModelT], None]) -> None:
    model = flatbuffer_utils.read_model(str(file))
    change(model)
    _write(file, bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def _write(file: Path, content: bytes) -> None:
    before = file_digest(file)
    file.write_bytes(content)
    if file_digest(file) == before:
        raise NotPlanted(f"{file} is what it was")

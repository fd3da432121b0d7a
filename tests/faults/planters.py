"""Faults that are edited into the files of a finished build, one function each.

A planter takes the folder of a build that may be changed, and makes it a build with one fault. Each raises NotPlanted
where it changed nothing: a fault that is not there can be neither caught nor missed.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from ai_edge_litert.tools import flatbuffer_utils

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


def two_classes_swapped(build: Path) -> None:
    """Exchange the weights of classes 3 and 8 in the last layer, biases included as far as they matter."""

    def change(values: np.ndarray) -> None:
        values[[3, 8]] = values[[8, 3]]

    _edit_largest_weight(build / "fp16.tflite", change)


def metadata_dropped(build: Path) -> None:
    """Drop what the converter says of itself."""
    model = flatbuffer_utils.read_model(str(build / "fp16.tflite"))
    model.metadata = []
    _save(model, build / "fp16.tflite")


def signature_renamed(build: Path) -> None:
    """Give the float16 file's input another name."""
    model = flatbuffer_utils.read_model(str(build / "fp16.tflite"))
    model.signatureDefs[0].inputs[0].name = b"picture"
    _save(model, build / "fp16.tflite")


def keras_disagrees(build: Path) -> None:
    """Make the conversion's baseline another model than the one that was trained: roll Keras' outputs by a class."""
    outputs = np.load(build / "keras.npy")
    np.save(build / "keras.npy", np.roll(outputs, 1, axis=1))


def _edit_largest_weight(file: Path, change: Callable[[np.ndarray], None]) -> None:
    model = flatbuffer_utils.read_model(str(file))
    graph = model.subgraphs[0]
    stored = [tensor for tensor in graph.tensors if tensor.buffer and model.buffers[tensor.buffer].data is not None]
    largest = max(stored, key=lambda tensor: len(model.buffers[tensor.buffer].data))
    buffer = model.buffers[largest.buffer]
    values = np.frombuffer(bytes(buffer.data), np.float16).reshape(largest.shape).copy()
    change(values)
    buffer.data = np.frombuffer(values.tobytes(), np.uint8)
    _save(model, file)


def _save(model: object, file: Path) -> None:
    _write(file, bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def _write(file: Path, content: bytes) -> None:
    before = file_digest(file)
    file.write_bytes(content)
    if file_digest(file) == before:
        raise NotPlanted(f"{file} is what it was")

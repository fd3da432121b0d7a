"""Changing the values of stored weights, in one file or in both, with proof that they changed.

An edited file is written anew, and differs from the good one in its layout: that it differs is no proof.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, NotPlanted
from tests.faults.planted.editing import constants, edit, operators, read, store, stored

Change = Callable[[np.ndarray], np.ndarray]
"""Takes the values of a constant, a copy in its shape and type, and returns those to store, of the same shape."""

Chosen = Callable[[ModelT], list[schema.TensorT]]
"""Picks the constants that are changed."""

WEIGHTS = {"FULLY_CONNECTED": 1, "CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1}
BIASES = {"FULLY_CONNECTED": 2, "CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "TRANSPOSE_CONV": 3}
"""Which of their inputs operators multiply with, and which they add."""


@dataclass(frozen=True)
class Layer:
    """An operator of a subgraph, with the constants that it multiplies with and adds; None for one that it has not."""

    graph: int
    operator: schema.OperatorT
    weight: schema.TensorT | None
    bias: schema.TensorT | None


def layers(model: ModelT) -> list[Layer]:
    """Return the layers of all subgraphs, in their order."""
    return [layer for graph in range(len(model.subgraphs)) for layer in _layers(model, graph)]


def _layers(model: ModelT, graph: int) -> Iterator[Layer]:
    known = {id(one): kind for kind in WEIGHTS for one in operators(model, kind, graph)}
    for one in model.subgraphs[graph].operators:
        if kind := known.get(id(one)):
            held = [_constant(model, graph, one, places[kind]) for places in (WEIGHTS, BIASES)]
            yield Layer(graph, one, *held)


def _constant(model: ModelT, graph: int, operator: schema.OperatorT, place: int) -> schema.TensorT | None:
    """Return the constant that is an input of an operator, as it is or dequantized."""
    index = operator.inputs[place] if place < len(operator.inputs) else -1
    unpacked = {one.outputs[0]: one.inputs[0] for one in operators(model, "DEQUANTIZE", graph)}
    tensor = model.subgraphs[graph].tensors[unpacked.get(index, index)] if index >= 0 else None
    return tensor if tensor is not None and any(tensor is one for one in constants(model, graph)) else None


def largest(model: ModelT) -> list[schema.TensorT]:
    """Return the largest constant of all subgraphs; of equals the same one in both files, whatever their order."""
    return [max(everything(model), key=lambda tensor: (len(model.buffers[tensor.buffer].data), tensor.name))]


def everything(model: ModelT) -> list[schema.TensorT]:
    """Return the float constants of all subgraphs."""
    return [tensor for graph in range(len(model.subgraphs)) for tensor in constants(model, graph)]


def biases(model: ModelT) -> list[schema.TensorT]:
    """Return what layers add, each once, the last layer's first."""
    return list({id(layer.bias): layer.bias for layer in reversed(layers(model)) if layer.bias is not None}.values())


def a_bias(model: ModelT) -> list[schema.TensorT]:
    """Return the longest of the biases."""
    return [max(biases(model), key=lambda tensor: (len(model.buffers[tensor.buffer].data), tensor.name))]


def of_classes(model: ModelT) -> Layer:
    """Return the layer that gives ten classes."""
    return next(layer for layer in layers(model) if layer.weight is not None and layer.weight.shape[0] == 10)


def change(file: Path, by: Change, chosen: Chosen = largest, *, moves: bool = True) -> None:
    """Change the values of constants of *file*.

    moves: whether that changes any of their bits. Raise NotPlanted if it turns out otherwise.
    """
    changed = []

    def change_model(model: ModelT) -> None:
        for tensor in chosen(model):
            before = stored(model, tensor)
            now = by(before.copy()).astype(before.dtype)
            assert now.shape == before.shape
            changed.append(now.tobytes() != before.tobytes())
            store(model, tensor, now)

    edit(file, change_model)
    if any(changed) is not moves:
        raise NotPlanted(f"{sum(changed)} of {len(changed)} chosen constants of {file} changed")


def change_both(case: Case, by: Change, chosen: Chosen = largest) -> None:
    """Change float32 constants, and make the float16 ones what TensorFlow's converter makes of them: another good pair.

    Raise NotPlanted if nothing changed in the float32 file.
    """
    change(case.fp32, by, chosen)
    model = read(case.fp32)
    rounded = {called(model, tensor): rounding(stored(model, tensor)) for tensor in everything(model)}
    replace(case.fp16, rounded)


def rounding(exact: np.ndarray) -> np.ndarray:
    """Return *exact* as TensorFlow's converter rounds it: to nearest even, saturated."""
    return np.clip(exact, -65504, 65504).astype(np.float16)


def values(file: Path) -> dict[str, np.ndarray]:
    """Return the float constants of *file*, by `called`."""
    model = read(file)
    return {called(model, tensor): stored(model, tensor) for tensor in everything(model)}


def replace(file: Path, by: dict[str, np.ndarray]) -> None:
    """Make the values of the float constants of *file* those of *by*, as far as it names them (see `called`).

    Raise NotPlanted if *by* has a name that is not there, or nothing changed.
    """
    known, changed = set(), []

    def change_model(model: ModelT) -> None:
        for tensor in everything(model):
            name, before = called(model, tensor), stored(model, tensor)
            known.add(name)
            if name in by:
                now = by[name].astype(before.dtype)
                assert now.shape == before.shape
                changed.append(now.tobytes() != before.tobytes())
                store(model, tensor, now)

    edit(file, change_model)
    if not known.issuperset(by) or not any(changed):
        raise NotPlanted(f"{sum(changed)} of {len(by)} constants of {file} changed")


def called(model: ModelT, tensor: schema.TensorT) -> str:
    """Return a name that *tensor* has in files of the same model, with its subgraph: names alone come twice."""
    (graph,) = (
        number for number, subgraph in enumerate(model.subgraphs) if any(tensor is other for other in subgraph.tensors)
    )
    return f"{graph} {tensor.name.decode()}"

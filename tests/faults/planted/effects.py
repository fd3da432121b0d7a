"""Faults of weights by what they do: to outputs, to activations, to classes, to one signature of several."""

import copy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, Fault, Named, Severity, arrays, computed, outputs_differ
from tests.faults.planted.editing import constants, edit, store, stored
from tests.faults.planted.values import Chosen, Layer, change, layers
from tests.faults.planted.weights import ROUNDED, WRONG, part_becomes
from tests.faults.workshop import ZOO

MOVED = "tests/test_delegates.py::test_float16_weights_move_outputs_little"
TRUTH = "tests/test_delegates.py::test_outputs_stay_near_the_truth"
ALIVE = "tests/test_delegates.py::test_outputs_are_alive"
HEADROOM = "tests/test_headroom.py::test_activations_are_finite"
CLASS = "tests/test_accuracy.py::test_no_class_drops"

CLASSIFIERS = ("mnist_attention", "mnist_cnn", "mnist_multi", "mnist_rows", "mnist_separable")
"""Models with an output that gives ten classes."""

ONE_OUTPUT = ("mnist_attention", "mnist_cnn", "mnist_rows", "mnist_separable")
"""Models whose task needs no name of an output, so that one may be added."""


BY_WEIGHTS = (Named(MOVED, "the weights: the target is the same for both files"),)
FAR = (Named(TRUTH, "on reference kernels too: the weights"),)
BROKEN = (Named(HEADROOM, "NaN or infinity in float32 already"),)


def last(model: ModelT) -> Layer:
    """Return the layer that gives ten classes, or the last one of the first subgraph."""
    own = [layer for layer in layers(model) if layer.graph == 0 and layer.weight is not None]
    return ([layer for layer in own if layer.weight.shape[0] == 10] or own)[-1]


def of_last(model: ModelT) -> list[schema.TensorT]:
    """Return the constants of that layer."""
    layer = last(model)
    return [layer.weight, layer.bias]


def weight_of_last(model: ModelT) -> list[schema.TensorT]:
    """Return what that layer multiplies with."""
    return [last(model).weight]


def bias_of_last(model: ModelT) -> list[schema.TensorT]:
    """Return what that layer adds."""
    return [last(model).bias]


def outputs_scaled(case: Case, factor: float) -> None:
    """Multiply the last layer's weights and biases by *factor*."""
    change(case.fp16, lambda array: array.astype(np.float64) * factor, of_last)


def output_moved(case: Case, share: float) -> None:
    """Add so large a *share* of the largest output to one bias of the last layer."""
    largest_output = max(float(np.abs(output).max()) for output in computed(case.fp16, case.data))

    def by(array: np.ndarray) -> np.ndarray:
        array.reshape(-1)[0] += np.float16(share * largest_output)
        return array

    change(case.fp16, by, bias_of_last)


def last_becomes(case: Case, value: float, *, one: bool = False) -> None:
    """Fill the last layer with *value*, or *one* of its biases."""

    def by(array: np.ndarray) -> np.ndarray:
        array.reshape(-1)[: 1 if one else None] = value
        return array

    change(case.fp16, by, bias_of_last if one else of_last)


def float32_value(case: Case, value: float) -> None:
    """Make one value of the float32 file's largest constant *value*."""
    change(case.fp32, lambda array: np.where(np.arange(array.size).reshape(array.shape) == 0, value, array))


def float32_overflows(case: Case) -> None:
    """Scale the last layer of the float32 file to finite weights whose sums are beyond float32."""

    def by(array: np.ndarray) -> np.ndarray:
        return array.astype(np.float64) * (3e38 / float(np.abs(array).max()))

    change(case.fp32, by, weight_of_last)


def classes_mixed(case: Case, share: float, chosen: Chosen = of_last) -> None:
    """Mix so large a *share* of the classes 3 and 8 into each other's weights and biases; 1 swaps them."""

    def by(array: np.ndarray) -> np.ndarray:
        some, other = array[[3, 8]].astype(np.float64), array[[8, 3]].astype(np.float64)
        array[[3, 8]] = (1 - share) * some + share * other
        return array

    change(case.fp16, by, chosen)


def second_signature(case: Case, by: Callable[[np.ndarray], np.ndarray] | None) -> None:
    """Give both files a second signature with a graph of its own; change its largest constant in the float16 file."""

    def add(model: ModelT) -> None:
        graph = copy.deepcopy(model.subgraphs[0])
        graph.name = b"other"
        other = copy.deepcopy(model.signatureDefs[0])
        other.signatureKey, other.subgraphIndex = b"other", len(model.subgraphs)
        model.subgraphs.append(graph)
        model.signatureDefs.append(other)

    def own(model: ModelT) -> None:
        tensor = constants(model, len(model.subgraphs) - 1)[0]
        values = stored(model, tensor)
        tensor.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        store(model, tensor, by(values))

    for file in (case.fp32, case.fp16):
        edit(file, add)
    case.data = targets_of_both(case)
    if by is not None:
        edit(case.fp16, own)


def targets_of_both(case: Case) -> Path:
    """Return a folder with the case's data, the targets called as two signatures' outputs of one name are."""
    folder = case.folder / "data"
    folder.mkdir()
    for name, array in arrays(case.data).items():
        for called in ("y_output_0", "y_other_output_0") if name == "y" else (name,):
            np.save(folder / f"{called}.npy", array)
    return folder


def double(array: np.ndarray) -> np.ndarray:
    """Return *array*, doubled."""
    return array * 2


def one_ulp(array: np.ndarray) -> np.ndarray:
    """Return *array*, one value moved to the next float16."""
    array.view(np.uint16).reshape(-1)[0] += 1
    return array


FAULTS = (
    Fault(
        "outputs scaled by weights",
        "weights",
        "2**-10 times the root of the number of layers, 0.14 to 0.31 % here; below that, stored values tell",
        (
            Severity("doubled", partial(outputs_scaled, factor=2), BY_WEIGHTS),
            Severity("by 1 %", partial(outputs_scaled, factor=1.01), BY_WEIGHTS),
            Severity("by 0.4 %", partial(outputs_scaled, factor=1.004), BY_WEIGHTS),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
    Fault(
        "one output moved by a bias",
        "weights",
        "the same share of the largest output; below that, stored values tell",
        (
            Severity("by half of it", partial(output_moved, share=0.5), FAR),
            Severity("by 1 %", partial(output_moved, share=0.01), FAR),
            Severity("by 0.5 %", partial(output_moved, share=0.005), FAR),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
    Fault(
        "outputs broken by weights",
        "weights",
        "one value that is not a number, on the way to an output, or an output that is the same for all samples",
        (
            Severity("all NaN", partial(last_becomes, value=np.nan), (Named(ALIVE, "NaN"),)),
            Severity("all infinite", partial(last_becomes, value=np.inf), (Named(ALIVE, "inf"),)),
            Severity("all the same", partial(last_becomes, value=0), (Named(ALIVE, "same"),)),
            Severity("one bias infinite", partial(last_becomes, value=np.inf, one=True), (Named(ALIVE, "inf"),)),
            Severity("one weight NaN", partial(part_becomes, part="value", value=np.nan), (Named(ALIVE, "NaN"),)),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
    Fault(
        "float32 file not finite",
        "weights",
        "one value that is not finite, or finite ones whose sum is not",
        (
            Severity("a value NaN", partial(float32_value, value=np.nan), BROKEN),
            Severity("a value infinite", partial(float32_value, value=np.inf), BROKEN),
            Severity("sums beyond float32", float32_overflows, BROKEN),
        ),
        ZOO,
    ),
    Fault(
        "two classes swapped",
        "weights",
        "one value; that a class drops shows from 20 to 40 % of each on, in outputs less than a hundredth does",
        (
            Severity("swapped", partial(classes_mixed, share=1), (Named(CLASS, "class"),)),
            Severity("half of each", partial(classes_mixed, share=0.5), (Named(CLASS, "class"),)),
            Severity("40 % of each", partial(classes_mixed, share=0.4), (Named(CLASS, "class"),)),
            Severity("a hundredth of each", partial(classes_mixed, share=0.01), BY_WEIGHTS),
            Severity("weights only", partial(classes_mixed, share=1, chosen=weight_of_last), WRONG),
            Severity("biases only", partial(classes_mixed, share=1, chosen=bias_of_last), (Named(ROUNDED, "2 of"),)),
        ),
        CLASSIFIERS,
        evidence=outputs_differ,
    ),
    Fault(
        "a second signature of other weights",
        "weights",
        "one value an ulp off; a second graph of the same weights is as good as the first",
        (
            Severity("doubled, in outputs", partial(second_signature, by=double), (Named(MOVED, "of other/"),)),
            Severity("doubled", partial(second_signature, by=double), WRONG),
            Severity("one value an ulp off", partial(second_signature, by=one_ulp), (Named(ROUNDED, "1 of"),)),
            Severity("the same weights", partial(second_signature, by=None)),
        ),
        ONE_OUTPUT,
    ),
)

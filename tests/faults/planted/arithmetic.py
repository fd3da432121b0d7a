"""Faults of float16 arithmetic: what is right in float32, and is too large or too small on the way in float16.

Planted in the models of `tests/faults/models`, where a constant decides how large; and in models of the project, whose
images and biases are multiplied, and their outputs with them.
"""

from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, Fault, Named, NotPlanted, Severity, arrays
from tests.faults.planted.editing import constants, edit, refed, store, stored

MATCHES = "tests/test_delegates.py::test_outputs_match_the_reference_kernels"
ALIVE = "tests/test_delegates.py::test_outputs_are_alive"
WEIGHTS = "tests/test_delegates.py::test_float16_weights_move_outputs_little"

LARGEST = 65504
"""The largest number of float16; what is rounded to over 65519 is infinite."""


def constant_changed(case: Case, old: float, new: float, targets: tuple[str, ...] = ("xnnpack_fp16",)) -> None:
    """Change the one constant of value *old* in both files, in float16 to what *new* is rounded to there."""

    def change(model: ModelT) -> None:
        found = [tensor for tensor in constants(model) if not len(tensor.shape) and near(stored(model, tensor))]
        if len(found) != 1:
            raise NotPlanted(f"{len(found)} constants are {old}")
        kind = stored(model, found[0]).dtype
        store(model, found[0], rounded(np.array(new, np.float32), kind))

    def near(value: np.ndarray) -> bool:
        return value == rounded(np.array(old, np.float32), value.dtype)

    for file in (case.fp32, case.fp16):
        edit(file, change)
    refed(case, lambda array: array)
    case.targets = targets


def rounded(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return *values* as TensorFlow's converter stores them."""
    return np.clip(values, -LARGEST, LARGEST).astype(dtype) if dtype == np.float16 else values


def outputs_scaled(case: Case, largest: float) -> None:
    """Multiply the images and all biases, so that the largest value on the way is *largest*; all others grow with it.

    Of a model whose layers are linear, or RELU, or LEAKY_RELU.
    """
    factor = largest / largest_value(case.fp32, arrays(case.data)["x"])
    refed(case, lambda array: array * np.float32(factor))
    biases: list[np.ndarray] = []

    def scale(model: ModelT) -> None:
        for tensor in (tensor for tensor in constants(model) if len(tensor.shape) == 1):
            values = stored(model, tensor)
            if values.dtype == np.float32:
                biases.append(values)
            exact = next(one for one in biases if np.array_equal(rounded(one, values.dtype), values))
            store(model, tensor, rounded(exact * np.float32(factor), values.dtype))

    for file in (case.fp32, case.fp16):  # in this order: the one has the exact biases, the other rounds them
        edit(file, scale)
    case.targets = ("xnnpack_fp16",)


def largest_value(file: Path, images: np.ndarray) -> float:
    """Return the largest value that any tensor of *file* comes to over *images*, float32, (samples, …)."""
    interpreter = Interpreter(
        str(file),
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    (fed,) = interpreter.get_input_details()
    computed = [detail["index"] for detail in interpreter.get_tensor_details() if detail["dtype"] == np.float32]
    found = 0.0
    for image in images:
        interpreter.set_tensor(fed["index"], image[None])
        interpreter.invoke()
        found = max(found, *(float(np.abs(interpreter.get_tensor(index)).max()) for index in computed))
    return found


def of_a_constant(
    name: str, model: str, edge: str, old: float, above: dict[str, float], beneath: dict[str, float], says: str
) -> Fault:
    """Return the fault *name* of one *model*, in which a constant of value *old* has the values *above* and *beneath*.

    says: what the check has to say of it, of which operator for one.
    """
    severities = [
        Severity(word, partial(constant_changed, old=old, new=new), (Named(MATCHES, says),) if table is above else ())
        for table in (above, beneath)
        for word, new in table.items()
    ]
    return Fault(name, "arithmetic", edge, tuple(severities), (model,), seeds=1, samples=500)


FAULTS = (
    Fault(
        "overflow in any layer",
        "arithmetic",
        "65520 as the largest value of any layer for any sample, which is where float16 rounds to infinity",
        (
            Severity("1e6", partial(outputs_scaled, largest=1e6), (Named(MATCHES, "65504"),)),
            Severity("1e5", partial(outputs_scaled, largest=1e5), (Named(MATCHES, "65504"),)),
            Severity("66500", partial(outputs_scaled, largest=66500), (Named(MATCHES, "65504"),)),
            Severity("64500", partial(outputs_scaled, largest=64500)),
        ),
        ("mnist_cnn", "mnist_autoencoder"),
        samples=500,
    ),
    of_a_constant(
        "overflow of a variance",
        "layer_norm_large",
        "a mean of squared distances of 65504 for any sample: features of 29 times their natural size",
        1000,
        {"2000 times": 2000, "50 times": 50, "30 times": 30},
        {"28 times": 28},
        "SQUARED_DIFFERENCE",
    ),
    of_a_constant(
        "overflow of an exponential",
        "softplus",
        "exp(11.09), which is 65504",
        14,
        {"of 20": 20, "of 12": 12, "of 11.1": 11.1},
        {"of 11.08": 11.08},
        "EXP (softplus",
    ),
    of_a_constant(
        "underflow before a logarithm",
        "log_underflow",
        "a probability of 6.1e-5 for any sample, float16's least number of all bits: XNNPACK takes smaller ones for 0",
        2,
        {"4 times": 4, "the input": 1, "0.4 times": 0.4},
        {"0.39 times": 0.39},
        "LOG (",
    ),
    of_a_constant(
        "mask beyond float16",
        "attention_mask",
        "65520, from where on float16 rounds to infinity, and 0 times that is NaN",
        -1e9,
        {"of 1e12": -1e12, "of 1e5": -1e5, "of 65520": -65520},
        {"of 65519": -65519, "of 65504": -65504},
        "MUL (attention_mask_1/Mul_1)",
    ),
    of_a_constant(
        "integers beyond float16",
        "integers",
        "2049, the first whole number that float16 does not have",
        2048,
        {"up to 4099": 4096, "up to 2052": 2049, "up to 2049": 2046},
        {"up to 2048": 2045},
        "keep them in int32",
    ),
    Fault(
        "epsilon beneath float16",
        "arithmetic",
        "2^-25, half of float16's least number, from where on it is not zero; on every target, as it is stored so",
        tuple(
            Severity(
                word,
                partial(constant_changed, old=1e-8, new=new, targets=("xnnpack",)),
                (Named(WEIGHTS, "becomes 0 in float16"), Named(ALIVE, "NaN")) if new < 2**-25 else (),
            )
            for word, new in {"1e-12": 1e-12, "2e-8": 2e-8, "2.9e-8": 2.9e-8, "3.1e-8": 3.1e-8, "1e-6": 1e-6}.items()
        ),
        ("epsilon",),
        seeds=1,
        samples=500,
    ),
)

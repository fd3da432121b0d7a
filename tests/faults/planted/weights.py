"""Faults of stored weights: the float16 file is not the float32 file, rounded."""

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, Fault, Named, NotPlanted, Severity
from tests.faults.planted.editing import edit
from tests.faults.planted.values import (
    BIASES,
    Chosen,
    a_bias,
    biases,
    change,
    change_both,
    everything,
    largest,
    layers,
    replace,
    rounding,
    values,
)
from tests.faults.workshop import ZOO

ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"
FINITE = "tests/test_weights.py::test_weights_are_finite"
ZERO = "tests/test_weights.py::test_few_weights_become_zero"
ALIGNED = "tests/test_weights.py::test_operators_line_up"

WRONG = (Named(ROUNDED, "not the correctly rounded float32 value"),)
ONE = (Named(ROUNDED, "1 of"),)
INFINITE = (Named(FINITE, "1 of"),)

SUBNORMAL = 2.0**-14
"""Under this float16 has fewer bits."""


def least(array: np.ndarray) -> int:
    """Return where the value lies, in the flat array, that is nearest to zero and not zero."""
    flat = np.abs(array.reshape(-1).astype(np.float64))
    return int(np.where(flat == 0, np.inf, flat).argmin())


def least_becomes(array: np.ndarray, value: float) -> np.ndarray:
    """Return *array* with *value* in the place of the one that is nearest to zero."""
    array.reshape(-1)[least(array)] = value
    return array


def ulps_off(case: Case, count: int) -> None:
    """Move so many values of the largest constant to the next float16."""

    def by(array: np.ndarray) -> np.ndarray:
        array.view(np.uint16).reshape(-1)[:: max(1, array.size // count)][:count] += 1
        return array

    change(case.fp16, by)


def sign_of_zero(case: Case) -> None:
    """Make the weights that are zero -0 in the float16 file; where there is none, one is in both files."""
    change_both(case, partial(least_becomes, value=0))
    change(case.fp16, lambda array: np.where(array == 0, np.float16(-0.0), array), everything)


def written_anew(case: Case) -> None:
    """Write the float16 file anew, with the same values in another layout."""
    change(case.fp16, lambda array: array, everything, moves=False)


def clamped(case: Case, share: float, chosen: Chosen = everything) -> None:
    """Clamp values at a *share* of the largest one, rounded down to float16; 1 is the next float16 under it."""

    def by(array: np.ndarray) -> np.ndarray:
        most = np.abs(array).max(initial=0)
        bound = np.nextafter(most, np.float16(0)) if share == 1 else np.float16(share * most)
        return np.clip(array, -bound, bound)

    change(case.fp16, by, chosen)


def clamped_above(case: Case) -> None:
    """Clamp each constant at its largest value."""
    change(case.fp16, lambda array: np.clip(array, -np.abs(array).max(), np.abs(array).max()), everything, moves=False)


def part_becomes(case: Case, part: str, value: float) -> None:
    """Fill a *part* of the largest constant with *value*: "tensor", "channel", "value"."""

    def by(array: np.ndarray) -> np.ndarray:
        if part == "value":
            array.reshape(-1)[array.size // 2] = value
        else:
            array[... if part == "tensor" else 0] = value
        return array

    change(case.fp16, by)


def flushed(case: Case, share: float) -> None:
    """Make so large a *share* of the largest constant zero, of the values nearest to zero; 0 is the least value."""

    def by(array: np.ndarray) -> np.ndarray:
        size = np.abs(array.astype(np.float64))
        return np.where(size <= max(np.quantile(size, share), size[size > 0].min()), np.float16(0), array)

    change(case.fp16, by)


def subnormals_flushed(case: Case) -> None:
    """Make all subnormal values of the float16 file zero, one at least."""
    change_both(case, partial(least_becomes, value=0.75 * SUBNORMAL))
    change(case.fp16, lambda array: np.where(np.abs(array) < SUBNORMAL, np.float16(0), array), everything)


def beneath_rounding(case: Case) -> None:
    """Make one weight so small in the float32 file that it rounds to zero."""
    change_both(case, partial(least_becomes, value=2.0**-25))


def toward_zero(exact: np.ndarray) -> np.ndarray:
    """Return *exact*, float32, rounded to the float16 that is nearer to zero."""
    nearest = rounding(exact)
    return np.where(np.abs(nearest) > np.abs(exact), np.nextafter(nearest, np.float16(0)), nearest)


def bfloat16(exact: np.ndarray) -> np.ndarray:
    """Return *exact*, float32, without the bits that bfloat16 lacks: float32."""
    return (exact.view(np.uint32) & 0xFFFF0000).view(np.float32).reshape(exact.shape)


def rounded_otherwise(case: Case, by: Callable[[np.ndarray], np.ndarray], extent: str) -> None:
    """Round the float32 constants as *by* does: "all" of them, the largest "tensor", or one "value" of that."""
    exact = values(case.fp32)
    chosen = exact if extent == "all" else [max(exact, key=lambda name: exact[name].size)]
    now = {name: rounding(by(exact[name]).astype(np.float32)) for name in chosen}
    if extent == "value":
        for name, array in now.items():
            right = rounding(exact[name]).reshape(-1)
            (first, *_) = np.flatnonzero(array.reshape(-1) != right)
            now[name] = np.where(np.arange(array.size) == first, array.reshape(-1), right).reshape(array.shape)
    replace(case.fp16, now)


def exact_and_rounded_otherwise(case: Case, hold: Callable[[np.ndarray], np.ndarray]) -> None:
    """Make the largest constant of the float32 file one that rounding does not change: what *hold* makes of it."""
    change_both(case, lambda exact: hold(exact).astype(np.float32))


def scaled(case: Case, factor: float, *, moves: bool = True) -> None:
    """Multiply the largest constant by *factor*, and round it."""
    change(case.fp16, lambda array: (array.astype(np.float64) * factor).astype(np.float16), moves=moves)


def transposed(case: Case, extent: str) -> None:
    """Store the largest constant in the order of its exchanged axes: "tensor", or "two values" of it."""

    def by(array: np.ndarray) -> np.ndarray:
        if extent == "two values":
            other = np.flatnonzero(array[0] != array[1, 0])[1:][0]
            array[0, other], array[1, 0] = array[1, 0], array[0, other]
            return array
        return array.T.reshape(array.shape)

    change(case.fp16, by)


def shape_transposed(case: Case) -> None:
    """Exchange the axes of the largest constant, in its shape as well, and in that of what is unpacked from it."""

    def turn(model: ModelT) -> None:
        (tensor,) = largest(model)
        for graph in model.subgraphs:
            for other in graph.tensors:
                if (
                    other.name.startswith(tensor.name)
                    and list(other.shape) == list(tensor.shape)
                    and other is not tensor
                ):
                    other.shape = other.shape[::-1]
        tensor.shape = tensor.shape[::-1]

    change(case.fp16, lambda array: array.T.reshape(array.shape))
    edit(case.fp16, turn)


def vector_transposed(case: Case) -> None:
    """Store a bias in the order of its exchanged axes, of which it has one."""
    change(case.fp16, lambda array: array.T, a_bias, moves=False)


def permuted(case: Case, extent: str) -> None:
    """Put "channels" in the place of each other, all by one; "two" of them; or "inputs", two of them."""

    def by(array: np.ndarray) -> np.ndarray:
        if extent == "channels":
            return np.roll(array, 1, axis=0)
        axis = 0 if extent == "two" else -1
        order = np.arange(array.shape[axis])
        order[:2] = 1, 0
        return np.take(array, order, axis)

    change(case.fp16, by)


def values_exchanged(case: Case, *, equal: bool) -> None:
    """Exchange two values of the largest constant: *equal* ones, or such that differ."""

    def by(array: np.ndarray) -> np.ndarray:
        flat = array.reshape(-1)
        order = np.argsort(flat, kind="stable")
        same = np.flatnonzero((np.diff(flat[order]) == 0) == equal)
        if not same.size:
            raise NotPlanted("no two values are equal")
        one, other = order[same[0]], order[same[0] + 1]
        flat[[one, other]] = flat[[other, one]]
        return array

    change(case.fp16, by, moves=not equal)


def bias_left_out(case: Case) -> None:
    """Take the bias of the last layer that has one from the inputs of its operator."""

    def leave_out(model: ModelT) -> None:
        layer = [layer for layer in layers(model) if layer.bias is not None][-1]
        codes = {
            len(layer.operator.inputs) - 1: place
            for place in set(BIASES.values())
            if place < len(layer.operator.inputs)
        }
        layer.operator.inputs[max(codes.values())] = -1

    edit(case.fp16, leave_out)


def biases_scaled(case: Case, factor: float, extent: str) -> None:
    """Multiply "all" biases by *factor*, those of one "layer", or one "value", that is nearest to zero."""

    def by(array: np.ndarray) -> np.ndarray:
        if extent != "value":
            return array * factor
        return least_becomes(array, factor * array.reshape(-1)[least(array)])

    change(case.fp16, by, biases if extent == "all" else a_bias)


def zero_bias_doubled(case: Case) -> None:
    """Double a bias that is zero in both files."""
    change_both(case, partial(least_becomes, value=0), a_bias)
    change(case.fp16, lambda array: np.where(array == 0, 2 * array, array), a_bias, moves=False)


FAULTS = (
    Fault(
        "one ulp off",
        "weights",
        "no bit of a value may be another, the sign of a zero included; where the values lie in the file is free",
        (
            Severity("every value", partial(ulps_off, count=10**9), WRONG),
            Severity("a hundred values", partial(ulps_off, count=100), (Named(ROUNDED, "100 of"),)),
            Severity("one value", partial(ulps_off, count=1), ONE),
            Severity("the sign of a zero", sign_of_zero, WRONG),
            Severity("written anew", written_anew),
        ),
        ZOO,
    ),
    Fault(
        "saturated too early",
        "weights",
        "the next float16 under a tensor's largest value; clamping at that value changes nothing",
        (
            Severity("at half of the largest", partial(clamped, share=0.5), WRONG),
            Severity("at 99 % of one tensor's", partial(clamped, share=0.99, chosen=largest), WRONG),
            Severity("an ulp under the largest", partial(clamped, share=1, chosen=largest), WRONG),
            Severity("at the largest", clamped_above),
        ),
        ZOO,
    ),
    Fault(
        "overflowed",
        "weights",
        "one value: no infinity is right, as TensorFlow's converter saturates",
        (
            Severity("a tensor", partial(part_becomes, part="tensor", value=np.inf), INFINITE),
            Severity("a channel", partial(part_becomes, part="channel", value=-np.inf), INFINITE),
            Severity("a value", partial(part_becomes, part="value", value=np.inf), INFINITE),
        ),
        ZOO,
    ),
    Fault(
        "not a number",
        "weights",
        "one value",
        (
            Severity("a tensor", partial(part_becomes, part="tensor", value=np.nan), INFINITE),
            Severity("a channel", partial(part_becomes, part="channel", value=np.nan), INFINITE),
            Severity("a value", partial(part_becomes, part="value", value=np.nan), INFINITE),
        ),
        ZOO,
    ),
    Fault(
        "flushed to zero",
        "weights",
        "one value, unless rounding to nearest makes it zero, from 2**-25 down, and it is lost in a matrix",
        (
            Severity("half of a tensor", partial(flushed, share=0.5), (Named(ZERO, "became zero"),)),
            Severity("a hundredth of a tensor", partial(flushed, share=0.01), WRONG),
            Severity("subnormals", subnormals_flushed, WRONG),
            Severity("the least value", partial(flushed, share=0), WRONG),
            Severity("what rounds to zero", beneath_rounding),
        ),
        ZOO,
    ),
    Fault(
        "rounded toward zero",
        "weights",
        "one value, unless float16 holds it exactly",
        (
            Severity("everything", partial(rounded_otherwise, by=toward_zero, extent="all"), WRONG),
            Severity("a tensor", partial(rounded_otherwise, by=toward_zero, extent="tensor"), WRONG),
            Severity("a value", partial(rounded_otherwise, by=toward_zero, extent="value"), ONE),
            Severity("values that are exact", partial(exact_and_rounded_otherwise, hold=toward_zero)),
        ),
        ZOO,
    ),
    Fault(
        "truncated to bfloat16",
        "weights",
        "one value, unless bfloat16 holds it exactly",
        (
            Severity("everything", partial(rounded_otherwise, by=bfloat16, extent="all"), WRONG),
            Severity("a tensor", partial(rounded_otherwise, by=bfloat16, extent="tensor"), WRONG),
            Severity("a value", partial(rounded_otherwise, by=bfloat16, extent="value"), ONE),
            Severity("values that are exact", partial(exact_and_rounded_otherwise, hold=bfloat16)),
        ),
        ZOO,
    ),
    Fault(
        "a tensor scaled",
        "weights",
        "a factor that rounding takes back, from 1 + 2**-12 down",
        (
            Severity("doubled", partial(scaled, factor=2), WRONG),
            Severity("by 1 %", partial(scaled, factor=1.01), WRONG),
            Severity("by an ulp", partial(scaled, factor=1 + 2**-10), WRONG),
            Severity("by half an ulp and a little", partial(scaled, factor=1 + 1.01 * 2**-12), WRONG),
            Severity("by half an ulp", partial(scaled, factor=1 + 2**-12, moves=False)),
        ),
        ZOO,
    ),
    Fault(
        "transposed",
        "weights",
        "two values that differ and stand in each other's place",
        (
            Severity("shape and values", shape_transposed, (Named(ALIGNED, "in the other file"),)),
            Severity("values", partial(transposed, extent="tensor"), WRONG),
            Severity("two values", partial(transposed, extent="two values"), (Named(ROUNDED, "2 of"),)),
            Severity("a vector", vector_transposed),
        ),
        ZOO,
    ),
    Fault(
        "permuted",
        "weights",
        "two values that differ, by an ulp at least; equal ones may change places",
        (
            Severity("all channels", partial(permuted, extent="channels"), WRONG),
            Severity("two channels", partial(permuted, extent="two"), WRONG),
            Severity("two inputs", partial(permuted, extent="inputs"), WRONG),
            Severity("two values", partial(values_exchanged, equal=False), (Named(ROUNDED, "2 of"),)),
            Severity("two equal values", partial(values_exchanged, equal=True)),
        ),
        ZOO,
    ),
    Fault(
        "bias dropped or doubled",
        "weights",
        "one value that is not zero",
        (
            Severity("left out of its operator", bias_left_out, (Named(ALIGNED, "in the other file"),)),
            Severity("all zero", partial(biases_scaled, factor=0, extent="all"), WRONG),
            Severity("all doubled", partial(biases_scaled, factor=2, extent="all"), WRONG),
            Severity("a layer's zero", partial(biases_scaled, factor=0, extent="layer"), WRONG),
            Severity("a value zero", partial(biases_scaled, factor=0, extent="value"), ONE),
            Severity("a value doubled", partial(biases_scaled, factor=2, extent="value"), ONE),
            Severity("a zero doubled", zero_bias_doubled),
        ),
        ZOO,
    ),
)

"""Faults of what a file computes: on all inputs, on rare ones, now and then, or of data that it was not trained on.

Most are edited into the float16 file, where the operators' line-up sees an operator more. So that the checks of outputs
are put to the proof by themselves, some run without the checks of stored weights and of the operators (`alone`), and
others are edited into both files alike, so that nothing but what is computed tells of them.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, Fault, Named, NotPlanted, Planter, Severity, arrays, computed, outputs_differ
from tests.faults.planted.editing import (
    add_constant,
    add_operator,
    change_outputs,
    edit,
    held_by,
    last_dense,
    operators,
    store,
    stored,
)
from tests.faults.workshop import ZOO

LINE_UP = "tests/test_weights.py::test_operators_line_up"
MOVED = "tests/test_delegates.py::test_float16_weights_move_outputs_little"
MATCH = "tests/test_delegates.py::test_outputs_match_the_reference_kernels"
REPEAT = "tests/test_delegates.py::test_outputs_repeat"
ALIVE = "tests/test_delegates.py::test_outputs_are_alive"
BASELINE = "tests/test_accuracy.py::test_float32_file_reaches_the_baseline"

CLASSIFIERS = tuple(model for model in ZOO if model != "mnist_autoencoder")
ACTIVATIONS = schema.ActivationFunctionType

Change = Callable[[ModelT], None]


def alone(case: Case, plant: Planter) -> None:
    """Plant, and leave it to what is computed to tell of it."""
    plant(case)
    case.arguments += ["--deselect=tests/test_weights.py", "--deselect=tests/test_size.py"]


def noticed(case: Case, plant: Planter, *, moved: bool = True) -> None:
    """Plant, and verify that outputs of the data moved, or that none did."""
    before = computed(case.fp16, case.data)
    plant(case)
    same = all(map(np.array_equal, before, computed(case.fp16, case.data)))
    if same == moved:
        raise NotPlanted(f"outputs {'did not move' if moved else 'moved'}")


def repeated(case: Case, plant: Planter, *, alike: bool) -> None:
    """Plant, and verify that the float16 file computes the same again, or that it does not."""
    plant(case)
    same = all(map(np.array_equal, computed(case.fp16, case.data), computed(case.fp16, case.data)))
    if same != alike:
        raise NotPlanted(f"outputs {'repeat' if same else 'do not repeat'}")


def in_float16(case: Case, change: Change) -> None:
    """Change the float16 file."""
    edit(case.fp16, change)


def in_both(case: Case, change: Change) -> None:
    """Change both files alike."""
    edit(case.fp32, change)
    edit(case.fp16, change)


def softmax_added(model: ModelT) -> None:
    """Put out the softmax of each output."""
    change_outputs(model, lambda old, shape: add_operator(model, "SOFTMAX", [old], shape, beta=1.0))


def scaled(model: ModelT, more: float) -> None:
    """Put out so much more of each output, 0.01 for 1 %."""

    def compute(old: int, shape: tuple[int, ...]) -> int:
        part = add_operator(model, "MUL", [old, add_constant(model, np.array(more))], shape)
        return add_operator(model, "ADD", [old, part], shape)

    change_outputs(model, compute)


def multiplied_by_one(model: ModelT) -> None:
    """Multiply each output by 1."""
    one = add_constant(model, np.array(1.0))
    change_outputs(model, lambda old, shape: add_operator(model, "MUL", [old, one], shape))


def largest_output(case: Case) -> float:
    """Return the largest value of the largest output of the float16 file."""
    return float(np.abs(max(computed(case.fp16, case.data), key=np.size)).max())


def change_largest(model: ModelT, compute: Callable[[int, tuple[int, ...]], int]) -> None:
    """Put out what *compute* makes of the largest output: classes rather than a yes or no beside them."""
    shapes = [model.subgraphs[0].tensors[tensor].shape for tensor in model.subgraphs[0].outputs]
    place = int(np.argmax([np.prod(shape) for shape in shapes]))
    change_outputs(model, compute, slice(place, place + 1))


def offset(case: Case, share: float) -> None:
    """Add such a share of the largest output to all values of an output of the float16 file."""
    added = np.array(share * largest_output(case))

    def change(model: ModelT) -> None:
        constant = add_constant(model, added)
        change_largest(model, lambda old, shape: add_operator(model, "ADD", [old, constant], shape))

    edit(case.fp16, change)


def activation_changed(model: ModelT, now: int) -> None:
    """Have all operators with a fused RELU apply *now* instead."""
    for operator in model.subgraphs[0].operators:
        if getattr(operator.builtinOptions, "fusedActivationFunction", ACTIVATIONS.NONE) == ACTIVATIONS.RELU:
            operator.builtinOptions.fusedActivationFunction = now


def activation_unfused(model: ModelT) -> None:
    """Have the last operator with a fused RELU leave it to an operator of its own, which computes the same."""
    graph = model.subgraphs[0]
    fused = [
        operator
        for operator in graph.operators
        if getattr(operator.builtinOptions, "fusedActivationFunction", ACTIVATIONS.NONE) == ACTIVATIONS.RELU
    ][-1]
    fused.builtinOptions.fusedActivationFunction = ACTIVATIONS.NONE
    old, place = int(fused.outputs[0]), graph.operators.index(fused)
    shape = tuple(graph.tensors[old].shape)
    users = [operator for operator in graph.operators if old in operator.inputs]
    new = add_operator(model, "RELU", [old], shape)
    for operator in users:
        operator.inputs = [new if tensor == old else int(tensor) for tensor in operator.inputs]
    graph.operators.insert(place + 1, graph.operators.pop())


STEEP = 32.0
"""How steeply a step rises with the sum of an image's pixels: a power of 2, which float16 holds."""


def bound_of(case: Case, samples: int, *, dark: bool) -> float:
    """Return a sum of pixels that so many samples are under, or over if not *dark*, as float16 holds it.

    Of no samples, it is half of the darkest one's, or twice the brightest one's.
    """
    columns = arrays(case.data)
    inputs = columns["x"] if "x" in columns else columns["left"]
    sums = np.sort(np.asarray(inputs, np.float64).reshape(len(inputs), -1).sum(axis=1))
    sums = sums if dark else sums[::-1]
    wanted = (sums[samples - 1] + sums[samples]) / 2 if samples else sums[0] * (0.5 if dark else 2)
    bound = float(np.float16(wanted * STEEP)) / STEEP
    found = int(np.count_nonzero(sums < bound if dark else sums > bound))
    if not 0.9 * samples <= found <= 1.1 * samples:
        raise NotPlanted(f"{found} samples are beyond {bound}, not {samples}")
    return bound


def step(model: ModelT, bound: float, *, dark: bool) -> int:
    """Add what is 0 for most images, and up to 6 for those whose pixels' sum is under *bound*, or over it."""
    image = int(model.subgraphs[0].inputs[0])
    pixels = int(np.prod(model.subgraphs[0].tensors[image].shape))
    slope = -STEEP if dark else STEEP
    flat = add_operator(model, "RESHAPE", [image, add_constant(model, np.array([1, pixels]))], (1, pixels))
    weights = add_constant(model, np.full((1, pixels), slope))
    bias = add_constant(model, np.array([-slope * bound]))
    return add_operator(
        model, "FULLY_CONNECTED", [flat, weights, bias], (1, 1), fusedActivationFunction=ACTIVATIONS.RELU6
    )


def wrong_on(case: Case, samples: int, *, dark: bool = True, share: float = 0.1) -> None:
    """Have the float16 file put out something else for the darkest samples, or the brightest.

    share: how much is added at most, as a share of the largest output: to the first class, or to all of a picture.
    """
    bound, largest = bound_of(case, samples, dark=dark), largest_output(case)

    def change(model: ModelT) -> None:
        fired = step(model, bound, dark=dark)

        def compute(old: int, shape: tuple[int, ...]) -> int:
            size = np.zeros(shape if len(shape) == 2 else (1,) * len(shape))
            size.flat[0] = share * largest / 6
            part = add_operator(model, "MUL", [fired, add_constant(model, size)], size.shape)
            return add_operator(model, "ADD", [old, part], shape)

        change_largest(model, compute)

    edit(case.fp16, change)


def darkened(case: Case) -> None:
    """Make the first of the samples an image that is all zero."""
    folder = case.folder / "data"
    folder.mkdir()
    for name, array in arrays(case.data).items():
        changed = np.array(array)
        if not name.startswith("y"):
            changed[0] = 0
        np.save(folder / f"{name}.npy", changed)
    case.data = folder


def wrong_on_zero(case: Case) -> None:
    """Have the float16 file put out something else for an image that is all zero, which is one of the data."""
    darkened(case)
    wrong_on(case, 1)


def class_lowered(case: Case, share: float) -> None:
    """Lower the last class's output of the float16 file by such a share of the largest output."""
    largest = largest_output(case)

    def change(model: ModelT) -> None:
        def compute(old: int, shape: tuple[int, ...]) -> int:
            lowered = np.zeros(shape)
            lowered.flat[-1] = -share * largest
            return add_operator(model, "ADD", [old, add_constant(model, lowered)], shape)

        change_largest(model, compute)

    edit(case.fp16, change)


def not_a_number_on(case: Case, samples: int) -> None:
    """Have both files put out NaN, the root of a negative number, for the brightest samples."""
    bound = bound_of(case, samples, dark=False)

    def change(model: ModelT) -> None:
        minus = add_constant(model, np.array([[-1.0]]))
        negative = add_operator(model, "MUL", [step(model, bound, dark=False), minus], (1, 1))
        root = add_operator(model, "SQRT", [negative], (1, 1))
        change_largest(model, lambda old, shape: add_operator(model, "ADD", [old, root], shape))

    in_both(case, change)


def random(model: ModelT, kind: str, shape: tuple[int, ...]) -> int:
    """Add an operator that draws numbers, and is seeded by chance."""
    return add_operator(model, f"RANDOM_{kind}", [add_constant(model, np.array(shape))], shape, seed=0, seed2=0)


FINEST = 14
"""2 ** -14 is the smallest number that float16 holds with all of its bits."""


def noisy(model: ModelT, halvings: int) -> None:
    """Add normal noise to the first output, of a standard deviation of 2 ** -halvings."""

    def compute(old: int, shape: tuple[int, ...]) -> int:
        noise, left = random(model, "STANDARD_NORMAL", shape), halvings
        while left:
            part = min(FINEST, left)
            noise = add_operator(model, "MUL", [noise, add_constant(model, np.array(2.0**-part))], shape)
            left -= part
        return add_operator(model, "ADD", [old, noise], shape)

    change_largest(model, compute)


def noisy_at_times(model: ModelT, chance: float) -> None:
    """Add up to 6 to the first output with such a chance for each sample, 0 for never."""

    def compute(old: int, shape: tuple[int, ...]) -> int:
        scale = 8192.0
        drawn = random(model, "UNIFORM", (1, 1))
        drawn = add_operator(model, "MUL", [drawn, add_constant(model, np.array(scale))], (1, 1))
        least = add_constant(model, np.array(-scale * (1 - chance)))
        drawn = add_operator(model, "ADD", [drawn, least], (1, 1), fusedActivationFunction=ACTIVATIONS.RELU6)
        return add_operator(model, "ADD", [old, drawn], shape)

    change_largest(model, compute)


def rows_scaled(model: ModelT, factor: float, *, rows: int | None = None) -> None:
    """Multiply the last layer's weights and bias of the first so many outputs, None for all, by *factor*."""
    for tensor in last_dense(model).inputs[1:]:
        constant = held_by(model, int(tensor))
        values = stored(model, constant)
        values[:rows] *= values.dtype.type(factor)
        store(model, constant, values)


def inputs_scaled(case: Case, factor: float, added: float = 0.0) -> None:
    """Scale the inputs in the data by *factor*, and add so much."""
    folder = case.folder / "data"
    folder.mkdir()
    for name, array in arrays(case.data).items():
        scaled = array if name.startswith("y") else (array * factor + added).astype(np.float32)
        np.save(folder / f"{name}.npy", scaled)
    case.data = folder


def scaling_folded(case: Case, factor: float, *, scaled: bool) -> None:
    """Divide the first layers' weights of both files by *factor*. *scaled*: multiply the inputs by it, as is right."""
    if scaled:
        inputs_scaled(case, factor)

    def change(model: ModelT, compute: Callable[[np.ndarray], np.ndarray]) -> None:
        from_input = {int(tensor) for tensor in model.subgraphs[0].inputs}
        for operator in operators(model, "RESHAPE"):
            from_input |= {int(operator.outputs[0])} if int(operator.inputs[0]) in from_input else set()
        for operator in [one for kind in ("CONV_2D", "FULLY_CONNECTED") for one in operators(model, kind)]:
            if int(operator.inputs[0]) in from_input:
                weights = held_by(model, int(operator.inputs[1]))
                store(model, weights, compute(stored(model, weights)))

    folded: list[np.ndarray] = []

    def fold(weights: np.ndarray) -> np.ndarray:
        folded.append(weights / np.float32(factor))
        return folded[-1]

    edit(case.fp32, partial(change, compute=fold))
    edit(case.fp16, partial(change, compute=lambda _: folded.pop(0).astype(np.float16)))


def fp16(change: Change, **given: object) -> Planter:
    """Return a planter that changes the float16 file, and leaves it to what is computed to tell of it."""
    return partial(alone, plant=partial(in_float16, change=partial(change, **given)))


def both(change: Change, **given: object) -> Planter:
    """Return a planter that changes both files alike."""
    return partial(in_both, change=partial(change, **given))


def by_chance(change: Change, *, alike: bool = False, **given: float) -> Planter:
    """Return a planter that makes both files compute by chance, and nothing *alike* but where that is said."""
    return partial(repeated, plant=both(change, **given), alike=alike)


def not_a_number(samples: int) -> Planter:
    """Return a planter of NaN for so many samples."""
    return partial(noticed, plant=partial(not_a_number_on, samples=samples), moved=samples > 0)


def rare(samples: int, *, dark: bool) -> Planter:
    """Return a planter of what shows for so many samples alone, and leave it to what is computed to tell of it."""
    plant = partial(alone, plant=partial(wrong_on, samples=samples, dark=dark))
    return partial(noticed, plant=plant, moved=samples > 0)


UNLIKE = (Named(MOVED, "largest error"),)
SHIFTED = (Named(MOVED),)
"""By the largest error, or where that is explained, by the rms error."""

EXTRA = (Named(LINE_UP, "operators in the float32 file"),)
OTHER_BITS = (Named(REPEAT, "other bits"),)
NAN = (Named(ALIVE, "NaN"),)
DEAD = (Named(ALIVE, "the same for every sample"),)
POOR = (Named(BASELINE),)

FAULTS = (
    Fault(
        "operator added",
        "behaviour",
        "any operator that the float32 file has not, even one that no sample of the data or no input at all tells of",
        (
            Severity("softmax", partial(in_float16, change=softmax_added), EXTRA),
            Severity("twice as much", partial(in_float16, change=partial(scaled, more=1.0)), EXTRA),
            Severity("wrong on the all-zero image", partial(wrong_on, samples=0), EXTRA),
            Severity("multiplied by one", partial(in_float16, change=multiplied_by_one), EXTRA),
            Severity("relu of its own in both", both(activation_unfused)),
        ),
        tuple(model for model in ZOO if model != "mnist_rows"),  # it has no fused activation
    ),
    Fault(
        "activation changed",
        "behaviour",
        "any option of an operator that differs, even where no value is cut; the same in both files is another model",
        (
            Severity(
                "none",
                partial(in_float16, change=partial(activation_changed, now=ACTIVATIONS.NONE)),
                (Named(LINE_UP, "fusedActivationFunction is 1"),),
            ),
            Severity(
                "tanh",
                partial(in_float16, change=partial(activation_changed, now=ACTIVATIONS.TANH)),
                (Named(LINE_UP, "fusedActivationFunction is 1"),),
            ),
            Severity(
                "relu6",
                partial(in_float16, change=partial(activation_changed, now=ACTIVATIONS.RELU6)),
                (Named(LINE_UP, "fusedActivationFunction is 1"),),
            ),
            Severity("relu of its own in both", both(activation_unfused)),
        ),
        tuple(model for model in ZOO if model != "mnist_rows"),
    ),
    Fault(
        "outputs scaled",
        "behaviour",
        "0.14 % to 0.31 % of the outputs, by the number of layers: as much as rounding their weights explains",
        (
            Severity("softmax", fp16(softmax_added), UNLIKE),
            Severity("twice as much", fp16(scaled, more=1.0), UNLIKE),
            Severity("10 % more", fp16(scaled, more=0.1), UNLIKE),
            Severity("1 % more", fp16(scaled, more=0.01), UNLIKE),
            Severity("0.4 % more", fp16(scaled, more=0.004), UNLIKE),
            Severity("0.08 % more", fp16(scaled, more=0.0008)),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
    Fault(
        "outputs offset",
        "behaviour",
        "0.05 % to 0.2 % of the largest output: a share of the rms output as large as rounding the weights explains",
        (
            Severity("half", partial(alone, plant=partial(offset, share=0.5)), SHIFTED),
            Severity("5 %", partial(alone, plant=partial(offset, share=0.05)), SHIFTED),
            Severity("0.15 %", partial(alone, plant=partial(offset, share=0.0015)), SHIFTED),
            Severity("0.01 %", partial(alone, plant=partial(offset, share=0.0001))),
        ),
        ZOO,
        evidence=outputs_differ,
    ),
    Fault(
        "wrong on one class",
        "behaviour",
        "a shift of 0.05 % to 0.3 % of the largest output, which rounding the weights explains",
        (
            Severity("by all", partial(alone, plant=partial(class_lowered, share=1.0)), UNLIKE),
            Severity("by a tenth", partial(alone, plant=partial(class_lowered, share=0.1)), UNLIKE),
            Severity("by 0.4 %", partial(alone, plant=partial(class_lowered, share=0.004)), UNLIKE),
            Severity("by 0.02 %", partial(alone, plant=partial(class_lowered, share=0.0002))),
        ),
        CLASSIFIERS,
        evidence=outputs_differ,
    ),
    Fault(
        "wrong on dark images",
        "behaviour",
        "one sample: the data have to hold such an image, else only the operators' line-up tells (operator added)",
        (
            Severity("half of them", rare(1000, dark=True), UNLIKE),
            Severity("1 %", rare(20, dark=True), UNLIKE),
            Severity("one", rare(1, dark=True), UNLIKE),
            Severity("the all-zero image", partial(alone, plant=wrong_on_zero), UNLIKE),
            Severity("the all-zero image, not in the data", rare(0, dark=True)),
        ),
        ZOO,
    ),
    Fault(
        "wrong on saturated images",
        "behaviour",
        "one sample: the data have to hold such an image, else only the operators' line-up tells (operator added)",
        (
            Severity("1 %", rare(20, dark=False), UNLIKE),
            Severity("one", rare(1, dark=False), UNLIKE),
            Severity("none of the data", rare(0, dark=False)),
        ),
        ZOO,
    ),
    Fault(
        "NaN for some inputs",
        "behaviour",
        "one sample of the data, in both files alike",
        (
            Severity("all but one", not_a_number(1999), NAN),
            Severity("1 %", not_a_number(20), NAN),
            Severity("one", not_a_number(1), NAN),
            Severity("none of the data", not_a_number(0)),
        ),
        ZOO,
    ),
    Fault(
        "outputs do not repeat",
        "behaviour",
        "noise that moves a bit of one of 200 samples that run twice: half an ulp of the smallest of their outputs",
        (
            Severity("by 1", by_chance(noisy, halvings=0), OTHER_BITS),
            Severity("by 2 ** -12", by_chance(noisy, halvings=12), OTHER_BITS),
            Severity("by 2 ** -24", by_chance(noisy, halvings=24), OTHER_BITS),
            Severity("by 2 ** -70", by_chance(noisy, halvings=70, alike=True)),
        ),
        ZOO,
    ),
    Fault(
        "outputs wrong by chance",
        "behaviour",
        "once in as many samples as are run, a few thousand: rarer events are seen by luck, and what never happens is "
        "none",
        (
            Severity("every other sample", by_chance(noisy_at_times, chance=0.5), OTHER_BITS),
            Severity(
                "1 % of samples", by_chance(noisy_at_times, chance=0.01), (*OTHER_BITS, Named(MOVED), Named(MATCH))
            ),
            Severity(
                "0.3 % of samples", by_chance(noisy_at_times, chance=0.003), (*OTHER_BITS, Named(MOVED), Named(MATCH))
            ),
            Severity("never", by_chance(noisy_at_times, chance=0.0, alike=True)),
        ),
        ZOO,
    ),
    Fault(
        "outputs dead",
        "behaviour",
        "one output that is the same for every sample, in both files alike",
        (
            Severity("all", both(rows_scaled, factor=0.0), DEAD),
            Severity("half of them", both(rows_scaled, factor=0.0, rows=5), DEAD),
            Severity("one", both(rows_scaled, factor=0.0, rows=1), DEAD),
        ),
        CLASSIFIERS,
        evidence=outputs_differ,
    ),
    Fault(
        "inputs scaled otherwise",
        "behaviour",
        "where accuracy falls under the baseline, without which nobody knows; these models bear a tenth more or less",
        (
            Severity("to 1/255", partial(inputs_scaled, factor=1 / 255), POOR),
            Severity("inverted", partial(inputs_scaled, factor=-1.0, added=1.0), POOR),
            Severity("from -1 to 1", partial(inputs_scaled, factor=2.0, added=-1.0), POOR),
            Severity("5 % darker", partial(inputs_scaled, factor=0.95)),
        ),
        ZOO,
    ),
    Fault(
        "input scaling folded",
        "behaviour",
        "folded into the weights of both files and not taken from the data, or the other way round",
        (
            Severity("256 times", partial(scaling_folded, factor=256.0, scaled=False), POOR),
            Severity("16 times", partial(scaling_folded, factor=16.0, scaled=False), POOR),
            Severity("256 times, and in the data", partial(scaling_folded, factor=256.0, scaled=True)),
        ),
        tuple(model for model in ZOO if model != "mnist_rows"),  # its first layer is in the loop
    ),
)

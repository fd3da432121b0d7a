"""Faults of how a file is laid out: what lies in it beside what is needed, what is wired or told otherwise."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import Case, Fault, Named, NotPlanted, Severity
from tests.faults.planted.editing import (
    contents_differ,
    edit,
    insert,
    operator_code,
    operators,
    read,
    rename_ends,
    store,
    stored,
)
from tests.faults.planted.pins import stored as in_a_store
from tests.faults.planted.quantizing import floats
from tests.faults.workshop import ZOO

SIZE = "tests/test_size.py::test_float16_file_is_about_half_the_size"
HALF = "tests/test_size.py::test_float_constants_take_exactly_half"
FLOAT16_ONLY = "tests/test_weights.py::test_float16_file_holds_float16_only"
LINED_UP = "tests/test_weights.py::test_operators_line_up"
ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"
COUNTERPART = "tests/test_weights.py::test_every_float_constant_has_its_counterpart"
DEQUANTIZED = "tests/test_weights.py::test_only_constants_are_dequantized"
STATIC = "tests/test_interface.py::test_shapes_are_static"
BATCH = "tests/test_interface.py::test_batch_size_is_one"

OVER, WITHIN = 448, 240
"""Bytes of waste, of which the one is caught in every model of the project, and the other in none.

What the converter adds for a constant differs by what a bound has to leave: 100 bytes each, and 400 more. The files of
the project use all of that but 246 to 431 bytes."""


def _place(graph: schema.SubGraphT, tensor: schema.TensorT) -> int:
    return next(index for index, one in enumerate(graph.tensors) if one is tensor)


def _unpacking(model: ModelT, number: int, tensor: schema.TensorT) -> schema.OperatorT:
    """Return the DEQUANTIZE of a constant."""
    place = _place(model.subgraphs[number], tensor)
    return next(one for one in operators(model, "DEQUANTIZE", number) if list(one.inputs) == [place])


def _constant(model: ModelT, values: np.ndarray, name: bytes) -> schema.TensorT:
    """Return a new constant, which no graph has yet."""
    kinds = {np.dtype(np.float16): schema.TensorType.FLOAT16, np.dtype(np.float32): schema.TensorType.FLOAT32}
    tensor = schema.TensorT(
        shape=list(values.shape), type=kinds[values.dtype], buffer=len(model.buffers), name=name + b"_twin"
    )
    model.buffers.append(schema.BufferT())
    store(model, tensor, values)
    return tensor


def twin_kept(case: Case, which: int, form: str) -> None:
    """Keep the float32 original of a constant in the float16 file.

    which: the number of the constant, the largest first. form: "used" in its place, "unused", a "buffer" that is no
    tensor's, "float16" for an unused copy of the float16 constant, or "empty", a tensor without a value.
    """
    original = read(case.fp32)
    values = stored(original, floats(original)[which][1])

    def change(model: ModelT) -> None:
        number, tensor = floats(model)[which]
        graph = model.subgraphs[number]
        if form == "buffer":
            model.buffers.append(schema.BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
            return
        twin = _constant(model, values if form != "float16" else stored(model, tensor), tensor.name)
        if form == "empty":
            model.buffers.pop()
            twin.buffer = 0
        graph.tensors.append(twin)
        if form == "used":
            unpacked = _unpacking(model, number, tensor).outputs[0]
            for operator in graph.operators:
                operator.inputs = [len(graph.tensors) - 1 if one == unpacked else one for one in operator.inputs]

    edit(case.fp16, change)


def bytes_appended(case: Case, count: int) -> None:
    """Append so many bytes to the float16 file."""
    case.fp16.write_bytes(case.fp16.read_bytes() + bytes(count))


def buffer_added(case: Case, count: int) -> None:
    """Make the float16 file so many bytes larger by a buffer that nothing refers to."""
    size, original = case.fp16.stat().st_size + count, case.fp16.read_bytes()
    held = 16
    for _ in range(2):  # another writer needs another number of bytes for the rest
        case.fp16.write_bytes(original)
        buffer = schema.BufferT(data=np.zeros(held, np.uint8))
        edit(case.fp16, partial(_add_buffer, buffer=buffer))
        held += size - case.fp16.stat().st_size
    if abs(case.fp16.stat().st_size - size) > 16:  # buffers are aligned
        raise NotPlanted(f"{case.fp16} has {case.fp16.stat().st_size} bytes instead of {size}")


def _add_buffer(model: ModelT, buffer: schema.BufferT) -> None:
    model.buffers.append(buffer)


def longer(good: Case, bad: Case) -> bool:
    """Return whether the float16 file of *bad* is longer: evidence of waste."""
    return bad.fp16.stat().st_size > good.fp16.stat().st_size


def operator_beside(case: Case) -> None:
    """Compute something that nobody asks for: the square of an output."""

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        index = graph.outputs[0]
        square = schema.OperatorT(opcodeIndex=operator_code(model, "SQUARE"), inputs=[index])
        squared = schema.TensorT(
            shape=graph.tensors[index].shape, type=schema.TensorType.FLOAT32, buffer=0, name=b"squared"
        )
        insert(graph, square, squared)

    edit(case.fp16, change)


def constant_beside(case: Case, kind: type) -> None:
    """Hold a value that nobody asks for."""
    edit(
        case.fp16,
        lambda model: model.subgraphs[0].tensors.append(_constant(model, np.ones(1, kind), b"one")),
    )


def tensor_beside(case: Case) -> None:
    """List a tensor that has no value, and an operator that nothing is."""

    def change(model: ModelT) -> None:
        model.subgraphs[0].tensors.append(
            schema.TensorT(shape=[1], type=schema.TensorType.FLOAT32, buffer=0, name=b"unused")
        )
        operator_code(model, "CUMSUM")

    edit(case.fp16, change)


def unpacked_again(case: Case) -> None:
    """Dequantize the largest constant twice, once for nobody."""

    def change(model: ModelT) -> None:
        number, tensor = floats(model)[0]
        graph = model.subgraphs[number]
        again = schema.OperatorT(
            opcodeIndex=operator_code(model, "DEQUANTIZE", version=3), inputs=[_place(graph, tensor)]
        )
        unpacked = schema.TensorT(shape=tensor.shape, type=schema.TensorType.FLOAT32, buffer=0, name=b"unpacked_again")
        insert(graph, again, unpacked, 0)

    edit(case.fp16, change)


def exchanged(case: Case, least: bool) -> None:
    """Let two constants of one shape stand in each other's place, the largest or the smallest ones."""

    def change(model: ModelT) -> None:
        found = floats(model)
        pairs = [
            (one, other)
            for position, one in enumerate(found)
            for other in found[position + 1 :]
            if one[0] == other[0]
            and list(one[1].shape) == list(other[1].shape)
            and not np.array_equal(stored(model, one[1]), stored(model, other[1]))
        ]
        if not pairs:
            raise NotPlanted("no two constants have one shape")
        (number, one), (_, other) = pairs[-1 if least else 0]
        first, second = _unpacking(model, number, one), _unpacking(model, number, other)
        first.inputs, second.inputs = second.inputs, first.inputs

    edit(case.fp16, change)


def rewired(case: Case, which: int, alter: Callable[[np.ndarray], np.ndarray], *, kept: bool = True) -> None:
    """Have a DEQUANTIZE unpack a constant that was added, of the values that *alter* makes of the right one's.

    which: the number of the right one, the largest first. kept: whether that stays in the file.
    """

    def change(model: ModelT) -> None:
        number, tensor = floats(model)[which]
        graph, unpacking = model.subgraphs[number], _unpacking(model, number, tensor)
        unpacking.inputs = [len(graph.tensors)]
        graph.tensors.append(_constant(model, alter(stored(model, tensor)), tensor.name))
        if not kept:
            model.buffers[tensor.buffer].data = None
            tensor.buffer, tensor.type = 0, schema.TensorType.FLOAT32

    edit(case.fp16, change)


def unpacked_as(case: Case, shaped: Callable[[list[int]], list[int]]) -> None:
    """Say of what the largest constant is unpacked into that it has another shape, -1 for an open dimension."""

    def change(model: ModelT) -> None:
        number, tensor = floats(model)[0]
        unpacked = model.subgraphs[number].tensors[_unpacking(model, number, tensor).outputs[0]]
        told = shaped(list(tensor.shape))
        unpacked.shape, unpacked.shapeSignature = [abs(size) for size in told], told

    edit(case.fp16, change)


def one_bit_off(values: np.ndarray) -> np.ndarray:
    """Return *values* with the last bit of the last of them exchanged."""
    values.reshape(-1)[-1:].view(np.uint16)[...] ^= 1
    return values


def through_float16(case: Case, where: str) -> None:
    """Cast computed tensors to float16, and dequantize them at once.

    where: "outputs" all of them, "output" the last, "input" the last, "inside" the first that an operator computes.
    """

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        if where in ("outputs", "output"):
            for index in list(graph.outputs)[-1 if where == "output" else 0 :]:
                rename_ends(model, "outputs", {index: _through(model, index, len(graph.operators))})
            return
        index, position = graph.inputs[-1], 0
        if where == "inside":
            computing = next(one for one in graph.operators if one not in operators(model, "DEQUANTIZE"))
            index = computing.outputs[0]
            position = next(at for at, one in enumerate(graph.operators) if one is computing) + 1
        users = [one for one in graph.operators if index in one.inputs]
        through = _through(model, index, position)
        for operator in users:
            operator.inputs = [through if one == index else one for one in operator.inputs]

    edit(case.fp16, change)


def _through(model: ModelT, index: int, position: int) -> int:
    """Add the cast of a float32 tensor to float16 and back, and return the number of the result."""
    graph = model.subgraphs[0]
    shape, name = graph.tensors[index].shape, graph.tensors[index].name
    cast = schema.OperatorT(
        opcodeIndex=operator_code(model, "CAST"),
        inputs=[index],
        builtinOptionsType=schema.BuiltinOptions.CastOptions,
        builtinOptions=schema.CastOptionsT(schema.TensorType.FLOAT32, schema.TensorType.FLOAT16),
    )
    half = insert(
        graph,
        cast,
        schema.TensorT(shape=shape, type=schema.TensorType.FLOAT16, buffer=0, name=name + b"_half"),
        position,
    )
    back = schema.OperatorT(opcodeIndex=operator_code(model, "DEQUANTIZE", version=3), inputs=[half])
    return insert(
        graph,
        back,
        schema.TensorT(shape=shape, type=schema.TensorType.FLOAT32, buffer=0, name=name + b"_back"),
        position + 1,
    )


def option_changed(case: Case, option: str, value: object, kinds: Sequence[str]) -> None:
    """Tell the last operator of some *kinds* something else."""

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        wanted = {id(one) for kind in kinds for one in operators(model, kind)}
        found = [one for one in graph.operators if id(one) in wanted]
        told = found[-1].builtinOptions
        if getattr(told, option) == value:
            raise NotPlanted(f"{option} is {value} already")
        setattr(told, option, value)

    edit(case.fp16, change)


LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
WINDOWS = ("CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D")


def clipped_at_six(case: Case) -> None:
    """Make a RELU a RELU6, of the first operator that ends in one."""

    def change(model: ModelT) -> None:
        found = [
            one.builtinOptions
            for kind in LAYERS
            for one in operators(model, kind)
            if one.builtinOptions.fusedActivationFunction == schema.ActivationFunctionType.RELU
        ]
        found[0].fusedActivationFunction = schema.ActivationFunctionType.RELU6

    edit(case.fp16, change)


def padding_exchanged(case: Case, *, fits: bool) -> None:
    """Exchange the padding of the first operator whose windows are the same either way, or are not."""

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        wanted = {id(one): kind for kind in WINDOWS for one in operators(model, kind)}
        for one in graph.operators:
            if id(one) in wanted and _windows_fit(graph, one, wanted[id(one)]) == fits:
                one.builtinOptions.padding = 1 - one.builtinOptions.padding  # SAME is 0, VALID is 1
                return
        raise NotPlanted("no such windows")

    edit(case.fp16, change)


def _windows_fit(graph: schema.SubGraphT, operator: schema.OperatorT, kind: str) -> bool:
    """Return whether as many windows fit as SAME has, so that none of them is padded."""
    told, given = operator.builtinOptions, graph.tensors[operator.inputs[0]].shape[1:3]
    pools = kind == "MAX_POOL_2D"
    windows = (told.filterHeight, told.filterWidth) if pools else graph.tensors[operator.inputs[1]].shape[1:3]
    return all(
        (-(-size // step) - 1) * step + window <= size
        for size, step, window in zip(given, (told.strideH, told.strideW), windows, strict=True)
    )


def shape_constant_opened(case: Case) -> None:
    """Leave open the first dimension of the shape that the last RESHAPE is told: it comes to the same."""

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        shape = graph.tensors[operators(model, "RESHAPE")[-1].inputs[1]]
        values = stored(model, shape)
        values[0] = -1
        store(model, shape, values)

    edit(case.fp16, change)


def tensors_renamed(case: Case) -> None:
    """Give all tensors of the float16 file other names, which only a debugger reads."""

    def change(model: ModelT) -> None:
        for graph in model.subgraphs:
            for number, tensor in enumerate(graph.tensors):
                tensor.name = f"tensor_{number}".encode()

    edit(case.fp16, change)


def opened(model: ModelT, where: str) -> None:
    """Leave the first dimension of tensors open.

    where: "ends" every input and output, "output" the last output, "inside" the first tensor that is computed.
    """
    graph = model.subgraphs[0]
    computing = next(one for one in graph.operators if one not in operators(model, "DEQUANTIZE"))
    places = {
        "ends": [*graph.inputs, *graph.outputs],
        "output": [graph.outputs[-1]],
        "inside": [computing.outputs[0]],
    }[where]
    for place in places:
        tensor = graph.tensors[place]
        tensor.shapeSignature = [-1, *tensor.shape[1:]]


def shape_left_open(case: Case, where: str, precisions: Sequence[str] = ("fp16",)) -> None:
    """Leave shapes of a pair open."""
    for precision in precisions:
        edit(case.folder / f"{precision}.tflite", partial(opened, where=where))


def shape_left_open_by_the_gate(case: Case, where: str) -> None:
    """Have the gate's own converter leave shapes open, in both files."""

    def change(folder: Path) -> None:
        for precision in ("fp32", "fp16"):
            edit(folder / f"{precision}.tflite", partial(opened, where=where))

    in_a_store(case, change, sealed=True)


TOO_LARGE = (Named(SIZE, "allowed"),)

FAULTS = (
    Fault(
        "original kept",
        "layout",
        "a tensor with a value, used or not, of one number; a tensor without one is none",
        (
            Severity("the largest, used", partial(twin_kept, which=0, form="used"), (Named(FLOAT16_ONLY, "_twin"),)),
            Severity(
                "the largest, unused", partial(twin_kept, which=0, form="unused"), (Named(FLOAT16_ONLY, "_twin"),)
            ),
            Severity("the largest, as bytes", partial(twin_kept, which=0, form="buffer"), TOO_LARGE),
            Severity("the smallest, used", partial(twin_kept, which=-1, form="used"), (Named(FLOAT16_ONLY, "_twin"),)),
            Severity(
                "the smallest, unused", partial(twin_kept, which=-1, form="unused"), (Named(FLOAT16_ONLY, "_twin"),)
            ),
            Severity(
                "the smallest in float16, unused",
                partial(twin_kept, which=-1, form="float16"),
                (Named(HALF, "exactly 0.5 allowed"),),
            ),
            Severity("without a value", partial(twin_kept, which=0, form="empty")),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "waste",
        "layout",
        "240 to 440 bytes, by the model: for what the converter adds beside the values, a bound leaves so much more",
        (
            Severity("100 000 bytes appended", partial(bytes_appended, count=100_000), TOO_LARGE),
            Severity("an unused buffer of 2 kB", partial(buffer_added, count=2_000), TOO_LARGE),
            Severity("448 bytes in an unused buffer", partial(buffer_added, count=OVER), TOO_LARGE),
            Severity("448 bytes appended", partial(bytes_appended, count=OVER), TOO_LARGE),
            Severity("240 bytes appended", partial(bytes_appended, count=WITHIN)),
            Severity("224 bytes in an unused buffer", partial(buffer_added, count=WITHIN - 16)),
            Severity("a byte appended", partial(bytes_appended, count=1)),
        ),
        ZOO,
        evidence=longer,
    ),
    Fault(
        "unused parts",
        "layout",
        "an operator that computes, or one value; a second DEQUANTIZE, and what holds and computes nothing, are none",
        (
            Severity("an operator", operator_beside, (Named(LINED_UP, "operators in the float32 file"),)),
            Severity("a float32 value", partial(constant_beside, kind=np.float32), (Named(FLOAT16_ONLY, "one_twin"),)),
            Severity(
                "a float16 value", partial(constant_beside, kind=np.float16), (Named(HALF, "exactly 0.5 allowed"),)
            ),
            Severity("unpacked twice", unpacked_again),
            Severity("a tensor and an operator code", tensor_beside),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "wrong constant dequantized",
        "layout",
        "one value that differs; an equal constant in its place is none",
        (
            Severity(
                "another, reversed",
                partial(rewired, which=0, alter=lambda values: values[::-1].copy()),
                (Named(ROUNDED),),
            ),
            Severity("another shape", partial(rewired, which=0, alter=np.transpose), (Named(LINED_UP, "its input"),)),
            Severity(
                "one value of the largest", partial(rewired, which=0, alter=one_bit_off), (Named(ROUNDED, "1 of"),)
            ),
            Severity(
                "one value of the smallest",
                partial(rewired, which=-1, alter=one_bit_off, kept=False),
                (Named(ROUNDED, "1 of"),),
            ),
            Severity("an equal one", partial(rewired, which=0, alter=np.copy, kept=False)),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "constant unpacked in another shape",
        "layout",
        "one dimension; where the same is said twice, as a shape and as its signature, it is none",
        (
            Severity(
                "reversed",
                partial(unpacked_as, shaped=lambda shape: shape[::-1]),
                (Named(LINED_UP, "in the other file"),),
            ),
            Severity(
                "flat",
                partial(unpacked_as, shaped=lambda shape: [int(np.prod(shape))]),
                (Named(LINED_UP, "in the other file"),),
            ),
            Severity("open", partial(unpacked_as, shaped=lambda shape: [-1, *shape[1:]]), (Named(LINED_UP, "[-1, "),)),
            Severity("as it is", partial(unpacked_as, shaped=list)),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "constants exchanged",
        "layout",
        "any two of one shape whose values differ; an equal constant in its place is none",
        (
            Severity("the largest of one shape", partial(exchanged, least=False), (Named(ROUNDED),)),
            Severity("the smallest of one shape", partial(exchanged, least=True), (Named(ROUNDED),)),
            Severity("an equal one", partial(rewired, which=-1, alter=np.copy, kept=False)),
        ),
        ("mnist_separable", "mnist_rows", "mnist_autoencoder", "mnist_pair", "mnist_attention"),
        evidence=contents_differ,
    ),
    Fault(
        "computed tensor dequantized",
        "layout",
        "one, wherever it is; a second DEQUANTIZE of a constant is none",
        (
            Severity("all outputs", partial(through_float16, where="outputs"), (Named(DEQUANTIZED, "operator"),)),
            Severity("an input", partial(through_float16, where="input"), (Named(DEQUANTIZED, "operator"),)),
            Severity("an output", partial(through_float16, where="output"), (Named(DEQUANTIZED, "1 of"),)),
            Severity(
                "inside", partial(through_float16, where="inside"), (Named(DEQUANTIZED, "1 of"), Named(COUNTERPART))
            ),
            Severity("a constant twice", unpacked_again),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "options",
        "layout",
        "any that an operator is told otherwise, whatever it changes; names of tensors are none",
        (
            Severity(
                "an activation added",
                partial(
                    option_changed,
                    option="fusedActivationFunction",
                    value=schema.ActivationFunctionType.RELU,
                    kinds=LAYERS,
                ),
                (Named(LINED_UP, "fusedActivationFunction"),),
            ),
            Severity("a shape with an open dimension", shape_constant_opened, (Named(LINED_UP, "(RESHAPE)"),)),
            Severity(
                "one of integer arithmetic",
                partial(option_changed, option="asymmetricQuantizeInputs", value=True, kinds=("FULLY_CONNECTED",)),
                (Named(LINED_UP, "asymmetricQuantizeInputs"),),
            ),
            Severity("names", tensors_renamed),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "windows and activations",
        "layout",
        "any, even where the windows are the same, and where nothing is over six; names of tensors are none",
        (
            Severity(
                "padding of windows that do not fit",
                partial(padding_exchanged, fits=False),
                (Named(LINED_UP, "padding is"),),
            ),
            Severity("RELU6", clipped_at_six, (Named(LINED_UP, "fusedActivationFunction is 1"),)),
            Severity(
                "padding of windows that fit", partial(padding_exchanged, fits=True), (Named(LINED_UP, "padding is"),)
            ),
            Severity("names", tensors_renamed),
        ),
        ("mnist_cnn", "mnist_separable"),
        evidence=contents_differ,
    ),
    Fault(
        "shape left open",
        "layout",
        "one tensor of the float16 file; open in both files alike it is a pair's own, and costs it the GPU",
        (
            Severity("inputs and outputs", partial(shape_left_open, where="ends"), (Named(STATIC, "[-1, "),)),
            Severity("an output", partial(shape_left_open, where="output"), (Named(STATIC, "[-1, "),)),
            Severity("a computed tensor", partial(shape_left_open, where="inside"), (Named(LINED_UP, "[-1, "),)),
            Severity(
                "a computed tensor in both files",
                partial(shape_left_open, where="inside", precisions=("fp32", "fp16")),
            ),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "shape left open by the gate",
        "layout",
        "one tensor: what the gate converts has fixed shapes",
        (
            Severity(
                "inputs and outputs",
                partial(shape_left_open_by_the_gate, where="ends"),
                (Named(STATIC, "[-1, "), Named(BATCH, "[-1, ")),
            ),
            Severity("an output", partial(shape_left_open_by_the_gate, where="output"), (Named(STATIC, "[-1, "),)),
            Severity(
                "a computed tensor", partial(shape_left_open_by_the_gate, where="inside"), (Named(STATIC, "[-1, "),)
            ),
        ),
        ("quick",),
        declared=True,
    ),
)

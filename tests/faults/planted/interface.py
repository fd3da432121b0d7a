"""Faults of what a caller sees of a file: batch, shapes, names, order; and of files that are not what they are for."""

import copy
from collections.abc import Callable
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from fixtures.harness.artifacts import KERAS_MODEL
from tests.faults.bench import PROBLEM, Case, Fault, Named, NotPlanted, Severity
from tests.faults.planted.editing import constants, edit, largest, operators, refed
from tests.faults.workshop import ZOO

INTERFACE = "tests/test_interface.py"
SIGNATURES = f"{INTERFACE}::test_signatures_equal_those_of_the_float32_file"
BATCH = f"{INTERFACE}::test_batch_size_is_one"
STATIC = f"{INTERFACE}::test_shapes_are_static"
LOADS = f"{INTERFACE}::test_runtime_loads_the_file_as_it_is"
ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"

RESHAPED = tuple(model for model in ZOO if model not in {"mnist_attention", "mnist_rows"})
"""Models that bring their input into shape first, whatever that is, and whose first axis is always the sample's."""


def changed(case: Case, change: Callable[[ModelT], None], *, both: bool = False) -> None:
    """Edit the float16 file, or *both*."""
    for file in (case.fp32, case.fp16) if both else (case.fp16,):
        edit(file, change)


# ---- batch and shapes


def frozen(model: ModelT, batch: int) -> None:
    """Give all that is computed another batch size."""
    weights = {number for operator in operators(model, "DEQUANTIZE") for number in operator.outputs}
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        if len(tensor.shape) and model.buffers[tensor.buffer].data is None and number not in weights:
            tensor.shape = [batch, *tensor.shape[1:]]
    for operator in operators(model, "RESHAPE"):
        buffer = model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer]
        shape = np.frombuffer(bytes(buffer.data), np.int32).copy()
        shape[0] = batch
        buffer.data = np.frombuffer(shape.tobytes(), np.uint8)


def frozen_in_both(case: Case, batch: int) -> None:
    """Give both files another batch size, and data that come in such batches, without targets."""
    changed(case, partial(frozen, batch=batch), both=True)
    refed(case, lambda array: array[: len(array) // batch * batch].reshape(-1, batch, *array.shape[1:]))


def shaped(model: ModelT, *shape: int) -> None:
    """Give the inputs another shape, (1, …)."""
    graph = model.subgraphs[0]
    for number in graph.inputs:
        graph.tensors[number].shape = list(shape)


def shaped_in_both(case: Case) -> None:
    """Give the inputs of both files, and the data, a channel."""
    changed(case, lambda model: shaped(model, 1, 28, 28, 1), both=True)
    refed(case, lambda array: array[..., None])


def opened(model: ModelT, which: str) -> None:
    """Leave the first dimension open of the inputs, of the outputs, or of what the first RESHAPE makes."""
    graph = model.subgraphs[0]
    inside = operators(model, "RESHAPE")[0].outputs
    numbers = {"inputs": graph.inputs, "outputs": graph.outputs, "inside": inside}[which]
    for number in numbers:
        tensor = graph.tensors[number]
        tensor.shapeSignature = [-1, *tensor.shape[1:]]


# ---- signatures and names


def dropped(model: ModelT) -> None:
    """Drop all signatures."""
    model.signatureDefs = []


def key_renamed(model: ModelT, key: bytes) -> None:
    """Give the signature another key."""
    model.signatureDefs[0].signatureKey = key


def added(model: ModelT) -> None:
    """Add a signature, which leads to the same graph."""
    other = copy.deepcopy(model.signatureDefs[0])
    other.signatureKey = b"other"
    model.signatureDefs.append(other)


def renamed(model: ModelT, kind: str, to: Callable[[bytes], bytes]) -> None:
    """Give the first of the signature's "inputs" or "outputs" another name."""
    entry = getattr(model.signatureDefs[0], kind)[0]
    entry.name = to(bytes(entry.name))


def inner_renamed(model: ModelT) -> None:
    """Give the largest weights another name, which nobody calls them by."""
    largest(model).name = b"somewhere/else"


def as_it_is(_: ModelT) -> None:
    """Change nothing: the file is written anew, in another order."""


# ---- order


def names_swapped(model: ModelT, kind: str) -> None:
    """Exchange what the first two names of the signature's "inputs" or "outputs" stand for."""
    one, other = getattr(model.signatureDefs[0], kind)[:2]
    one.tensorIndex, other.tensorIndex = other.tensorIndex, one.tensorIndex


def graph_order_swapped(model: ModelT, kind: str) -> None:
    """Exchange the first two of the graph's "inputs" or "outputs": who reads by number is given the other one."""
    graph = model.subgraphs[0]
    setattr(graph, kind, [*reversed(list(getattr(graph, kind)[:2])), *getattr(graph, kind)[2:]])


def signature_order_swapped(model: ModelT, kind: str) -> None:
    """Exchange the first two entries of the signature's "inputs" or "outputs", names and all."""
    entries = getattr(model.signatureDefs[0], kind)
    entries[0], entries[1] = entries[1], entries[0]


# ---- files


def cut(case: Case, count: Callable[[int], int], *, fp32: bool = False) -> None:
    """Cut so many of the bytes at a file's end, by its size."""
    file = case.fp32 if fp32 else case.fp16
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - count(len(content))])


def flipped(case: Case, place: Callable[[bytes], int], bit: int) -> None:
    """Flip a bit of the float16 file's byte at *place*."""
    content = bytearray(case.fp16.read_bytes())
    content[place(bytes(content))] ^= 1 << bit
    case.fp16.write_bytes(content)


def in_weights(content: bytes) -> int:
    """Return where the first byte of the largest weights is: the lower half of a float16."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    return place_of(model, largest(model), content)


def place_of(model: ModelT, tensor: schema.TensorT, content: bytes) -> int:
    """Return where the values of a constant begin in the file."""
    values = bytes(model.buffers[tensor.buffer].data)
    if content.count(values) != 1:
        raise NotPlanted(f"{tensor.name} is not in the file, or more than once")
    return content.index(values)


def in_offsets(content: bytes) -> int:
    """Return where the offset of the subgraphs is."""
    table = schema.Model.GetRootAs(content, 0)._tab
    return table.Pos + table.Offset(8)


def in_padding(content: bytes) -> int:
    """Return where a byte is that nobody reads: before a constant, all of which begin at multiples of 16."""
    before = parsed(content)
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for tensor in constants(model):
        length = place_of(model, tensor, content) - 4
        for place in range(length - 1, length - 12, -1):
            other = bytearray(content)
            other[place] ^= 1
            if content[place] == 0 and parsed(bytes(other)) == before:
                return place
    raise NotPlanted("there is no padding before any constant")


def parsed(content: bytes) -> object:
    """Return all that is in a file, as values that can be compared; None if it cannot be read."""

    def values(found: object) -> object:
        if isinstance(found, np.ndarray):
            return found.tobytes()
        if isinstance(found, list):
            return [values(one) for one in found]
        return {name: values(value) for name, value in vars(found).items()} if hasattr(found, "__dict__") else found

    try:
        return values(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))
    except Exception:
        return None


def replaced(case: Case, content: Callable[[Case], bytes]) -> None:
    """Put other content in the place of the float16 file."""
    case.fp16.write_bytes(content(case))


def exchanged(case: Case) -> None:
    """Give the float16 file as the float32 one, and the other way round."""
    one, other = case.fp32.read_bytes(), case.fp16.read_bytes()
    case.fp32.write_bytes(other)
    case.fp16.write_bytes(one)


def appended(case: Case) -> None:
    """Append a byte to the float16 file."""
    case.fp16.write_bytes(case.fp16.read_bytes() + b"\0")


def edited(name: str, change: Callable[..., None], *named_by: Named, **options: object) -> Severity:
    """Return the severity *name*: a change of the float16 file, named by some checks."""
    return Severity(name, partial(changed, change=partial(change, **options)), named_by)


def edited_alike(name: str, change: Callable[..., None], **options: object) -> Severity:
    """Return the severity *name*, a change of both files alike, which is no fault."""
    return Severity(name, partial(changed, change=partial(change, **options), both=True))


def ordered(name: str, kind: str, models: tuple[str, ...]) -> Fault:
    """Return the fault of an order of "inputs" or "outputs" that is another than the float32 file's."""
    return Fault(
        name,
        "interface",
        "any order that is not the float32 file's, of names alone too: callers read by number; none, if both have it",
        (
            edited(
                "names exchanged",
                names_swapped,
                Named(SIGNATURES, "of the graph"),
                Named(PROBLEM, "y_digit: Classification takes outputs (samples, classes)"),
                kind=kind,
            ),
            edited("order of the graph", graph_order_swapped, Named(SIGNATURES, "of the graph"), kind=kind),
            edited("order of the signature", signature_order_swapped, Named(SIGNATURES, f"order of {kind}"), kind=kind),
            edited_alike("order of both signatures", signature_order_swapped, kind=kind),
            edited_alike("order of both graphs", graph_order_swapped, kind=kind),
        ),
        models,
    )


FAULTS = (
    Fault(
        "batch frozen",
        "interface",
        "any other number than the float32 file's; the same in both is what the pair is for, and is said",
        (
            edited("32", frozen, Named(PROBLEM, "fp16.tflite takes [32, "), batch=32),
            edited("8", frozen, Named(PROBLEM, "fp16.tflite takes [8, "), batch=8),
            edited("2", frozen, Named(PROBLEM, "fp16.tflite takes [2, "), batch=2),
            Severity("8 in both", partial(frozen_in_both, batch=8)),
        ),
        ("mnist_cnn", "mnist_separable", "mnist_pair"),  # all sizes of others do not follow from the batch
    ),
    Fault(
        "shape of the input",
        "interface",
        "any other shape than the float32 file's, also for as many values; the same in both is none",
        (
            Severity(
                "flat",
                partial(changed, change=lambda model: shaped(model, 1, 784)),
                (Named(SIGNATURES, "[1, 784]"), Named(PROBLEM, "784")),
            ),
            Severity(
                "an axis in front",
                partial(changed, change=lambda model: shaped(model, 1, 1, 28, 28)),
                (Named(SIGNATURES, "[1, 1, 28, 28]"), Named(PROBLEM, "28")),
            ),
            Severity(
                "a channel",
                partial(changed, change=lambda model: shaped(model, 1, 28, 28, 1)),
                (Named(SIGNATURES, "[1, 28, 28, 1]"), Named(PROBLEM, "28")),
            ),
            Severity("a channel in both", shaped_in_both),
        ),
        RESHAPED,
    ),
    Fault(
        "dynamic dimension",
        "interface",
        "any tensor that is dynamic in one file alone; the same in both is what the pair is for, and is said",
        (
            edited("of the input", opened, Named(STATIC, "[-1, "), which="inputs"),
            edited("of the output", opened, Named(STATIC, "[-1, "), which="outputs"),
            edited("inside", opened, Named(STATIC, "[-1, "), which="inside"),
            edited_alike("of both inputs", opened, which="inputs"),
        ),
        RESHAPED,
    ),
    Fault(
        "signature",
        "interface",
        "any key that one file has and the other lacks; the same in both is none",
        (
            edited("dropped", dropped, Named(SIGNATURES, "signatures: ")),
            edited("added", added, Named(SIGNATURES, "other"), Named(PROBLEM, "other/output_0")),
            edited("renamed", key_renamed, Named(SIGNATURES, "predict"), key=b"predict"),
            edited("a letter", key_renamed, Named(SIGNATURES, "serving_defaulT"), key=b"serving_defaulT"),
            edited_alike("renamed in both", key_renamed, key=b"predict"),
        ),
        ZOO,
    ),
    Fault(
        "name of an input",
        "interface",
        "a character of a name that callers use; of tensors inside, which nobody calls by their names, none",
        (
            edited(
                "another",
                renamed,
                Named(SIGNATURES, "picture"),
                Named(PROBLEM, "no array for picture"),
                kind="inputs",
                to=lambda _: b"picture",
            ),
            edited(
                "one more letter",
                renamed,
                Named(SIGNATURES, "_ of "),
                Named(PROBLEM, "no array for left_"),
                kind="inputs",
                to=lambda name: name + b"_",
            ),
            edited(
                "another case",
                renamed,
                Named(SIGNATURES, "input "),
                Named(PROBLEM, "no array for Left"),
                kind="inputs",
                to=lambda name: name.title(),
            ),
            edited("of the weights", inner_renamed),
        ),
        ZOO,
    ),
    Fault(
        "name of an output",
        "interface",
        "a character of a name that callers use; the same name in both files is none",
        (
            edited("another", renamed, Named(SIGNATURES, "classes"), kind="outputs", to=lambda _: b"classes"),
            edited("one more letter", renamed, Named(SIGNATURES, "_"), kind="outputs", to=lambda name: name + b"_"),
            edited("another case", renamed, Named(SIGNATURES, "output "), kind="outputs", to=lambda name: name.title()),
            edited_alike("in both", renamed, kind="outputs", to=lambda name: name + b"_"),
        ),
        tuple(model for model in ZOO if model != "mnist_multi"),  # whose outputs' names the data have
    ),
    ordered("order of outputs", "outputs", ("mnist_multi",)),
    ordered("order of inputs", "inputs", ("mnist_pair",)),
    Fault(
        "truncated",
        "file",
        "a byte at the end, which is that of an operator's code; a byte too many is none",
        (
            Severity("half", partial(cut, count=lambda size: size // 2), (Named(PROBLEM, "fp16.tflite is truncated"),)),
            Severity("a kilobyte", partial(cut, count=lambda _: 1024), (Named(PROBLEM, "fp16.tflite is truncated"),)),
            Severity(
                "a byte of float32",
                partial(cut, count=lambda _: 1, fp32=True),
                (Named(PROBLEM, "fp32.tflite is truncated"),),
            ),
            Severity("a byte", partial(cut, count=lambda _: 1), (Named(PROBLEM, "fp16.tflite is truncated"),)),
            Severity("a byte too many", appended),
        ),
        ZOO,
    ),
    Fault(
        "a bit flipped",
        "file",
        "any bit that is read, the last of a weight too; in padding it is none",
        (
            Severity("in the identifier", partial(flipped, place=lambda _: 5, bit=0), (Named(PROBLEM, "fp16.tflite"),)),
            Severity(
                "in the first offset", partial(flipped, place=lambda _: 0, bit=7), (Named(PROBLEM, "fp16.tflite"),)
            ),
            Severity("in the graph's offset", partial(flipped, place=in_offsets, bit=2), (Named(PROBLEM, "fp16"),)),
            Severity("in a weight", partial(flipped, place=in_weights, bit=0), (Named(ROUNDED, "1 of"),)),
            Severity("in padding", partial(flipped, place=in_padding, bit=0)),
        ),
        tuple(model for model in ZOO if model != "mnist_rows"),  # whose file has no padding before a constant
    ),
    Fault(
        "another file",
        "file",
        "a file that is no float16 file of the model; the same one, written anew, is none",
        (
            Severity("empty", partial(replaced, content=lambda _: b""), (Named(PROBLEM, "fp16.tflite"),)),
            Severity("text", partial(replaced, content=lambda _: b"a pointer\n" * 9), (Named(PROBLEM, "fp16.tflite"),)),
            Severity(
                "a Keras model",
                partial(replaced, content=lambda case: (case.build / KERAS_MODEL).read_bytes()),
                (Named(PROBLEM, "fp16.tflite"),),
            ),
            Severity("exchanged", exchanged, (Named(PROBLEM, "swapped"),)),
            edited("written anew", as_it_is),
        ),
        ZOO,
    ),
)

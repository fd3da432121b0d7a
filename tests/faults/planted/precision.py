"""Faults of number formats: what is sold as a float16 file is none, in part or in what it says of itself."""

import shutil
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import ModelT

from tests.faults.bench import PROBLEM, Case, Fault, Named, NotPlanted, Severity
from tests.faults.planted import converting
from tests.faults.planted.editing import (
    contents_differ,
    edit,
    insert,
    operator_code,
    rename_ends,
    store,
    stored,
)
from tests.faults.planted.pins import stored as in_a_store
from tests.faults.planted.quantizing import (
    FLOAT16,
    FLOAT32,
    INT8,
    LARGEST_FLOAT16,
    Kinds,
    add_metadata,
    every,
    floats,
    largest_as,
    matrices_as,
    on_a_grid,
    quantized,
    smallest_as,
    smallest_matrix_as,
    take_metadata,
    vectors_as,
)
from tests.faults.workshop import ZOO

FLOAT16_ONLY = "tests/test_weights.py::test_float16_file_holds_float16_only"
FLOAT32_ONLY = "tests/test_weights.py::test_float32_file_holds_float32_only"
ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"
BEYOND = "tests/test_weights.py::test_no_weight_is_beyond_float16"
PRECISE = "tests/test_weights.py::test_weights_keep_their_precision"
MODES = "tests/test_weights.py::test_metadata_says_how_the_file_was_made"
ACCUMULATION = "tests/test_weights.py::test_metadata_asks_for_float32_accumulation"
FROZEN = "tests/test_weights.py::test_weights_are_frozen"
ENDS = "tests/test_interface.py::test_inputs_and_outputs_are_float32"
STATIC = "tests/test_interface.py::test_shapes_are_static"

NOT_FLOAT16 = (Named(FLOAT16_ONLY, "weights are not stored as float16"),)
NONE_FLOAT16 = (Named(FLOAT16_ONLY, "and none of them is"),)


def float32_twice(case: Case) -> None:
    """Deliver the float32 file twice."""
    shutil.copyfile(case.fp32, case.fp16)


def float16_twice(case: Case) -> None:
    """Deliver the float16 file twice."""
    shutil.copyfile(case.fp16, case.fp32)


def swapped(case: Case) -> None:
    """Exchange the files."""
    aside = case.folder / "aside.tflite"
    case.fp32.rename(aside)
    case.fp16.rename(case.fp32)
    aside.rename(case.fp16)


def through_int8(case: Case, kinds: Kinds, *, both: bool = False) -> None:
    """Store as float16 what int8 holds of the constants that are INT8 by *kinds*.

    both: whether the float32 file holds no more of them, so that the float16 file is right.
    """
    file, kept = case.fp32, case.folder / "kept.tflite"
    shutil.copyfile(file, kept)

    def change(model: ModelT) -> None:
        found = floats(model)
        for (_, tensor), kind in zip(found, kinds([stored(model, one) for _, one in found]), strict=True):
            if kind == INT8:
                store(model, tensor, on_a_grid(stored(model, tensor)))

    edit(file, change)
    quantized(case, every(FLOAT16))
    if not both:
        shutil.copyfile(kept, file)
    kept.unlink()


def rounded_parent(case: Case) -> None:
    """Have the float32 file hold float16's values, in float32; both files come from one writer then."""

    def change(model: ModelT) -> None:
        for _, tensor in floats(model):
            store(model, tensor, stored(model, tensor).astype(np.float16).astype(np.float32))

    edit(case.fp32, change)
    edit(case.fp16, lambda _: None)


def ends_typed(
    case: Case,
    of: Sequence[str],
    kind: int = schema.TensorType.FLOAT16,
    *,
    last: bool = False,
    precisions: Sequence[str] = ("fp16",),
) -> None:
    """Give inputs and outputs another type, with an operator that brings them to and from float32.

    of: "inputs", "outputs" or both. kind: the type, uint8 with a scale. last: whether the last of them alone gets it.
    """

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        for side in of:
            changed = {}
            for index in list(getattr(graph, side))[-1 if last else 0 :]:
                changed[index] = _typed(model, index, kind, side)
            rename_ends(model, side, changed)

    for precision in precisions:
        edit(case.folder / f"{precision}.tflite", change)


def _typed(model: ModelT, index: int, kind: int, side: str) -> int:
    """Add a tensor of type *kind* that stands for the float32 tensor *index* outside, and return its number."""
    graph = model.subgraphs[0]
    inside = graph.tensors[index]
    outside = schema.TensorT(shape=inside.shape, type=kind, name=inside.name + b"_typed", buffer=0)
    if kind == schema.TensorType.UINT8:
        outside.quantization = schema.QuantizationParametersT(scale=[1 / 255], zeroPoint=[0])
        name = "DEQUANTIZE" if side == "inputs" else "QUANTIZE"
        operator = schema.OperatorT(opcodeIndex=operator_code(model, name))
    else:
        types = (kind, inside.type) if side == "inputs" else (inside.type, kind)
        operator = schema.OperatorT(
            opcodeIndex=operator_code(model, "CAST"),
            builtinOptionsType=schema.BuiltinOptions.CastOptions,
            builtinOptions=schema.CastOptionsT(*types),
        )
    if side == "outputs":
        operator.inputs = [index]
        return insert(graph, operator, outside)
    number = insert(graph, operator, outside, 0)
    operator.inputs, operator.outputs = [number], [index]
    return number


def range_recorded(case: Case) -> None:
    """Record between which values the first input was seen: a quantization without a scale."""

    def change(model: ModelT) -> None:
        graph = model.subgraphs[0]
        graph.tensors[graph.inputs[0]].quantization = schema.QuantizationParametersT(min=[0.0], max=[1.0])

    edit(case.fp16, change)


def metadata_without(model: ModelT, names: Sequence[str]) -> None:
    """Drop what a file says under *names*."""
    kept = [entry for entry in model.metadata if entry.name.decode() not in names]
    for entry in model.metadata:
        if entry not in kept:
            model.buffers[entry.buffer].data = None
    model.metadata = kept


def accumulates(model: ModelT, how: str) -> None:
    """Have a file say with which arithmetic delegates may compute."""
    metadata_without(model, ("reduced_precision_support",))
    add_metadata(model, b"reduced_precision_support", how.encode())


def mode(model: ModelT, number: int) -> None:
    """Have a file say that it was optimized in another way: 1001 is float16."""
    (entry,) = (entry for entry in model.metadata if entry.name == b"CONVERSION_METADATA")
    told = bytes(model.buffers[entry.buffer].data)
    if told.count(FLOAT16_MODE) != 1:
        raise NotPlanted("the metadata do not say once that this is a float16 file")
    changed = told.replace(FLOAT16_MODE, number.to_bytes(4, "little"))
    model.buffers[entry.buffer].data = np.frombuffer(changed, np.uint8)


FLOAT16_MODE = (1001).to_bytes(4, "little")
ALL_METADATA = ("CONVERSION_METADATA", "reduced_precision_support", "min_runtime_version")


def told_otherwise(case: Case, change: Callable[[ModelT], None], precisions: Sequence[str] = ("fp16",)) -> None:
    """Change what files say of themselves."""
    for precision in precisions:
        edit(case.folder / f"{precision}.tflite", change)


def told_by_the_converter(case: Case, change: Callable[[ModelT], None], precision: str = "fp16") -> None:
    """Have the gate's own converter say so: the build in the store is changed."""
    in_a_store(case, lambda folder: edit(folder / f"{precision}.tflite", change), sealed=True)


def parent_says_float16(case: Case) -> None:
    """Have the float32 file say what the float16 file says of itself."""
    edit(case.fp32, lambda model: take_metadata(model, case.fp16))


def variables(case: Case, chosen: Callable[[list], list], *, assigned: bool = False) -> None:
    """Read constants from variables, as a file does whose weights were not frozen.

    chosen: takes the constants, the largest first, and returns which. assigned: whether both files do, and each has an
    initialization that gives the variables their values: that is state, and right.
    """

    def change(model: ModelT) -> None:
        found = chosen([tensor for graph, tensor in floats(model) if graph == 0])
        if not found:
            raise NotPlanted("the first subgraph holds no constants")
        for number, tensor in enumerate(found):
            _read(model, tensor, f"variable_{number}", assigned=assigned)

    for precision in ("fp32", "fp16") if assigned else ("fp16",):
        edit(case.folder / f"{precision}.tflite", change)


def _read(model: ModelT, tensor: schema.TensorT, name: str, *, assigned: bool) -> None:
    """Have a variable stand in the place of a constant, or of what is dequantized of one."""
    graph = model.subgraphs[0]
    place = next(index for index, one in enumerate(graph.tensors) if one is tensor)
    unpacking = next((one for one in graph.operators if list(one.inputs) == [place]), None)
    if tensor.type == schema.TensorType.FLOAT16:
        place = unpacking.outputs[0]
        graph.operators.remove(unpacking)
    read = graph.tensors[place]
    constant = schema.TensorT(shape=tensor.shape, type=tensor.type, buffer=tensor.buffer, name=tensor.name)
    if not assigned:
        model.buffers[tensor.buffer].data = None
    if tensor is not read:
        tensor.buffer, tensor.type = 0, schema.TensorType.FLOAT32
    read.buffer = 0
    handle = insert(graph, _handle(model, name), _resource(name), 0)
    graph.operators.insert(
        1,
        schema.OperatorT(
            opcodeIndex=operator_code(model, "READ_VARIABLE"),
            inputs=[handle],
            outputs=[place],
            builtinOptionsType=schema.BuiltinOptions.ReadVariableOptions,
            builtinOptions=schema.ReadVariableOptionsT(),
        ),
    )
    if assigned:
        _assign(model, constant, name)


def _handle(model: ModelT, name: str) -> schema.OperatorT:
    return schema.OperatorT(
        opcodeIndex=operator_code(model, "VAR_HANDLE"),
        inputs=[],
        builtinOptionsType=schema.BuiltinOptions.VarHandleOptions,
        builtinOptions=schema.VarHandleOptionsT(container=b"", sharedName=name.encode()),
    )


def _resource(name: str) -> schema.TensorT:
    return schema.TensorT(shape=[], type=schema.TensorType.RESOURCE, buffer=0, name=name.encode())


def _assign(model: ModelT, constant: schema.TensorT, name: str) -> None:
    """Add an initialization that assigns *constant* to a variable, and run it once, before all else."""
    graph = schema.SubGraphT(tensors=[constant], inputs=[], outputs=[], operators=[], name=f"init_{name}".encode())
    value = 0
    if constant.type == schema.TensorType.FLOAT16:
        unpacking = schema.OperatorT(opcodeIndex=operator_code(model, "DEQUANTIZE", version=3), inputs=[0])
        unpacked = schema.TensorT(shape=constant.shape, type=schema.TensorType.FLOAT32, buffer=0, name=b"unpacked")
        value = insert(graph, unpacking, unpacked)
    handle = insert(graph, _handle(model, name), _resource(name))
    graph.operators.append(
        schema.OperatorT(
            opcodeIndex=operator_code(model, "ASSIGN_VARIABLE"),
            inputs=[handle, value],
            outputs=[],
            builtinOptionsType=schema.BuiltinOptions.AssignVariableOptions,
            builtinOptions=schema.AssignVariableOptionsT(),
        )
    )
    model.subgraphs.append(graph)
    model.subgraphs[0].operators.insert(
        0,
        schema.OperatorT(
            opcodeIndex=operator_code(model, "CALL_ONCE"),
            inputs=[],
            outputs=[],
            builtinOptionsType=schema.BuiltinOptions.CallOnceOptions,
            builtinOptions=schema.CallOnceOptionsT(initSubgraphIndex=len(model.subgraphs) - 1),
        ),
    )


def converted(case: Case, name: str) -> None:
    """Deliver a file that TensorFlow's converter made of the same trained model in another way."""
    seed = case.name.partition("_seed")[2]
    spec = case.workshop.spec(case.name.partition("_seed")[0], int(seed or 0))
    folder = case.workshop.converted(spec, converting.__name__, converting.SOURCE)
    shutil.copyfile(folder / f"{name}.tflite", case.fp16)


def scaled_apart(case: Case, beyond: float) -> None:
    """Multiply the first layer that ends in RELU by a power of two, and divide the next: the function is the same.

    beyond: how many times 65504 the largest of its weights comes to at least, and less than twice that.
    """

    def change(model: ModelT) -> None:
        layers = [one for one in model.subgraphs[0].operators if _weighted(model, one)]
        first = next(number for number, one in enumerate(layers) if _ends_in_relu(one))
        tensors = [[model.subgraphs[0].tensors[index] for index in one.inputs[1:3]] for one in layers]
        largest = np.abs(stored(model, tensors[first][0])).max()
        factor = 2.0 ** np.ceil(np.log2(beyond * LARGEST_FLOAT16 / largest))
        for tensor in tensors[first]:
            store(model, tensor, stored(model, tensor) * np.float32(factor))
        following = tensors[first + 1][0]
        store(model, following, stored(model, following) / np.float32(factor))

    edit(case.fp32, change)
    quantized(case, every(FLOAT16))


def _weighted(model: ModelT, operator: schema.OperatorT) -> bool:
    """Return whether an operator multiplies with its second input and adds its third, both constants."""
    return len(operator.inputs) == 3 and all(
        model.subgraphs[0].tensors[index].type == schema.TensorType.FLOAT32
        and model.buffers[model.subgraphs[0].tensors[index].buffer].data is not None
        for index in operator.inputs[1:]
        if index >= 0
    )


def _ends_in_relu(operator: schema.OperatorT) -> bool:
    return operator.builtinOptions.fusedActivationFunction == schema.ActivationFunctionType.RELU


FAULTS = (
    Fault(
        "not quantized",
        "precision",
        "one constant in float32 is a fault already, see partly quantized; whoever wrote the file",
        (
            Severity("the float32 file twice", float32_twice, (Named(PROBLEM, "hold the same bytes"),)),
            Severity("float32 written anew", partial(quantized, kinds=every(FLOAT32), marked=False), NONE_FLOAT16),
            Severity("float32 marked as float16", partial(quantized, kinds=every(FLOAT32)), NONE_FLOAT16),
            Severity(
                "all but the smallest constant", partial(quantized, kinds=smallest_as(FLOAT16, FLOAT32)), NOT_FLOAT16
            ),
            Severity("all in float16 by hand", partial(quantized, kinds=every(FLOAT16))),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "partly quantized",
        "precision",
        "one constant of TensorFlow's converter, or one that is multiplied with of any producer; others leave biases",
        (
            Severity("but for the weights", partial(quantized, kinds=matrices_as(FLOAT32)), NOT_FLOAT16),
            Severity("but for a layer", partial(quantized, kinds=largest_as(FLOAT32)), NOT_FLOAT16),
            Severity(
                "but for a layer, unmarked", partial(quantized, kinds=largest_as(FLOAT32), marked=False), NOT_FLOAT16
            ),
            Severity(
                "but for the smallest layer, unmarked",
                partial(quantized, kinds=smallest_matrix_as(FLOAT32), marked=False),
                NOT_FLOAT16,
            ),
            Severity("but for the biases", partial(quantized, kinds=vectors_as(FLOAT32)), NOT_FLOAT16),
            Severity("but for the smallest constant", partial(quantized, kinds=smallest_as(FLOAT32)), NOT_FLOAT16),
            Severity("but for the biases, unmarked", partial(quantized, kinds=vectors_as(FLOAT32), marked=False)),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "integers",
        "precision",
        "one constant in int8; values of int8 in float16 are one where the float32 file has others, and none where not",
        (
            Severity("int8", partial(quantized, kinds=every(INT8)), (Named(FLOAT16_ONLY, "int8"),)),
            Severity("a layer in int8", partial(quantized, kinds=largest_as(INT8)), (Named(FLOAT16_ONLY, "int8"),)),
            Severity(
                "the smallest constant in int8",
                partial(quantized, kinds=smallest_as(INT8)),
                (Named(FLOAT16_ONLY, "int8"),),
            ),
            Severity("through int8", partial(through_int8, kinds=every(INT8)), (Named(ROUNDED),)),
            Severity("a layer through int8", partial(through_int8, kinds=largest_as(INT8)), (Named(ROUNDED),)),
            Severity("a layer through int8 in both files", partial(through_int8, kinds=largest_as(INT8), both=True)),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "typed ends",
        "precision",
        "one input or output; a recorded range without a scale changes no type",
        (
            Severity(
                "float16 everywhere",
                partial(ends_typed, of=("inputs", "outputs")),
                (Named(ENDS, "float16"), Named(PROBLEM, "float16")),
            ),
            Severity(
                "float16 in both files",
                partial(ends_typed, of=("outputs",), precisions=("fp32", "fp16")),
                (Named(ENDS, "float16"),),
            ),
            Severity(
                "an input in uint8",
                partial(ends_typed, of=("inputs",), kind=schema.TensorType.UINT8, last=True),
                (Named(ENDS, "quantized with a scale"), Named(PROBLEM, "uint8")),
            ),
            Severity(
                "an output in uint8",
                partial(ends_typed, of=("outputs",), kind=schema.TensorType.UINT8, last=True),
                (Named(ENDS, "quantized with a scale"),),
            ),
            Severity(
                "an input in float16",
                partial(ends_typed, of=("inputs",), last=True),
                (Named(ENDS, "1 of"), Named(PROBLEM, "float16")),
            ),
            Severity("an output in float16", partial(ends_typed, of=("outputs",), last=True), (Named(ENDS, "1 of"),)),
            Severity("a range recorded", range_recorded),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "converted wrongly",
        "precision",
        "any option that changes types, shapes or state; without its record the converter writes the right file",
        (
            Severity("uint8", partial(converted, name="uint8"), (Named(ENDS, "uint8"), Named(PROBLEM, "uint8"))),
            Severity("int8", partial(converted, name="int8"), (Named(FLOAT16_ONLY, "int8"),)),
            Severity("int8 weights", partial(converted, name="int8_weights"), (Named(FLOAT16_ONLY, "int8"),)),
            Severity("not frozen", partial(converted, name="unfrozen"), (Named(FROZEN, "VAR_HANDLE"),)),
            Severity("any batch", partial(converted, name="open"), (Named(STATIC, "[-1, "),)),
            Severity("an output in float16", partial(converted, name="float16_output"), (Named(ENDS, "float16"),)),
            Severity("without its record", partial(converted, name="without_metadata")),
        ),
        ("mnist_cnn", "mnist_multi"),
        evidence=contents_differ,
    ),
    Fault(
        "metadata",
        "precision",
        "any arithmetic or mode but float16's; where nothing is said it is none, as other producers say nothing",
        (
            Severity(
                "fp16accfp16 in both files",
                partial(told_otherwise, change=partial(accumulates, how="fp16accfp16"), precisions=("fp32", "fp16")),
                (Named(ACCUMULATION, "fp16accfp16"),),
            ),
            Severity(
                "fp16accfp16",
                partial(told_otherwise, change=partial(accumulates, how="fp16accfp16")),
                (Named(ACCUMULATION, "fp16accfp16"),),
            ),
            Severity(
                "fp16accfp32 in the float32 file",
                partial(told_otherwise, change=partial(accumulates, how="fp16accfp32"), precisions=("fp32",)),
                (Named(ACCUMULATION, "fp32.tflite is fp16accfp32"),),
            ),
            Severity("the float32 file says float16", parent_says_float16, (Named(MODES, "fp32.tflite says [1001]"),)),
            Severity(
                "another mode",
                partial(told_otherwise, change=partial(mode, number=1002)),
                (Named(MODES, "says [1002]"),),
            ),
            Severity(
                "a mark without an arithmetic",
                partial(told_otherwise, change=partial(metadata_without, names=("reduced_precision_support",))),
                (Named(ACCUMULATION, "None"),),
            ),
            Severity(
                "no mark", partial(told_otherwise, change=partial(metadata_without, names=("CONVERSION_METADATA",)))
            ),
            Severity("nothing", partial(told_otherwise, change=partial(metadata_without, names=ALL_METADATA))),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "metadata of the gate's own files",
        "precision",
        "anything that is missing: what the gate's converter says is known",
        (
            Severity(
                "fp16accfp16",
                partial(told_by_the_converter, change=partial(accumulates, how="fp16accfp16")),
                (Named(ACCUMULATION, "fp16accfp16"),),
            ),
            Severity(
                "nothing",
                partial(told_by_the_converter, change=partial(metadata_without, names=ALL_METADATA)),
                (Named(MODES, "says []"),),
            ),
            Severity(
                "no mark",
                partial(told_by_the_converter, change=partial(metadata_without, names=("CONVERSION_METADATA",))),
                (Named(MODES, "says []"),),
            ),
            Severity(
                "no arithmetic",
                partial(told_by_the_converter, change=partial(metadata_without, names=("reduced_precision_support",))),
                (Named(ACCUMULATION, "None"),),
            ),
        ),
        ("quick",),
        declared=True,
    ),
    Fault(
        "not frozen",
        "precision",
        "one variable that is read and never assigned; state that an initialization assigns in both files is none",
        (
            Severity(
                "all constants", partial(variables, chosen=lambda found: found), (Named(FROZEN, "reads the variable"),)
            ),
            Severity(
                "the largest",
                partial(variables, chosen=lambda found: found[:1]),
                (Named(FROZEN, "reads the variable"),),
            ),
            Severity(
                "the smallest",
                partial(variables, chosen=lambda found: found[-1:]),
                (Named(FROZEN, "reads the variable"),),
            ),
            Severity("assigned in both files", partial(variables, chosen=lambda found: found[-1:], assigned=True)),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "quantized parent",
        "precision",
        "one constant of the float32 file; values that float16 holds, in float32, are none",
        (
            Severity("swapped", swapped, (Named(PROBLEM, "swapped"),)),
            Severity("the float16 file twice", float16_twice, (Named(PROBLEM, "hold the same bytes"),)),
            Severity(
                "float16 written anew",
                partial(quantized, kinds=every(FLOAT16), marked=False, target="fp32"),
                (Named(FLOAT32_ONLY, "weights are not stored as float32"),),
            ),
            Severity(
                "a layer in int8",
                partial(quantized, kinds=largest_as(INT8, FLOAT32), marked=False, target="fp32"),
                (Named(FLOAT32_ONLY, "int8"),),
            ),
            Severity(
                "a constant in float16",
                partial(quantized, kinds=smallest_as(FLOAT16, FLOAT32), marked=False, target="fp32"),
                (Named(FLOAT32_ONLY, "1 of"),),
            ),
            Severity("the values of float16", rounded_parent),
        ),
        ZOO,
        evidence=contents_differ,
    ),
    Fault(
        "layers scaled apart",
        "precision",
        "a half to a 64th of 65504, by the model: the layer behind is so small then that bits of it are lost",
        (
            Severity("far beyond", partial(scaled_apart, beyond=64), (Named(BEYOND, "beyond 65504"),)),
            Severity("just beyond", partial(scaled_apart, beyond=1), (Named(BEYOND, "beyond 65504"),)),
            Severity("just within", partial(scaled_apart, beyond=2**-1), (Named(PRECISE, "most is lost in"),)),
            Severity("a hundredth", partial(scaled_apart, beyond=2**-7)),
        ),
        tuple(model for model in ZOO if model != "mnist_rows"),
        evidence=contents_differ,
    ),
)

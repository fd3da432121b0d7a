"""What is read from a `.tflite` file is what LiteRT sees in it; what cannot be read in full is an error."""

import os
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness import tflite_file
from fixtures.harness.flatbuffer_reader import Content, Table
from fixtures.harness.tflite_file import PTQ_FLOAT16, UnreadableModelError, read
from fixtures.harness.versions import ROOT
from tests.harness import flatbuffer
from tests.harness.runs import HOSTILE

NAMES = [
    "dense-fp32",
    "dense-fp16",
    "dense-int8",
    "dynamic-fp32",
    "conv-fp32",
    "conv-fp16",
    "two-fp32",
    "two-fp16",
    "embedding-fp32",
    "embedding-fp16",
    "lstm-fp32",
    "lstm-fp16",
]


@pytest.fixture(params=NAMES)
def name(request):
    """The name of a converted file."""
    return request.param


@pytest.fixture
def interpreter(converted, name):
    """LiteRT's own view of the file, without delegates."""
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(converted / f"{name}.tflite"), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    return interpreter


def described(tensor):
    """Return a tensor as LiteRT describes it."""
    shape = tuple(max(1, size) for size in tensor.shape)
    return tensor.index, tensor.name, tensor.type.lower(), shape


def test_tensors_are_those_that_litert_sees(files, name, interpreter):
    """Every tensor of the main graph has the index, name, type and shape that LiteRT reports."""
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    found = [described(tensor) for tensor in files[name].subgraphs[0].tensors]

    assert found == [
        (index, details[index]["name"], np.dtype(details[index]["dtype"]).name, tuple(details[index]["shape"]))
        for index, *_ in found
    ]


def test_constants_hold_what_litert_reads(files, name, interpreter):
    """Every constant of the main graph has the values that LiteRT reads from the file."""
    constants = [tensor for tensor in files[name].constants if tensor.subgraph == 0]

    assert constants
    assert all(np.array_equal(tensor.data, interpreter.get_tensor(tensor.index)) for tensor in constants)


def test_signature_is_the_one_that_litert_sees(files, name, interpreter):
    """The signature has the key and the input and output names that LiteRT reports."""
    (signature,) = files[name].signatures

    assert interpreter.get_signature_list() == {
        signature.key: {"inputs": sorted(signature.inputs), "outputs": sorted(signature.outputs)}
    }


# Not of the loop: LiteRT takes outputs away from a WHILE that nobody reads.
@pytest.mark.parametrize("name", [name for name in NAMES if "lstm" not in name])
def test_operators_are_those_that_litert_sees(files, name, interpreter):
    """The operators of the main graph have the kinds, inputs and outputs that LiteRT reports, in execution order."""
    found = [
        (operator.name, [tensor.index for tensor in operator.inputs if tensor], [t.index for t in operator.outputs])
        for operator in files[name].subgraphs[0].operators
    ]

    assert found == [
        (op["op_name"], [index for index in op["inputs"].tolist() if index >= 0], op["outputs"].tolist())
        for op in interpreter._get_ops_details()
    ]


def test_size_is_that_of_the_file(files, name, converted):
    """The size is in bytes, as the file system tells it."""
    assert files[name].size == (converted / f"{name}.tflite").stat().st_size


def test_entry_is_the_signature(files):
    """What is run is the signature, with its inputs and outputs by name."""
    entry = files["two-fp16"].entry

    assert [(name, tensor.shape) for name, tensor in entry.inputs.items()] == [("left", (1, 6)), ("right", (1, 4))]
    assert [(name, tensor.shape) for name, tensor in entry.outputs.items()] == [("product", (1, 3)), ("total", (1, 3))]


def test_file_without_signature_is_entered_through_its_graph(edited):
    """Where a file has no signature, its first graph's inputs and outputs are what is run."""

    def without_signatures(model):
        model.signatureDefs = None

    file = edited("dense-fp16", without_signatures)

    assert (file.signatures, file.entry.key, list(file.entry.inputs)) == ((), "", ["serving_default_values:0"])


def test_dynamic_dimension_is_minus_one(files):
    """A batch size that the file leaves open is -1, whatever size its tensor is allocated with."""
    (tensor,) = files["dynamic-fp32"].entry.inputs.values()

    assert tensor.shape == (-1, 16)


def test_every_subgraph_is_read(files):
    """The bodies of a loop are read with their operators and weights."""
    file = files["lstm-fp16"]

    assert len(file.subgraphs) == 3
    assert {tensor.subgraph for tensor in file.constants if tensor.type == "FLOAT16"} == {0, 2}


def test_weight_is_seen_through_its_dequantize(files):
    """A float16 weight is found where an operator uses it, behind the DEQUANTIZE that unpacks it."""
    graph = files["dense-fp16"].subgraphs[0]
    operator = graph.calculations[0]

    assert [graph.stored(tensor) and graph.stored(tensor).type for tensor in operator.inputs] == [
        None,
        "FLOAT16",
        "FLOAT16",
    ]


def test_calculations_leave_unpacking_out(files):
    """Without DEQUANTIZE, the operators of a float16 file are those of its parent."""
    graphs = zip(files["lstm-fp32"].subgraphs, files["lstm-fp16"].subgraphs, strict=True)

    assert all([a.name for a in one.calculations] == [b.name for b in other.calculations] for one, other in graphs)


@pytest.mark.parametrize("name", ["dense", "conv", "two", "embedding", "lstm"])
def test_metadata_says_how_a_file_was_made(files, name):
    """The converter's record says float16 of the one file, and nothing of its parent."""
    fp32, fp16 = files[f"{name}-fp32"], files[f"{name}-fp16"]

    assert (fp32.optimization_modes, fp32.accumulation) == ((), None)
    assert (fp16.optimization_modes, fp16.accumulation) == ((PTQ_FLOAT16,), "fp16accfp32")


def test_metadata_of_another_quantization_is_another(files):
    """A file with int8 weights does not say float16."""
    assert files["dense-int8"].optimization_modes not in {(), (PTQ_FLOAT16,)}


@pytest.mark.parametrize(
    ("record", "kept"),
    [("CONVERSION_METADATA", ((), "fp16accfp32")), ("reduced_precision_support", ((PTQ_FLOAT16,), None))],
)
def test_dropped_metadata_is_missed(edited, record, kept):
    """A file without a record says nothing of it, and what it still has it says."""
    file = edited("dense-fp16", flatbuffer.without_metadata(record))

    assert (file.optimization_modes, file.accumulation) == kept


def test_other_accumulation_is_read(edited):
    """What a file asks for is told as it stands there."""

    def less(model):
        (entry,) = (entry for entry in model.metadata if entry.name == b"reduced_precision_support")
        model.buffers[entry.buffer].data = np.frombuffer(b"fp16accfp16\0\0\0\0\0", np.uint8)

    assert edited("dense-fp16", less).accumulation == "fp16accfp16"


def test_custom_operator_is_named(edited):
    """An operator that is not TensorFlow Lite's own goes by the name that the file gives it."""
    file = edited("dense-fp16", flatbuffer.renaming_operator("FULLY_CONNECTED", "CUSTOM", b"Homemade"))

    assert {operator.name for operator in file.subgraphs[0].calculations} == {"CUSTOM:Homemade"}


@pytest.mark.parametrize("name", [name for name in HOSTILE.values() if name != "\ud800"])
def test_names_are_one_line_where_they_are_shown(edited, name):
    """No name in a file ends a line of a message, or steers a terminal; the tensor's name stays what the file says."""
    name *= 100

    def rename(model):
        flatbuffer.renaming_operator("FULLY_CONNECTED", "CUSTOM", name.encode())(model)
        model.subgraphs[0].name = name.encode()
        for tensor in model.subgraphs[0].tensors:
            tensor.name = name.encode()

    (graph,) = edited("dense-fp16", rename).subgraphs
    shown = [graph.name, *map(str, graph.tensors), *(operator.name for operator in graph.calculations)]
    assert {tensor.name for tensor in graph.tensors} == {name}
    assert [text for text in shown if not text.replace("\u200d", "").isprintable()] == []
    assert max(map(len, shown)) < 1100


def test_quantized_tensor_is_known_as_one(files):
    """Weights that were quantized to integers are marked, others are not."""
    assert {tensor.type for tensor in files["dense-int8"].constants if tensor.quantized} == {"INT8"}
    assert not any(tensor.quantized for tensor in files["dense-fp16"].constants)


@pytest.mark.parametrize(
    ("name", "step"), [("extremes-fp32", 1), ("two-fp16", 7), ("lstm-fp16", 61), ("dense-int8", 61), ("outside", 7)]
)
def test_truncated_file_is_refused(converted, stored_outside, tmp_path, name, step):
    """A file that was cut off anywhere, at every byte of the smallest one, is refused with its path."""
    whole = stored_outside if name == "outside" else converted / f"{name}.tflite"
    content, file = whole.read_bytes(), tmp_path / "cut.tflite"

    def told(length):
        file.write_bytes(content[:length])
        return refusal(file).partition(":")[0]

    assert {told(length) for length in range(8)} == {f"{file} is not a .tflite file"}
    assert {told(length) for length in range(8, len(content), step)} == {f"{file} is truncated or damaged"}
    assert told(len(content) - 1) == f"{file} is truncated or damaged"


def refusal(file):
    """Return the error's sentence that says why *file* cannot be read."""
    with pytest.raises(UnreadableModelError) as refused:
        read(file)
    return str(refused.value)


@pytest.mark.parametrize("seed", range(10))
def test_garbage_is_refused(tmp_path, seed):
    """Bytes that are no model are an error with the path, also behind the right identifier."""
    file = tmp_path / "garbage.tflite"
    file.write_bytes(b"\x1c\0\0\0TFL3" + np.random.default_rng(seed).bytes(1000))

    with pytest.raises(UnreadableModelError, match=rf"{file} is truncated or damaged"):
        read(file)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"PK\x03\x04" + bytes(100), b"<html>" * 20, bytes(1000)])
def test_file_of_another_kind_is_refused(tmp_path, content):
    """An empty file, an archive or a web page is an error that says what it lacks."""
    file = tmp_path / "other.tflite"
    file.write_bytes(content)

    with pytest.raises(UnreadableModelError, match=rf"{file} is not a \.tflite file"):
        read(file)


def test_missing_file_is_refused(tmp_path):
    """A file that is not there is an error with its path."""
    with pytest.raises(UnreadableModelError, match=rf"{tmp_path}/missing\.tflite cannot be read: No such file"):
        read(tmp_path / "missing.tflite")


def test_folder_is_refused(tmp_path):
    """A folder in the place of a file is an error with its path."""
    with pytest.raises(UnreadableModelError, match=rf"{tmp_path} cannot be read: Is a directory"):
        read(tmp_path)


def test_model_without_a_graph_is_refused(edited):
    """A flatbuffer that holds no graph is not a model."""

    def without_graphs(model):
        model.subgraphs, model.signatureDefs = [], None

    with pytest.raises(UnreadableModelError, match="it holds no graph"):
        edited("dense-fp16", without_graphs)


def told_by_the_object_api(operator):
    """Return what the generated code says that an operator is told."""
    unions = [options for options in (operator.builtinOptions, operator.builtinOptions2) if options is not None]
    told = {name: value for options in unions for name, value in vars(options).items()}
    return sorted((name, str(np.asarray(value).tolist())) for name, value in told.items())


def test_options_are_those_of_the_generated_code(converted, files):
    """Every operator of every converted file is told what the schema's own code reads."""
    for name, file in files.items():
        model = flatbuffer_utils.read_model(str(converted / f"{name}.tflite"))
        operators = [operator for graph in model.subgraphs for operator in graph.operators]
        found = [list(operator.options) for graph in file.subgraphs for operator in graph.operators]

        assert found == [told_by_the_object_api(operator) for operator in operators]


TEXTS = "container", "sharedName", "callTargetName", "backendConfig"
"""Options that are texts, but for the name of a composite."""


def filled(options):
    """Return *options* with values that are not the schema's defaults."""
    for name, value in vars(options).items():
        other = {bool: not value, int: (value or 0) + 1, float: (value or 0) + 0.5}
        text = name in TEXTS or (name == "name" and value is None)
        setattr(options, name, other.get(type(value), b"text" if text else [1, 1, 1]))
    return options


@pytest.mark.parametrize("union", ["", "2"])
def test_options_of_every_kind_are_read(edited, tmp_path, union):
    """Each kind of options that the schema has is read through checked accesses, as the generated code tells it."""
    kinds = vars(getattr(schema, f"BuiltinOptions{union}"))
    kinds = {name: value for name, value in kinds.items() if name[0] != "_" and value}

    def adding_operators(model):
        model.subgraphs.append(schema.SubGraphT())
        for name, kind in kinds.items():
            operator = schema.OperatorT()
            setattr(operator, f"builtinOptions{union}Type", kind)
            setattr(operator, f"builtinOptions{union}", filled(getattr(schema, f"{name}T")()))
            model.subgraphs[0].operators.append(operator)

    operators = edited("dense-fp32", adding_operators).subgraphs[0].operators
    model = schema.ModelT.InitFromPackedBuf((tmp_path / "dense-fp32.tflite").read_bytes())

    assert len(operators) > len(kinds)
    assert [list(operator.options) for operator in operators] == [
        told_by_the_object_api(operator) for operator in model.subgraphs[0].operators
    ]


def test_variable_is_marked(edited, files):
    """A tensor that keeps its value between runs is told from the others."""

    def keeping(model):
        model.subgraphs[0].tensors[0].isVariable = True

    assert [tensor.variable for tensor in edited("dense-fp16", keeping).subgraphs[0].tensors][:2] == [True, False]
    assert not any(tensor.variable for tensor in files["dense-fp16"].subgraphs[0].tensors)


def test_open_dimension_of_an_entry_point_makes_a_file_dynamic(edited, files):
    """A file with a signature, or without one, is dynamic where an input or output leaves a dimension open."""

    def without_signatures(model):
        model.signatureDefs = None

    assert files["dynamic-fp32"].dynamic
    assert edited("dynamic-fp32", without_signatures).dynamic
    assert not files["dense-fp32"].dynamic
    assert not edited("dense-fp32", without_signatures).dynamic


def test_strings_stay_bytes(edited):
    """A constant of strings is told as the bytes that the file holds, whatever their number."""

    def as_strings(model):
        tensor = flatbuffer.constants(model)[0]
        tensor.type, tensor.shape = schema.TensorType.STRING, [2]
        model.buffers[tensor.buffer].data = np.frombuffer(b"\2\0\0\0" + bytes(13), np.uint8)

    (constant,) = (tensor for tensor in edited("dense-fp32", as_strings).constants if tensor.type == "STRING")

    assert (constant.data.tobytes(), constant.shape) == (b"\2\0\0\0" + bytes(13), (2,))


@pytest.mark.parametrize("copied", [tflite_file.COPIED, 0])
def test_constants_are_read_only_views(converted, monkeypatch, copied):
    """Constants are views on the bytes of the file, read or mapped, that nobody can write to."""
    monkeypatch.setattr(tflite_file, "COPIED", copied)
    file = read(converted / "dense-fp32.tflite")
    whole = np.frombuffer(tflite_file._content(file.path), np.uint8)

    assert not any(tensor.data.flags.owndata or tensor.data.flags.writeable for tensor in file.constants)
    assert all(tensor.data.tobytes() in whole.tobytes() for tensor in file.constants)


@pytest.fixture
def stored_outside(converted, tmp_path):
    """A file whose values lie behind the flatbuffer, as in files of over 2 GB."""
    file = tmp_path / "outside.tflite"
    content, _ = flatbuffer.stored_outside(flatbuffer_utils.read_model(str(converted / "two-fp16.tflite")))
    file.write_bytes(content)
    return file


def test_values_behind_the_flatbuffer_are_read(stored_outside, files):
    """A file says the same, and LiteRT reads the same of it, wherever its values lie."""
    file, interpreter = read(stored_outside), Interpreter(str(stored_outside))

    assert list(map(str, file.subgraphs[0].tensors)) == list(map(str, files["two-fp16"].subgraphs[0].tensors))
    assert (file.optimization_modes, file.accumulation) == ((PTQ_FLOAT16,), "fp16accfp32")
    for tensor, same in zip(file.constants, files["two-fp16"].constants, strict=True):
        assert np.array_equal(tensor.data, same.data)
        assert np.array_equal(tensor.data, interpreter.get_tensor(tensor.index))


def connected(rows, columns):
    """Return a FULLY_CONNECTED of a float32 weight whose buffer holds four bytes."""
    model, graph, operator = schema.ModelT(), schema.SubGraphT(), schema.OperatorT()
    model.version, model.subgraphs, model.operatorCodes = 3, [graph], [schema.OperatorCodeT()]
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = 9
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.ones(4, np.uint8)
    graph.tensors = [schema.TensorT() for _ in range(3)]
    for tensor, name, shape in zip(graph.tensors, "xwy", ([1, columns], [rows, columns], [1, rows]), strict=True):
        tensor.name, tensor.shape = name, shape
    graph.tensors[1].buffer = 1
    operator.inputs, operator.outputs, graph.operators = [0, 1, -1], [2], [operator]
    operator.builtinOptionsType = schema.BuiltinOptions.FullyConnectedOptions
    operator.builtinOptions = schema.FullyConnectedOptionsT()
    graph.inputs, graph.outputs = [0], [2]
    return model


def large_inside(rows, columns):
    """Return the beginning of a file with its weight in the flatbuffer, at its end; and how long the file is."""
    content = bytearray(flatbuffer_utils.convert_object_to_bytearray(connected(rows, columns)))
    whole = Content(memoryview(bytes(content)), len(content) * 4)
    _, buffer = Table.root(whole).tables(tflite_file._Model.BUFFERS)
    place = buffer.place(tflite_file._Buffer.DATA)
    content += bytes(-len(content) % 16 + 12)
    content[place : place + 4] = (len(content) - place).to_bytes(4, "little")
    size = 4 * rows * columns
    content += size.to_bytes(4, "little")
    return bytes(content), len(content) + size


def large_outside(rows, columns):
    """Return the same for a weight behind the flatbuffer."""
    return flatbuffer.stored_outside(connected(rows, columns), 4 * rows * columns)


READING = """
import resource, sys
from pathlib import Path
from fixtures.harness import tflite_file

tflite_file._names()
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
file = tflite_file.read(Path(sys.argv[1]))
(weight,) = file.constants
print(file.size, weight.shape, weight.data[-1, -1], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.parametrize(("beginning", "rows"), [(large_inside, 16384), (large_outside, 16384), (large_outside, 65536)])
def test_large_file_is_not_copied(tmp_path, beginning, rows):
    """A file of 1.3 GB, or of 5 GB, costs a few pages of memory, and its last value is read from where it stands."""
    file = tmp_path / "large.tflite"
    content, size = beginning(rows, 20000)
    file.write_bytes(content)
    os.truncate(file, size - 4)  # a hole, which takes no room on the disk
    with file.open("ab") as end:
        end.write(np.float32(7.5).tobytes())
    command = [sys.executable, "-c", READING, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    *told, kilobytes = done.stdout.split()

    assert told == [str(size), f"({rows},", "20000)", "7.5"]
    assert int(kilobytes) < 20_000
    os.truncate(file, size - 1)
    assert refusal(file).startswith(f"{file} is truncated or damaged: ")


def setting(what, **values):
    """Return a change that sets attributes of what *what* finds in the objects of a flatbuffer."""

    def edit(model):
        for name, value in values.items():
            setattr(what(model), name, value)

    return edit


def a_graph(model):
    """The first graph."""
    return model.subgraphs[0]


def a_tensor(model):
    """The input of the first graph."""
    return model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]]


def a_constant(model):
    """The largest constant."""
    return flatbuffer.constants(model)[0]


def an_operator(model):
    """The first operator."""
    return model.subgraphs[0].operators[0]


def a_loop(model):
    """What the loop is told."""
    return next(op for op in model.subgraphs[0].operators if hasattr(op.builtinOptions, "condSubgraphIndex"))


def a_signature(model):
    """The signature."""
    return model.signatureDefs[0]


def custom(model):
    """The kind of the first operator, a custom one."""
    code = model.operatorCodes[0]
    code.builtinCode, code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM, schema.BuiltinOperator.CUSTOM
    return code


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (setting(a_graph, inputs=[99]), "graph 0 names tensor 99, and there are"),
        (setting(a_graph, outputs=[-1]), "graph 0 names tensor -1, and there are"),
        (setting(an_operator, inputs=[-2]), "operator 0 of graph 0 names tensor -2, and there are"),
        (setting(an_operator, outputs=[-1]), "operator 0 of graph 0 names tensor -1, and there are"),
        (setting(an_operator, opcodeIndex=99), "operator 0 of graph 0 is of kind 99, and there are"),
        (
            setting(an_operator, builtinOptionsType=250),
            "operator 0 of graph 0 has options of kind 250, which the schema",
        ),
        (
            setting(an_operator, builtinOptions2Type=251),
            "operator 0 of graph 0 has options of kind 251, which the schema",
        ),
        (
            setting(
                an_operator,
                builtinOptions2Type=schema.BuiltinOptions2.StableHLOCompositeOptions,
                builtinOptions2=schema.StableHLOCompositeOptionsT(decompositionSubgraphIndex=8),
            ),
            "operator 0 of graph 0 calls graph 8, and there are 3",
        ),
        (
            setting(
                an_operator,
                builtinOptions2Type=schema.BuiltinOptions2.StablehloCaseOptions,
                builtinOptions2=schema.StablehloCaseOptionsT(branchSubgraphIndices=[1, 9]),
            ),
            "operator 0 of graph 0 calls graph 9, and there are 3",
        ),
        (setting(a_tensor, buffer=999), r"tensor \d+ of graph 0 is stored in buffer 999, and there are"),
        (setting(a_tensor, type=99), r"tensor \d+ of graph 0 has type 99, which the schema"),
        (setting(a_tensor, shape=[1] * 65), r"tensor \d+ of graph 0 has a shape that no tensor can have$"),
        (setting(a_tensor, shapeSignature=[-2, 1, 1]), r"tensor \d+ of graph 0 has a shape that no tensor can have"),
        (setting(a_tensor, name=b"\xff\xfe"), r"the name b'\\xff\\xfe' is not UTF-8"),
        (setting(a_constant, shape=[7]), r"tensor \d+ of graph \d has \d+ bytes of data, and shape \[7\] of FLOAT16"),
        (setting(a_constant, shape=[-1, -1]), r"tensor \d+ of graph \d has \d+ bytes of data, and shape \[-1, -1\]"),
        (
            setting(a_constant, shape=[2**31 - 1] * 64),
            r"tensor \d+ of graph \d has \d+ bytes of data, and shape \[2147",
        ),
        (
            setting(a_constant, shapeSignature=[-1, 2]),
            r"tensor \d+ of graph \d has \d+ bytes of data, and shape \[-1, 2",
        ),
        (setting(lambda model: model.operatorCodes[0], builtinCode=9999), "it uses operator 9999, which the schema"),
        (setting(custom, customCode=None), "a custom operator has no name"),
        (setting(a_signature, subgraphIndex=9), "signature 'serving_default' enters graph 9, and there are 3"),
        (setting(a_signature, signatureKey=None), "a signature has no name"),
        (
            setting(lambda m: a_signature(m).inputs[0], tensorIndex=99),
            "signature 'serving_default' names tensor 99, and",
        ),
        (
            setting(lambda m: a_signature(m).inputs[0], name=None),
            "signature 'serving_default' has an input or output with",
        ),
        (
            setting(lambda m: a_loop(m).builtinOptions, bodySubgraphIndex=-1),
            r"operator \d+ of graph 0 calls graph -1, and",
        ),
        (
            setting(lambda m: a_loop(m).builtinOptions, condSubgraphIndex=3),
            r"operator \d+ of graph 0 calls graph 3, and",
        ),
        (setting(lambda m: a_loop(m).builtinOptions, condSubgraphIndex=0), "graph 0 calls itself, or one that does"),
        (setting(lambda m: m.metadata[0], buffer=999), "metadata '.*' is stored in buffer 999, and there are"),
        (setting(lambda m: m.buffers[1], offset=64, size=4), "buffer 1 is stored twice"),
        (
            setting(lambda m: m.buffers[0], offset=64, size=2**63),
            f"{2**63} bytes of data from byte 64 on lead outside of",
        ),
    ],
)
def test_damage_is_told(edited, tmp_path, change, told):
    """What leads out of a list or of the file, or contradicts itself, is an error that names the file and the place."""
    with pytest.raises(UnreadableModelError, match=f"^{tmp_path}/lstm-fp16.tflite is truncated or damaged: {told}"):
        edited("lstm-fp16", change)


def repeating_a_name(model):
    """Give both inputs of the signature one name."""
    for entry in model.signatureDefs[0].inputs:
        entry.name = b"same"


def repeating_a_name_without_signature(model):
    """Give both inputs of the graph one name, and leave the signature out."""
    model.signatureDefs = None
    for index in model.subgraphs[0].inputs:
        model.subgraphs[0].tensors[index].name = b""


def steering_a_terminal(model):
    """Have the name of an output of the signature do something where it is shown."""
    model.signatureDefs[0].outputs[0].name = b"\x1b[2J"


def naming_an_input(name):
    """Return what gives the first input of the signature a *name*."""

    def change(model):
        model.signatureDefs[0].inputs[0].name = name.encode()

    return change


def two_lines_without_signature(model):
    """Have the name of the graph's input take two lines, and leave the signature out."""
    model.signatureDefs = None
    model.subgraphs[0].tensors[model.subgraphs[0].inputs[0]].name = b"x\ny"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (setting(a_tensor, externalBuffer=1), r"tensor \d+ of graph 0, '.*', has its value in another file"),
        (
            setting(a_constant, sparsity=schema.SparsityParametersT()),
            r"tensor \d+ of graph 0, '.*', is stored as a sparse",
        ),
        (repeating_a_name, r"signature 'serving_default' has two inputs or outputs of the name 'same'"),
        (
            repeating_a_name_without_signature,
            "its graph, which no signature describes, has two inputs or outputs of the",
        ),
        (
            setting(lambda m: m.signatureDefs[0], signatureKey="a\u2028b".encode()),
            r"the name of a signature holds a control character, 'a\\u2028b': rename it",
        ),
        (
            steering_a_terminal,
            r"signature 'serving_default' has an input or output whose name holds a control character, '\\x1b\[2J'",
        ),
        (
            naming_an_input("\u202egnp.exe"),
            r"signature 'serving_default' has an input or output whose name holds a control character, '\\u202egnp",
        ),
        (
            naming_an_input("n" * 1001),
            "signature 'serving_default' has an input or output whose name has 1001 characters, and 1000 are the most",
        ),
        (
            two_lines_without_signature,
            r"its graph, which no signature describes, has an input or output whose name holds a control character, 'x",
        ),
    ],
)
def test_what_is_not_supported_is_told(edited, tmp_path, change, told):
    """A sound file that holds what this reader does not handle is refused, and not called damaged."""
    with pytest.raises(UnreadableModelError, match=f"^{tmp_path}/two-fp16.tflite cannot be judged: {told}"):
        edited("two-fp16", change)


def test_billion_elements_are_refused(converted, tmp_path):
    """A list that claims more elements than the file can hold is refused before anything is made of it."""
    content = bytearray((converted / "dense-fp16.tflite").read_bytes())
    whole = Content(memoryview(bytes(content)), len(content))
    root = Table.root(whole)
    at = whole.follow(root.place(tflite_file._Model.SUBGRAPHS))
    content[at : at + 4] = (10**9).to_bytes(4, "little")
    file = tmp_path / "billion.tflite"
    file.write_bytes(content)

    assert "a list claims 1000000000 elements" in refusal(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipe_is_refused(tmp_path):
    """A pipe in the place of a file is an error, and nobody waits for its writer."""
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path / "pipe") == f"{tmp_path}/pipe cannot be read: it is not a regular file"


def test_dequantize_without_inputs_unpacks_nothing(edited):
    """An operator that lacks its input is not taken for one that unpacks a weight."""
    file = edited("dense-fp16", setting(an_operator, inputs=[]))

    assert file.subgraphs[0].operators[0] in file.subgraphs[0].calculations

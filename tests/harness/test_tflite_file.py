"""What is read from a `.tflite` file is what LiteRT sees in it; what cannot be read in full is an error."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fixtures.harness.tflite_file import PTQ_FLOAT16, UnreadableModelError, read
from tests.harness import flatbuffer

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


def test_quantized_tensor_is_known_as_one(files):
    """Weights that were quantized to integers are marked, others are not."""
    assert {tensor.type for tensor in files["dense-int8"].constants if tensor.quantized} == {"INT8"}
    assert not any(tensor.quantized for tensor in files["dense-fp16"].constants)


@pytest.mark.parametrize("share", np.sort(np.random.default_rng(0).uniform(0, 1, 50)).round(4))
@pytest.mark.parametrize("name", ["dense-fp16", "lstm-fp16"])
def test_truncated_file_is_refused(converted, files, tmp_path, name, share):
    """A file that was cut off anywhere is refused with its path, or holds all that it held."""
    content, file = (converted / f"{name}.tflite").read_bytes(), tmp_path / "cut.tflite"
    file.write_bytes(content[: int(share * len(content))])

    assert reread(file) in (f"{file} is truncated or damaged", f"{file} is not a .tflite file", files[name].subgraphs)


def reread(file):
    """Return the graphs of *file*, or how the error begins that says why they cannot be read."""
    try:
        return read(file).subgraphs
    except UnreadableModelError as error:
        return str(error).partition(":")[0]


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

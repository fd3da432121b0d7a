"""The float32 twin of a float16 file computes what the file does, to the bit, and holds no float16."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness import interface, twin, weights
from fixtures.harness.tflite_file import UnreadableModelError, read
from fixtures.harness.twin import TwinError
from tests.harness import flatbuffer

NAMES = ["dense", "conv", "two", "embedding", "lstm", "extremes", "sums", "masked", "appended", "state"]
KERNELS = [OpResolverType.BUILTIN_REF, OpResolverType.AUTO]


@pytest.fixture
def inflated(tmp_path):
    """Return the twin of a file, and where it lies."""

    def inflate(file):
        out = tmp_path / "twin.tflite"
        out.write_bytes(twin.inflate(file))
        return out

    return inflate


def computed(file, kernels):
    """Return what each signature of *file* gives for two samples, as bytes."""
    interpreter = Interpreter(str(file), experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    random = np.random.default_rng(0)
    found = []
    for key in sorted(interpreter.get_signature_list()):
        run = interpreter.get_signature_runner(key)
        for _ in range(2):
            feeds = {
                name: (10 * random.random(detail["shape"])).astype(detail["dtype"])
                for name, detail in sorted(run.get_input_details().items())
            }
            found += [values.tobytes() for _, values in sorted(run(**feeds).items())]
    return found


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda kernels: kernels.name)
@pytest.mark.parametrize("name", NAMES)
def test_twin_computes_the_same_bits(converted, inflated, name, kernels):
    """The twin gives what the file gives, on the reference kernels and on XNNPACK, from every signature."""
    file = converted / f"{name}-fp16.tflite"
    found = computed(inflated(file), kernels)

    assert found == computed(file, kernels)
    assert any(found)


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda kernels: kernels.name)
@pytest.mark.parametrize("name", ["dense", "conv", "embedding", "lstm", "state"])
def test_twin_of_a_file_from_elsewhere_computes_the_same_bits(edited, inflated, name, kernels):
    """So does the twin of a file that another producer made, which holds float32 as well."""
    file = edited(f"{name}-fp32", flatbuffer.casting_weights_only).path

    assert computed(inflated(file), kernels) == computed(file, kernels)


@pytest.mark.parametrize("name", NAMES)
def test_twin_is_a_good_parent(converted, inflated, name):
    """The twin is a float32 file in every subgraph, of the same graph and interface, whose rounding gives the file."""
    fp16 = read(converted / f"{name}-fp16.tflite")
    fp32 = read(inflated(fp16.path))

    assert weights.not_stored_as(fp32, "FLOAT32").found == ()
    assert weights.mismatches(fp32, fp16).found == weights.unpaired(fp32, fp16).found == ()
    assert interface.differences(fp32, fp16).found == ()
    assert weights.misrounded(fp32, fp16).total == 0


def test_nothing_is_left_of_the_unpacking(converted, inflated):
    """No DEQUANTIZE and none of its tensors is left, in any subgraph."""
    fp16 = read(converted / "lstm-fp16.tflite")
    fp32 = read(inflated(fp16.path))
    unpacking = sum(op.name == "DEQUANTIZE" for graph in fp16.subgraphs for op in graph.operators)

    assert unpacking > 4
    assert not any(op.name == "DEQUANTIZE" for graph in fp32.subgraphs for op in graph.operators)
    assert (
        sum(len(graph.tensors) for graph in fp32.subgraphs)
        == sum(len(graph.tensors) for graph in fp16.subgraphs) - unpacking
    )


def test_twin_says_nothing_of_float16(converted, inflated):
    """The metadata of the twin neither says that it is quantized nor allows float16."""
    fp32 = read(inflated(converted / "dense-fp16.tflite"))

    assert (fp32.optimization_modes, fp32.accumulation) == ((), None)


@pytest.mark.parametrize("kernels", KERNELS, ids=lambda kernels: kernels.name)
@pytest.mark.parametrize("name", ["conv", "lstm", "state"])
def test_constants_behind_the_flatbuffer_are_read(converted, inflated, monkeypatch, name, kernels):
    """Where the constants are too large for a flatbuffer they lie behind it, aligned, and the runtime finds them."""
    monkeypatch.setattr(twin, "INLINE", 0)
    monkeypatch.setattr(twin, "BLOCK", 64)
    file = converted / f"{name}-fp16.tflite"
    out = inflated(file)
    places = [buffer.offset for buffer in schema.ModelT.InitFromPackedBuf(out.read_bytes()).buffers if buffer.offset]

    assert computed(out, kernels) == computed(file, kernels)
    assert len(places) > 3
    assert all(place % twin.ALIGNMENT == 0 for place in places)


def test_constants_behind_the_flatbuffer_are_inflated(converted, tmp_path):
    """A file whose own constants lie behind its flatbuffer has the same twin: large ones of other producers are so."""
    file, far = converted / "conv-fp16.tflite", tmp_path / "far.tflite"
    far.write_bytes(flatbuffer.behind(flatbuffer_utils.read_model(str(file))))

    assert computed(far, KERNELS[0]) == computed(file, KERNELS[0])
    assert twin.inflate(far) == twin.inflate(file)


@pytest.mark.parametrize("size", [0, 2**26])
def test_written_twin_is_the_same(converted, monkeypatch, tmp_path, size):
    """A twin that is written piece by piece is the one that is made in memory."""
    monkeypatch.setattr(twin, "INLINE", size)
    file, out = converted / "lstm-fp16.tflite", tmp_path / "twin.tflite"
    twin.write(file, out)

    assert out.read_bytes() == twin.inflate(file)


def test_weights_that_are_not_unpacked_become_float32(edited, inflated):
    """A dense layer that is given float16 weights without a DEQUANTIZE is given float32 ones."""
    file = edited("dense-fp16", unpacked_by_the_operator)
    graph = read(inflated(file.path)).subgraphs[0]

    assert [operator.name for operator in file.subgraphs[0].operators].count("DEQUANTIZE") == 3
    assert [operator.name for operator in graph.operators] == ["FULLY_CONNECTED", "FULLY_CONNECTED"]
    assert {tensor.type for tensor in graph.tensors} == {"FLOAT32"}


def unpacked_by_the_operator(model):
    """Give an operator a constant as it is stored, in float16."""
    graph = model.subgraphs[0]
    unpacking = graph.operators.pop(0)
    for operator in graph.operators:
        operator.inputs = [unpacking.inputs[0] if i == unpacking.outputs[0] else i for i in operator.inputs]


def test_unpacked_output_is_the_constant(edited, inflated):
    """An output of the graph that only unpacks a constant is that constant."""

    def give_a_weight(model):
        graph = model.subgraphs[0]
        graph.outputs = [*graph.outputs, graph.operators[0].outputs[0]]

    file = edited("dense-fp16", give_a_weight)
    output = read(inflated(file.path)).subgraphs[0].outputs[1]

    assert (output.type, output.shape) == ("FLOAT32", file.subgraphs[0].outputs[1].shape)
    assert output.data is not None


def test_bytes_that_another_type_shares_stay_as_they_are(edited, inflated):
    """A buffer that integers share with float16 values is stored as both."""

    def share(model):
        graph = model.subgraphs[0]
        half = flatbuffer.constants(model)[-1]
        tensor = schema.TensorT(shape=[len(model.buffers[half.buffer].data) // 2], type=schema.TensorType.INT16)
        tensor.buffer, tensor.name = half.buffer, b"shared"
        graph.tensors.append(tensor)

    file = edited("dense-fp16", share)
    before = next(tensor.data for tensor in file.constants if tensor.name == "shared")
    fp32 = read(inflated(file.path))

    np.testing.assert_array_equal(next(tensor.data for tensor in fp32.constants if tensor.name == "shared"), before)
    assert weights.misrounded(fp32, file).total == 0


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("dense-fp32", "a float32 file (4 weights, none of them float16)"),
        ("dense-int8", "a quantized file (1 of 4 weights are integers with a scale)"),
        ("dense-unfrozen", "a file without weights"),
    ],
)
def test_file_without_float16_has_no_twin(converted, tmp_path, name, kind):
    """A file that is no float16 file is refused with what it is, and nothing is written."""
    out = tmp_path / "twin.tflite"
    with pytest.raises(TwinError) as raised:
        twin.write(converted / f"{name}.tflite", out)

    assert str(raised.value).startswith(f"{converted / name}.tflite is {kind}: no float32 twin can be made of it")
    assert not out.exists()


def test_file_that_cannot_be_read_has_no_twin(tmp_path):
    """A file that is none is refused as everywhere else."""
    file = tmp_path / "none.tflite"
    file.write_bytes(b"")

    with pytest.raises(UnreadableModelError):
        twin.inflate(file)

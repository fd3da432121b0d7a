"""Whatever bytes a `.tflite` file has, it is read in full or refused in one sentence, in bounded memory.

`pytest tests/harness --long` tries 35 000 inputs instead of 490. Each is made from its seed.
"""

import tracemalloc

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness import tflite_file
from fixtures.harness.flatbuffer_reader import Content, Table
from fixtures.harness.tflite_file import COPIED, PEAK, UnreadableModelError, allowance, read
from tests.harness import flatbuffer

BASES = ["extremes-fp32", "dense-int8", "dense-unfrozen", "two-fp16", "embedding-fp32", "lstm-fp16"]
EXTREMES = [0, 1, 4, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF]


@pytest.fixture(scope="module")
def bases(converted):
    """Real files, one of them with its constants behind the flatbuffer."""
    outside, _ = flatbuffer.stored_outside(flatbuffer_utils.read_model(str(converted / "two-fp16.tflite")))
    return [outside, *((converted / f"{name}.tflite").read_bytes() for name in BASES)]


def flip_bits(rng, content, others):
    """Flip up to eight bits."""
    for at in rng.integers(len(content), size=rng.integers(1, 9)):
        content[at] ^= 1 << rng.integers(8)


def overwrite_words(rng, content, others):
    """Put extreme numbers where an offset, a length or an index may stand."""
    for at in rng.integers(len(content) // 4, size=rng.integers(1, 4)):
        number = int(rng.choice([*EXTREMES, len(content), len(content) - 4 * at, rng.integers(len(content))]))
        content[4 * at : 4 * at + 4] = number.to_bytes(4, "little")


def overwrite_places(rng, content, others):
    """Put other numbers where the place of a field may stand."""
    for at in rng.integers(len(content) // 2, size=rng.integers(1, 4)):
        content[2 * at : 2 * at + 2] = int(rng.choice([*EXTREMES[:6], rng.integers(64)])).to_bytes(2, "little")


def redirect(rng, content, others):
    """Have what may be offsets lead elsewhere: to what another one leads to, half of the time."""
    words = np.frombuffer(bytes(content[: len(content) // 4 * 4]), "<u4").astype(np.int64)
    targets = 4 * np.arange(len(words)) + words
    (offsets,) = np.nonzero((words > 0) & (targets < len(content) - 4))
    for at in rng.choice(offsets, size=rng.integers(1, 4)):
        target = targets[rng.choice(offsets)] if rng.integers(2) else rng.integers(len(content))
        content[4 * at : 4 * at + 4] = int((target - 4 * at) % 2**32).to_bytes(4, "little")


def splice(rng, content, others):
    """Overwrite, insert or leave out a piece, of this file or of another."""
    other = others[rng.integers(len(others))]
    source, at = rng.integers(len(other)), rng.integers(8, len(content))
    length = int(rng.integers(1, 200))
    piece = other[source : source + length]
    content[at : at + int(rng.choice([0, len(piece), length]))] = piece if rng.integers(4) else b""


def cut(rng, content, others):
    """Cut the end off, and flip bits in what is left, half of the time."""
    del content[rng.integers(8, len(content)) :]
    if rng.integers(2):
        flip_bits(rng, content, others)


def randomize(rng, content, others):
    """Leave nothing but the header: random bytes, small numbers as they stand in files, or both."""
    length, few = int(rng.integers(8, 2000)), rng.integers(1, 64)
    small = rng.integers(few, size=length // 4, dtype=np.uint32).tobytes()
    content[8:] = [rng.bytes(length), small, small + rng.bytes(length), rng.bytes(length) + small][rng.integers(4)]
    content[:4] = int(rng.choice([8, 16, 28, rng.integers(len(content))])).to_bytes(4, "little")


MUTATIONS = [flip_bits, overwrite_words, overwrite_places, redirect, splice, cut, randomize]


@pytest.fixture
def outcome(tmp_path):
    """Return what became of bytes that were read as a file: None if they were read in full, or the error's sentence."""
    tflite_file._names()  # loads the schema, once in a process
    path = tmp_path / "input.tflite"

    def judge(content):
        path.write_bytes(content)
        tracemalloc.start()
        try:
            told = use(read(path))
        except UnreadableModelError as error:
            told = str(error)
            assert told.startswith(f"{path} ")
            assert "\n" not in told
            assert len(told) < len(str(path)) + 300
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        copy = len(content) if len(content) <= COPIED else 0
        assert peak <= PEAK * allowance(len(content)) + copy
        return told

    return judge


def use(file):
    """Look at all that a file holds, as the gate does."""
    assert all(tensor.data.nbytes <= file.size and not tensor.data.flags.writeable for tensor in file.constants)
    assert all(len(tensor.data.tobytes()) == tensor.bytes and str(tensor) for tensor in file.constants)
    assert file.dynamic in {True, False}
    assert file.entry.subgraph < len(file.subgraphs)
    for graph in file.subgraphs:
        assert set(graph.calculations) <= set(graph.operators)
        assert all(graph.stored(tensor) is None or graph.stored(tensor).data is not None for tensor in graph.tensors)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.__name__)
def test_any_input_is_read_or_refused(bases, outcome, seeds, mutation):
    """A file with any damage is read in full or refused with one sentence, within the stated memory."""
    refused = 0
    for seed in seeds(short=70, long=5000):
        rng = np.random.default_rng([seed, MUTATIONS.index(mutation)])
        content = bytearray(bases[seed % len(bases)])
        mutation(rng, content, bases)
        try:
            refused += outcome(bytes(content)) is not None
        except Exception as error:
            error.add_note(f"{mutation.__name__}, seed {seed}")
            raise

    assert refused


def many(count=3000, name=b"", shape=(1,), options=(1,)):
    """Return a model of many tensors, constants all of them, and many operators with options."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.buffers = [schema.BufferT(), schema.BufferT()]
    model.buffers[1].data = np.ones(1, np.float32).view(np.uint8)
    model.operatorCodes, model.subgraphs = [schema.OperatorCodeT()], [graph]
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.RESHAPE
    graph.tensors, graph.operators = [], []
    for _ in range(count):
        tensor, operator = schema.TensorT(), schema.OperatorT()
        tensor.name, tensor.shape, tensor.buffer = name, list(shape), 1
        operator.inputs, operator.outputs = [0], [0]
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = list(options)
        graph.tensors.append(tensor)
        graph.operators.append(operator)
        name, options = name[:10], options[:10]  # only the first ones are large
    return model


def shared(model, field):
    """Return the file of *model*, in which each element of a list of the first graph is the first one."""
    content = bytearray(flatbuffer_utils.convert_object_to_bytearray(model))
    whole = Content(memoryview(content), len(content))
    (graph,) = Table.root(whole).tables(tflite_file._Model.SUBGRAPHS)
    start, count = whole.extent(whole.follow(graph.place(field)), 4)
    first = whole.follow(start)
    for at in range(start, start + 4 * count, 4):
        content[at : at + 4] = (first - at).to_bytes(4, "little")
    return bytes(content)


def test_many_tables_are_read_within_the_bound(outcome):
    """A large graph is no attack: it is read in full, and within the stated memory (`outcome` asserts it)."""
    assert outcome(bytes(flatbuffer_utils.convert_object_to_bytearray(many()))) is None


@pytest.mark.parametrize(
    ("large", "field"),
    [
        ({"name": b"n" * 20000}, tflite_file._SubGraph.TENSORS),
        ({"options": range(5000)}, tflite_file._SubGraph.OPERATORS),
    ],
)
def test_one_large_table_in_many_places_is_refused(outcome, large, field):
    """A small file whose lists lead to one large table again and again costs no more than one that holds its tables."""
    assert "counted at each reference, add up to over" in outcome(shared(many(500, **large), field))

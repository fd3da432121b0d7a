"""A difference in what a caller sees of a file is found, and named."""

import pytest
from ai_edge_litert import schema_py_generated as schema

from fixtures.harness import interface


def renamed_key(model):
    """Give the signature another name."""
    model.signatureDefs[0].signatureKey = b"predict"


def renamed_input(model):
    """Give an input another name."""
    model.signatureDefs[0].inputs[0].name = b"x"


def renamed_output(model):
    """Give an output another name."""
    model.signatureDefs[0].outputs[0].name = b"y"


def swapped_outputs(model):
    """List the signature's outputs in another order."""
    model.signatureDefs[0].outputs.reverse()


def swapped_inputs(model):
    """List the signature's inputs in another order."""
    model.signatureDefs[0].inputs.reverse()


def swapped_graph_inputs(model):
    """List the graph's inputs in another order."""
    model.subgraphs[0].inputs = model.subgraphs[0].inputs[::-1]


def swapped_graph_outputs(model):
    """List the graph's outputs in another order."""
    model.subgraphs[0].outputs = model.subgraphs[0].outputs[::-1]


def lost_signature(model):
    """Leave the signature out."""
    model.signatureDefs = None


def output_tensor(model):
    """Return the signature's first output."""
    return model.subgraphs[0].tensors[model.signatureDefs[0].outputs[0].tensorIndex]


def other_shape(model):
    """Give an output another shape."""
    output_tensor(model).shape = [1, 4]


def other_rank(model):
    """Take the batch dimension away from an output."""
    output_tensor(model).shape = [3]


def open_batch(model):
    """Leave the batch size of an output open."""
    output_tensor(model).shapeSignature = [-1, 3]


def other_type(model):
    """Give an output another type."""
    output_tensor(model).type = schema.TensorType.FLOAT16


def told_of_product(other):
    """Return what is told of an output that is *other* in the changed file."""
    return (
        "product of serving_default: float32[1, 3], output 1 of the graph in the float32 file, "
        f"{other} of the graph in the other"
    )


CHANGES = {
    renamed_key: "signatures: serving_default in the float32 file, predict in the other",
    renamed_input: "left of serving_default: float32[1, 6] in the float32 file, nothing in the other",
    renamed_output: "y of serving_default: nothing in the float32 file, float32[1, 3], output 1 of the graph in the",
    swapped_outputs: "order of outputs of serving_default: product, total in the float32 file, total, product in the",
    swapped_inputs: "order of inputs of serving_default: left, right in the float32 file, right, left in the other",
    swapped_graph_inputs: "order of the graph's inputs: float32[1, 6], float32[1, 4] in the float32 file, ",
    swapped_graph_outputs: told_of_product("float32[1, 3], output 0"),
    lost_signature: "signatures: serving_default in the float32 file, none in the other",
    other_shape: told_of_product("float32[1, 4], output 1"),
    other_rank: told_of_product("float32[3], output 1"),
    open_batch: told_of_product("float32[-1, 3], output 1"),
    other_type: told_of_product("float16[1, 3], output 1"),
}


@pytest.mark.parametrize("name", ["dense", "conv", "two", "embedding", "lstm"])
def test_good_pair_has_one_interface(files, name):
    """The files of a good pair are used in the same way."""
    found = interface.differences(files[f"{name}-fp32"], files[f"{name}-fp16"])

    assert (found.found, found.looked_at > 4) == ((), True)


@pytest.mark.parametrize(("change", "told"), CHANGES.items(), ids=[change.__name__ for change in CHANGES])
def test_changed_interface_is_found(files, edited, change, told):
    """Each part of the interface that differs is told with what it is in both files."""
    assert told in "\n".join(interface.differences(files["two-fp32"], edited("two-fp16", change)).found)


def test_other_model_is_found(files):
    """The interface of another model differs in its inputs and outputs."""
    assert "values of serving_default" in str(interface.differences(files["dense-fp32"], files["two-fp16"]))


def test_batch_size_is_part_of_the_interface(files):
    """A file whose batch size is open is used in another way than one whose batch size is 1."""
    found = interface.differences(files["dense-fp32"], files["dynamic-fp32"])

    assert "float32[1, 16] in the float32 file, float32[-1, 16] in the other" in str(found)


@pytest.mark.parametrize("name", ["dense-fp16", "dense-int8", "conv-fp16", "two-fp16", "lstm-fp16"])
def test_float32_interface_is_accepted(files, name):
    """Inputs and outputs are float32, whatever the weights are stored in."""
    assert interface.not_float32(files[name]).found == ()


def test_integer_input_is_found(files):
    """An input that is not float32 is named with its type."""
    assert interface.not_float32(files["embedding-fp16"]).found == ("ids is int32[1, 6]",)


def test_float16_output_is_found(edited):
    """An output that became float16 is named with its type."""
    assert interface.not_float32(edited("two-fp16", other_type)).found == ("product is float16[1, 3]",)


def test_types_are_looked_at_without_a_signature(edited):
    """A file without a signature is judged by its graph's inputs and outputs."""
    found = interface.not_float32(edited("embedding-fp16", lost_signature))

    assert found.found == ("serving_default_ids:0 is int32[1, 6]",)


@pytest.mark.parametrize("name", ["dense-fp16", "conv-fp16", "two-fp16", "embedding-fp16", "lstm-fp16"])
def test_batch_size_of_one_is_accepted(files, name):
    """A batch size of 1 is what every target can run."""
    assert interface.not_batch_one(files[name]).found == ()


def test_open_batch_size_is_found(files):
    """A batch size that is left open is told as -1, of inputs and outputs."""
    assert interface.not_batch_one(files["dynamic-fp32"]).found == (
        "values is float32[-1, 16]",
        "output_0 is float32[-1, 10]",
    )


@pytest.mark.parametrize("change", [other_rank, open_batch])
def test_output_without_a_batch_of_one_is_found(edited, change):
    """An output whose first dimension is not 1, or that has none, is named."""
    assert "product is float32[" in str(interface.not_batch_one(edited("two-fp16", change)))


@pytest.mark.parametrize("name", ["dense", "conv", "two", "embedding", "lstm"])
def test_good_files_have_no_dynamic_tensors(files, name):
    """All tensors of a file with a fixed batch size have a fixed shape, in every subgraph."""
    found = [interface.dynamic(files[f"{name}-{form}"]) for form in ("fp32", "fp16")]

    assert [one.found for one in found] == [(), ()]
    assert [one.looked_at for one in found] == [
        sum(len(graph.tensors) for graph in files[f"{name}-{form}"].subgraphs) for form in ("fp32", "fp16")
    ]


def test_dynamic_tensors_are_found(files):
    """With an open batch size, every computed tensor is dynamic, not only what a caller sees."""
    graph = files["dynamic-fp32"].subgraphs[0]

    assert interface.dynamic(files["dynamic-fp32"]).found == tuple(
        str(tensor) for tensor in graph.tensors if tensor.data is None
    )
    assert str(interface.dynamic(files["dynamic-fp32"])).startswith(
        "3 of 7 tensors have dynamic shapes: serving_default_"
    )


def test_dynamic_tensor_in_a_loop_is_found(edited):
    """A tensor of a loop's body whose size is known only when it runs is named."""

    def open_body(model):
        model.subgraphs[2].tensors[model.subgraphs[2].operators[-1].inputs[0]].shapeSignature = [1, -1]

    (told,) = interface.dynamic(edited("lstm-fp16", open_body)).found

    assert told.endswith(" float32[1, -1]")


@pytest.mark.parametrize("name", ["dense-fp32", "dynamic-fp32", "two-fp16", "embedding-fp16", "lstm-fp16"])
@pytest.mark.parametrize("where", ["reference", "builtin", "xnnpack", "xnnpack_fp16"])
def test_runtime_reports_what_the_file_declares(files, describe, name, where):
    """Each runtime reports a good file's inputs and outputs as the file declares them."""
    file = files[name]
    found = interface.reported_otherwise(file, describe(file.path, where))

    assert (found.found, found.looked_at) == ((), len(file.entry.inputs) + len(file.entry.outputs))


@pytest.mark.parametrize(
    "reported",
    [
        {"outputs": [["a", "float32", [1, 3]]]},
        {"outputs": [["a", "float32", [1, 3]], ["b", "float16", [1, 3]]]},
        {"outputs": [["a", "float32", [1, 3]], ["b", "float32", [3]]]},
        {"inputs": [["a", "float32", [1, 6]], ["b", "float32", [1, 6]]]},
        {"inputs": []},
    ],
)
def test_what_a_runtime_reports_otherwise_is_found(files, reported):
    """An input or output that the runtime lacks, or sees in another type or shape, is told with what was declared."""
    runtime = {"inputs": [["", "float32", [1, 6]], ["", "float32", [1, 4]]], "outputs": [["", "float32", [1, 3]]] * 2}
    (told,) = interface.reported_otherwise(files["two-fp16"], runtime | reported).found

    assert told.startswith(f"{next(iter(reported))}: [(")
    assert told.endswith("reported")

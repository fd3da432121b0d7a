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
        "output product of serving_default: float32[1, 3], output 1 of the graph in the float32 file, "
        f"{other} of the graph in the other"
    )


CHANGES = {
    renamed_key: "signatures: serving_default in the float32 file, predict in the other",
    renamed_input: "input left of serving_default: float32[1, 6], input 0 of the graph in the float32 file, nothing",
    renamed_output: "output y of serving_default: nothing in the float32 file, float32[1, 3], output 1 of the graph",
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

    assert "float32[1, 16], input 0 of the graph in the float32 file, float32[-1, 16], input 0 of the graph" in str(
        found
    )


def quantized_input(model):
    """Have the input stand for numbers with a fraction, by a scale."""
    tensor = model.subgraphs[0].tensors[model.signatureDefs[0].inputs[0].tensorIndex]
    tensor.type, tensor.quantization = schema.TensorType.UINT8, schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [1 / 255], [0]


def other_integers(model):
    """Have the input be of another type of integers."""
    model.subgraphs[0].tensors[model.signatureDefs[0].inputs[0].tensorIndex].type = schema.TensorType.INT64


@pytest.mark.parametrize("name", ["dense", "conv", "two", "embedding", "lstm", "state"])
@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_types_of_good_files_are_accepted(files, name, form):
    """Numbers are float32, whatever the weights are; what is an integer in the float32 file is one in both."""
    found = interface.wrongly_typed(files[f"{name}-{form}"], files[f"{name}-fp32"])

    assert (found.found, found.looked_at > 1) == ((), True)


@pytest.mark.parametrize("kind", ["INT64", "BOOL", "STRING", "UINT8"])
def test_other_types_of_the_float32_file_are_accepted(edited, kind):
    """Integers, booleans and strings may be inputs and outputs, where both files have them."""

    def change(model):
        output_tensor(model).type = getattr(schema.TensorType, kind)

    pair = edited("two-fp32", change), edited("two-fp16", change)

    assert [interface.wrongly_typed(file, pair[0]).found for file in pair] == [(), ()]


def test_integer_input_that_was_float32_is_found(files):
    """An input that is not what the float32 file has is named with both types, an input that it has not is, too."""
    found = interface.wrongly_typed(files["embedding-fp16"], files["dense-fp32"])

    assert found.found == ("ids is int32[1, 6], and the float32 file has none of that name",)


def test_other_integers_are_found(files, edited):
    """An input of other integers than in the float32 file is named with both types."""
    found = interface.wrongly_typed(edited("embedding-fp16", other_integers), files["embedding-fp32"])

    assert found.found == ("ids is int64[1, 6], int32 in the float32 file",)


def test_types_are_looked_at_without_a_signature(edited):
    """The inputs and outputs of files without a signature are compared by their places: their names may differ."""
    fp16 = edited("embedding-fp16", lambda model: (other_integers(model), lost_signature(model)))
    found = interface.wrongly_typed(fp16, edited("embedding-fp32", lost_signature))

    assert found.found == ("0 is int64[1, 6], int32 in the float32 file",)


@pytest.mark.parametrize("form", ["fp32", "fp16"])
def test_float16_output_is_found(edited, form):
    """An output that is float16 is named with its type, in either file: it is to be float32 in both."""
    file = edited(f"two-{form}", other_type)

    assert interface.wrongly_typed(file, file).found == ("product is float16[1, 3]",)


def test_quantized_input_is_found(edited):
    """An input of integers with a scale is a quantized one, also where the float32 file has the same."""
    file = edited("two-fp16", quantized_input)

    assert interface.wrongly_typed(file, file).found == ("left is uint8[1, 6], quantized with a scale",)


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
    """An output whose first dimension is not 1 is named, in a file that the gate converted."""
    file = edited("two-fp16", change)

    assert "product is float32[" in str(interface.batches(file, file, converted=True))


def scalar(model):
    """Make an output a scalar."""
    output_tensor(model).shape = []


def batch_of_four(model):
    """Have the graph take and give four samples at a time."""
    for entry in [*model.signatureDefs[0].inputs, *model.signatureDefs[0].outputs]:
        tensor = model.subgraphs[0].tensors[entry.tensorIndex]
        tensor.shape = [4, *tensor.shape[1:]]


@pytest.mark.parametrize("by_the_gate", [True, False])
def test_scalar_has_no_batch(edited, by_the_gate):
    """An output without a dimension has no batch size that could be wrong."""
    file = edited("two-fp16", scalar)

    assert interface.batches(file, file, by_the_gate).found == ()


@pytest.mark.parametrize("change", [other_rank, open_batch, batch_of_four])
def test_batch_of_a_pair_from_elsewhere_is_told(edited, change):
    """Files that were converted elsewhere may have any batch size; what is not 1 is said."""
    pair = edited("two-fp32", change), edited("two-fp16", change)
    found = interface.batches(pair[1], pair[0], converted=False)

    assert found.found == ()
    assert "product is float32[" in str(found)
    assert ": not 1)" in str(found)


@pytest.mark.parametrize("change", [open_batch, batch_of_four])
def test_batch_that_differs_between_the_files_is_found(files, edited, change):
    """Both files of a pair from elsewhere have one batch size."""
    found = interface.batches(edited("two-fp16", change), files["two-fp32"], converted=False)

    assert any(told.startswith("product is float32[") for told in found.found)


def test_dynamic_shapes_of_a_pair_from_elsewhere_are_told(files):
    """Files that were converted elsewhere may be dynamic: that is said, with what it costs."""
    file = files["dynamic-fp32"]
    found = interface.shapes(file, file, converted=False)

    assert found.found == ()
    assert "3 of 7 tensors have dynamic shapes: serving_default_values" in str(found)
    assert "no GPU delegate takes such a file" in str(found)


def test_dynamic_shapes_that_the_gate_converted_are_found(files):
    """The gate converts with a fixed batch size: a dynamic tensor of such a file is a fault."""
    file = files["dynamic-fp32"]

    assert len(interface.shapes(file, file, converted=True).found) == 3


def test_dimension_that_is_dynamic_in_one_file_is_found(files):
    """What is dynamic in the one file of a pair and fixed in the other is named with both shapes."""
    found = interface.shapes(files["dynamic-fp32"], files["dense-fp32"], converted=False)

    assert "values is float32[-1, 16], float32[1, 16] in the float32 file" in found.found


def test_dimension_that_is_dynamic_inside_of_one_file_is_found(files, edited):
    """What one file of a pair computes on the way is dynamic where it is in the other: a GPU takes no such file."""

    def open_inside(model):
        inside = model.subgraphs[0].tensors[model.subgraphs[0].operators[-2].outputs[0]]
        inside.shapeSignature = [-1, *inside.shape[1:]]

    good, bad = files["image-fp32"], edited("image-fp32", open_inside)

    for found in (interface.shapes(bad, good, converted=False), interface.shapes(good, bad, converted=False)):
        assert len(found.found) == 1, found
        assert "[-1, " in found.found[0]


def test_what_is_dynamic_is_named_once(files):
    """An input, a hidden layer and an output that are dynamic in one file are three, whatever computes them."""
    found = interface.shapes(files["dynamic-fp32"], files["dense-fp32"], converted=False).found

    assert len(found) == len(set(found)) == 3
    assert [told.split(" is ")[0] for told in found[:2]] == ["values", "output_0"]


def test_graph_that_does_not_line_up_hides_no_other(files, edited):
    """What is dynamic in a loop is found, also where the graph around it is another; other numbers are no error."""

    def open_body(model):
        model.subgraphs[0].operators.pop()
        model.subgraphs[2].tensors[model.subgraphs[2].operators[-1].inputs[0]].shapeSignature = [1, -1]

    def with_another_output(model):
        model.subgraphs[0].operators[0].outputs = [*model.subgraphs[0].operators[0].outputs, 0]

    (told,) = interface.shapes(edited("lstm-fp16", open_body), files["lstm-fp32"], converted=False).found

    assert "float32[1, -1], " in told
    assert interface.shapes(files["lstm-fp32"], files["dense-fp32"], converted=False).found == ()
    assert interface.shapes(edited("two-fp32", with_another_output), files["two-fp32"], converted=False).found == ()


def test_files_of_one_model_are_dynamic_alike(files):
    """Of good pairs, whatever their producer and however dynamic they are, nothing is dynamic in one file alone."""
    twins = {name: files.get(f"{name.removesuffix('-fp16')}-fp32") for name in files if name.endswith("-fp16")}
    pairs = [(files[name], twin) for name, twin in twins.items() if twin]
    found = [interface.shapes(file, parent, converted=False) for file, parent in pairs]

    assert len(found) > 10
    assert not [str(one) for one in found if one.found]


def test_each_signature_is_looked_at(files, edited):
    """What differs in a signature beyond the first is found, in its own graph."""

    def change(model):
        signature = next(entry for entry in model.signatureDefs if entry.signatureKey == b"reset")
        graph = model.subgraphs[signature.subgraphIndex]
        graph.tensors[signature.outputs[0].tensorIndex].shape = [8]

    other = edited("state-fp16", change)

    assert "output total of reset: float32[1, 8]" in str(interface.differences(files["state-fp32"], other))
    assert interface.differences(files["state-fp32"], files["state-fp16"]).found == ()


def test_input_and_output_of_one_name_are_two_parts(files, edited):
    """An input may have the name of an output, which hides neither."""

    def same_name(model):
        model.signatureDefs[0].outputs[0].name = b"left"

    def and_another_shape(model):
        same_name(model)
        model.subgraphs[0].tensors[model.signatureDefs[0].inputs[0].tensorIndex].shape = [1, 7]

    found = interface.differences(edited("two-fp32", same_name), edited("two-fp16", and_another_shape))

    assert any(told.startswith("input left of serving_default: float32[1, 6]") for told in found.found)


def test_parts_of_either_file_are_counted(files, edited):
    """Where all names differ, no more parts differ than there are in both files together."""
    found = interface.differences(files["dense-fp32"], edited("dense-fp16", renamed_key))

    assert (len(found.found), found.looked_at) == (9, 11)


def test_strings_are_reported_as_bytes(files, edited):
    """A runtime that reports strings by NumPy's name of them reports what the file declares."""

    def change(model):
        output_tensor(model).type = schema.TensorType.STRING

    file = edited("two-fp16", change)
    runtime = {
        "inputs": [["", "float32", [1, 6]], ["", "float32", [1, 4]]],
        "outputs": [["", "bytes", [1, 3]], ["", "float32", [1, 3]]],
    }

    assert interface.reported_otherwise(file, runtime).found == ()


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
        {"outputs": [["a", "float32", [1, 3]], ["b", "float32", [1]]]},
        {"outputs": [["a", "float32", [1, 3]], ["b", "float32", [1, 3, 1]]]},
        {"outputs": [["a", "float32", [1, 3]], ["b", "float32", [1, 3]], ["c", "float32", [1, 3]]]},
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


def open_outputs(*shapes):
    """Return a change that gives the outputs other shapes, -1 for a dimension that is left open."""

    def change(model):
        for entry, shape in zip(model.signatureDefs[0].outputs, shapes, strict=True):
            tensor = model.subgraphs[0].tensors[entry.tensorIndex]
            tensor.shape, tensor.shapeSignature = [abs(size) for size in shape], shape

    return change


@pytest.mark.parametrize(
    ("declared", "reported", "same"),
    [
        (([-1, 3], [1, 3]), ([1, 3], [4, 3]), True),
        (([1, 3], [-1, 3]), ([1, 3], [4, 3]), True),
        (([-1, 3], [1, 3]), ([4, 3], [4, 3]), False),
        (([-1, 3], [2, -1]), ([2, 3], [5, 3]), True),
        (([-1, 3], [2, -1]), ([2, 3], [2, 5]), True),
        (([-1, 3], [2, -1]), ([5, 3], [5, 3]), False),
        (([-1, -1], [1, 3]), ([1, 3], [1, 3]), True),
        (([-1, 3], [-1, 3]), ([3, 1], [3, 1]), False),
    ],
)
def test_open_dimension_is_reported_as_any_size(edited, declared, reported, same):
    """A runtime gives an open dimension a size; which of several outputs it is may be any that fits."""
    file = edited("two-fp16", open_outputs(*declared))
    runtime = {
        "inputs": [["", "float32", [1, 6]], ["", "float32", [1, 4]]],
        "outputs": [["", "float32", shape] for shape in reported],
    }

    assert (interface.reported_otherwise(file, runtime).found == ()) == same


def test_many_equal_outputs_are_told_from_one_more(files):
    """Of outputs that are all alike, one that is not is found at once, not after all their orders."""
    runtime = {"inputs": [["", "float32", [1, 16]]] * 40, "outputs": [["", "float32", [1, 10]]]}

    assert interface.reported_otherwise(files["dense-fp32"], runtime).found


def test_new_name_is_no_wrong_type(files, edited):
    """An input that the float32 file has by another name is float32, as it should be: its name is told elsewhere."""
    assert interface.wrongly_typed(edited("two-fp16", renamed_input), files["two-fp32"]).found == ()


def test_other_size_is_no_other_batch(files, edited):
    """Outputs of another size, or of other names, have the same batch size and are open in the same dimensions."""
    for change in (other_shape, renamed_output):
        file = edited("two-fp16", change)
        assert interface.batches(file, files["two-fp32"], converted=False).found == ()
    for change in (other_shape, other_rank, renamed_output):
        assert interface.shapes(edited("two-fp16", change), files["two-fp32"], converted=False).found == ()


def test_size_that_is_one_is_not_open(files, edited):
    """A dimension that has a size in both files is not open in any, whatever the sizes are."""
    assert interface.shapes(edited("two-fp16", batch_of_four), files["two-fp32"], converted=False).found == ()


def test_order_of_outputs_is_told_without_a_signature(edited):
    """The outputs of a graph that has no signature are known by their order alone."""

    def shaped(model):
        lost_signature(model)
        model.subgraphs[0].tensors[model.subgraphs[0].outputs[0]].shape = [1, 7]

    def turned(model):
        shaped(model)
        swapped_graph_outputs(model)

    assert (
        "order of the graph's outputs: float32[1, 7], float32[1, 3] in the float32 file, float32[1, 3], float32[1, 7]"
        in str(interface.differences(edited("two-fp32", shaped), edited("two-fp16", turned)))
    )


def test_place_is_that_in_the_signatures_own_graph(files, edited):
    """Where an output stands is told of the graph that its signature is for."""

    def change(model):
        signature = next(entry for entry in model.signatureDefs if entry.subgraphIndex == 0)
        model.subgraphs[0].tensors[signature.outputs[0].tensorIndex].shape = [1, 7]

    told = str(interface.differences(files["entries-fp32"], edited("entries-fp16", change)))

    assert "float32[1, 3], output 0 of the graph in the float32 file, float32[1, 7], output 0 of the graph" in told

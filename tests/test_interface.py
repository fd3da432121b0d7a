"""The float16 file is used exactly as the float32 file is."""

from fixtures.harness import interface


def test_inputs_and_outputs_are_float32(model, file, float32_file, judge):
    """Every input and output of every signature is float32, whatever the weights are; integers stay integers."""
    found = interface.wrongly_typed(file, float32_file)

    judge(
        "inputs and outputs of a wrong type",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="inference_input_type and inference_output_type of the converter, casts in the model",
    )


def test_signatures_equal_those_of_the_float32_file(model, float32_parent, float16_file, judge):
    """Signatures, their names, shapes, types, batch size and order are those of the float32 file."""
    found = interface.differences(float32_parent, float16_file)

    judge(
        "parts of the interface that differ",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="the two files were converted from the same model, with the same names and batch size",
    )


def test_batch_size_is_one(model, precision, shaped_file, float32_file, judge):
    """The first dimension of every input and output is 1: a sample at a time.

    Of files that were converted elsewhere it is whatever it is in the float32 file.
    """
    found = interface.batches(shaped_file, float32_file, model.converted)

    judge(
        "inputs and outputs whose batch size is wrong",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="the batch_size that the model's builder passes to its Input",
    )


def test_shapes_are_static(model, precision, shaped_file, float32_file, judge):
    """No tensor has a dimension that is known only when the file runs: GPU delegates take none.

    Files that were converted elsewhere may have such as the float32 file has them.
    """
    found = interface.shapes(shaped_file, float32_file, model.converted)

    judge(
        "tensors whose shape is wrongly dynamic",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="the batch_size that the model's builder passes to its Input",
    )


def test_runtime_loads_the_file_as_it_is(model, precision, target, file, outputs, judge):
    """Each target's runtime loads the file and reports the inputs and outputs that the file declares."""
    found = interface.reported_otherwise(file, outputs.facts)

    judge(
        "inputs and outputs that the runtime reports otherwise",
        len(found.found),
        at_most=0,
        evidence=found,
        look_at="the file's tensors against its signatures",
    )

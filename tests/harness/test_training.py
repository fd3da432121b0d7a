"""Models of any form are trained, and what Keras computes has the names that the `.tflite` file gives it."""

import json

import numpy as np
import pytest

from fixtures.harness import inference
from fixtures.harness.targets import REFERENCE, TARGETS
from fixtures.harness.tflite_file import read
from tests.harness.conftest import HERE, made

CROSS_ENTROPY = {"name": "sparse_categorical_crossentropy", "from_logits": True, "ignore_class": None}


@pytest.fixture(scope="session")
def trained(shared_folder):
    """The folder of what was trained of `trained/`, or went wrong, once for all xdist workers: see `trainer`."""
    return made(shared_folder / "trained", "tests.harness.trainer", HERE / "trained")


@pytest.fixture
def found(trained):
    """Return what was found of a model."""
    return lambda name: json.loads((trained / name / "found.json").read_text())


def on_reference(folder, count):
    """Return what the file in *folder* computes of its first *count* samples on the reference kernels, by name."""
    file = read(folder / "fp32.tflite")
    interpreter = inference.load(file, TARGETS[REFERENCE]).interpreter
    inputs, outputs = np.load(folder / "inputs.npz"), {name: [] for name in file.entry.outputs}
    for number in range(count):
        for name, tensor in file.entry.inputs.items():
            given = inputs[name if name in inputs else "x"]
            interpreter.set_tensor(tensor.index, given[number : number + 1])
        interpreter.invoke()
        for name, tensor in file.entry.outputs.items():
            outputs[name].append(interpreter.get_tensor(tensor.index)[0])
    return {name: np.stack(rows) for name, rows in outputs.items()}


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("lone", ["output_0"]),
        ("sequential", ["output_0"]),
        ("listed", ["output_0", "output_1"]),
        ("named", ["digit"]),
        ("dicts", ["of_both", "of_right"]),
        ("list_to_dict", ["of_both", "of_right"]),
    ],
)
def test_keras_outputs_have_the_names_of_the_file(trained, name, outputs):
    """Under each name of the signature, Keras computes what the file does, whatever structure the model returns."""
    keras, file = np.load(trained / name / "outputs.npz"), on_reference(trained / name, 5)

    assert sorted(keras) == sorted(file) == outputs
    for output in outputs:
        np.testing.assert_allclose(keras[output][:5], file[output], atol=1e-5 * np.abs(file[output]).max())


def test_outputs_of_one_shape_are_told_apart(trained):
    """The names that the test above compares by are no matter of indifference: the outputs differ."""
    for name in ("listed", "dicts", "list_to_dict"):
        one, other = np.load(trained / name / "outputs.npz").values()

        assert np.abs(one - other).max() > 0.1


def test_every_sample_is_predicted(trained):
    """Also those that are left where the samples are no multiple of what Keras predicts at once."""
    outputs = np.load(trained / "lone" / "outputs.npz")["output_0"]

    assert (outputs.shape, outputs.dtype) == ((1030, 10), np.float32)
    assert np.abs(outputs).max(axis=1).min() > 0


def test_two_outputs_learn_what_each_is_given(trained):
    """Targets reach the output, and inputs the input, that they are named after."""
    inputs = np.load(trained / "dicts" / "inputs.npz")
    digits = np.load(trained / "lone" / "outputs.npz")["output_0"].argmax(axis=1)
    of_right = np.load(trained / "dicts" / "outputs.npz")["of_right"].argmax(axis=1)

    np.testing.assert_array_equal(inputs["right"], np.load(trained / "lone" / "inputs.npz")["x"])
    assert np.mean(of_right == digits) > 0.7


@pytest.mark.parametrize(
    ("name", "losses"),
    [
        ("lone", {"output_0": CROSS_ENTROPY}),
        ("dicts", {"of_both": CROSS_ENTROPY, "of_right": CROSS_ENTROPY}),
        ("rows", {"output_0": CROSS_ENTROPY | {"ignore_class": 255}}),
        ("steps", {"output_0": CROSS_ENTROPY | {"ignore_class": 255}}),
        ("binary", {"output_0": {"name": "binary_crossentropy", "from_logits": False}}),
        ("labels", {"output_0": {"name": "binary_crossentropy", "from_logits": True}}),
        ("numbers", {"output_0": {"name": "mean_squared_error"}}),
        ("directions", {"output_0": {"name": "cosine_similarity"}}),
        ("list_to_dict", {"of_both": CROSS_ENTROPY | {"from_logits": False}, "of_right": CROSS_ENTROPY}),
    ],
)
def test_loss_follows_from_the_task(found, name, losses):
    """Each output has the loss of its task, or of its targets where no task is declared, or the recipe's own."""
    chosen = found(name)["losses"]

    assert {output: chosen[output] | told for output, told in losses.items()} == chosen


def test_weights_are_float32(found):
    """Training in float64 leaves float32 weights, and Keras at float32."""
    assert found("lone")["types"] == ["float32"]


def test_progress_ends_at_the_whole(found):
    """Progress is a share, also where the last execution has fewer steps than the others."""
    shares = found("lone")["told"]

    assert shares == sorted(shares)
    assert shares[-1] == 1


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("raising", ":21: building raising raised KeyError: 'layer'"),
        (
            "nothing",
            ": building nothing returned NoneType: a functional model, or a Sequential that begins with an Input",
        ),
        ("without_input", ": building without_input returned Sequential: a functional model"),
        ("nested", ": the outputs of nested are nested"),
        ("misnamed_input", ": good: inputs for image were expected, its data are picture"),
        ("misnamed_target", ": good: targets for output_0 were expected, its data are digit"),
        ("misshapen", ": good: a sample of its data is (28, 28, 1), its input image takes (28, 28)"),
        ("pixels", ": training pixels raised ValueError: Dimensions must be equal"),
        ("unknown_loss", ": Keras knows no loss 'nonsense', which unknown_loss names"),
        ("loss_of_another", ": loss of loss_of_another names digit; its outputs are output_0"),
        ("task_of_another", ": task of task_of_another names digit; its outputs are output_0"),
        ("own_metric", ": no loss follows from the task of own_metric; give its recipe one"),
        ("diverging", ": training diverging diverged: it left weights that are not finite"),
    ],
)
def test_model_that_cannot_be_trained_is_an_error(found, name, told):
    """The error is one line that begins with the declaration, and says what is wrong in it."""
    error = found(name)["error"]

    assert error.startswith(f"{HERE}/trained/faulty.py{told}")
    assert "\n" not in error

"""Models trained elsewhere: loaded, refused, and converted to files that compute what they do (see `modeller`)."""

import json
import subprocess
import sys

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from filelock import FileLock

from fixtures.harness.model_files import verify
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT

TWO = {"z.left": ["float32", [1, 6]], "right": ["float32", [1, 4]]}
TWO_SUMS = {"total": ["float32", [1, 3]], "product": ["float32", [1, 3]]}
IN_ORDER = {"output_0": ["float32", [1, 3]], "output_1": ["float32", [1, 3]]}
DENSE = {"inputs": {"values": ["float32", [1, 16]]}, "outputs": {"output_0": ["float32", [1, 3]]}}
OF_FOUR = {"inputs": {"out_input": ["float32", [1, 4]]}, "outputs": {"output_0": ["float32", [1, 3]]}}
SEQUENCE = {"inputs": {"ids": ["int32", [1, None]]}, "outputs": {"output_0": ["float32", [1, None, 2]]}}
BOTH = {
    "inputs": {"zeta": ["float32", [1, 6]], "alpha": ["float32", [1, 4]]},
    "outputs": {"sum": ["float32", [1, 3]], "difference": ["float32", [1, 3]]},
}
ONE = {"inputs": {"values": ["float32", [1, 6]]}, "outputs": {"each": ["float32", [1, 3]], "all": ["float32", []]}}
TF1 = {
    "inputs": {"pixels": ["float32", [1, 6]]},
    "outputs": {"logits": ["float32", [1, 3]], "shares": ["float32", [1, 3]]},
}
UNBATCHED = {
    "inputs": {"values": ["float32", [6]], "scale": ["float32", []]},
    "outputs": {"scaled": ["float32", [6]]},
}

GOOD = {
    "dense.keras": {"serving_default": DENSE},
    "dense.h5": {"serving_default": DENSE},
    "dense.hdf5": {"serving_default": DENSE},
    "two_by_name.keras": {"serving_default": {"inputs": TWO, "outputs": TWO_SUMS}},
    "two_in_order.keras": {"serving_default": {"inputs": TWO, "outputs": IN_ORDER}},
    "dict_of_inputs.keras": {"serving_default": {"inputs": TWO, "outputs": IN_ORDER}},
    "loop.keras": {
        "serving_default": {
            "inputs": {"steps": ["float32", [1, 5, 3]]},
            "outputs": {"output_0": ["float32", [1, 2]]},
        }
    },
    "sequence.keras": {"serving_default": SEQUENCE},
    "other_loss.keras": {"serving_default": DENSE},
    "of_keras_1.h5": {"serving_default": OF_FOUR},
    "of_keras_2.h5": {"serving_default": OF_FOUR},
    "exported": {"serving_default": {"inputs": TWO, "outputs": TWO_SUMS}},
    "exported_sequence": {"serving_default": SEQUENCE},
    "both": {"serving_default": BOTH},
    "several": {"serving_default": BOTH, "one": ONE},
    "lone": {"one": ONE},
    "unbatched": {"unbatched": UNBATCHED},
    "counting": {
        "counting": {
            "inputs": {"values": ["float32", [1, 6]]},
            "outputs": {"counted": ["float32", [1, 3]]},
        }
    },
    "with_optimizer": {"serving_default": BOTH},
    "tf1": {"serving_default": TF1},
    "tf1_resource": {"serving_default": TF1},
    "tf1_counting": {
        "serving_default": {
            kind: {name: [dtype, [None, *shape[1:]]] for name, (dtype, shape) in ports.items()}
            for kind, ports in TF1.items()
        }
    },
}
"""What each good model's signatures are: the type and shape of each input and output."""

STATEFUL = {"counting", "tf1_counting"}

BAD = {
    "lambda.keras": "the Lambda layer 'writes' would need code that is not Keras' own",
    "lambda.h5": "the Lambda layer 'writes' would need code that is not Keras' own",
    "custom.keras": "the class Scale of layer 'scale' would need code that is not Keras' own",
    "custom.h5": "has no layer Scale, and no code from a model file is run; use one that Keras has",
    "registered.keras": "the class Mine>Known of layer 'scale' would need code",
    "registered.h5": "the class Mine>Known of layer 'scale' would need code",
    "operator.h5": "has no layer TFOpLambda",
    "weights.h5": "holds no model, at most its weights; save the model itself",
    "exported_loop": "was exported with a batch of any size, which TensorFlow Lite does not take",
    "nameless": "has the signatures both, one, none of which is serving_default",
    "shapeless": "nothing says how many dimensions its input values has",
    "python": "TensorFlow Lite has no operator for EagerPyFunc; replace it",
    "inverse": "TensorFlow Lite has no operator for Erfinv; replace it",
    "writing": "its graph has WriteFile, and no model is let near files",
}


@pytest.fixture(scope="module")
def made(shared_folder):
    """The folder that `modeller` fills, once for all xdist workers."""
    folder = shared_folder / "made"
    with FileLock(f"{folder}.lock"):
        if not (folder / "loaded.json").exists():
            folder.mkdir(exist_ok=True)
            command = [sys.executable, "-m", "tests.harness.modeller", folder]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def loaded(made):
    """What was told of each model, or why it was refused."""
    return json.loads((made / "loaded.json").read_text())


def _computed(path, key, feed):
    """Return what the file at *path* computes for each sample on the reference kernels, by the signature's names."""
    signature = next(signature for signature in read(path).signatures if signature.key == key)
    interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    run = interpreter.get_signature_runner(key)
    outputs = {name: [] for name in signature.outputs}
    for number in range(len(next(iter(feed.values())))):
        given = {
            name: array[number : number + 1] if len(signature.inputs[name].shape) == array.ndim else array[number]
            for name, array in feed.items()
        }
        for name, value in run(**given).items():
            outputs[name].append(value)
    return {
        name: np.concatenate(rows) if rows[0].shape[:1] == (1,) else np.stack(rows) for name, rows in outputs.items()
    }


@pytest.mark.parametrize("name", GOOD)
def test_signatures_are_those_of_the_model(name, loaded):
    """Every signature is kept, with the names of its inputs and outputs; a batch of any size becomes one of one."""
    assert loaded[name].get("signatures") == GOOD[name], loaded[name]


@pytest.mark.parametrize("form", ["fp32", "fp16"])
@pytest.mark.parametrize("name", GOOD)
def test_file_computes_by_name_what_the_model_does(name, form, made, loaded):
    """Each output of the converted file is the model's output of that name, sample for sample."""
    arrays = np.load(made / f"{name}.npz")
    for key in GOOD[name]:
        feed, outputs = (
            {part.removeprefix(f"{key}/{kind}/"): arrays[part] for part in arrays if part.startswith(f"{key}/{kind}/")}
            for kind in ("in", "out")
        )
        computed = _computed(made / f"{name}-{form}.tflite", key, feed)

        assert computed.keys() == outputs.keys()
        for output, truth in outputs.items():
            assert truth.dtype == np.float32
            assert np.ptp(truth) > 0.01, output
            np.testing.assert_allclose(computed[output], truth, atol={"fp32": 1e-5, "fp16": 5e-3}[form])


@pytest.mark.parametrize("name", [name for name in GOOD if name not in STATEFUL])
def test_weights_are_in_the_file(name, made):
    """No weight is left in a variable outside of the file."""
    operators = [op.name for graph in read(made / f"{name}-fp32.tflite").subgraphs for op in graph.operators]

    assert not {"VAR_HANDLE", "READ_VARIABLE", "CALL_ONCE"} & {*operators}


@pytest.mark.parametrize("name", ["dense.keras", "two_by_name.keras", "two_in_order.keras", "both", "exported", "tf1"])
def test_names_are_those_of_a_plain_conversion(name, made):
    """Fixing the batch changes no name: they are what TensorFlow's converter gives the model as it is."""
    ours, plain = (
        Interpreter(str(made / f"{file}.tflite")).get_signature_list()
        for file in (f"{name}-fp32", f"{name.removesuffix('.keras')}-plain")
    )

    assert ours == plain


def test_all_signatures_stay_in_one_file(made):
    """Every signature of a SavedModel is in the file, under the names of a plain conversion."""
    ours, plain = (Interpreter(str(made / f"several-{form}.tflite")).get_signature_list() for form in ("fp32", "plain"))

    assert ours.keys() == {"one", "serving_default"}
    assert ours == plain


@pytest.mark.parametrize("name", ["dense.keras", "dense.h5", "both", "tf1"])
def test_float16_file_has_float16_weights(name, made):
    """The float16 file's weights are float16, the float32 file's are not."""
    types = {
        form: {tensor.type for tensor in read(made / f"{name}-{form}.tflite").constants if tensor.data.ndim > 1}
        for form in ("fp32", "fp16")
    }

    assert types == {"fp32": {"FLOAT32"}, "fp16": {"FLOAT16"}}


@pytest.mark.parametrize("name", GOOD)
def test_dynamic_batch_is_told(name, loaded):
    """A model whose batch could not be fixed says so; others have nothing to say."""
    assert ("no GPU delegate takes it" in loaded[name]["note"]) == (name == "tf1_counting")


def test_digest_tells_weights_apart(loaded):
    """Models of other weights have other digests."""
    digests = {loaded[name]["digest"] for name in ("dense.keras", "two_by_name.keras", "both", "tf1", "tf1_resource")}

    assert len(digests) == 5
    assert all(len(digest) == 64 for digest in digests)


@pytest.mark.parametrize("name", BAD)
def test_unfit_model_is_refused_in_a_sentence(name, made, loaded):
    """What cannot be loaded or converted is refused in one line that names the file, what is wrong, and the cure."""
    refused = loaded[name]["refused"]

    assert refused.startswith(str(made / name))
    assert BAD[name] in refused
    assert "\n" not in refused


@pytest.mark.parametrize("name", ["lambda.keras", "lambda.h5"])
def test_code_in_a_model_is_not_run(name, made, loaded):
    """A lambda that would write a file wrote none, neither when the model was loaded nor after."""
    assert "refused" in loaded[name]
    assert not (made / f"{name}.ran").exists()
    assert not (made / "written_by_a_model").exists()


@pytest.mark.parametrize("name", ["dense.keras", "dense.h5", "dense.hdf5", "other_loss.keras", "both", "tf1"])
def test_good_model_is_verified_without_tensorflow(name, made):
    """What can be told of a good model before anything is started is that it may be loaded."""
    verify(made / name)

"""A model on the command line: what runs of it, what cannot, and what is refused before anything runs."""

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness.store import file_digest
from tests import documents
from tests.gate import ON_CPU, run_gate
from tests.github import commands
from tests.harness import flatbuffer
from tests.vulkan import only

SAMPLES = 300

OF_PARENTS = {
    "test_signatures_equal_those_of_the_float32_file",
    "test_float16_file_is_about_half_the_size",
    "test_float_constants_take_exactly_half",
    "test_operators_line_up",
    "test_every_float_constant_has_its_counterpart",
    "test_float32_file_holds_float32_only",
    "test_float16_values_are_the_rounded_float32_values",
    "test_no_weight_is_beyond_float16",
    "test_few_weights_become_zero",
    "test_weights_keep_their_precision",
}
"""The checks that compare with what a float16 file was made of."""

OF_KERAS = {
    "test_keras_reaches_the_baseline",
    "test_float32_file_computes_what_keras_does",
    "test_float32_file_predicts_what_keras_does",
    "test_conversion_gives_the_pinned_files",
}
OF_DECLARATIONS = {
    "test_training_reproduces_the_pinned_weights",
    "test_predictions_are_the_pinned_ones",
    "test_other_predictions_are_close_calls",
    "test_one_image_is_recognized",
}
"""The checks of what only a declaration says, pins and an example."""

OF_TARGETS = {
    "test_float32_file_reaches_the_baseline",
    "test_float16_accuracy_does_not_drop",
    "test_no_class_drops",
    "test_top_1_agrees_with_the_truth",
}
"""The checks that need labels."""


@pytest.fixture(scope="session")
def given(provider, shared, tmp_path_factory):
    """A folder with what users give: a good pair and its data, and all kinds of bad files."""
    folder = tmp_path_factory.mktemp("given")
    for model, name in (("mnist_cnn", "cnn"), ("mnist_separable", "separable")):
        build = provider.build(model)
        for precision in ("fp32", "fp16"):
            (folder / f"{name}_{precision}.tflite").write_bytes(build.file(precision).read_bytes())
    samples = provider.build("mnist_cnn").samples
    write_data(folder, samples.rows("x", 0, SAMPLES), samples.rows("y", 0, SAMPLES).copy())
    write_models(folder, (folder / "cnn_fp16.tflite").read_bytes())
    write_bounds(folder)
    return folder


def write_data(folder, x, y):
    """Write good and bad evaluation data."""
    spoiled, outside = x.copy(), y.copy()
    spoiled[7, 3, 3], outside[5] = np.nan, 10
    arrays = {
        "eval": {"x": x, "y": y},
        "unlabelled": {"x": x},
        "misnamed": {"image": x, "picture": x, "y": y},
        "misshapen": {"x": x[:, :14], "y": y},
        "bytes": {"x": (x * 255).astype(np.uint8), "y": y},
        "doubles": {"x": x.astype(np.float64), "y": y},
        "spoiled": {"x": spoiled, "y": y},
        "outside": {"x": x, "y": outside},
        "fewer": {"x": x, "y": y[:-1]},
        "no_samples": {"x": x[:0], "y": y[:0]},
        "no_arrays": {},
        "no_inputs": {"y": y},
        "other_targets": {"x": x, "y_logits": y},
        "fractions": {"x": x, "y": y.astype(np.float32)},
    }
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    np.savez_compressed(folder / "compressed.npz", x=x, y=y)
    np.savez_compressed(folder / "compressed_misshapen.npz", x=x[:, :14], y=y)
    np.savez(folder / "objects.npz", x=x, y=np.array([Trap()] * SAMPLES, object))
    (folder / "pickle.npz").write_bytes(pickle.dumps(Trap()))
    (folder / "cut.npz").write_bytes((folder / "eval.npz").read_bytes()[:-400])
    np.save(folder / "lone.npy", x)
    (folder / "shards").mkdir()
    for number, rows in enumerate((slice(0, 100), slice(100, None))):
        np.save(folder / "shards" / f"x-{number:05}.npy", x[rows])
    np.save(folder / "shards" / "y.npy", y)


class Trap:
    """What makes a file, `trapped`, where it is unpickled."""

    def __reduce__(self):
        """Return what to call."""
        return Path.touch, (Path("trapped"),)


def write_models(folder, good):
    """Write files that are no models."""
    (folder / "text.tflite").write_text("no model\n" * 100)
    (folder / "empty.tflite").write_bytes(b"")
    (folder / "half.tflite").write_bytes(good[: len(good) // 2])
    (folder / "stub.tflite").write_bytes(good[:6])
    (folder / "identifier.tflite").write_bytes(good[:4] + b"TFL9" + good[8:])
    (folder / "copy.tflite").write_bytes(good)
    (folder / "no_saved_model").mkdir()


def write_bounds(folder):
    """Write bounds, good and bad."""
    tables = {
        "good": 'baseline = 0.999\nflipped = 0.01\ntask = "classification"\nexample = 0',
        "unknown": "flippped = 0.1",
        "text": 'flipped = "few"',
        "yes": "flipped = true",
        "nan": "roundoff = nan",
        "fraction": "sample = 1000.5",
        "too_small": "sample = 10",
        "negative": "metric_drop = -0.1",
        "table": "metric_drop = {logits = 0.1}",
        "baselines": "baseline = {logits = 0.9}",
        "baseline_text": 'baseline = {output_0 = "good"}',
        "one_name": 'not_meant_for = "builtin"',
        "no_target": 'not_meant_for = ["builtn"]',
        "no_truth": 'not_meant_for = ["reference"]',
        "example": "example = 300",
        "task_number": "task = 5",
        "task_kind": 'task = "clasification"',
        "task_field": 'task = {kind = "classification", top_k = "5"}',
        "task_no_kind": "task = {output_0 = {top_k = 5}}",
        "no_toml": "flipped 0.1",
    }
    for name, text in tables.items():
        (folder / f"{name}.toml").write_text(f"{text}\n")


@pytest.fixture
def validate(given, store, tmp_path):
    """Run the gate on files of the folder, with {at} for its path in the arguments; return the run and its verdict."""

    def run(*arguments, **variables):
        file = tmp_path / "verdict.json"
        targets = [] if {"--delegate", "--require-delegate"} & {*arguments} else ON_CPU
        told = [argument.format(at=given) for argument in arguments]
        done = run_gate(*told, *targets, f"--artifacts={store}", f"--gate-json={file}", folder=tmp_path, **variables)
        return done, documents.read(file, done.text)

    return run


PAIR = ("--fp32={at}/cnn_fp32.tflite", "--fp16={at}/cnn_fp16.tflite")
DATA = "--data={at}/eval.npz"


def names(document, status):
    """Return the names of the tests all of whose checks have a *status* in the verdict."""
    found = {}
    for check in document["checks"]:
        found.setdefault(re.search(r"::(\w+)", check["name"])[1], set()).add(check["status"])
    return {name for name, statuses in found.items() if statuses == {status}}


def parents(document):
    """Return the names of the tests of the verdict of which no check ran for want of a float32 parent."""
    told = {check["name"] for check in document["checks"] if "without its float32 parent" in check["message"]}
    return {re.search(r"::(\w+)", name)[1] for name in told}


@pytest.mark.parametrize("workers", [["-n0"], ["-n2"], ["-p", "no:xdist"]])
def test_ready_pair_passes_every_check_that_it_can(validate, workers):
    """Of a pair with labelled data all is judged that needs neither Keras nor a declaration."""
    run, document = validate(*PAIR, DATA, *workers)

    (model,) = document["models"]
    assert (run.code, run.fallen) == (0, {}), run.text
    assert names(document, "skipped") == OF_KERAS | OF_DECLARATIONS | {"test_float32_file_reaches_the_baseline"}
    assert {"test_operators_line_up", "test_no_class_drops"} <= names(document, "passed")
    assert "cnn_fp16: all 109 checks that ran held; float16 file 0.52" in run.text
    assert model["files"].pop("keras_model") is None
    assert [Path(file).name for file in model["files"].values()] == ["cnn_fp32.tflite", "cnn_fp16.tflite", "eval.npz"]


def test_float16_file_alone_is_compared_with_its_twin(validate, given, tmp_path):
    """Without a parent all else is judged, and terminal and report say which checks had none."""
    page = tmp_path / "report.html"
    run, document = validate("--fp16={at}/cnn_fp16.tflite", DATA, f"--html={page}", "--self-contained-html")

    assert (run.code, run.fallen) == (0, {}), run.text
    assert parents(document) == OF_PARENTS
    assert document["models"][0]["layers_why_not"].startswith("cnn_fp16 comes without its float32 parent")
    assert names(document, "skipped") == OF_PARENTS | OF_KERAS | OF_DECLARATIONS | {
        "test_float32_file_reaches_the_baseline"
    }
    for text in (run.text, page.read_text()):
        told = text.partition(f"{given}/cnn_fp16.tflite comes without its float32 parent. ")[2]
        assert {*re.findall(r"test_\w+", told.partition("did not run: ")[2].partition(".")[0])} == OF_PARENTS


def test_data_without_labels_are_for_parity_alone(validate):
    """Without targets outputs are compared with each other, and the run says that no metric was judged."""
    run, document = validate(*PAIR, "--data={at}/unlabelled.npz")

    assert (run.code, run.fallen) == (0, {}), run.text
    assert names(document, "skipped") == OF_KERAS | OF_DECLARATIONS | OF_TARGETS
    assert "cnn_fp16 has no targets: outputs are compared with each other, and with no metric" in run.text
    assert "test_outputs_stay_near_the_truth" in names(document, "passed")


@pytest.mark.parametrize("form", ["compressed.npz", "shards"])
def test_data_may_have_any_form(validate, form):
    """A compressed archive is unpacked, a folder of shards is read where it lies; both are the same data."""
    run, document = validate(*PAIR, f"--data={{at}}/{form}", "tests/test_accuracy.py", "--delegate", "builtin")
    plain, of_plain = validate(*PAIR, DATA, "tests/test_accuracy.py", "--delegate", "builtin")

    assert (run.code, plain.code) == (0, 0), run.text
    assert document["models"][0]["metrics"] == of_plain["models"][0]["metrics"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_pair_needs_no_tensorflow(validate, machine, workers):
    """On a machine without TensorFlow the whole gate runs on a pair, but for the target that is TensorFlow's own."""
    arguments = (*PAIR, DATA, "--rebuild", workers, "--require-delegate", "builtin")
    run, document = validate(*arguments, **machine, **only("/nonexistent"))

    (absent,) = (target for target in document["targets"] if target["name"] == "tf_lite")
    assert (run.code, run.fallen) == (0, {}), run.text
    assert absent["why_not"].startswith("tensorflow is not installed (pip install tensorflow==")
    assert "not run, 20 times: tf_lite: tensorflow is not installed" in run.text
    assert names(document, "skipped") == OF_KERAS | OF_DECLARATIONS | {"test_float32_file_reaches_the_baseline"}
    assert not (Path(machine["PYTHONPATH"]) / "tried").exists()


def test_keras_model_needs_tensorflow(validate, machine, provider):
    """What has to be converted falls short on such a machine, with what to install."""
    file = provider.build("mnist_cnn").folder / "model.keras"
    run, _ = validate(f"--keras-model={file}", DATA, "--rebuild", "tests/test_size.py", **machine)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "and tensorflow is not installed (pip install tensorflow==" in run.named("tests/test_size.py")


def test_keras_model_is_converted_and_validated(validate, provider):
    """A trained Keras model is converted, and judged with what Keras says, on data of the user's."""
    file = provider.build("mnist_cnn").folder / "model.keras"
    run, document = validate(f"--keras-model={file}", DATA, "--bound", "baseline=0.9", "--delegate", "builtin")

    assert (run.code, run.fallen) == (0, {}), run.text
    assert names(document, "skipped") == OF_DECLARATIONS | {
        "test_conversion_gives_the_pinned_files",
        "test_reduced_precision_is_what_was_computed_in",
    }
    assert f"Converted from {file}." in run.text


def test_bounds_come_from_a_file_and_from_the_command_line(validate):
    """A bounds file is what the checks judge by; a --bound goes before it."""
    arguments = (*PAIR, DATA, "--bounds={at}/good.toml", "tests/test_accuracy.py", "tests/test_one_image.py")
    strict, _ = validate(*arguments, "--delegate", "builtin")
    eased, document = validate(*arguments, "--delegate", "builtin", "--bound", "baseline=0.9")

    assert strict.code == pytest.ExitCode.TESTS_FAILED, strict.text
    assert "at least 0.999 allowed" in strict.named("tests/test_accuracy.py::test_float32_file_reaches_the_baseline")
    assert (eased.code, eased.fallen) == (0, {}), eased.text
    assert "test_one_image_is_recognized" in names(document, "passed")


def test_task_of_the_command_line_is_what_is_judged(validate):
    """`--task` says what the output means, where several tasks fit the targets."""
    run, document = validate(*PAIR, DATA, "--task=classification:top_k=3", "tests/test_accuracy.py")

    assert run.code == 0, run.text
    assert "top-3 accuracy" in run.text
    assert document["models"][0]["verdict"].startswith("all ")


def test_pair_of_two_models_is_told_apart(validate):
    """Files of two models turn the gate red, and one sentence says where they part."""
    arguments = ("--fp32={at}/cnn_fp32.tflite", "--fp16={at}/separable_fp16.tflite", DATA, "--delegate", "builtin")
    run, document = validate(*arguments)

    (model,) = document["models"]
    message = run.named("tests/test_weights.py::test_operators_line_up")
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "the graphs part in" in message
    assert (model["layers"], model["layers_why_not"] in message) == ([], True)
    assert model["headroom"][-1]["operator"] == "FULLY_CONNECTED"
    assert "Traceback" not in run.text


def test_file_of_a_long_name_is_a_model_of_a_shorter_one(validate, given):
    """A model is called after its file, by no more characters than a name may have."""
    (given / f"{'n' * 230}.tflite").write_bytes((given / "cnn_fp16.tflite").read_bytes())
    run, document = validate(PAIR[0], f"--fp16={{at}}/{'n' * 230}.tflite", DATA, "tests/test_size.py")

    assert run.code == 0, run.text
    assert [model["name"] for model in document["models"]] == ["n" * 200]


def steering(number):
    """Return a name that would clear the screen of a terminal, and be three commands to a runner of GitHub."""
    return b"\n::error::name %d\x1b[2J ##[stop-commands]gone" % number


def naming_tensors(model):
    """Give each tensor such a name."""
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        tensor.name += steering(number)


def naming_an_operator(model):
    """Give the last layer's operator such a name, which makes it one that LiteRT does not know, and says."""
    flatbuffer.renaming_operator("FULLY_CONNECTED", "CUSTOM", steering(0))(model)


def naming_the_output(model):
    """Give the output a name that is a command, in a line of its own or not."""
    model.signatureDefs[0].outputs[0].name = b"##[stop-commands]gone"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"fp32": naming_tensors, "fp16": naming_tensors},
            "::error::name 4\\u001b[2J ##[stop-commands]gone [10, 2028]",
        ),
        ({"fp32": naming_an_operator, "fp16": naming_an_operator}, "::error::name 0\\u001b[2J ##[stop-commands]gone"),
        ({"fp16": naming_the_output}, "\\u0023#[stop-commands]gone"),
    ],
    ids=["tensors", "operator", "output"],
)
def test_names_in_a_file_do_nothing_to_a_terminal_or_a_runner(validate, given, changes, says):
    """What a red run tells of a file is text: what steers a terminal is not printed, and GitHub is given no command."""
    for precision in ("fp32", "fp16"):
        model = flatbuffer_utils.read_model(str(given / f"cnn_{precision}.tflite"))
        changes.get(precision, id)(model)
        if precision == "fp16":
            flatbuffer.changing_values(lambda held: held.__setitem__(slice(50), 3))(model)
        flatbuffer_utils.write_model(model, str(given / f"steering_{precision}.tflite"))
    pair = ("--fp32={at}/steering_fp32.tflite", "--fp16={at}/steering_fp16.tflite")
    run, document = validate(*pair, DATA, "--localise", CI="true", GITHUB_ACTIONS="true")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert says in run.text
    assert "\x1b" not in run.text
    assert all(command.startswith("::error ") for command in commands(run.text))
    assert run.text.splitlines()[-1].startswith("fp16 gate: Failed: ")
    assert "\\u001b[2J" not in json.dumps(document).replace("\\\\u001b", "")


@pytest.mark.parametrize(
    "arguments",
    [
        (*PAIR, "--data={at}/steering\n::error::of a folder\x1b[2J/eval.npz"),
        (*PAIR, "--data={at}/steering.npz"),
        (*PAIR, DATA, "--bounds={at}/steering.toml"),
        ("--models-dir={at}/steering\n::error::of a folder\x1b[2J",),
    ],
    ids=["path", "array", "bound", "folder"],
)
def test_refused_input_gives_no_command(given, tmp_path, arguments):
    """What a usage error quotes, a path or what stands in a file, is text."""
    (given / "steering\n::error::of a folder\x1b[2J").mkdir(exist_ok=True)
    np.savez(given / "steering.npz", **{"##[add-mask]e": np.zeros((300, 28, 28), np.float32)})
    (given / "steering.toml").write_text('"a\\n::error::of a bound\\u001b[2J" = 1\n')
    run = run_gate(*(argument.format(at=given) for argument in arguments), folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert re.search(r"\\u003a:error::of|\\u0023#\[add-mask\]|\\n::error::of", run.text)
    assert "\x1b" not in run.text
    assert commands(run.text) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("spoiled.npz", "x in {at}/spoiled.npz holds NaN or infinity in 1 of 300 samples (first: [7])"),
        ("compressed_misshapen.npz", "has samples of shape [14, 28], the input image of cnn_fp16.tflite takes"),
    ],
)
def test_data_that_only_a_look_through_shows_to_be_bad_fall_short(validate, given, data, says):
    """What is found while the data are looked through, or unpacked, fails every check with that sentence alone."""
    run, _ = validate(*PAIR, f"--data={{at}}/{data}", "tests/test_size.py", "tests/test_accuracy.py", "-n0")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert run.fallen
    assert all(says.format(at=given) in message for message in run.fallen.values()), run.text
    assert "Traceback" not in run.text


FP16 = "--fp16={at}/cnn_fp16.tflite"

REFUSED = {
    # files that are no models
    "missing": ([f"{FP16}x", DATA], "cnn_fp16.tflitex"),
    "folder": (["--fp16={at}/shards", DATA], "{at}/shards"),
    "text": (["--fp16={at}/text.tflite", DATA], "{at}/text.tflite"),
    "empty": (["--fp16={at}/empty.tflite", DATA], "{at}/empty.tflite"),
    "half": (["--fp16={at}/half.tflite", DATA], "{at}/half.tflite is truncated or damaged"),
    "stub": (["--fp16={at}/stub.tflite", DATA], "{at}/stub.tflite"),
    "identifier": (["--fp16={at}/identifier.tflite", DATA], "{at}/identifier.tflite"),
    "parent": (["--fp32={at}/half.tflite", FP16, DATA], "{at}/half.tflite is truncated or damaged"),
    # pairs that are none
    "float32 alone": (
        ["--fp16={at}/cnn_fp32.tflite", DATA],
        "cnn_fp32.tflite is a float32 file (4 weights, none of them float16): without --fp32 it is compared",
    ),
    "swapped": (
        ["--fp32={at}/cnn_fp16.tflite", "--fp16={at}/cnn_fp32.tflite", DATA],
        "the files are swapped: --fp32 {at}/cnn_fp16.tflite is a float16 file (4 weights)",
    ),
    "twice": (["--fp32={at}/cnn_fp16.tflite", FP16, DATA], "--fp32 and --fp16 are the same file"),
    "copy": (["--fp32={at}/copy.tflite", FP16, DATA], "hold the same bytes"),
    # data
    "no data": ([FP16], "--data=EVAL.npz is missing"),
    "data missing": ([FP16, "--data={at}/gone.npz"], "{at}/gone.npz is not there"),
    "objects": ([FP16, "--data={at}/objects.npz"], "holds Python objects, which can run code and are never loaded"),
    "pickle": ([FP16, "--data={at}/pickle.npz"], "{at}/pickle.npz is a pickle, which is never loaded"),
    "cut": ([FP16, "--data={at}/cut.npz"], "{at}/cut.npz is truncated or damaged"),
    "lone": ([FP16, "--data={at}/lone.npy"], "{at}/lone.npy is a single .npy array"),
    "misnamed": ([FP16, "--data={at}/misnamed.npz"], "no input for the array picture"),
    "misshapen": ([FP16, "--data={at}/misshapen.npz"], "x in {at}/misshapen.npz has samples of shape [14, 28]"),
    "bytes": ([FP16, "--data={at}/bytes.npz"], "x in {at}/bytes.npz is uint8, the input image of cnn_fp16.tflite is"),
    "doubles": ([FP16, "--data={at}/doubles.npz"], "save x.astype(np.float32)"),
    "outside": ([FP16, "--data={at}/outside.npz"], "{at}/outside.npz: y: 10 in sample 5 is not in 0..9; correct it"),
    "fewer": ([FP16, "--data={at}/fewer.npz"], "y has 299 targets for the 300 samples of x"),
    "no samples": ([FP16, "--data={at}/no_samples.npz"], "{at}/no_samples.npz is empty: x has 0 samples"),
    "no arrays": ([FP16, "--data={at}/no_arrays.npz"], "{at}/no_arrays.npz"),
    "no inputs": ([FP16, "--data={at}/no_inputs.npz"], "{at}/no_inputs.npz holds no inputs, only y"),
    "other targets": ([FP16, "--data={at}/other_targets.npz"], "no output for the targets y_logits"),
    "fractions": ([FP16, "--data={at}/fractions.npz"], "{at}/fractions.npz: y: targets float32 (300,) of outputs"),
    "empty folder": ([FP16, "--data={at}/no_saved_model"], "{at}/no_saved_model holds no .npy file"),
    # models of Keras
    "no SavedModel": (["--keras-model={at}/no_saved_model", DATA], "{at}/no_saved_model is no SavedModel"),
    "no Keras file": (["--keras-model={at}/cnn_fp32.tflite", DATA], "a .tflite file goes to --fp32 and --fp16"),
    # what does not go together
    "fp32 alone": (["--fp32={at}/cnn_fp32.tflite", DATA], "--fp32 goes with a model on the command line: --fp16=FILE"),
    "fp32 and Keras": (
        ["--fp32={at}/cnn_fp32.tflite", "--keras-model={at}/m.keras", DATA],
        "--fp32 without --fp16: there is no float16 file to validate",
    ),
    "fp16 and Keras": ([FP16, "--keras-model={at}/m.keras", DATA], "--fp16 and --keras-model: one or the other"),
    "data alone": ([DATA], "--data goes with a model on the command line"),
    "bound alone": (["--bound", "flipped=0.1"], "--bound goes with a model on the command line"),
    "task alone": (["--task", "binary"], "--task goes with a model on the command line"),
    "models-dir": ([FP16, DATA, "--models-dir={at}"], "--models-dir and a model on the command line: one or the other"),
    "update": ([FP16, DATA, "--snapshot-update"], "nothing is pinned of a model on the command line"),
    "no path": (["--fp16=", DATA], "a path was expected, nothing was given"),
    # bounds
    "bounds missing": (
        [FP16, DATA, "--bounds={at}/gone.toml"],
        "--bounds={at}/gone.toml cannot be read: No such file or directory",
    ),
    "no TOML": ([FP16, DATA, "--bounds={at}/no_toml.toml"], "--bounds={at}/no_toml.toml is no TOML: Expected '='"),
    "no text": ([FP16, DATA, "--bounds={at}/eval.npz"], "--bounds={at}/eval.npz is no TOML"),
    "unknown": ([FP16, DATA, "--bounds={at}/unknown.toml"], "{at}/unknown.toml: unknown flippped; known: baseline, "),
    "text for a number": ([FP16, DATA, "--bounds={at}/text.toml"], "text.toml: flipped = 'few' is not a number"),
    "yes for a number": ([FP16, DATA, "--bounds={at}/yes.toml"], "yes.toml: flipped = True is not a number"),
    "nan": ([FP16, DATA, "--bounds={at}/nan.toml"], "nan.toml: roundoff = nan is not a number"),
    "fraction": ([FP16, DATA, "--bounds={at}/fraction.toml"], "fraction.toml: sample = 1000.5 is not a whole number"),
    "too small": ([FP16, DATA, "--bounds={at}/too_small.toml"], "too_small.toml: a sample of 10 is too small"),
    "negative": ([FP16, DATA, "--bounds={at}/negative.toml"], "a bound of -0.1 on metric_drop: a number from 0 on"),
    "table": ([FP16, DATA, "--bounds={at}/table.toml"], "table.toml: metric_drop = {{'logits': 0.1}} is not a number"),
    "baselines": (
        [FP16, DATA, "--bounds={at}/baselines.toml"],
        "a baseline for logits, but the outputs with targets in {at}/eval.npz are output_0",
    ),
    "baseline text": (
        [FP16, DATA, "--bounds={at}/baseline_text.toml"],
        "baseline_text.toml: baseline.output_0 = 'good' is not a number",
    ),
    "baseline of nothing": (
        [FP16, "--data={at}/unlabelled.npz", "--bound", "baseline=0.9"],
        "a baseline of 0.9, but {at}/unlabelled.npz has no targets to measure it by: add them as y",
    ),
    "one name": ([FP16, DATA, "--bounds={at}/one_name.toml"], "not_meant_for = 'builtin' is not a list of names"),
    "no target": ([FP16, DATA, "--bounds={at}/no_target.toml"], "cnn_fp16 names a target builtn that there is not"),
    "no truth": ([FP16, DATA, "--bounds={at}/no_truth.toml"], "cnn_fp16 is not meant for reference: that is the truth"),
    "example": (
        [FP16, DATA, "--bounds={at}/example.toml"],
        "example 300 is not one of the 300 samples of {at}/eval.npz",
    ),
    "bound unknown": ([FP16, DATA, "--bound", "flippped=1"], "--bound flippped=1: unknown flippped; known: baseline, "),
    "bound text": ([FP16, DATA, "--bound", "flipped=few"], "--bound flipped=few: flipped = 'few' is not a number"),
    "bound without value": ([FP16, DATA, "--bound", "flipped"], "--bound flipped: NAME=VALUE was expected"),
    "bound of a set": ([FP16, DATA, "--bound", "not_meant_for=1"], "--bound not_meant_for=1: unknown not_meant_for"),
    # tasks
    "task unknown": ([FP16, DATA, "--task", "detection"], "--task detection: unknown kind 'detection'; known: class"),
    "task field": ([FP16, DATA, "--task", "classification:k=5"], "classification has no k; it has top_k"),
    "task value": (
        [FP16, DATA, "--task", "classification:top_k=few"],
        "--task classification:top_k=few: top_k = 'few' is not a whole number",
    ),
    "task word": ([FP16, DATA, "--task", "regression:metric=mse"], "metric = 'mse' is not one of mae, rmse, r2"),
    "task twice": ([FP16, DATA, "--task", "binary", "--task", "regression"], "the task of the output is given twice"),
    "task of nothing": (
        [FP16, DATA, "--task", "logits=binary"],
        "a task of logits; the outputs of cnn_fp16.tflite are output_0",
    ),
    "task of no label": ([FP16, "--data={at}/unlabelled.npz", "--task", "binary"], "has no targets: add them as y"),
    "task that does not fit": ([FP16, DATA, "--task", "binary"], "{at}/eval.npz: y: Binary takes outputs"),
    "task number": ([FP16, DATA, "--bounds={at}/task_number.toml"], "task = 5 is neither a kind nor a table with one"),
    "task kind": ([FP16, DATA, "--bounds={at}/task_kind.toml"], "task: unknown kind 'clasification'"),
    "field of a file": ([FP16, DATA, "--bounds={at}/task_field.toml"], "task: top_k = '5' is not a whole number"),
    "table without a kind": (
        [FP16, DATA, "--bounds={at}/task_no_kind.toml"],
        "task.output_0 = {{'top_k': 5}} is neither",
    ),
    # reports
    "report": (
        [*PAIR, DATA, "--html={at}/eval.npz/report.html"],
        "the report {at}/eval.npz/report.html cannot be written",
    ),
    "verdict": ([*PAIR, DATA, "--gate-json={at}"], "--gate-json={at}: the verdict cannot be written"),
}
"""Arguments, in which {at} stands for the folder of files, and what the one clear error says."""


@pytest.mark.parametrize("why", REFUSED)
def test_bad_input_is_refused_in_a_line(why, given, tmp_path):
    """What cannot be meant is one error that names it, exit code 4, no traceback, and no file that was not there."""
    arguments, says = REFUSED[why]
    before = contents(given)
    store = tmp_path / "store"
    run = run_gate(*(one.format(at=given) for one in arguments), f"--artifacts={store}", *NO_XDIST, folder=tmp_path)

    errors = [line for line in run.text.splitlines() if line.strip()]
    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert says.format(at=given) in run.text
    assert "Traceback" not in run.text
    assert len(errors) <= 4, run.text  # argparse adds its usage
    assert contents(given) == before
    assert not list(tmp_path.iterdir())
    assert not Path("trapped").exists()


NO_XDIST = ("-p", "no:xdist")


def contents(folder):
    """Return what lies in *folder*."""
    return {file: file_digest(file) if file.is_file() else None for file in folder.rglob("*")}

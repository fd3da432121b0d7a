"""`--bundle-failures` leaves what it takes to see each failed check fail again, elsewhere."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from fixtures.harness.versions import ROOT
from tests.faults.planted.editing import edit_tensor
from tests.gate import ON_CPU, environment, run_gate

SAMPLES = 200
XNNPACK = ["--delegate", "xnnpack"]
AGREES = "tests/test_accuracy.py::test_top_1_agrees_with_the_truth"
ROUNDED = "tests/test_weights.py::test_float16_values_are_the_rounded_float32_values"
DROPS = "tests/test_accuracy.py::test_float16_accuracy_does_not_drop"

DECLARED = '''"""A pair that another repository's build leaves in a folder beside this one."""

from models.spec import Budget, ModelSpec
from mine.scoring import TASK

PAIR = ModelSpec(
    name="pair",
    fp32="../files/A.tflite",
    fp16="../files/B.tflite",
    data="../files/eval.npz",
    task=TASK,
    budget=Budget(baseline=0.99),
)
'''

RIGHT = """
from models.tasks import Metric

TASK = Metric("share right", lambda outputs, targets: outputs.argmax(axis=1) == targets, higher_is_better=True)
"""
ENDS = """
import os

from models.tasks import Metric


def score(outputs, targets):
    {}


TASK = Metric("none", score, higher_is_better=True)
"""
"""Metrics of the user's own: a good one, and one that takes its process with it."""


@pytest.fixture
def files(pins, store, tmp_path):
    """A folder with a pair, of which the float16 file has a row of weights of the wrong sign, and its data."""
    (build,) = (store / "builds").glob("quick-*.1")
    folder = tmp_path / "user" / "files"
    folder.mkdir(parents=True)
    shutil.copy(build / "fp32.tflite", folder / "A.tflite")
    shutil.copy(build / "fp16.tflite", folder / "good.tflite")
    shutil.copy(build / "fp16.tflite", folder / "B.tflite")
    edit_tensor(folder / "B.tflite", lambda values: np.vstack([-values[:1], values[1:]]))
    x, y = (np.load(build / "data" / f"{name}.npy")[:SAMPLES] for name in "xy")
    np.savez(folder / "eval.npz", x=x, y=y)
    return folder


@pytest.fixture
def declared(files):
    """Return the folder with the declaration of that pair, whose metric is the given code."""

    def write(code=RIGHT):
        folder = files.parent / "gate"
        (folder / "mine").mkdir(parents=True)
        (folder / "pair.py").write_text(DECLARED)
        (folder / "mine" / "__init__.py").write_text("")
        (folder / "mine" / "scoring.py").write_text(code)
        return folder

    return write


@pytest.fixture
def bundles(tmp_path):
    """Where bundles go."""
    return tmp_path / "bundles"


@pytest.fixture
def validate(bundles, store, tmp_path):
    """Run the gate with bundles of what fails; return the run."""

    def run(*arguments, **options):
        where = (f"--bundle-failures={bundles}", f"--artifacts={store}")
        return run_gate(*where, *XNNPACK, *arguments, folder=tmp_path, **options)

    return run


@pytest.fixture
def replay():
    """Run bundles again; return the exit code and what is said."""

    def run(folder, **variables):
        command = [sys.executable, "-m", "fixtures.replay", folder]
        done = subprocess.run(
            command, cwd=ROOT, env=environment() | variables, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


def pair(files, fp16="B.tflite"):
    """Return the arguments of the pair in *files*."""
    return f"--fp32={files / 'A.tflite'}", f"--fp16={files / fp16}", f"--data={files / 'eval.npz'}"


def checks(bundles):
    """Return what each bundle says of its check, by the test's id; nothing unfinished is there."""
    assert not list(bundles.rglob(".*"))
    found = [json.loads(file.read_text()) for file in bundles.glob("*/check.json")]
    return {one["test_id"]: one for one in found}


@pytest.mark.parametrize("workers", [["-n0"], ["-n2"], ["-p", "no:xdist"]])
def test_pair_fails_again_where_its_files_are_not(validate, replay, files, bundles, tmp_path, workers):
    """Moved, and without the files that it was made of, each bundle falls short for the same, with the same values."""
    hostile = "<script>'\"it's é \u202e$(touch trapped).tflite"
    (files / "B.tflite").rename(files / hostile)
    run = validate(*pair(files, hostile), "--bound=flipped=0.01", AGREES, ROUNDED, "tests/test_size.py", *workers)
    told = checks(bundles)
    moved = bundles.rename(tmp_path / "it's moved")
    shutil.rmtree(files)
    code, text = replay(moved)

    assert len(told) == 3, run.text
    assert {*told} == {*run.fallen}
    assert f"bundle: {bundles}: 3 failing checks; replay with python -m fixtures.replay {bundles}" in run.text
    assert (code, text.count("they have the same values")) == (0, 3), text
    assert "3 of 3 checks fell short again for the same" in text
    assert not (ROOT / "trapped").exists()


def test_samples_to_blame_lie_beside_the_check(validate, files, bundles):
    """Their indices, inputs and targets can be read without pickle; a check of weights says why it has none."""
    validate(*pair(files), f"{AGREES}[b-fp16-xnnpack]", ROUNDED, "-n0")
    told = checks(bundles)
    (file,) = bundles.glob("*/inputs.npz")
    data, found = np.load(files / "eval.npz"), np.load(file, allow_pickle=False)

    blamed = told[f"{AGREES}[b-fp16-xnnpack]"]
    assert found["samples"].tolist() == blamed["samples"] == sorted(blamed["measured"][0]["samples"])
    assert 0 < len(blamed["samples"]) <= 32
    assert np.array_equal(found["x"], data["x"][found["samples"]])
    assert np.array_equal(found["y"], data["y"][found["samples"]])
    assert told[f"{ROUNDED}[b]"]["why_no_samples"] == "what was measured is not of single samples"


def test_declared_pair_fails_again_elsewhere(validate, replay, declared, bundles, tmp_path):
    """Its declaration, what that imports, its files, data and pins go along, wherever they were."""
    folder = declared()
    arguments = (f"--models-dir={folder}", "-n0", "tests/test_predictions.py", f"{DROPS}[pair-xnnpack]")
    validate(f"--models-dir={folder}", "-n0", "--snapshot-update", "tests/test_predictions.py")
    shutil.copy(folder / "__snapshots__" / "pair-fp32.txt", folder / "__snapshots__" / "pair-fp16.txt")
    run = validate(*arguments)
    moved = bundles.rename(tmp_path / "moved")
    shutil.rmtree(tmp_path / "user")
    code, text = replay(moved)

    assert len(run.fallen) == 3, run.text
    assert {*checks(moved)} == {*run.fallen}
    assert code == 0, text


def test_trained_model_fails_again_without_training(validate, replay, pinned_models, machine, bundles, tmp_path):
    """Its build goes along: a machine without TensorFlow evaluates it anew, and trains nothing."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    run = validate(f"--models-dir={pinned_models}", "tests/test_accuracy.py", "-k", "baseline", "-n2")
    moved = bundles.rename(tmp_path / "moved")
    shutil.rmtree(pinned_models)
    code, text = replay(moved, **machine)

    assert len(run.fallen) == 3, run.text
    assert (code, text.count("they have the same values")) == (0, 3), text
    assert len(list(moved.glob("models/*/builds/*"))) == 1


def test_crash_happens_again(validate, replay, declared, bundles):
    """A check that killed its worker has a bundle, which kills another one."""
    folder = declared(ENDS.format("os.abort()"))
    run = validate(f"--models-dir={folder}", "-n2", f"{DROPS}[pair-xnnpack]")
    code, text = replay(bundles)

    (told,) = checks(bundles).values()
    assert told["crashed"], run.text
    assert (code, "the same message" in text) == (0, True), text


def test_checks_of_no_model_fail_again(validate, replay, pinned_models, bundles, tmp_path):
    """Declarations that cannot be read, and pins that were left behind, go along with all others."""
    (pinned_models / "broken.py").write_text("import no_such_module\n")
    (pinned_models / "__snapshots__" / "gone-fp32.txt").write_text("")
    left = "tests/test_predictions.py::test_no_pin_is_left_behind"
    run = validate(f"--models-dir={pinned_models}", "-n0", "tests/test_declarations.py", left)
    shutil.rmtree(pinned_models)
    code, text = replay(bundles)

    assert len(run.fallen) == 2, run.text
    assert (code, text.count("they have the same values")) == (0, 2), text


def test_missing_file_is_missing_again(validate, replay, declared, files, bundles):
    """A pair that cannot be read has a bundle with what there is of it."""
    folder = declared()
    (files / "B.tflite").unlink()
    run = validate(f"--models-dir={folder}", "-n0", "tests/test_size.py")
    code, text = replay(bundles)

    told = [*checks(bundles).values()]
    assert len(told) == len(run.fallen) == 2, run.text
    assert told[0]["not_copied"] == [
        f"fp16: {folder / '../files/B.tflite'} could not be copied (No such file or directory)"
    ]
    assert code == 0, text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_first_failure_is_bundled(validate, files, bundles, workers):
    """With -x there is a bundle of each check that was reported as failed."""
    run = validate(*pair(files), "-x", workers, "tests/test_accuracy.py")

    assert run.fallen, run.text
    assert {*checks(bundles)} == {*run.fallen}


def test_interrupted_run_leaves_what_had_failed(validate, declared, bundles):
    """Ctrl-C ends the run, and what had failed before it has its bundle."""
    folder = declared(ENDS.format("raise KeyboardInterrupt"))
    run = validate(f"--models-dir={folder}", "-n0", ROUNDED, f"{DROPS}[pair-xnnpack]")

    assert run.code == pytest.ExitCode.INTERRUPTED, run.text
    assert [*checks(bundles)] == [f"{ROUNDED}[pair]"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_green_run_writes_nothing(validate, files, bundles, workers):
    """Where every check holds there is no folder, and no line about it."""
    run = validate(*pair(files, "good.tflite"), workers, "tests/test_weights.py")

    assert run.code == 0, run.text
    assert not bundles.exists()
    assert "bundle: " not in run.text


def test_long_name_has_a_folder(validate, replay, files, bundles):
    """A model whose file has the longest name has bundles with names that every file system takes."""
    long = f"{'very_long_' * 20}.tflite"
    (files / "B.tflite").rename(files / long)
    validate(*pair(files, long), "-n0", ROUNDED, "--bound=flipped=0.01", AGREES)
    code, text = replay(bundles)

    assert max(len(place.name) for place in bundles.iterdir()) < 100
    assert len(checks(bundles)) == 3
    assert code == 0, text


def test_what_holds_now_is_told(validate, replay, files, bundles):
    """A bundle whose check holds now, here because its file was mended, is not the same."""
    validate(*pair(files), "-n0", ROUNDED)
    (copy,) = bundles.glob("models/*/fp16/B.tflite")
    shutil.copy(files / "good.tflite", copy)
    code, text = replay(bundles)

    assert code == 1
    assert f"NOT THE SAME: {ROUNDED}[b]: it passed now" in text
    assert "0 of 1 checks" in text


def test_full_disk_is_told_and_leaves_nothing_unfinished(validate, pinned_models, store, bundles):
    """What cannot be bundled is named with the cause, and the run is what it was."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    arguments = (f"--models-dir={pinned_models}", "-n0", "tests/test_accuracy.py", "-k", "baseline")
    run = validate(*arguments, largest_file=1000)

    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert f"and 2 more: {bundles} could not be written: File too large" in " ".join(run.text.split())
    assert not [file for file in bundles.rglob("*") if file.is_file()]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("", "a folder was expected, nothing was given"),
        ("{at}/file", "it is a file; give a new folder"),
        ("{at}/full", "it is not empty, and what an earlier run left is not overwritten; give a new folder"),
        ("/proc/bundles", "it cannot be written (No such file or directory); give a folder that can be"),
    ],
)
def test_folder_that_cannot_hold_bundles_is_refused(files, store, tmp_path, folder, says, workers):
    """It is said in a line, before anything runs."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("of an earlier run")
    (tmp_path / "file").write_text("")
    option = f"--bundle-failures={folder.format(at=tmp_path)}"
    run = run_gate(*pair(files), option, f"--artifacts={store}", workers, *ON_CPU, folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert says in run.text
    assert "Traceback" not in run.text
    assert (tmp_path / "full" / "file").read_text() == "of an earlier run"


def test_command_needs_a_checkout(validate, files, bundles, tmp_path):
    """The command of a bundle takes the gate's checkout, and says so where there is none."""
    validate(*pair(files), "-n0", ROUNDED)
    (script,) = bundles.glob("*/reproduce.sh")
    nowhere, there = (
        subprocess.run(
            ["sh", script],
            cwd=tmp_path,
            env=environment() | {"PYTHON": sys.executable} | given,
            capture_output=True,
            text=True,
            check=False,
        )
        for given in ({}, {"GATE": str(ROOT)})
    )

    assert (nowhere.returncode, nowhere.stderr.count("is no checkout of the gate")) == (4, 1)
    assert there.returncode == pytest.ExitCode.TESTS_FAILED, there.stdout
    assert f"FAILED {ROUNDED}[b]" in there.stdout


@pytest.mark.parametrize("folder", ["nothing", ""])
def test_folder_without_bundles_is_refused(replay, tmp_path, folder):
    """Replaying nothing is an error in the command."""
    code, text = replay(tmp_path / folder)

    assert code == 2
    assert "there is no bundle in it" in text

"""`--gate-json` leaves a document that says what the run is worth, however the run ends."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from fixtures.harness.versions import ROOT
from tests import documents
from tests.gate import ON_CPU, command, environment, run_gate
from tests.vulkan import only

NO_XDIST = ["-p", "no:xdist"]


@pytest.fixture
def file(tmp_path):
    """Where the document goes; the verdict of an earlier run is there."""
    place = tmp_path / "verdict.json"
    place.write_text('{"run": {"verdict": "passed", "of": "an earlier run"}}')
    return place


@pytest.fixture
def judged(gate, pinned_models, file):
    """Run the gate on the pinned model and return the run and its document."""

    def run(*arguments, **variables):
        done = gate(pinned_models, f"--gate-json={file}", *arguments, **variables)
        return done, read(file, done.text)

    return run


@pytest.fixture
def plugin(tmp_path):
    """Return the arguments and variables of a run that a plugin with a hook interferes with."""

    def write(code):
        (tmp_path / "meddler.py").write_text(code)
        return ["-p", "meddler"], {"PYTHONPATH": str(tmp_path)}

    return write


def read(file, text=""):
    """Return the document in *file*, which is as the schema says; nothing lies beside it."""
    document = documents.read(file, text)
    assert not [other.name for other in file.parent.iterdir() if other.name.startswith(f".{file.name}")]
    return document


def check(document, name):
    """Return the one check whose id begins with *name*."""
    (found,) = (one for one in document["checks"] if one["name"].startswith(name))
    return found


@pytest.mark.parametrize("workers", [["-n0"], ["-n2"], NO_XDIST])
def test_green_run_has_all_that_it_measured(judged, pinned_models, workers):
    """Each check is there with its numbers, each model and target with its figures, in any number of processes."""
    run, document = judged(*workers)

    (model,), counts = document["models"], document["run"]["counts"]
    assert run.code == 0, run.text
    assert (document["run"]["verdict"], document["run"]["problems"]) == ("passed", [])
    assert (document["run"]["exit_code"], document["run"]["meaning"]) == (0, "every check held")
    assert counts == dict.fromkeys(counts, 0) | {"passed": 143}
    assert len({one["name"] for one in document["checks"]}) == run.checks == 143
    assert all(one["holds"] for found in document["checks"] for one in found["measured"])
    assert model["verdict"].startswith("all 141 checks that ran held; float16 file 0.5")
    assert model["sizes"]["fp16"] / model["sizes"]["fp32"] == model["sizes"]["ratio"]
    assert model["declared_in"] == str(pinned_models / "quick.py")
    assert all(len(digest) == 64 for digest in model["digests"].values())
    assert None not in {**model["sizes"], **model["metrics"][""]}.values()
    assert [one["name"] for one in document["targets"]] == ["reference", *ON_CPU[1::2]]
    for target in document["targets"]:
        assert target["availability"] == "present"
        assert [(one["model"], one["precision"]) for one in target["files"]] == [("quick", "fp32"), ("quick", "fp16")]
        assert all(one["share"] <= one["allowed"] for one in target["files"])
        assert all(0 < one["latency"]["median"] <= one["latency"]["p95"] for one in target["files"])
        assert {one["latency"]["runs"] for one in target["files"]} == {9999}
    operators = ["RESHAPE", "FULLY_CONNECTED"]
    assert [one["operator"] for one in model["headroom"]] == [one["operator"] for one in model["layers"]] == operators
    assert model["layers"][0]["noise"] == 0 < model["layers"][1]["noise"] < 2**-11
    assert model["layers_why_not"] is None
    assert document["environment"]["packages"]["ai-edge-litert"]
    assert f"--models-dir={pinned_models}" in document["environment"]["arguments"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_check_that_fell_short_has_its_numbers_and_its_message(judged, pinned_models, workers):
    """A failed check stands with what was measured, what was allowed, and the message that the terminal shows."""
    declaration = pinned_models / "quick.py"
    declaration.write_text(declaration.read_text().replace("baseline=0.8", "baseline=0.999"))
    run, document = judged(workers, "tests/test_accuracy.py")

    found = check(document, "tests/test_accuracy.py::test_keras_reaches_the_baseline")
    (measured,) = found["measured"]
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert document["run"]["verdict"] == "failed"
    assert document["run"]["counts"]["failed"] == 6
    assert document["models"][0]["verdict"].startswith("FELL SHORT: 6 of 28 checks")
    assert (found["property"], found["model"], found["status"]) == ("accuracy", "quick", "failed")
    assert found["requirement"].startswith("The trained model is as good as its budget asks for")
    assert measured["value"] < measured["at_least"] == 0.999
    assert (measured["at_most"], measured["holds"]) == (None, False)
    assert found["message"].startswith("top-1 accuracy of Keras: 0.")
    assert found["message"].endswith("look at: the training recipe and its data")


def test_absent_target_is_told_from_one_that_fell_short(judged):
    """A target that is absent says why, and its checks are skipped; asked for, they are errors."""
    arguments = ("--require-delegate", "builtin", "tests/test_one_image.py")
    _, skipped = judged(*arguments, **only("/nonexistent"))
    _, asked = judged("--require-delegate", "gpu", *arguments, **only("/nonexistent"))

    for document, verdict, status in ((skipped, "passed", "skipped"), (asked, "failed", "error")):
        (gpu,) = (target for target in document["targets"] if target["name"] == "gpu")
        found = check(document, "tests/test_one_image.py::test_one_image_is_recognized[quick-fp16-gpu]")
        assert document["run"]["verdict"] == verdict
        assert (gpu["availability"], gpu["required"], gpu["files"]) == ("absent", status == "error", [])
        assert gpu["why_not"] in found["message"]
        assert (found["precision"], found["target"], found["status"]) == ("fp16", "gpu", status)


def test_required_target_that_no_check_looked_at_is_a_problem(judged):
    """What makes a run red without a check that fell short is said."""
    run, document = judged("--require-delegate", "builtin", "tests/test_size.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert document["run"]["verdict"] == "failed"
    assert document["run"]["problems"] == ["builtin was asked for, but no check that ran was of it"]
    assert document["run"]["counts"]["failed"] == 0


@pytest.mark.parametrize("workers", ["-n0", "-n2", *[" ".join(NO_XDIST)]])
@pytest.mark.parametrize(
    ("selection", "code", "verdict", "says"),
    [
        (["-k", "no_such_model"], 5, "nothing selected", "nothing was selected, so nothing was validated"),
        (["--setup-plan"], 5, "nothing selected", "no check ran, so nothing was validated"),
        (["--collect-only"], 0, "not run", "no check was asked to run"),
        (["--help"], 0, "not run", "no check was asked to run"),
        (["--delegate", "xnnpak"], 4, "usage error", "--delegate xnnpak: unknown target"),
        (["--artifacts=/dev/null/store"], 4, "usage error", "the artifact store /dev/null/store cannot be written"),
        (["tests/no_such_test.py"], 4, "usage error", "file or directory not found: tests/no_such_test.py"),
        (["--snapshot-update"], 4, "usage error", "no selected test pins anything"),
    ],
)
def test_run_without_a_check_is_no_pass(judged, workers, selection, code, verdict, says):
    """A run that checked nothing, or that was not to begin, says so, and never that it passed."""
    run, document = judged(*workers.split(), *selection, "tests/test_size.py")

    assert run.code == code, run.text
    assert (document["run"]["verdict"], document["run"]["exit_code"]) == (verdict, code)
    assert any(says in problem for problem in document["run"]["problems"]), document["run"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_first_failure_leaves_the_verdict_of_what_ran(judged, pinned_models, workers):
    """With -x the run fell short, whatever the exit code is called, and what was not run is counted."""
    (pinned_models / "__snapshots__" / "quick-weights.txt").unlink()
    run, document = judged(workers, "-x", "tests/test_training.py", "tests/test_weights.py")

    assert run.code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}, run.text
    assert document["run"]["verdict"] == "failed"
    assert document["run"]["counts"]["failed"] == 1
    assert document["run"]["counts"]["not_run"] == document["models"][0]["counts"]["not_run"]
    assert document["run"]["counts"]["not_run"] == 19 or workers != "-n0"
    assert sum(document["run"]["counts"].values()) == 20
    stopped = [problem for problem in document["run"]["problems"] if problem.startswith("stopping after ")]
    assert len(stopped) == bool(document["run"]["counts"]["not_run"])
    assert "nothing is pinned yet" in check(document, "tests/test_training.py::test_training")["message"]


def test_lost_worker_is_an_error_of_its_check(judged, plugin):
    """A worker that dies is a problem of the run, and an error of the check, and the model, that it was at."""
    arguments, variables = plugin(
        "import os\n"
        "def pytest_runtest_call(item):\n"
        "    if 'test_weights_are_finite[quick-fp16' in item.nodeid:\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    run, document = judged("-n2", *arguments, "tests/test_weights.py", **variables)

    found = check(document, "tests/test_weights.py::test_weights_are_finite[quick-fp16")
    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert (found["status"], found["model"], found["precision"]) == ("error", "quick", "fp16")
    assert "crashed while running" in found["message"]
    assert document["run"]["verdict"] == "failed"
    assert any("ended early" in problem for problem in document["run"]["problems"])
    assert document["models"][0]["verdict"].startswith("FELL SHORT: 1 of 18 checks")


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_file_that_cannot_be_collected_is_a_problem(judged, tmp_path, workers):
    """A test module that raises on import makes the run red, with its error."""
    (tmp_path / "test_broken.py").write_text("import no_such_module")
    run, document = judged(workers, "tests/test_size.py", tmp_path / "test_broken.py")

    assert run.code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}, run.text
    assert document["run"]["verdict"] == "failed"
    assert "No module named 'no_such_module'" in document["run"]["problems"][0]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_declaration_that_cannot_be_read_is_a_problem(judged, pinned_models, workers):
    """A declaration that raises on import makes the run red, with its error, and what the others came to is there."""
    (pinned_models / "broken.py").write_text("import no_such_module\n")
    run, document = judged(workers, "tests/test_size.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert document["run"]["verdict"] == "failed"
    assert "No module named 'no_such_module'" in document["run"]["problems"][0]
    assert [(model["name"], model["counts"]["passed"]) for model in document["models"]] == [("quick", 2)]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_internal_error_is_told(judged, plugin, workers):
    """An error of pytest or of a plugin is no verdict on the model."""
    hook = "def pytest_runtest_protocol(item):\n    raise OSError('the meddler')\n"
    arguments, variables = plugin(hook)
    run, document = judged(workers, *arguments, "tests/test_size.py", **variables)

    assert run.code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}, run.text
    assert document["run"]["verdict"] == "internal error"
    assert any("OSError: the meddler" in problem for problem in document["run"]["problems"])


@pytest.mark.parametrize(
    ("ending", "verdict", "code"),
    [(signal.SIGINT, "interrupted", pytest.ExitCode.INTERRUPTED), (signal.SIGKILL, "unfinished", None)],
)
@pytest.mark.parametrize("workers", [["-n0"], ["-n2"], NO_XDIST])
def test_run_that_is_ended_leaves_no_earlier_verdict(models, tmp_path, file, workers, ending, verdict, code):
    """Ctrl-C, while a model is trained, is told as such; a run that is killed leaves a document that says no more."""
    store = tmp_path / "own"
    arguments = [f"--models-dir={models}", f"--artifacts={store}", f"--gate-json={file}", *workers]
    with (tmp_path / "output").open("w") as output:
        process = subprocess.Popen(
            # A shell that starts us in the background has us, and so our children, ignore Ctrl-C.
            ["env", "--default-signal=INT", *command(*arguments, "tests/test_size.py", folder=tmp_path)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while not list(store.glob("builds/*.unfinished")):
        assert process.poll() is None, (tmp_path / "output").read_text()
    os.killpg(process.pid, ending)
    process.wait()

    document = read(file)
    assert (document["run"]["verdict"], document["run"]["exit_code"]) == (verdict, code)
    assert document["run"]["problems"]
    assert document["run"]["counts"]["passed"] == 0


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_checks_of_any_name_are_told(judged, tmp_path, workers):
    """Ids and messages with quotes, markup, emoji, text from right to left and control characters stay valid JSON."""
    names = ['"quoted\\"', "<script>", "\u202eאבג", "😀", "x" * 200, "a::b[c]-quick-fp16", "\x00", "\x1b[31m"]
    (tmp_path / "test_names.py").write_text(
        "import pytest\n"
        f"@pytest.mark.parametrize('name', {names!r})\n"
        "def test_it(name):\n"
        "    pytest.fail('<' + name + '>', pytrace=False)\n"
    )
    run, document = judged(workers, "tests/test_size.py", tmp_path / "test_names.py")

    assert document["run"]["counts"]["failed"] == len(names), run.text
    messages = {one["message"] for one in document["checks"] if one["status"] == "failed"}
    assert messages == {f"<{name}>" for name in names[:-1]} | {"<>"}  # without the colour for terminals


def test_own_tests_of_the_gate_have_a_verdict_too(tmp_path, file):
    """A run of tests that are about no model has checks and no models."""
    run = run_gate(
        f"--gate-json={file}",
        f"--artifacts={tmp_path / 'own'}",
        "-n0",
        "tests/harness/test_verdict.py",
        folder=tmp_path,
    )

    document = read(file)
    assert run.code == 0, run.text
    assert (document["run"]["verdict"], document["models"]) == ("passed", [])
    assert len(document["checks"]) == run.checks


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("", "it is there and is not a file"),
        ("taken/below.json", "its folder is a file"),
        ("device", "it is there and is not a file"),
        ("x" * 300, "File name too long"),
    ],
)
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_place_that_cannot_be_written_is_refused(gate, pinned_models, tmp_path, place, says, workers):
    """A path that no file can be written to is a usage error that names it and the cure; nothing is left or lost."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "taken").write_text("a file")
    (folder / "device").symlink_to("/dev/null")
    run = gate(pinned_models, workers, f"--gate-json={folder / place}", "tests/test_size.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert f"--gate-json={folder / place}: the verdict cannot be written ({says})" in run.text
    assert "give the path of a file that can be" in run.text
    assert not run.checks
    assert sorted(one.name for one in folder.iterdir()) == ["device", "taken"]
    assert Path("/dev/null").is_char_device()


def test_no_place_is_refused(gate, pinned_models):
    """An empty path, as of a variable that is not set, is a usage error."""
    run = gate(pinned_models, "--gate-json=", "tests/test_size.py")

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "a file was expected, nothing was given" in run.text


def test_verdict_that_cannot_be_written_in_the_end_is_no_pass(gate, pinned_models, plugin, tmp_path):
    """A green run that cannot write its verdict does not end well, and says why."""
    folder = tmp_path / "reports"
    arguments, variables = plugin(
        "import pathlib, shutil\n"
        "def pytest_unconfigure():\n"
        f"    shutil.rmtree({str(folder)!r}, ignore_errors=True)\n"
        f"    pathlib.Path({str(folder)!r}).write_text('a file')\n"
    )
    run = gate(pinned_models, f"--gate-json={folder / 'verdict.json'}", *arguments, "tests/test_size.py", **variables)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert "the verdict cannot be written (its folder is a file)" in run.text
    assert "Traceback" not in run.text

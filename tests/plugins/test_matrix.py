"""The command line: what is selected, what is refused, and with which exit code."""

import pytest

from tests.gate import run_gate


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_good_model_passes_with_any_number_of_workers(gate, pinned_models, workers):
    """The same checks run and hold in one process and with several workers."""
    run = gate(pinned_models, workers)

    assert (run.code, run.fallen) == (0, {}), run.text
    assert run.checks == 143, run.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["--delegate", "xnnpak"],
            "--delegate xnnpak: unknown target; known: builtin, gpu, gpu_fp16, openvino",
        ),
        (["--require-delegate", "gpux"], "--require-delegate gpux: unknown target"),
        (
            ["--delegate", "external:/no/such.so"],
            "/no/such.so is not a file; external:PATH takes the path",
        ),
        (["--delegate-option", "device"], "'device' is not KEY=VALUE"),
        (["--delegate-option", "device=0"], "--delegate-option, but no --delegate external:PATH to give it to"),
        (["--delegate-timeout", "0"], "'0' is not a number of seconds"),
        (["--targets", "--delegate", "xnnpak"], "--delegate xnnpak: unknown target"),
        (["--delegate", "builtin", "--require-delegate", "xnnpack"], "--delegate leaves it out"),
        (["--artifacts=/dev/null/store"], "the artifact store /dev/null/store cannot be written"),
        (["--models-dir=/dev/null/models"], "/dev/null/models is not a folder of model declarations"),
        (["--models-dir=fixtures/data"], "no model is declared in"),
        (["--models-dir="], "a folder was expected, nothing was given"),
        (["--artifacts="], "a folder was expected, nothing was given"),
        (["tests/no_such_test.py"], "file or directory not found: tests/no_such_test.py"),
        (["--html=/dev/null/report.html"], "the report /dev/null/report.html cannot be written"),
    ],
)
@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_bad_argument_is_refused_in_a_line(arguments, says, workers, tmp_path):
    """A usage error names the argument and the cure, runs nothing, and ends with exit code 4."""
    run = run_gate(workers, *arguments, folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text
    assert says in run.text
    assert "Traceback" not in run.text
    assert not run.checks


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_empty_selection_is_no_pass(gate, pinned_models, workers):
    """A selection that matches nothing ends with exit code 5, and says which models there are."""
    run = gate(pinned_models, workers, "-k", "no_such_model")

    assert run.code == pytest.ExitCode.NO_TESTS_COLLECTED, run.text
    assert "nothing was selected, so nothing was validated; models: quick" in run.text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_example_that_is_not_there_falls_short(gate, models, workers):
    """A declaration whose example is no sample fails every check of its model with that cause."""
    declaration = models / "quick.py"
    declaration.write_text(declaration.read_text().replace("example=0", "example=10_000"))
    run = gate(models, workers, "tests/test_size.py", "tests/test_headroom.py", "tests/test_delegates.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert len(run.fallen) == run.checks
    says = f"{declaration}: example 10000 of quick is not one of the 10000 samples"
    assert all(says in message for message in run.fallen.values()), run.text


def test_unknown_test_is_refused(tmp_path):
    """A test that does not exist is a usage error."""
    run = run_gate("tests/test_size.py::test_no_such_thing", folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text


def test_keyword_selects_a_model(tmp_path):
    """`-k MODEL` selects that model's checks and no other's."""
    run = run_gate("--collect-only", "-q", "-k", "mnist_cnn", folder=tmp_path)

    assert run.code == 0, run.text
    assert "[mnist_cnn" in run.text
    assert "[mnist_separable" not in run.text


def test_delegate_narrows_the_targets(gate, pinned_models):
    """`--delegate NAME` leaves the reference kernels and that target."""
    run = gate(pinned_models, "--collect-only", "-q", "--delegate", "builtin", "tests/test_one_image.py")

    assert "quick-fp16-reference" in run.text
    assert "quick-fp16-builtin" in run.text
    assert "quick-fp16-xnnpack" not in run.text


def test_collecting_builds_nothing_and_makes_no_store(tmp_path):
    """`--collect-only` trains nothing, and does not even create the store."""
    run = run_gate("--collect-only", "-q", f"--artifacts={tmp_path / 'store'}", folder=tmp_path)

    assert run.code == 0, run.text
    assert not (tmp_path / "store").exists()


def test_first_failure_ends_the_run(gate, models):
    """`-x` stops at the first check that falls short: here, nothing is pinned."""
    run = gate(models, "-x", "tests/test_training.py", "tests/test_predictions.py")

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert len(run.fallen) == 1


def test_first_failure_ends_what_other_workers_wait_for(models, tmp_path):
    """`-x` with several workers ends the training of another model: xdist's exit code for a run that was stopped."""
    declaration = (models / "quick.py").read_text()
    (models / "slow.py").write_text(declaration.replace('"quick"', '"slow"').replace("epochs=1", "epochs=100000"))
    (models / "quick.py").write_text(declaration.replace("layers.Flatten", "layers.NoSuchLayer"))
    run = run_gate(
        "-n2", "-x", f"--models-dir={models}", f"--artifacts={tmp_path / 'own'}", "tests/test_size.py", folder=tmp_path
    )

    assert run.code == pytest.ExitCode.INTERRUPTED, run.text
    assert "quick.py:13: building quick raised AttributeError" in run.text


@pytest.mark.parametrize("arguments", [["--setup-plan"], ["-k", "no_pin and quick"]])
def test_run_that_looked_at_nothing_is_no_pass(gate, pinned_models, arguments):
    """A run in which no check ran does not end with exit code 0."""
    run = gate(pinned_models, "tests/test_size.py", *arguments)

    assert run.code == pytest.ExitCode.NO_TESTS_COLLECTED, run.text
    assert "nothing was validated" in run.text


def test_last_failed_runs_what_fell_short(gate, models):
    """`--lf` runs again what fell short, and nothing else."""
    first = gate(models, "tests/test_training.py", "tests/test_size.py")
    again = gate(models, "--lf", "tests/test_training.py", "tests/test_size.py")

    assert first.checks == 4, first.text
    assert again.fallen.keys() == first.fallen.keys()
    assert again.checks == 2, again.text


def test_options_are_under_one_heading(tmp_path):
    """`pytest --help` shows the gate's options together."""
    run = run_gate("--help", folder=tmp_path)

    ours = run.text.partition("float16 validation of TensorFlow Lite models:")[2].partition("\n[pytest]")[0]
    options = [
        "--models-dir",
        "--artifacts",
        "--rebuild",
        "--targets",
        "--delegate=",
        "--require-delegate",
        "--localise",
    ]
    assert not [option for option in options if option not in ours]

"""A target that is absent is skipped and counted, unless it was asked for."""

import pytest

from tests.gate import run_gate


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_absent_target_is_skipped_and_counted(pinned_models, own_store, tmp_path, machine, workers):
    """Without TensorFlow a stored build is judged on all other targets, and the terminal says what did not run."""
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", workers)
    run = run_gate(*arguments, folder=tmp_path, **machine)

    assert run.code == 0, run.text
    assert "not run, 22 times: tf_lite: tensorflow is not installed" in run.text


@pytest.mark.parametrize(
    "asked", [["--require-delegate", "all"], ["--require-delegate", "tf_lite"], ["--delegate", "tf_lite"]]
)
def test_absent_target_that_was_asked_for_falls_short(pinned_models, own_store, tmp_path, machine, asked):
    """A target that the command line names fails its checks where it is absent."""
    others = ("-k", "not gpu and not openvino")  # which may be absent here, too
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", "tests/test_delegates.py")
    run = run_gate(*arguments, *others, *asked, folder=tmp_path, **machine)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "tf_lite was asked for, but is not available here: tensorflow is not installed" in run.text
    assert all("tf_lite" in check for check in run.fallen)


def test_build_without_tensorflow_falls_short(models, tmp_path, machine):
    """Where nothing is stored and nothing can be built, every check fails and says what to install."""
    run = run_gate(f"--models-dir={models}", f"--artifacts={tmp_path / 'own'}", folder=tmp_path, **machine)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert "does not hold its build, and tensorflow is not installed (pip install" in run.named("tests/test_size.py")


def test_required_target_that_is_left_out_is_refused(tmp_path):
    """A target cannot be required and left out at once."""
    run = run_gate("--delegate", "builtin", "--require-delegate", "tf_lite", folder=tmp_path)

    assert run.code == pytest.ExitCode.USAGE_ERROR, run.text

"""A model is built once, by whoever asks first; what an interrupted run leaves behind is never trusted."""

import json
import signal
import subprocess
import time

import pytest

from fixtures.harness.versions import ROOT
from tests.gate import ON_CPU, command, environment, run_gate

CHECKS = ["tests/test_size.py", "tests/test_weights.py"]


def builds(store):
    """Return what lies in the builds of *store*."""
    return sorted(folder.name for folder in (store / "builds").iterdir())


def start(models, store, folder, *arguments):
    """Start the gate and return the process; what it prints goes to *folder*/output."""
    arguments = (f"--models-dir={models}", f"--artifacts={store}", *arguments)
    with (folder / "output").open("w") as output:
        return subprocess.Popen(
            # A shell that starts us in the background has us, and so our children, ignore Ctrl-C.
            ["env", "--default-signal=INT", *command(*arguments, *CHECKS, folder=folder)],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def wait_for(condition, process):
    """Wait until *condition* holds; fail if *process* ends before it does."""
    while not condition():
        assert process.poll() is None, "the run ended too early"
        time.sleep(0.02)


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_killed_run_leaves_nothing_that_the_next_one_trusts(models, tmp_path, workers):
    """A run that is killed while it builds leaves an unfinished folder, no build, and no lock to wait on."""
    store = tmp_path / "own"
    process = start(models, store, tmp_path, workers)
    wait_for(lambda: list(store.glob("builds/*.unfinished")), process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for_end_of_processes(process.pid)
    left = builds(store)
    run = run_gate(f"--models-dir={models}", f"--artifacts={store}", *CHECKS, folder=tmp_path)

    assert all(name.endswith(".unfinished") for name in left)
    assert run.code == 0, run.text
    assert [name.rpartition("-")[0] for name in builds(store)] == ["quick"]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_interrupted_run_ends_with_its_children(models, tmp_path, workers):
    """Ctrl-C while a model is built ends the run with pytest's exit code, its processes, and leaves no build."""
    store = tmp_path / "own"
    process = start(models, store, tmp_path, workers)
    wait_for(lambda: list(store.glob("builds/*.unfinished")), process)
    process.send_signal(signal.SIGINT)

    assert process.wait() == pytest.ExitCode.INTERRUPTED, (tmp_path / "output").read_text()
    wait_for_end_of_processes(process.pid)
    assert all(name.endswith(".unfinished") for name in builds(store))


def test_lost_worker_falls_short_and_loses_nothing_else(pinned_models, own_store, tmp_path):
    """A worker that dies fails the check that it was at; the others are judged by those that remain."""
    (tmp_path / "dies.py").write_text(
        "import os\n"
        "def pytest_runtest_call(item):\n"
        "    if 'test_keras_reaches_the_baseline' in item.name:\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", *ON_CPU, "-n2", "-p", "dies")
    run = run_gate(*arguments, folder=tmp_path, PYTHONPATH=str(tmp_path))

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert list(run.fallen) == ["tests/test_accuracy.py::test_keras_reaches_the_baseline[quick]"]
    assert "142 passed" in run.text


def wait_for_end_of_processes(session):
    """Wait until no process of the *session* is left; fail if one outlives a deadline that none needs."""
    for _ in range(1000):
        if subprocess.run(["pgrep", "--session", str(session)], capture_output=True, check=False).returncode == 1:
            return
        time.sleep(0.02)
    pytest.fail("a process outlived its run")


def test_two_runs_at_once_build_once(models, tmp_path):
    """Two runs that need the same build at the same time train it once, and both are green."""
    store, one, other = tmp_path / "own", tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    processes = [start(models, store, folder, "-n2") for folder in (one, other)]

    assert [process.wait() for process in processes] == [0, 0]
    trained = [folder for folder in (one, other) if "quick: training" in (folder / "output").read_text()]
    assert len(trained) == 1
    assert len(builds(store)) == 1


def test_corrupted_build_is_noticed_and_built_again(models, own_store, tmp_path):
    """A file that changed after it was written is not used: the model is built again, and the run says why."""
    (build,) = own_store.glob("builds/quick-*")
    sound = (build / "fp16.tflite").read_bytes()
    (build / "fp16.tflite").write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    run = run_gate(f"--models-dir={models}", f"--artifacts={own_store}", *CHECKS, folder=tmp_path)

    assert run.code == 0, run.text
    assert "its content changed after it was written; doing it again" in run.text
    assert [(folder / "fp16.tflite").read_bytes() for folder in own_store.glob("builds/quick-*")] == [sound]


def test_warm_run_imports_no_tensorflow_anywhere(pinned_models, own_store, tmp_path):
    """A run whose build and evaluations are stored is green where no process can import TensorFlow."""
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", "-n2")
    first = run_gate(*arguments, folder=tmp_path)
    (tmp_path / "tensorflow.py").write_text("raise ImportError('this run was to need no TensorFlow')")
    run = run_gate(*arguments, folder=tmp_path, PYTHONPATH=str(tmp_path))

    assert first.code == 0, first.text
    assert run.code == 0, run.text
    assert run.checks == first.checks


def test_rebuild_builds_again(models, own_store, tmp_path):
    """`--rebuild` trains again although the build is stored."""
    before = builds(own_store)
    run = run_gate("--rebuild", f"--models-dir={models}", f"--artifacts={own_store}", *CHECKS, folder=tmp_path)

    assert run.code == 0, run.text
    assert "quick: training" in run.text
    assert len(builds(own_store)) == 1
    assert builds(own_store) != before


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_failing_build_fails_its_checks_with_the_cause(gate, models, workers):
    """A builder that raises fails every check of its model with the error, tried once."""
    declaration = models / "quick.py"
    declaration.write_text(declaration.read_text().replace("layers.Flatten", "layers.NoSuchLayer"))
    run = gate(models, workers, *CHECKS)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert len(run.fallen) == run.checks
    assert all("NoSuchLayer" in message for message in run.fallen.values())


def test_refused_write_is_a_clear_error(models, tmp_path):
    """A disk that does not take what a build writes fails its checks with that cause, and leaves no build."""
    store = tmp_path / "own"
    run = run_gate(f"--models-dir={models}", f"--artifacts={store}", *CHECKS, folder=tmp_path, largest_file=30)

    assert run.code == pytest.ExitCode.TESTS_FAILED, run.text
    assert f"could not be written to the artifact store {store} (File too large)" in run.named("tests/test_size.py")
    assert not builds(store)


def test_cold_run_imports_no_tensorflow_where_tests_run(pinned_models, own_store, tmp_path):
    """Neither controller nor workers import TensorFlow or LiteRT, even in a run that builds and evaluates."""
    (tmp_path / "watch.py").write_text(
        "import json, os, pathlib, sys\n"
        "def pytest_sessionfinish(session):\n"
        "    loaded = sorted({'tensorflow', 'keras', 'ai_edge_litert.interpreter'} & sys.modules.keys())\n"
        f"    pathlib.Path({str(tmp_path)!r}, f'modules-{{os.getpid()}}.json').write_text(json.dumps(loaded))\n"
    )
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", "--rebuild", "-p", "watch")
    run = run_gate("-n2", *arguments, folder=tmp_path, PYTHONPATH=str(tmp_path))
    loaded = [json.loads(file.read_text()) for file in tmp_path.glob("modules-*.json")]

    assert run.code == 0, run.text
    assert loaded == [[], [], []]

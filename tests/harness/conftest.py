"""What the tests of the engine share: real `.tflite` files, copies of them with a fault, and processes of their own."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils
from filelock import FileLock

from fixtures.harness.children import Child
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT


def pytest_collection_modifyitems(items):
    """Let the tests that need converted files come last: the conversion takes as long as half of the others."""
    items.sort(key=_needs_files)


def _needs_files(item):
    return "converted" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def converting(request, tmp_path_factory):
    """The conversion of all files, once for all xdist workers: it runs beside the tests that need none of them."""
    mine = tmp_path_factory.getbasetemp()
    folder = (mine.parent if hasattr(request.config, "workerinput") else mine) / "converted"
    needed = any(map(_needs_files, request.session.items))
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(convert, folder) if needed else None


@pytest.fixture(scope="session")
def converted(converting):
    """The folder of converted files, `NAME-FORM.tflite` each (see `converter`)."""
    return converting.result()


def convert(folder):
    """Return *folder* with all converted files, whichever process makes it."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_suffix(".unfinished")
            unfinished.mkdir(exist_ok=True)
            command = [sys.executable, "-m", "tests.harness.converter", unfinished]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session")
def files(converted):
    """What each converted file holds, by its name."""
    return {file.stem: read(file) for file in converted.glob("*.tflite")}


@pytest.fixture
def edited(converted, tmp_path):
    """Return what a converted file holds after a change, a function of its flatbuffer's objects (`ModelT`)."""

    def edit(name, change):
        model = flatbuffer_utils.read_model(str(converted / f"{name}.tflite"))
        change(model)
        file = tmp_path / f"{name}.tflite"
        file.write_bytes(flatbuffer_utils.convert_object_to_bytearray(model))
        return read(file)

    return edit


@pytest.fixture(scope="session")
def evaluator():
    """A child process that runs files."""
    child = Child("tests.harness.evaluator")
    yield child
    child.close()


@pytest.fixture
def describe(evaluator):
    """Return what a target's runtime says of a file: see `inference.Evaluation.runtime`."""
    return lambda file, where: evaluator.ask({"file": str(file), "target": where}, print)


@pytest.fixture
def evaluate(evaluator, tmp_path):
    """Return what a file computes on a target for each of the samples, an `inference.Evaluation`."""

    def run(file, where, samples, progress=lambda *_: None):
        job = {"file": file, "samples": tmp_path / "samples.npy", "evaluation": tmp_path / "evaluation"}
        np.save(job["samples"], samples)
        evaluator.ask({name: str(path) for name, path in job.items()} | {"target": where}, progress)
        return pickle.loads(job["evaluation"].read_bytes())

    return run


@pytest.fixture
def start():
    """Start `python -m tests.harness.NAME ARGUMENTS…` with pipes. What still runs when the test ends is killed."""
    with ExitStack() as ending:

        def begin(name, *arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", f"tests.harness.{name}", *map(str, arguments)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
            ending.enter_context(process)
            ending.callback(process.kill)
            return process

        yield begin

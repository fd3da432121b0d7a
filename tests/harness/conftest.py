"""What the tests of the engine share: real `.tflite` files, copies of them with a fault, and processes of their own."""

import ctypes
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils
from filelock import FileLock

from fixtures.harness.children import Child
from fixtures.harness.targets import EXTERNAL, TARGETS, Presence, as_job, external
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT
from tests import vulkan

HERE = Path(__file__).parent
SILENCE = 200.0
"""Seconds after which a process that hangs fails its test, rather than keep all."""


def pytest_collection_modifyitems(items):
    """Let the tests that need converted files come last: the conversion takes as long as half of the others."""
    items.sort(key=_needs_files)


def _needs_files(item):
    return "converted" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def converting(request, shared_folder):
    """The conversion of all files, once for all xdist workers: it runs beside the tests that need none of them."""
    folder = shared_folder / "converted"
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
def shared_folder(request, tmp_path_factory):
    """The folder of all xdist workers of this run."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if hasattr(request.config, "workerinput") else mine


@pytest.fixture(scope="session")
def evaluators(shared_folder):
    """Return a living process that runs files on an accelerator, with an *environment* added to ours."""
    children = {}

    def evaluator(accelerator, **environment):
        key = accelerator, *sorted(environment.items())
        if key in children and not children[key].alive:
            children.pop(key).close()
        if key not in children:
            shaders = {"MESA_SHADER_CACHE_DIR": str(shared_folder / "shaders")}
            children[key] = Child("tests.harness.evaluator", shaders | environment)
        return children[key]

    yield evaluator
    for child in children.values():
        child.close()


@pytest.fixture
def describe(evaluators):
    """Return what the runtime of a target, or of one that is named, says of a file (`inference.Evaluation.runtime`)."""

    def ask(file, where, **environment):
        target = TARGETS.get(where, where)
        job = {"file": str(file), "target": as_job(target)}
        return evaluators(target.accelerator, **environment).ask(job, print, SILENCE)

    return ask


@pytest.fixture
def evaluate(evaluators, tmp_path):
    """Return what a file computes on a target for each of the samples, an `inference.Evaluation`."""

    def run(file, where, samples, progress=lambda *_: None, **environment):
        target = TARGETS.get(where, where)
        paths = {"file": file, "samples": tmp_path / "samples.npy", "evaluation": tmp_path / "evaluation"}
        np.save(paths["samples"], samples)
        job = {name: str(path) for name, path in paths.items()} | {"target": as_job(target)}
        evaluators(target.accelerator, **environment).ask(job, progress, SILENCE)
        return pickle.loads(paths["evaluation"].read_bytes())

    return run


@pytest.fixture(scope="session")
def presence(evaluators):
    """Return what there is of a target, by its name, on this machine; each is probed once."""
    known = {}

    def find(name):
        target = TARGETS[name]
        if name not in known and (why := target.why_not_installed()):
            known[name] = Presence(why)
        if name not in known:
            job = {"target": as_job(target)}
            known[name] = Presence(**evaluators(target.accelerator).ask(job, print, SILENCE))
        return known[name]

    return find


@pytest.fixture
def where(request, presence):
    """The name of a target; the test is skipped, with the reason, where this machine lacks it."""
    found = presence(request.param)
    assert not found.broken, found.why_not
    if found.why_not:
        pytest.skip(f"{request.param}: {found.why_not}")
    return request.param


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Return the shared library that a C file of this folder is compiled to."""
    if not shutil.which("cc"):
        pytest.skip("there is no C compiler, cc, to make a library with")

    return lambda source: vulkan.compiled(HERE / source, tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def delegate_library(compiled):
    """A delegate library that does what its options say: see `delegate/delegate.c`."""
    return compiled("delegate/delegate.c")


@pytest.fixture
def external_target(delegate_library):
    """Return the target of that library with options."""
    return lambda **options: external(f"{EXTERNAL}{delegate_library}", options)


@pytest.fixture
def another_library():
    """A library that is no delegate."""
    name = find_library("z")
    if name is None:
        pytest.skip("there is no zlib to take for a library that is no delegate")
    ctypes.CDLL(name)
    lines = Path("/proc/self/maps").read_text().splitlines()
    return next(line.split()[-1] for line in lines if "/libz." in line)


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

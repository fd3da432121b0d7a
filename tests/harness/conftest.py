"""What the tests of the engine share: real `.tflite` files, copies of them with a fault, and processes of their own."""

import ctypes
import faulthandler
import pickle
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.tools import flatbuffer_utils

from fixtures.harness.children import Child
from fixtures.harness.inference import Evaluation
from fixtures.harness.store import Store
from fixtures.harness.targets import EXTERNAL, TARGETS, Presence, as_job, external
from fixtures.harness.tflite_file import read
from fixtures.harness.versions import ROOT
from tests import vulkan
from tests.once import once, run_module

HERE = Path(__file__).parent
SILENCE = 200.0
"""Seconds after which a process that hangs fails its test, rather than keep all."""


def pytest_addoption(parser):
    """Let the fuzz tests take their time: `pytest tests/harness --long`; let runs share the files that they convert."""
    parser.addoption("--long", action="store_true", help="fuzz the readers of files with over 20 000 inputs each")
    parser.addoption(
        "--converted", type=Path, metavar="DIR", help="--converted=DIR: convert into it, unless it is there"
    )


@pytest.fixture(scope="module")
def locator():
    """A child process that looks into files."""
    child = Child("tests.harness.locator")
    yield child
    child.close()


@pytest.fixture
def store(tmp_path):
    """An empty store."""
    store = Store(tmp_path / "store")
    store.prepare()
    return store


@pytest.fixture
def seeds(request):
    """Return the seeds of a fuzz test's inputs: so many, or with --long so many.

    The process ends with a traceback if it hangs over one of them.
    """

    def count(short, long):
        try:
            for seed in range(long if request.config.getoption("--long") else short):
                faulthandler.dump_traceback_later(SILENCE, exit=True)
                yield seed
        finally:
            faulthandler.cancel_dump_traceback_later()

    return count


def pytest_collection_modifyitems(items):
    """Let the tests that need converted files come last: the conversion takes as long as half of the others."""
    items.sort(key=_needs_files)


def _needs_files(item):
    return "converted" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="session", autouse=True)
def converting(request, shared_folder):
    """The conversion of all files, once for all xdist workers: it runs beside the tests that need none of them."""
    folder = request.config.getoption("--converted") or shared_folder / "converted"
    needed = any(map(_needs_files, request.session.items))
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(made, folder, "tests.harness.converter") if needed else None


@pytest.fixture(scope="session")
def converted(converting):
    """The folder of converted files, `NAME-FORM.tflite` each (see `converter`)."""
    return converting.result()


def made(folder, module, *arguments):
    """Return *folder* with what `python -m MODULE FOLDER ARGUMENTS…` makes, whichever process of the run makes it."""
    return once(folder, lambda out: run_module(module, out, *arguments))


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
def saved(tmp_path):
    """Return a new folder of evaluation data: of an array, the samples of a lone input, or of arrays by their names."""

    def save(samples):
        folder = Path(tempfile.mkdtemp(dir=tmp_path, prefix="data"))
        for name, array in (samples if isinstance(samples, dict) else {"x": samples}).items():
            np.save(folder / f"{name}.npy", array)
        return folder

    return save


@pytest.fixture
def evaluate(evaluators, saved, tmp_path):
    """Return what a file computes on a target for each of the samples, `Ran`: an array, or arrays by their names.

    chosen: which of them are run, None for all. part: let the CPU run what an accelerator does not take.
    """

    def run(file, where, samples, progress=lambda *_: None, *, chosen=None, part=False, **environment):
        target = TARGETS.get(where, where)
        paths = {"file": file, "data": saved(samples), "evaluation": tmp_path / "evaluation"}
        job = {name: str(path) for name, path in paths.items()}
        job |= {"target": as_job(target), "chosen": chosen, "part": part}
        evaluators(target.accelerator, **environment).ask(job, progress, SILENCE)
        outputs, evaluation = pickle.loads(paths["evaluation"].read_bytes())
        return Ran(**vars(evaluation), outputs=outputs)

    return run


@dataclass(frozen=True)
class Ran(Evaluation):
    """An evaluation, with all of the outputs by their names."""

    outputs: dict[str, np.ndarray]


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

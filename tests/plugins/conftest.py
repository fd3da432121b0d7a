"""A model that trains in a moment, declared in a folder of its own, for runs of the whole gate."""

import shutil
from pathlib import Path

import pytest

from tests.gate import ON_CPU, QUICK, GateRun, run_gate

WITHOUT_TENSORFLOW = """
import importlib.metadata
import pathlib
import sys

ABSENT = ("tensorflow", "keras")
installed = importlib.metadata.version


def version(package):
    if package in ABSENT:
        raise importlib.metadata.PackageNotFoundError(package)
    return installed(package)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            pathlib.Path(__file__).with_name("tried").write_text(name)
            raise ModuleNotFoundError(name)


importlib.metadata.version = version
sys.meta_path.insert(0, Finder)
"""
"""What Python runs when it starts on a machine without TensorFlow; `tried` is a file that says who wanted it."""


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has no TensorFlow, for every process of a run."""
    folder = tmp_path / "machine"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WITHOUT_TENSORFLOW)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def store(shared: Path) -> Path:
    """An artifact store that all workers of this run share: the quick model is trained once."""
    return shared / "store"


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    """The name of the xdist worker, "master" where there is none; xdist's own fixture is absent with -p no:xdist."""
    return getattr(request.config, "workerinput", {}).get("workerid", "master")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder that declares the quick model, and nothing pinned."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copyfile(QUICK, folder / QUICK.name)
    return folder


@pytest.fixture(scope="session")
def pins(shared: Path, tmp_path_factory: pytest.TempPathFactory, store: Path) -> Path:
    """The folder of what the gate pins of the quick model, from a run of its own."""
    folder = tmp_path_factory.mktemp("pinned")
    shutil.copyfile(QUICK, folder / QUICK.name)
    run = run_gate("--snapshot-update", f"--models-dir={folder}", f"--artifacts={store}", *ON_CPU, folder=folder)
    assert run.code == 0, run.text
    return folder / "__snapshots__"


@pytest.fixture
def pinned_models(models: Path, pins: Path) -> Path:
    """A folder that declares the quick model, with everything pinned."""
    shutil.copytree(pins, models / "__snapshots__")
    return models


@pytest.fixture
def own_store(pins: Path, store: Path, tmp_path: Path) -> Path:
    """A store of the test's own, in which everything of the quick model is built and evaluated."""
    for kind in ("builds", "outputs"):
        for entry in (store / kind).glob("quick-*.1"):
            shutil.copytree(entry, tmp_path / "own" / kind / entry.name)
    return tmp_path / "own"


@pytest.fixture
def gate(tmp_path: Path, store: Path):
    """Run the gate on the models of a folder, with the shared store; on the CPU, unless the arguments name targets."""

    def run(folder: Path, *arguments: str, **variables: str) -> GateRun:
        targets = [] if {"--delegate", "--require-delegate"} & {*arguments} else ON_CPU
        where = (f"--models-dir={folder}", f"--artifacts={store}")
        return run_gate(*where, *targets, *arguments, folder=tmp_path, **variables)

    return run

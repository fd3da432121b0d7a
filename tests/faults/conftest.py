"""A good build to plant faults in, and the gate run on what comes of it."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.harness import specs
from fixtures.harness.artifacts import PRECISIONS, build_address
from fixtures.harness.scheduler import Leg, Provider
from fixtures.harness.store import Address, Store, file_digest
from fixtures.harness.targets import TARGETS
from fixtures.harness.versions import ROOT
from models.spec import ModelSpec
from tests.faults.bench import EXTENTS, Case, Planting, Run, matrix, verify
from tests.faults.planted import FAULTS
from tests.faults.planters import Planter
from tests.faults.scoring import RECORD, Score
from tests.faults.workshop import Workshop
from tests.gate import GateRun, run_gate

DELEGATES = [
    name
    for name, target in TARGETS.items()
    if name != "reference" and target.package != "tensorflow" and not target.accelerator
]
"""What is wrong with a file shows on any target. Loading TensorFlow for each would take longer than all else."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare how much is planted, and where the score goes."""
    parser.addoption(
        "--bench",
        choices=EXTENTS,
        default="quick",
        help="how much of faults x models x seeds: quick (both sides of each edge), whole (every severity, models and "
        "seeds in turn), full (all of it)",
    )
    parser.addoption("--score", type=_file, metavar="FILE", help="--score=FILE: write the bench's score as JSON")


def _file(text: str) -> Path:
    file = Path(text).expanduser().absolute()
    if not text or not file.parent.is_dir() or file.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} cannot be written; give the path of a file in a folder that is there"
        )
    return file


def pytest_configure(config: pytest.Config) -> None:
    """Gather what the bench's tests come to, where reports arrive."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Score(config), "fault-bench-score")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of each planting."""
    if "planting" in metafunc.fixturenames:
        metafunc.parametrize("planting", matrix(FAULTS, metafunc.config.option.bench), ids=str, scope="function")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Let the report carry what the test came to."""
    report = yield
    if RECORD in item.stash:
        report.bench = item.stash[RECORD]
    return report


@pytest.fixture(scope="session")
def workshop(request: pytest.FixtureRequest, scratch: Path) -> Workshop:
    """Where good cases and faulty files are made."""
    return Workshop(request.config.option.artifacts.absolute(), scratch)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run share."""
    mine = tmp_path_factory.getbasetemp()
    return (mine.parent if hasattr(request.config, "workerinput") else mine) / "bench"


@pytest.fixture(scope="session")
def gate_store(scratch: Path) -> Path:
    """The gate's artifact store in this run: what the good files compute is in it, once one case has asked for it."""
    return scratch / "store"


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Callable[..., dict[str, Any]]:
    """Note what the test is about, for the score."""

    def note(**about: Any) -> dict[str, Any]:
        request.node.stash[RECORD] = {"test": request.node.name, **about}
        return request.node.stash[RECORD]

    return note


@pytest.fixture
def planted(
    planting: Planting, workshop: Workshop, tmp_path: Path, record: Callable[..., dict[str, Any]]
) -> Iterator[Case]:
    """A case with the fault in it, verified."""
    fault = planting.fault
    record(
        fault=fault.name,
        kind=fault.kind,
        severity=planting.severity.name,
        rank=fault.rank(planting.severity),
        edge=fault.edge,
        model=planting.model,
        seed=planting.seed,
    )
    good, bad = (
        workshop.declared(planting.model, tmp_path / folder)
        if fault.declared
        else workshop.case(planting.model, planting.seed, tmp_path / folder, fault.samples)
        for folder in ("good", "case")
    )
    planting.severity.plant(bad)
    verify(planting, good, bad)
    yield bad
    if bad.store == bad.folder / "store":  # some 40 MB, which pytest would keep for three runs
        shutil.rmtree(bad.store)


@pytest.fixture
def came_to(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note what the test came to, for the score."""

    def note(outcome: str, run: Run | GateRun, **found: Any) -> None:
        request.node.stash[RECORD] |= {"outcome": outcome, "seconds": round(run.seconds, 2), **found}

    return note


@pytest.fixture(scope="session")
def spec() -> ModelSpec:
    """The model that faults are planted in."""
    (found,) = specs.declared(ROOT / "models" / "mnist_cnn.py")
    return found


@pytest.fixture(scope="session")
def good_build(spec: ModelSpec, provider: Provider) -> Path:
    """The folder of the model's finished build."""
    return provider.build(spec.name).folder


@pytest.fixture(scope="session")
def converted_files(request: pytest.FixtureRequest, spec: ModelSpec, good_build: Path) -> Path:
    """The folder of faulty files that the real converter made: see `converted`. They are made once for all runs."""
    source = ROOT / "tests" / "faults" / "converted.py"
    determinants = {"build": str(build_address(spec)), "source": file_digest(source)}

    def write(folder: Path) -> None:
        made = subprocess.run(
            [sys.executable, "-m", "tests.faults.converted", good_build, spec.source, folder],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert made.returncode == 0, made.stderr[-2000:]

    store = Store(request.config.option.artifacts.absolute())
    return store.once(Address.of("builds", f"faults-{spec.name}", determinants), write)


@pytest.fixture
def gate_on(spec: ModelSpec, good_build: Path, provider: Provider, tmp_path: Path) -> Callable[[Planter], GateRun]:
    """Run the whole gate on the good build with a fault planted in it."""

    def run(plant: Planter) -> GateRun:
        store = Store(tmp_path / "store")
        store.prepare()

        def write(folder: Path) -> None:
            shutil.copytree(good_build, folder, ignore=shutil.ignore_patterns("manifest.json"), dirs_exist_ok=True)
            plant(folder)

        store.once(build_address(spec), write)
        # What the good files compute is known: their evaluations serve wherever the fault left a file as it was.
        for leg in (
            Leg(spec.name, precision, target) for precision in PRECISIONS for target in ["reference", *DELEGATES]
        ):
            outputs = provider.outputs(leg)
            shutil.copytree(outputs, store.root / outputs.parent.name / outputs.name)
        chosen = [argument for name in DELEGATES for argument in ("--delegate", name)]
        return run_gate("-k", spec.name, f"--artifacts={store.root}", *chosen, folder=tmp_path)

    return run

"""The fault bench's options and fixtures: what is planted, what it comes to, and where the score goes."""

import argparse
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.bench import EXTENTS, Case, Planting, Run, matrix, verify
from tests.faults.good.cases import Good, cases
from tests.faults.planted import FAULTS
from tests.faults.scoring import RECORD, Score
from tests.faults.workshop import Workshop
from tests.gate import GateRun


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare how much is planted, and where the score goes."""
    parser.addoption(
        "--bench",
        choices=EXTENTS,
        default="quick",
        help="how much of faults x models x seeds: quick (each fault at its edge, every other one beneath it too), "
        "whole (every severity, models and seeds in turn), full (all of it)",
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
    if "good" in metafunc.fixturenames:
        metafunc.parametrize("good", cases(metafunc.config.option.bench), ids=str, scope="function")
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
def good_case(good: Good, workshop: Workshop, tmp_path: Path, record: Callable[..., dict[str, Any]]) -> Iterator[Case]:
    """A good case."""
    record(kind=good.kind, rank="good", model=good.model, seed=good.seed)
    case = good.make(workshop, tmp_path / "case")
    yield case
    if case.data == case.folder / "EVAL":  # some 150 MB, which pytest would keep for three runs
        shutil.rmtree(case.data)


@pytest.fixture
def came_to(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Note what the test came to, for the score."""

    def note(outcome: str, run: Run | GateRun, **found: Any) -> None:
        request.node.stash[RECORD] |= {"outcome": outcome, "seconds": round(run.seconds, 2), **found}

    return note

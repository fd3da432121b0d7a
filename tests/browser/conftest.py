"""Reports of real runs, made once for all workers, and the browser that opens them."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.harness.versions import ROOT
from tests.browser import reports
from tests.browser.reports import Report
from tests.browser.visits import Visits, required, started
from tests.gate import environment
from tests.once import once


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A folder that all processes of this run share."""
    mine = tmp_path_factory.getbasetemp()
    return (mine.parent if hasattr(request.config, "workerinput") else mine) / "browser"


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """The machine's Chromium; a machine without one fails, and says what installs it."""
    required()
    with started() as found:
        yield found


@pytest.fixture
def visit(browser) -> Iterator[Visits]:
    """Open a page. The test fails at its end if one said, loaded or showed anything that no page of the gate does."""
    visits = Visits(browser)
    yield visits
    visits.close()
    assert [one.trouble for one in visits.all if one.trouble] == []


@pytest.fixture(scope="session")
def make(scratch: Path) -> Callable[..., Report]:
    """Make a report, once for all workers."""

    def made(name: str, write: Callable[..., None], *sources: Report) -> Report:
        folders = [source.folder for source in sources]
        return Report(once(scratch / name, lambda folder: write(folder, scratch / "store", *folders)))

    return made


@pytest.fixture(scope="session")
def trained(make) -> Report:
    """A pair of files of a model that trains in a moment."""
    return make("trained", reports.train)


@pytest.fixture(scope="session")
def green(make, trained) -> Report:
    """The report of a run in which everything held."""
    return make("green", reports.write_green, trained)


@pytest.fixture(scope="session")
def red(make, green) -> Report:
    """The report of a run on the same models in which much fell short."""
    return make("red", reports.write_red, green)


@pytest.fixture(scope="session")
def large(make, trained) -> Report:
    """The report of 30 models on every target."""
    return make("large", reports.write_large, trained)


@pytest.fixture(scope="session")
def hostile(make, trained) -> Report:
    """The report of models whose titles, classes, outputs and files have names that would do something."""
    return make("hostile", reports.write_hostile, trained)


@pytest.fixture(scope="session")
def comparison(scratch: Path, green, red) -> Path:
    """The page of what is worse in the red run than in the green one."""

    def compare(folder: Path) -> None:
        runs = [str(report.folder / "verdict.json") for report in (green, red)]
        done = subprocess.run(
            [sys.executable, "-m", "fixtures.compare", *runs, f"--html={folder / 'changes.html'}"],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr

    return once(scratch / "comparison", compare) / "changes.html"


@pytest.fixture(params=["green", "red", "comparison"])
def page(request: pytest.FixtureRequest) -> Path:
    """Each of the pages that the gate writes."""
    found = request.getfixturevalue(request.param)
    return found if isinstance(found, Path) else found.page

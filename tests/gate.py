"""Running the gate as a user does, in a process of its own, and reading what it says."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from fixtures.harness.targets import REFERENCE, TARGETS
from fixtures.harness.versions import ROOT

ON_CPU = [
    argument
    for name, target in TARGETS.items()
    if name != REFERENCE and not target.accelerator
    for argument in ("--delegate", name)
]
"""The arguments for all targets that a machine has by itself: most tests need no others, and no GPU."""

QUICK = ROOT / "tests" / "quick" / "quick.py"
"""The declaration of a model that trains in a moment."""


@dataclass(frozen=True)
class GateRun:
    """A finished run: its exit code, what it printed, the message of each check that fell short, by test id, its time.

    checks: how many there were. seconds: that it took.
    """

    code: int
    text: str
    fallen: dict[str, str]
    checks: int
    seconds: float

    def named(self, check: str) -> str:
        """Return the messages of the fallen checks whose id begins with *check*, "" if it held or did not run."""
        return "\n".join(message for name, message in self.fallen.items() if name.startswith(check))


def command(*arguments: str | Path, folder: Path) -> list[str]:
    """Return the command that runs the gate; what runs remember of each other goes to *folder*."""
    return [sys.executable, "-m", "pytest", "-o", f"cache_dir={folder / 'cache'}", *map(str, arguments)]


def environment() -> dict[str, str]:
    """Return the environment of a run that is not part of this one, and that keeps what it compiles, as runs do.

    What pytest prints must not depend on whether this run is on a CI service, where it cuts no message.
    """
    apart = ("PYTEST_", "COLUMNS", "PYTHONDONTWRITEBYTECODE", "GITHUB_", "CI", "BUILD_NUMBER")
    return {name: value for name, value in os.environ.items() if not name.startswith(apart)}


def run_gate(
    *arguments: str | Path,
    folder: Path,
    checkout: Path = ROOT,
    largest_file: int | None = None,
    through: Sequence[str] = (),
    limit: float | None = None,
    **variables: str,
) -> GateRun:
    """Run the gate from the *checkout* with *arguments* and environment *variables*; its results go to *folder*.

    largest_file: what the operating system lets it write into one file, in KiB; it stands for a disk that is full.
    through: a command that becomes the command that it is given, such as `nice`.
    limit: seconds after which it is killed, and subprocess.TimeoutExpired is raised; None for never.
    """
    small_files = ["bash", "-c", f'ulimit -f {largest_file}; exec "$@"', "bash"] if largest_file else []
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    began = time.perf_counter()
    done = subprocess.run(
        [*through, *small_files, *command(f"--junitxml={results}", *arguments, folder=folder)],
        cwd=checkout,
        env={**environment(), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=limit,
    )
    seconds = time.perf_counter() - began
    cases = list(ElementTree.parse(results).iter("testcase")) if results.exists() else []
    fallen = {
        f"{case.get('classname').replace('.', '/')}.py::{case.get('name')}": case.find(kind).text or ""
        for case in cases
        for kind in ("failure", "error")
        if case.find(kind) is not None
    }
    return GateRun(done.returncode, done.stdout, fallen, len(cases), seconds)

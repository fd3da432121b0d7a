"""Thousands of damaged evaluation data: each is refused with its sentence, or read as NumPy reads it."""

import json
import subprocess
import sys

import pytest

from fixtures.harness.versions import ROOT
from tests.harness.conftest import SILENCE

MOST = 8 << 20
"""Bytes that reading one input may take. The inputs have some kB: what is allocated by what they claim takes more."""


@pytest.fixture
def inputs(request):
    """How many inputs are made."""
    return 24_000 if request.config.getoption("--long") else 400


@pytest.fixture
def found(inputs, tmp_path):
    """What became of the inputs, a few hundred in a process of their own, where none may hang or end it."""
    return [
        read(first, min(first + 400, inputs), tmp_path)  # long enough to be worth its start, short enough for `SILENCE`
        for first in range(0, inputs, 400)
    ]


def read(first, last, folder):
    """Return what `damager` says of some inputs."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.harness.damager", str(first), str(last), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=SILENCE)
    assert done.returncode == 0, f"inputs {first} to {last} ended the process: {done.returncode}, {done.stderr[-2000:]}"
    return json.loads(done.stdout)


def test_damaged_data_are_refused_or_read_right(found, inputs):
    """Nothing is raised but the error that names the file, nothing read that is not there, and memory stays small."""
    accepted, bound = (sum(part[what] for part in found) for what in ("accepted", "bound"))

    assert [failure for part in found for failure in part["failures"]] == []
    assert max(part["most"] for part in found) < MOST
    # Both are well represented, or little would have been tried.
    assert inputs / 20 < bound < accepted < inputs / 2
    print(f"{inputs} inputs: {accepted} accepted, {bound} fit; {max(part['most'] for part in found)} bytes at most")

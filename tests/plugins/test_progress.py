"""What a user sees while a model is trained, converted and evaluated."""

import os
import pty
import re
import subprocess

import pytest

from fixtures.harness.versions import ROOT
from tests.gate import command, environment, run_gate

STEPS = [
    "quick: training",
    "quick: converting to float32",
    "quick: converting to float16",
    "quick fp16 on reference: running",
]


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_log_has_a_line_for_each_step(pinned_models, own_store, tmp_path, workers):
    """Without a terminal each step is a line of its own, in order, with any number of workers."""
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", "--rebuild", workers)
    run = run_gate(*arguments, folder=tmp_path)
    begun = [next(i for i, line in enumerate(run.text.splitlines()) if line.startswith(step)) for step in STEPS]

    assert begun == sorted(begun)
    assert re.search(r"^quick: training, on builder 1$", run.text, re.MULTILINE)
    assert "\r" not in run.text
    assert "\x1b" not in run.text


def test_quiet_run_shows_none(pinned_models, own_store, tmp_path):
    """`-q` leaves the steps out."""
    arguments = (f"--models-dir={pinned_models}", f"--artifacts={own_store}", "--rebuild", "-q")
    run = run_gate(*arguments, "tests/test_size.py", folder=tmp_path)

    assert run.code == 0, run.text
    assert "training" not in run.text


@pytest.mark.parametrize("workers", ["-n0", "-n2"])
def test_terminal_has_one_line_that_moves(pinned_models, own_store, tmp_path, workers):
    """On a terminal the steps move along one line, which is gone in the end."""
    arguments = [f"--models-dir={pinned_models}", f"--artifacts={own_store}", "--rebuild", workers]
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        command(*arguments, "tests/test_size.py", folder=tmp_path),
        cwd=ROOT,
        env=environment(),
        stdin=inner,
        stdout=inner,
        stderr=inner,
    )
    os.close(inner)
    shown = b""
    while chunk := read(terminal):
        shown += chunk
    os.close(terminal)

    assert process.wait() == 0, shown.decode()
    assert re.search(rb"\r\x1b\[Kquick: \[[#.]{10}\] +\d+% training, [^\r|]*on builder 1", shown)
    assert b"\r\x1b[Kquick: converting to float16" in shown
    assert shown.rindex(b"\r\x1b[K") > shown.rindex(b"quick: converting")


def read(terminal):
    """Return what a terminal shows next; b"" at its end, which Linux reports as an error."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""

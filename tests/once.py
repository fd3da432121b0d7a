"""Making what tests need in another process, and once for all xdist workers of a run."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from fixtures.harness.versions import ROOT


def once(folder: Path, write: Callable[[Path], None]) -> Path:
    """Return *folder*, filled by *write*, whichever process comes to it first; it appears whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            write(unfinished)
            unfinished.rename(folder)
    return folder


def run_module(module: str, *arguments: str | Path) -> None:
    """Run `python -m MODULE ARGUMENTS…`, a process that makes files with TensorFlow."""
    made = subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr[-2000:]

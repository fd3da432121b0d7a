"""Processes that do nothing but keep the CPU busy."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

SPIN = """
import os
import sys

while os.getppid() == int(sys.argv[1]):
    sum(range(100_000))
"""
"""Computes as long as its parent lives: where that is killed, nobody else would end it."""


@contextmanager
def busy(count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep *count* processes computing, and end them in any case."""
    with ExitStack() as ends:
        processes = []
        for _ in range(count):
            # In a session of their own: Ctrl-C is for the parent, which ends them.
            process = subprocess.Popen([sys.executable, "-c", SPIN, str(os.getpid())], start_new_session=True)
            ends.callback(process.wait)
            ends.callback(process.kill)
            processes.append(process)
        yield processes

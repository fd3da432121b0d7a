"""A child process that does what its job says: `python -m tests.harness.echo` (see `fixtures.harness.children`)."""

import os
import resource
import signal
import subprocess
import sys
import threading
from typing import Any

from fixtures.harness.children import Job, Progress, serve


class ExpectedError(Exception):
    """An error that is a sentence for the user."""


def say(job: Job, progress: Progress) -> Any:
    """Return what the job says."""
    return job["say"]


def count(job: Job, progress: Progress) -> None:
    """Tell how far it is."""
    progress("beginning")
    for done in range(job["to"]):
        progress("counting", (done + 1) / job["to"])


def fail(job: Job, progress: Progress) -> None:
    """Fail as the user can understand."""
    raise ExpectedError(job["why"])


def crash(job: Job, progress: Progress) -> None:
    """Fail as nobody expected."""
    raise ZeroDivisionError(job["why"])


def chatter(job: Job, progress: Progress) -> str:
    """Print in all the ways in which libraries do, also what looks like an answer."""
    print('{"result": "printed"}', flush=True)
    os.write(1, b'{"result": "written"}\n')
    subprocess.run(["echo", '{"result": "echoed"}'], check=True)
    print("on stderr", file=sys.stderr, flush=True)
    return "answered"


def die(job: Job, progress: Progress) -> None:
    """Print, then die of a signal or end with a status."""
    for number in range(job.get("lines", 0)):
        os.write(2, f"line {number}\n".encode())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "signal" in job:
        os.kill(os.getpid(), signal.Signals[job["signal"]])
    os._exit(job["status"])


def wait(job: Job, progress: Progress) -> None:
    """Wait for good."""
    progress("waiting")
    threading.Event().wait()


JOBS = {job.__name__: job for job in (say, count, fail, crash, chatter, die, wait)}

if __name__ == "__main__":
    serve(lambda job, progress: JOBS[job["do"]](job, progress), (ExpectedError,))

"""A child process that does what its job says: `python -m tests.harness.echo` (see `fixtures.harness.children`)."""

import atexit
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from fixtures.harness.chatter import Chatter
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
    if "status" in job:
        os._exit(job["status"])
    return "answered"


def listen(job: Job, progress: Progress) -> list[str]:
    """Print, then listen and print in all those ways; return what was heard."""
    os.write(2, b"before\n")
    heard = Chatter()
    chatter(job, progress)
    return heard.lines


def environment(job: Job, progress: Progress) -> str | None:
    """Return what the environment holds."""
    return os.environ.get(job["name"])


def dawdle(job: Job, progress: Progress) -> None:
    """Tell several times, after a pause each, that it goes on."""
    for number in range(job["times"]):
        time.sleep(job["pause"])
        progress(f"step {number}")


def die(job: Job, progress: Progress) -> None:
    """Print, then die of a signal or end with a status."""
    for line in job.get("lines", []):
        os.write(2, f"{line}\n".encode())
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if "signal" in job:
        os.kill(os.getpid(), signal.Signals[job["signal"]])
    os._exit(job["status"])


def wait(job: Job, progress: Progress) -> None:
    """Print, then wait for good."""
    for line in job.get("lines", []):
        os.write(2, f"{line}\n".encode())
    if "mute" not in job:
        progress("waiting")
    threading.Event().wait()


def will(job: Job, progress: Progress) -> None:
    """Do another job, one of those without an answer, when the process ends."""
    atexit.register(JOBS[job["job"]["do"]], job["job"], progress)


JOBS = {job.__name__: job for job in (say, count, fail, crash, chatter, listen, environment, dawdle, die, wait, will)}

if __name__ == "__main__":
    serve(lambda job, progress: JOBS[job["do"]](job, progress), (ExpectedError,))

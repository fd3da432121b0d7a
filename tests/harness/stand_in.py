"""A child process in the place of the builder and of the runner: `python -m tests.harness.stand_in`.

It writes real entries to a real store, but trains nothing: a build is what the declared `build` returns, and running a
file copies it. A file that holds "poison" kills who runs it, and one that holds "riddle" is run for good. The file
`asked` in the store gets a line for each job: the process that does it, and what it does.
"""

import os
import signal
import threading
from pathlib import Path

from fixtures.harness.artifacts import PRECISIONS, build_address, outputs_address
from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.specs import declared
from fixtures.harness.store import Store
from fixtures.harness.targets import TARGETS


def answer(job: Job, progress: Progress) -> str:
    """Write the entry that *job* asks for; return its folder."""
    (spec,) = (spec for spec in declared(Path(job["source"])) if spec.name == job["model"])
    store = Store(Path(job["store"]))
    subject, address, write = JOBS[job["do"]](job, spec)
    with (store.root / "asked").open("a") as asked:
        asked.write(f"{os.getpid()} {subject}\n")
    progress("at work", 0.5)
    return str(store.once(address, write, anew=job["anew"]))


def build(job, spec):
    """Return what building *spec* is called, where it goes, and what writes it."""

    def write(folder):
        for precision in PRECISIONS:
            (folder / f"{precision}.tflite").write_bytes(spec.build(1))

    return f"build {spec.name}", build_address(spec), write


def run(job, spec):
    """Return the same of running a file."""
    file, target = Path(job["file"]), TARGETS[job["target"]]

    def write(folder):
        if file.read_bytes() == b"poison":
            os.kill(os.getpid(), signal.SIGKILL)
        if file.read_bytes() == b"riddle":
            threading.Event().wait()
        (folder / "outputs-0.npy").write_bytes(file.read_bytes())

    return f"run {spec.name} {file.stem} on {target}", outputs_address(file, target, spec), write


JOBS = {"build": build, "run": run}

if __name__ == "__main__":
    serve(answer, ())

"""A child process in the place of the builder and of the runner: `python -m tests.harness.stand_in`.

It writes real entries to a real store, but trains nothing: a build is what the declared `build` returns, and running a
file copies it, and the indices of the samples. A file that holds "poison" kills who runs it, and one that holds
"riddle" is run for good. What there is of a target is what the target's options say: "software", or "dies" or "hangs".
The file `asked` in the store gets a line for each job: the process that does it, and what it does.
"""

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from fixtures.harness.artifacts import PRECISIONS, build_address
from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.specs import declared
from fixtures.harness.store import Address, Store
from fixtures.harness.targets import Presence, of_job


def answer(job: Job, progress: Progress) -> Any:
    """Write the entry that *job* asks for; return its folder."""
    if job["do"] == "probe":
        return vars(probe(of_job(job["target"])))
    (spec,) = (spec for spec in declared(Path(job["source"])) if spec.name == job["model"])
    store = Store(Path(job["store"]))
    subject, address, write = JOBS[job["do"]](job, spec)
    note(store.root, subject)
    progress("at work", 0.5)
    return str(store.once(address, write, anew=job["anew"]))


def note(root, subject):
    """Write down that this process is asked for *subject*."""
    with (root / "asked").open("a") as asked:
        asked.write(f"{os.getpid()} {subject}\n")


def probe(target):
    """Return what there is of *target*."""
    options = dict(target.options)
    note(Path(os.environ["MESA_SHADER_CACHE_DIR"]).parent, f"probe {target}")  # a probe is told of no store
    if "dies" in options:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hangs" in options:
        threading.Event().wait()
    return Presence(None, adapter="a pretended adapter", software="software" in options, arithmetic=target.arithmetic)


def build(job, spec):
    """Return what building *spec* is called, where it goes, and what writes it."""

    def write(folder):
        for precision in PRECISIONS:
            (folder / f"{precision}.tflite").write_bytes(spec.build(1))

    return f"build {spec.name}", build_address(spec), write


def run(job, spec):
    """Return the same of running a file."""
    file, target = Path(job["file"]), of_job(job["target"])

    def write(folder):
        if file.read_bytes() == b"poison":
            os.kill(os.getpid(), signal.SIGKILL)
        if file.read_bytes() == b"riddle":
            threading.Event().wait()
        (folder / "outputs-0.npy").write_bytes(file.read_bytes())
        (folder / "samples.json").write_text(json.dumps(job["samples"]))

    return f"run {spec.name} {file.stem} on {target}", Address(**job["address"]), write


JOBS = {"build": build, "run": run}

if __name__ == "__main__":
    serve(answer, ())

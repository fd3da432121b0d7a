"""A child process in the place of the builder and of the runner: `python -m tests.harness.stand_in`.

It writes real entries to a real store, but trains nothing: a build is of what the declared `build` returns, and running
a file copies it, and the indices of the samples. A file that holds "poison" kills who runs it, and one that holds
"riddle" is run for good. What there is of a target is what the target's options say: "software", or "dies", "hangs" or
"dies at the end".
The file `asked` in the store gets a line for each job: the process that does it, and what it does.
"""

import atexit
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.harness.artifacts import DATA, FACTS, PRECISIONS
from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.specs import declared
from fixtures.harness.store import Address, Store
from fixtures.harness.targets import Presence, of_job

LABELS = np.random.default_rng(0).integers(0, 10, 1500)
"""The classes of the samples of every build."""


def answer(job: Job, progress: Progress) -> Any:
    """Write the entry that *job* asks for; return its folder."""
    if job["do"] == "probe":
        return vars(probe(of_job(job["target"])))
    store = Store(Path(job["store"]))
    subject, write = JOBS[job["do"]](job)
    note(store.root, subject)
    progress("at work", 0.5)
    return str(store.once(Address(**job["address"]), write, anew=job["anew"]))


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
    if "dies at the end" in options:
        atexit.register(os.kill, os.getpid(), signal.SIGKILL)
    return Presence(
        options.get("absent"),
        adapter="a pretended adapter",
        software="software" in options,
        arithmetic=target.arithmetic,
    )


def build(job):
    """Return what building a declared model is called, and what writes it."""
    (spec,) = (spec for spec in declared(Path(job["source"])) if spec.name == job["model"])

    def write(folder):
        content = spec.build(1)
        for precision in PRECISIONS:
            (folder / f"{precision}.tflite").write_bytes(content)
        (folder / DATA).mkdir()
        np.save(folder / DATA / "x.npy", np.zeros((len(LABELS), 28, 28), np.float32))
        np.save(folder / DATA / "y.npy", LABELS)
        (folder / FACTS).write_text(json.dumps({"data_sha256": "06af"}))

    return f"build {spec.name}", write


def convert(job):
    """Return the same of a trained model: a file that holds what the model's file does."""
    from tests.harness import flatbuffer  # which imports LiteRT: most jobs need none

    def write(folder):
        content = flatbuffer.smallest(Path(job["keras_model"]).read_bytes())
        for precision in PRECISIONS:
            (folder / f"{precision}.tflite").write_bytes(content)
        (folder / FACTS).write_text(json.dumps({"data_sha256": "06af"}))

    return f"convert {Path(job['keras_model']).name} over {Path(job['data']).name}", write


def prepare(job):
    """Return the same of files: of a float16 one that comes alone, its twin is a copy."""

    def write(folder):
        if job["fp32"] is None:
            (folder / "fp32.tflite").write_bytes(Path(job["fp16"]).read_bytes())
        (folder / FACTS).write_text(json.dumps({"data_sha256": "06af"}))

    pair = " and ".join(Path(job[name]).name for name in PRECISIONS if job[name])
    return f"prepare {pair} over {Path(job['data']).name}", write


def run(job):
    """Return the same of running a file."""
    content, target = Path(job["file"]).read_bytes(), of_job(job["target"])

    def write(folder):
        if b"poison" in content:
            os.kill(os.getpid(), signal.SIGKILL)
        if b"riddle" in content:
            threading.Event().wait()
        (folder / "outputs-0.npy").write_bytes(content)
        (folder / "job.json").write_text(json.dumps(job))

    model, precision = job["address"]["name"].split("-")[:2]
    return f"run {model} {precision} on {target}", write


JOBS = {"build": build, "convert": convert, "prepare": prepare, "run": run}

if __name__ == "__main__":
    serve(answer, ())

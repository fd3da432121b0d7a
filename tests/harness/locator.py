"""A child process that looks into files: `python -m tests.harness.locator`. Runtimes print what no test shows."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.evaluation_data import DataError, open_data
from fixtures.harness.feed import Samples
from fixtures.harness.headroom import headroom
from fixtures.harness.localisation import localise
from fixtures.harness.probing import probe
from fixtures.harness.sessions import InferenceError
from fixtures.harness.targets import TARGETS
from fixtures.harness.tflite_file import read


def answer(job: Job, progress: Progress) -> Any:
    """Return a file's headroom, where it goes wrong on a target, or why there is no such target, as JSON values."""
    if "file" not in job:
        return probe(TARGETS[job["target"]]).why_not
    file, data = read(Path(job["file"])), Samples(open_data(Path(job["data"])))
    data.bind(file, file.entry)
    samples = data.feed(file.entry, slice(0, len(data)))
    if "target" not in job:
        return [asdict(activation) for activation in headroom(file, samples)]
    target = replace(TARGETS[job["target"]], **job.get("measured", {}))
    truth = read(Path(job["truth"])) if "truth" in job else None
    located = localise(file, target, samples, job["roundoff"], truth, compiles=job["compiles"])
    return {**asdict(located), "told": str(located)}


if __name__ == "__main__":
    serve(answer, (DataError, InferenceError))

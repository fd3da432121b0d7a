"""A child process that looks into files: `python -m tests.harness.locator`. Runtimes print what no test shows."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.evaluation_data import DataError, open_data
from fixtures.harness.feed import Feed, Samples
from fixtures.harness.headroom import headroom
from fixtures.harness.layers import Comparison
from fixtures.harness.localisation import localise
from fixtures.harness.probing import probe
from fixtures.harness.sessions import InferenceError
from fixtures.harness.targets import TARGETS
from fixtures.harness.tflite_file import TFLiteFile, read


def fed(file: TFLiteFile, data: Samples) -> Feed:
    """Return all samples for the first signature of *file*."""
    data.bind(file, file.entry)
    return data.feed(file.entry, slice(0, len(data)))


def answer(job: Job, progress: Progress) -> Any:
    """Return a file's headroom and, of a pair, the errors of its layers, as JSON values.

    With a target, where the file goes wrong on it; without a file, why there is no such target.
    """
    if "file" not in job:
        return probe(TARGETS[job["target"]]).why_not
    file, data = read(Path(job["file"])), Samples(open_data(Path(job["data"])))
    samples = fed(file, data)
    if "target" not in job:
        beside = Comparison(file, Path(job.get("fp16", file.path)), lambda other: fed(other, data))
        activations = headroom(file, samples, beside.add)
        return {"headroom": [asdict(activation) for activation in activations], **beside.layers().as_dict()}
    target = replace(TARGETS[job["target"]], **job.get("measured", {}))
    truth = read(Path(job["truth"])) if "truth" in job else None
    located = localise(file, target, samples, job["roundoff"], truth, compiles=job["compiles"])
    return {**asdict(located), "told": str(located)}


if __name__ == "__main__":
    serve(answer, (DataError, InferenceError))

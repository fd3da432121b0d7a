"""A child process that runs files: `python -m tests.harness.evaluator`. Runtimes print what no test wants to show."""

import os
import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.harness import accelerators, inference, probing
from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.evaluation_data import DataError, open_data
from fixtures.harness.feed import Samples
from fixtures.harness.sessions import InferenceError
from fixtures.harness.targets import of_job
from fixtures.harness.tflite_file import read


class Deaf:
    """In the place of `Chatter`, with DEAF in the environment: what the runtime prints is not heard."""

    lines = ()


def answer(job: Job, progress: Progress) -> dict[str, Any]:
    """Return what the runtime says of the file; with data, write what the file computes of them.

    Without a file, return what there is of the target.
    """
    target = of_job(job["target"])
    if "file" not in job:
        return vars(probing.probe(target))
    file = Path(job["file"])
    if "data" not in job:
        return inference.load(read(file), target).describe()
    samples = Samples(open_data(Path(job["data"])), job["chosen"] and np.array(job["chosen"]))
    blocks: dict[str, list[np.ndarray]] = defaultdict(list)
    evaluation = inference.evaluate(
        file,
        target,
        samples,
        lambda name, block: blocks[name].append(block),
        lambda share: progress("running", share),
        part=job["part"],
    )
    outputs = {name: np.concatenate(found) for name, found in blocks.items()}
    Path(job["evaluation"]).write_bytes(pickle.dumps((outputs, evaluation)))
    return evaluation.runtime


if __name__ == "__main__":
    if "DEAF" in os.environ:
        accelerators.Chatter = Deaf
    serve(answer, (DataError, InferenceError))

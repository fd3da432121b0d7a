"""A child process that runs files: `python -m tests.harness.evaluator`. Runtimes print what no test wants to show."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from fixtures.harness import inference
from fixtures.harness.children import Job, Progress, serve
from fixtures.harness.inference import InferenceError
from fixtures.harness.targets import TARGETS
from fixtures.harness.tflite_file import read


def answer(job: Job, progress: Progress) -> dict[str, Any]:
    """Return what the runtime says of the file; with samples, write what the file computes of them."""
    file, target = Path(job["file"]), TARGETS[job["target"]]
    if "samples" not in job:
        return inference.load(read(file), target).describe()
    samples = np.load(job["samples"])
    evaluation = inference.evaluate(file, target, samples, lambda share: progress("running", share))
    Path(job["evaluation"]).write_bytes(pickle.dumps(evaluation))
    return evaluation.runtime


if __name__ == "__main__":
    serve(answer, (InferenceError,))

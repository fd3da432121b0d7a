"""The process that trains for these tests: `python -m tests.harness.trainer OUT DECLARATIONS`.

Of each model of the folder DECLARATIONS it writes, to the folder OUT, what went wrong with it, or what was trained: the
losses, the progress, the outputs and the float32 file.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow reads it when it is imported

import keras
import numpy as np

from fixtures.harness import training
from fixtures.harness.conversion import to_float32
from fixtures.harness.datasets import samples
from fixtures.harness.specs import find
from fixtures.harness.training import TrainingError
from models.spec import ModelSpec


def train(spec: ModelSpec, folder: Path) -> dict[str, Any]:
    """Train *spec*, write its file, and what it computes of the test split, to *folder*; return the rest."""
    told: list[float] = []
    weights = training.train(spec, lambda _, share: told.append(share))
    model = training.with_weights(spec, weights, None)
    inputs, targets = samples(spec, "test")
    np.savez(folder / "inputs.npz", **inputs)
    np.savez(folder / "outputs.npz", **training.predict(model, inputs))
    (folder / "fp32.tflite").write_bytes(to_float32(training.with_weights(spec, weights, 1)))
    names = training.output_names(model)
    chosen = training.losses(spec, {name: targets.get(name, targets.get("y")) for name in names})
    return {
        "names": names,
        "losses": {name: loss.get_config() for name, loss in chosen.items()},
        "told": told,
        "types": sorted({str(weight.dtype) for weight in weights} | {keras.config.floatx()}),
    }


def main(out: Path, declarations: Path) -> None:
    """Train every model."""
    for spec in find([declarations])[0]:
        folder = out / spec.name
        folder.mkdir()
        try:
            found = train(spec, folder)
        except TrainingError as error:
            found = {"error": str(error)}
        (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

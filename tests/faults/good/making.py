"""The process that makes good models with TensorFlow: `python -m tests.faults.good.making OUT NAME-SEED…`.

Each becomes a folder of OUT: fp32.tflite, fp16.tflite, data.npz and bounds.toml.
"""

import os
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow reads it when it is imported

import keras
import numpy as np
import tensorflow as tf

from fixtures.harness import conversion
from tests.faults.good import RECIPES
from tests.faults.good.recipe import Made
from tests.faults.workshop import toml


def convert(made: Made) -> tuple[bytes, bytes]:
    """Return the float32 and the float16 file."""
    if isinstance(made.model, keras.Model):
        return conversion.to_float32(made.model), conversion.to_float16(made.model)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(made.model, folder, {name: getattr(made.model, name) for name in made.signatures})
        return (
            conversion.saved_to_float32(Path(folder), made.signatures),
            conversion.saved_to_float16(Path(folder), made.signatures),
        )


def main(out: Path, *names: str) -> None:
    """Make every model."""
    known = {recipe.name: recipe for recipe in RECIPES}
    for name in names:
        recipe, _, seed = name.rpartition("-")
        keras.utils.clear_session()
        made = known[recipe].make(int(seed))
        folder = out / name
        folder.mkdir()
        for file, content in zip(("fp32.tflite", "fp16.tflite"), convert(made), strict=True):
            (folder / file).write_bytes(content)
        np.savez(folder / "data.npz", **made.data)
        (folder / "bounds.toml").write_text(toml(made.bounds))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])

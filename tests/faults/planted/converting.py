"""The process that converts in wrong ways: `python -m tests.faults.planted.converting BUILD DECLARATION MODEL OUT`.

BUILD is the folder of a good build of the MODEL that DECLARATION has, OUT an empty folder. What real converters do
wrong is converted here by the real converter; what goes wrong in a file alone is edited.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fixtures.harness.artifacts import DATA, KERAS_MODEL
from fixtures.harness.specs import declared

if TYPE_CHECKING:
    import keras

SOURCE = Path(__file__)
SEEN = 100
"""So many samples tell the converter between which values activations are."""


def quantized(model: "keras.Model", seen: np.ndarray | None = None, ends: type | None = None) -> bytes:
    """Return the file of who forgot `supported_types`: weights of int8.

    seen: samples, float32, with which activations become int8 as well. ends: the type of inputs and outputs then.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if seen is not None:

        def representative() -> Iterator[list[np.ndarray]]:
            for sample in seen:
                yield [sample[None]]

        converter.representative_dataset = representative
    if ends is not None:
        converter.inference_input_type = converter.inference_output_type = ends
    return converter.convert()


def unfrozen(model: "keras.Model") -> bytes:
    """Return the file of who converted a concrete function: the weights stay behind in variables."""
    import tensorflow as tf

    (given,) = model.inputs
    function = tf.function(model).get_concrete_function(tf.TensorSpec(given.shape, tf.float32, given.name))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def float16_output(model: "keras.Model") -> bytes:
    """Return the file of a model that casts its last output to float16."""
    import keras

    from fixtures.harness.conversion import to_float16

    cast = keras.layers.Activation("linear", dtype="float16", name="cast")
    *others, last = model.outputs
    outputs = [*others, cast(last)]
    if others:  # the names by which a caller knows them
        outputs = dict(zip(model.output_names, outputs, strict=True))
    return to_float16(keras.Model(model.inputs, outputs, name=model.name))


def without_metadata(model: "keras.Model") -> bytes:
    """Return the right file of who told the converter to keep its record to itself."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    converter.exclude_conversion_metadata = True
    return converter.convert()


def main(build: Path, declaration: Path, name: str, out: Path) -> None:
    """Make every file."""
    import keras
    import tensorflow as tf

    from fixtures.harness import conversion, training

    (spec,) = (spec for spec in declared(declaration) if spec.name == name)
    trained = keras.models.load_model(build / KERAS_MODEL)
    model = training.with_weights(spec, trained.get_weights(), 1)
    seen = np.load(build / DATA / "x.npy", mmap_mode="r")[:SEEN].astype(np.float32)
    for file, content in {
        "int8_weights": quantized(model),
        "int8": quantized(model, seen),
        "uint8": quantized(model, seen, tf.uint8),
        "unfrozen": unfrozen(model),
        "float16_output": float16_output(model),
        "without_metadata": without_metadata(model),
        "open": conversion.to_float16(trained),  # the tutorial's way: any batch size
    }.items():
        (out / f"{file}.tflite").write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))

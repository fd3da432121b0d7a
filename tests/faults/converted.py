"""The process that makes faulty files with TensorFlow: `python -m tests.faults.converted BUILD DECLARATION OUT`.

BUILD is the folder of a good build, DECLARATION the file that declares its model, OUT an empty folder. What real
converters do wrong is converted here by the real converter; what goes wrong in a file alone is edited (see `planters`).
"""

import dataclasses
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from fixtures.harness import conversion, training
from fixtures.harness.artifacts import KERAS_MODEL, array_file
from fixtures.harness.datasets import dataset
from fixtures.harness.specs import declared
from models.spec import ModelSpec

BEYOND = 1e6
"""A factor that takes weights beyond float16's 65504."""


def int8_weights(model: keras.Model) -> bytes:
    """Return the file of who forgot `supported_types`: dynamic-range quantization to int8."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def unfrozen(model: keras.Model) -> bytes:
    """Return the file of who converted a concrete function: the weights stay behind in variables."""
    function = tf.function(model).get_concrete_function(tf.TensorSpec(model.inputs[0].shape, tf.float32, "image"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def float16_output(model: keras.Model) -> bytes:
    """Return the file of a model that casts its output to float16."""
    output = keras.layers.Activation("linear", dtype="float16", name="cast")(model.outputs[0])
    return conversion.to_float16(keras.Model(model.inputs, output, name=model.name))


def other_seed(spec: ModelSpec) -> bytes:
    """Return the float16 file of the same model, trained from another seed."""
    other = dataclasses.replace(spec, recipe=dataclasses.replace(spec.recipe, seed=spec.recipe.seed + 1))
    return conversion.to_float16(training.with_weights(spec, training.train(other, lambda *_: None), 1))


def beyond_float16(spec: ModelSpec, trained: keras.Model, out: Path) -> None:
    """Write float32 and float16 files of the same function whose first layer's weights are beyond float16.

    The last layer takes the factor back, so that Keras and the float32 file predict what they did.
    """
    weights = trained.get_weights()
    weights[0], weights[1], weights[2] = weights[0] * BEYOND, weights[1] * BEYOND, weights[2] / BEYOND
    (outputs,) = training.predict(training.with_weights(spec, weights, None), {"x": images(spec)}).values()
    np.save(out / array_file("keras", 0), outputs)
    scaled = training.with_weights(spec, weights, 1)
    (out / "fp32.tflite").write_bytes(conversion.to_float32(scaled))
    (out / "fp16.tflite").write_bytes(conversion.to_float16(scaled))


def images(spec: ModelSpec) -> np.ndarray:
    """Return the test images of *spec*."""
    return dataset(spec.recipe.dataset).images("test")


def main(build: Path, declaration: Path, out: Path) -> None:
    """Make every file."""
    (spec,) = declared(declaration)
    trained = keras.models.load_model(build / KERAS_MODEL)
    model = training.with_weights(spec, trained.get_weights(), 1)
    (out / "int8.tflite").write_bytes(int8_weights(model))
    (out / "unfrozen.tflite").write_bytes(unfrozen(model))
    (out / "float16_output.tflite").write_bytes(float16_output(model))
    (out / "dynamic.tflite").write_bytes(conversion.to_float16(trained))  # the tutorial's way: any batch size
    (out / "beyond_float16").mkdir()
    beyond_float16(spec, trained, out / "beyond_float16")
    (out / "other_seed.tflite").write_bytes(other_seed(spec))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

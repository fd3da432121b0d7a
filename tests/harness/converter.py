"""The process that makes the `.tflite` files of these tests: `python -m tests.harness.converter OUT`.

Small, untrained, seeded Keras models, converted by the real converter. Tests read, run and damage the files, and so
never import TensorFlow themselves.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow reads it when it is imported

import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, layers

from fixtures.harness.conversion import to_float16, to_float32
from tests.harness.values import EXTREMES

BIASED = {"bias_initializer": "random_normal"}  # a bias of zeros would be left out of the file


def dense(batch_size: int | None = 1) -> Model:
    """Return two dense layers, large enough for the converter to quantize them to int8 when it is asked to."""
    values = Input((16,), batch_size=batch_size, name="values")
    hidden = layers.Dense(80, activation="relu", name="hidden", **BIASED)(values)
    return Model(values, layers.Dense(10, name="logits", **BIASED)(hidden), name="dense")


def conv() -> Model:
    """Return one of each operator whose sums `bounds` knows."""
    image = here = Input((8, 8, 2), batch_size=1, name="image")
    here = layers.Conv2D(4, 3, activation="relu", name="conv", **BIASED)(here)
    here = layers.DepthwiseConv2D(3, name="depthwise", **BIASED)(here)
    here = layers.GlobalAveragePooling2D(name="average")(here)
    return Model(image, layers.Dense(3, name="logits", **BIASED)(here), name="conv")


def two() -> Model:
    """Return a model with two inputs of different, and two outputs of the same shape."""
    left, right = Input((6,), batch_size=1, name="left"), Input((4,), batch_size=1, name="right")
    one, other = layers.Dense(3, name="of_left", **BIASED)(left), layers.Dense(3, name="of_right", **BIASED)(right)
    outputs = {
        "total": layers.Add(name="total")([one, other]),
        "product": layers.Multiply(name="product")([one, other]),
    }
    return Model([left, right], outputs, name="two")


def embedding() -> Model:
    """Return a model whose input is int32."""
    ids = Input((6,), batch_size=1, dtype="int32", name="ids")
    vectors = layers.Embedding(20, 4, name="table")(ids)
    average = layers.GlobalAveragePooling1D(name="average")(vectors)
    return Model(ids, layers.Dense(2, name="logits", **BIASED)(average), name="embedding")


def lstm() -> Model:
    """Return a model with a loop: three subgraphs, two of them with weights."""
    steps = Input((5, 3), batch_size=1, name="steps")
    return Model(steps, layers.Dense(2, name="logits", **BIASED)(layers.LSTM(4, name="lstm")(steps)), name="lstm")


def extremes() -> Model:
    """Return a dense layer whose kernel holds what float16 cannot."""
    values = Input((4,), batch_size=1, name="values")
    model = Model(values, layers.Dense(4, use_bias=False, name="logits")(values), name="extremes")
    model.set_weights([np.array(list(EXTREMES), np.float32).reshape(4, 4)])
    return model


def classifier(activation: str) -> Model:
    """Return a dense layer that ends in an activation, so that its outputs are probabilities."""
    values = Input((6,), batch_size=1, name="values")
    return Model(values, layers.Dense(3, activation=activation, name="shares", **BIASED)(values), name="classifier")


def to_int8(model: Model) -> bytes:
    """Return *model* as who forgets `supported_types` gets it: with weights in int8."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter.convert()


def unfrozen(model: Model) -> bytes:
    """Return *model* as who converts a concrete function gets it: with weights in variables, outside of the file."""
    function = tf.function(model).get_concrete_function(tf.TensorSpec(model.inputs[0].shape, tf.float32, "values"))
    return tf.lite.TFLiteConverter.from_concrete_functions([function], model).convert()


def main(out: Path) -> None:
    """Convert every model."""

    def convert(name: str, build: Callable[[], Model], **forms: Callable[[Model], bytes]) -> None:
        keras.utils.set_random_seed(0)
        model = build()
        for form, converted in forms.items():
            (out / f"{name}-{form}.tflite").write_bytes(converted(model))

    pair = {"fp32": to_float32, "fp16": to_float16}
    convert("dense", dense, **pair, int8=to_int8, unfrozen=unfrozen)
    convert("dynamic", lambda: dense(batch_size=None), fp32=to_float32)
    convert("conv", conv, **pair)
    convert("two", two, **pair)
    convert("embedding", embedding, **pair)
    convert("lstm", lstm, **pair)
    convert("extremes", extremes, **pair)
    convert("softmax", lambda: classifier("softmax"), fp32=to_float32)
    convert("sigmoid", lambda: classifier("sigmoid"), fp32=to_float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

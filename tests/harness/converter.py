"""The process that makes the `.tflite` files of these tests: `python -m tests.harness.converter OUT`.

Small, untrained, seeded Keras models, converted by the real converter. Tests read, run and damage the files, and so
never import TensorFlow themselves.
"""

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow reads it when it is imported

import keras
import numpy as np
import tensorflow as tf
from keras import Input, Model, layers, ops
from keras.initializers import RandomNormal

from fixtures.harness.conversion import to_float16, to_float32
from tests.harness.values import EXTREMES

BIASED = {"bias_initializer": "random_normal"}  # a bias of zeros would be left out of the file


def dense(batch_size: int | None = 1) -> Model:
    """Return two dense layers, large enough for the converter to quantize them to int8 when it is asked to."""
    values = Input((16,), batch_size=batch_size, name="values")
    hidden = layers.Dense(80, activation="relu", name="hidden", **BIASED)(values)
    return Model(values, layers.Dense(10, name="logits", **BIASED)(hidden), name="dense")


def elu() -> Model:
    """Return an operator that LiteRT has no reference kernel for."""
    values = Input((16,), batch_size=1, name="values")
    hidden = layers.Dense(8, activation="elu", name="hidden", **BIASED)(values)
    return Model(values, layers.Dense(3, name="logits", **BIASED)(hidden), name="elu")


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


def image(batch_size: int | None = 1) -> Model:
    """Return what runs the images of MNIST: a RESHAPE, which the delegate of these tests takes, and a dense layer."""
    pixels = Input((28, 28), batch_size=batch_size, name="pixels")
    return Model(pixels, layers.Dense(10, name="logits", **BIASED)(layers.Flatten(name="flat")(pixels)), name="image")


def appended() -> Model:
    """Return a model whose constant feeds a CONCATENATION.

    From float16 weights, LiteRT's GPU accelerator makes no shader of it that compiles when float32 is enforced.
    """
    values = Input((4,), batch_size=1, name="values")
    constant = ops.convert_to_tensor([[1.5, 2.5, 3.0]], dtype="float32")
    return Model(values, layers.Dense(3, name="logits", **BIASED)(ops.concatenate([values, constant], axis=1)))


def squared() -> Model:
    """Return a model that multiplies a matrix by itself: LiteRT's GPU accelerator ends its process over it."""
    matrix = Input((4, 4), batch_size=1, name="matrix")
    return Model(matrix, layers.Dense(3, name="logits", **BIASED)(layers.Flatten(name="f")(ops.matmul(matrix, matrix))))


def classifier(activation: str) -> Model:
    """Return a dense layer that ends in an activation, so that its outputs are probabilities."""
    values = Input((6,), batch_size=1, name="values")
    return Model(values, layers.Dense(3, activation=activation, name="shares", **BIASED)(values), name="classifier")


def sums() -> Model:
    """Return one of each way to sum over windows, rows and axes, side by side, with strides, paddings and dilations."""
    image = Input((9, 8, 4), batch_size=1, name="image")

    def window(layer: type[layers.Layer], name: str, *sizes: object, **options: object) -> keras.KerasTensor:
        return layer(*sizes, name=name, **options)(image)

    rows = layers.Reshape((9, 32), name="rows")(image)
    return Model(
        image,
        {
            "same": window(layers.Conv2D, "same", 5, (3, 2), strides=(2, 3), padding="same", **BIASED),
            "valid": window(layers.Conv2D, "valid", 5, 3, strides=2, **BIASED),
            "dilated": window(layers.Conv2D, "dilated", 3, 2, dilation_rate=(3, 2), **BIASED),
            "grouped": window(layers.Conv2D, "grouped", 6, 3, groups=2, **BIASED),
            "depthwise": window(
                layers.DepthwiseConv2D, "depthwise", 3, strides=2, padding="same", depth_multiplier=2, **BIASED
            ),
            "transposed_same": window(
                layers.Conv2DTranspose, "transposed_same", 3, 3, strides=2, padding="same", **BIASED
            ),
            "transposed_valid": window(layers.Conv2DTranspose, "transposed_valid", 3, (2, 4), strides=(3, 2), **BIASED),
            "averaged": window(layers.AveragePooling2D, "averaged", (3, 2), strides=2),
            "connected": layers.Dense(7, name="connected", **BIASED)(rows),
            "multiplied": keras.ops.matmul(rows, keras.ops.transpose(rows, (0, 2, 1))),
            "mean": keras.ops.mean(image, axis=(1, 2)),
            "sum": keras.ops.sum(image, axis=-1, keepdims=True),
        },
        name="sums",
    )


def squares() -> Model:
    """Return the root of a sum of squares: over 65504 for inputs that are not."""
    values = Input((16,), batch_size=1, name="values")
    hidden = layers.Dense(16, name="hidden", **BIASED)(values)
    length = keras.ops.sqrt(keras.ops.sum(keras.ops.square(hidden), axis=-1, keepdims=True))
    return Model(values, layers.Dense(3, name="logits", **BIASED)(length), name="squares")


def spelled_softplus(x: keras.KerasTensor) -> keras.KerasTensor:
    """Return log(1 + exp(x)), in which exp is over 65504 from x = 11.1 on."""
    return keras.ops.log(1.0 + keras.ops.exp(x))


def softplus() -> Model:
    """Return a dense layer after a softplus."""
    values = Input((8,), batch_size=1, name="values")
    return Model(values, layers.Dense(3, name="logits", **BIASED)(spelled_softplus(values)), name="softplus")


def normalized() -> Model:
    """Return a LayerNormalization: the squares of its deviations are over 65504 for inputs that are not."""
    values = Input((10, 32), batch_size=1, name="values")
    hidden = layers.Flatten(name="flat")(layers.LayerNormalization(name="normalize")(values))
    return Model(values, layers.Dense(4, name="logits", **BIASED)(hidden), name="normalized")


def logarithm() -> Model:
    """Return the logarithm of probabilities, which float16 rounds to zero where they are small."""
    values = Input((10,), batch_size=1, name="values")
    return Model(values, keras.ops.log(keras.ops.sigmoid(values)), name="logarithm")


def centered() -> Model:
    """Return a dense layer whose weights add up to zero, so that an offset of its inputs cancels."""
    values = Input((64,), batch_size=1, name="values")
    layer = layers.Dense(16, use_bias=False, name="hidden")
    model = Model(values, layers.Dense(3, name="logits", **BIASED)(layer(values)), name="centered")
    layer.kernel.assign(layer.kernel - keras.ops.mean(layer.kernel, axis=0))
    return model


def parity() -> Model:
    """Return whether thousandths are odd: integers over 2048 on the way."""
    values = Input((8,), batch_size=1, name="values")
    thousands = keras.ops.floor(values * 1000.0)
    odd = thousands - 2.0 * keras.ops.floor(thousands * 0.5)
    return Model(values, layers.Dense(3, name="logits", **BIASED)(odd), name="parity")


def stepped() -> Model:
    """Return seventeenths, counted in an int32 tensor: what is a little less than a whole one is rounded to it."""
    values = Input((8,), batch_size=1, name="values")
    whole = keras.ops.cast(keras.ops.cast(values * 17.0, "int32"), "float32")
    return Model(values, layers.Dense(3, name="logits", **BIASED)(whole), name="stepped")


def parted() -> Model:
    """Return two parts of one operator's outputs, of which one goes wrong."""
    values = Input((8,), batch_size=1, name="values")
    right, wrong = keras.ops.split(layers.Dense(8, name="hidden", **BIASED)(values), 2, axis=-1)
    joined = right * 0.5 + spelled_softplus(wrong * wrong)
    return Model(values, layers.Dense(3, name="logits", **BIASED)(joined), name="parted")


def causal() -> Model:
    """Return attention with a stored mask of -1e9, a matrix that is added."""
    values = Input((4, 6), batch_size=1, name="values")
    left, right = (layers.Dense(5, name=name, **BIASED)(values) for name in ("left", "right"))
    scores = ops.matmul(left, ops.transpose(right, (0, 2, 1))) + np.triu(np.full((4, 4), -1e9, np.float32), 1)
    return Model(values, ops.matmul(ops.softmax(scores), values), name="causal")


def masked() -> Model:
    """Return attention with a mask of -1e9, which is right in float16 in the end, and a softplus of its output."""
    values = Input((6, 8), batch_size=1, name="values")
    left, right = (layers.Dense(8, name=name, **BIASED)(values) for name in ("left", "right"))
    mask = (1.0 - keras.ops.cast(values[:, :, 0] > 0.0, "float32"))[:, None, :] * -1e9
    scores = keras.ops.matmul(left, keras.ops.transpose(right, (0, 2, 1))) + mask
    attended = keras.ops.matmul(keras.ops.softmax(scores), values)
    hidden = layers.Flatten(name="flat")(spelled_softplus(attended * 8.0))
    return Model(values, layers.Dense(3, name="logits", **BIASED)(hidden), name="masked")


def running() -> Model:
    """Return running sums, which LiteRT's GPU accelerator computes wrongly along the last axis."""
    values = Input((8,), batch_size=1, name="values")
    return Model(values, layers.Dense(3, name="logits", **BIASED)(keras.ops.cumsum(values, axis=-1)), name="running")


def counted() -> Model:
    """Return a softplus of whole numbers that went through an int32 tensor."""
    values = Input((8,), batch_size=1, name="values")
    whole = keras.ops.cast(keras.ops.cast(values * 17.0, "int32"), "float32")
    return Model(values, layers.Dense(3, name="logits", **BIASED)(spelled_softplus(whole)), name="counted")


def chosen() -> Model:
    """Return seventeenths with a sign that a boolean tensor tells: what is a little less than two is two in float16."""
    values = Input((8,), batch_size=1, name="values")
    signed = keras.ops.where(values * 17.0 >= 2.0, values, -values)
    return Model(values, layers.Dense(3, name="logits", **BIASED)(signed), name="chosen")


def long(faulty: bool) -> Model:
    """Return 60 residual blocks, some 190 operators; with a softplus of values up to 14 in their middle if *faulty*."""
    values = here = Input((8,), batch_size=1, name="values")
    small = {"kernel_initializer": RandomNormal(stddev=0.05), "bias_initializer": RandomNormal(stddev=0.02)}
    for number in range(60):
        step = layers.Dense(8, activation="relu", name=f"block_{number}", **small)(here)
        here = layers.Add(name=f"joined_{number}")([here, step])
        if faulty and number == 30:
            here = spelled_softplus(14.0 * here / (here + 0.1)) * 0.1
    return Model(values, layers.Dense(3, name="logits", **BIASED)(here), name="long")


class Running(tf.Module):
    """A sum that is kept between calls, times a matrix; a second signature begins anew."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.matrix = tf.Variable(np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32))
        self.total = tf.Variable(tf.zeros([1, 8]))

    @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32, "values")])
    def add(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the sum with *values*, times the matrix."""
        self.total.assign_add(values)
        return {"product": tf.matmul(self.total, self.matrix, transpose_b=True)}

    @tf.function(input_signature=[])
    def reset(self) -> dict[str, tf.Tensor]:
        """Begin anew."""
        self.total.assign(tf.zeros([1, 8]))
        return {"total": self.total.read_value()}


class Typed(tf.Module):
    """Inputs of every type but float: a table of vectors, of which some count; and a scalar, which has no batch."""

    def __init__(self) -> None:
        """Choose the weights."""
        random = np.random.default_rng(0)
        self.table = tf.Variable(random.normal(size=(50, 16)).astype(np.float32))
        self.matrix = tf.Variable(random.normal(size=(16, 4)).astype(np.float32))

    @tf.function(
        input_signature=[
            tf.TensorSpec([1, 6], tf.int64, "ids"),
            tf.TensorSpec([1, 6], tf.bool, "counts"),
            tf.TensorSpec([1, 4], tf.uint8, "pixels"),
            tf.TensorSpec([], tf.float32, "scale"),
        ]
    )
    def typed(self, ids: tf.Tensor, counts: tf.Tensor, pixels: tf.Tensor, scale: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return four logits, the largest of them, whether each is positive, and the largest value, a scalar."""
        vectors = tf.gather(self.table, ids) * tf.cast(counts, tf.float32)[..., None]
        logits = (tf.reduce_mean(vectors, 1) @ self.matrix + tf.cast(pixels, tf.float32) / 255.0) * scale
        return {"logits": logits, "best": tf.argmax(logits, -1), "positive": logits > 0, "most": tf.reduce_max(logits)}


class Words(tf.Module):
    """A text among the inputs."""

    def __init__(self) -> None:
        """Choose the weights."""
        self.matrix = tf.Variable(np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1], tf.string, "word"), tf.TensorSpec([1, 4], tf.float32, "values")])
    def words(self, word: tf.Tensor, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return logits, 100 more each for one word."""
        return {"logits": values @ self.matrix + 100.0 * tf.cast(tf.equal(word, "größer"), tf.float32)}


class Entries(tf.Module):
    """Two signatures with inputs of their own, and outputs of one name."""

    def __init__(self) -> None:
        """Choose the weights."""
        random = np.random.default_rng(0)
        self.matrix = tf.Variable(random.normal(size=(4, 3)).astype(np.float32))
        self.other = tf.Variable(random.normal(size=(5, 3)).astype(np.float32))

    @tf.function(input_signature=[tf.TensorSpec([1, 4], tf.float32, "values")])
    def first(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return a product."""
        return {"product": values @ self.matrix}

    @tf.function(input_signature=[tf.TensorSpec([1, 5], tf.float32, "others")])
    def second(self, others: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return another one, and the sum of its input."""
        return {"product": tf.nn.relu(others @ self.other), "sum": tf.reduce_sum(others, 1)}


class Kept(tf.Module):
    """An output whose size depends on the values of the input."""

    @tf.function(input_signature=[tf.TensorSpec([6], tf.float32, "values")])
    def kept(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the positive values."""
        return {"positive": tf.boolean_mask(values, values > 0)}


def functions(module: tf.Module, *names: str) -> Callable[[bool], bytes]:
    """Return what converts the functions *names* of *module*, a signature each, to float16 or not.

    What an initialization assigns to variables stays one.
    """

    def convert(float16: bool) -> bytes:
        signatures = {name: getattr(module, name) for name in names}
        with tempfile.TemporaryDirectory() as folder:
            tf.saved_model.save(module, folder, signatures=signatures)
            converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=list(signatures))
            converter.experimental_enable_resource_variables = True
            if float16:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            return converter.convert()

    return convert


def lengths() -> Model:
    """Return a dense layer of each step of a sequence, of which neither the batch nor the length is fixed."""
    steps = Input((None, 8), name="steps")
    return Model(steps, layers.Dense(5, name="logits", **BIASED)(steps), name="lengths")


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

    of_functions = {
        "state": functions(Running(), "add", "reset"),
        "typed": functions(Typed(), "typed"),
        "words": functions(Words(), "words"),
        "entries": functions(Entries(), "first", "second"),
        "kept": functions(Kept(), "kept"),
    }
    for name, converted in of_functions.items():
        for form, float16 in (("fp32", False), ("fp16", True)):
            (out / f"{name}-{form}.tflite").write_bytes(converted(float16))
    pair = {"fp32": to_float32, "fp16": to_float16}
    convert("dense", dense, **pair, int8=to_int8, unfrozen=unfrozen)
    convert("dynamic", lambda: dense(batch_size=None), **pair)
    convert("lengths", lengths, **pair)
    convert("elu", elu, **pair)
    convert("conv", conv, **pair)
    convert("two", two, **pair)
    convert("embedding", embedding, **pair)
    convert("lstm", lstm, **pair)
    convert("extremes", extremes, **pair)
    convert("image", image, **pair)
    convert("dynamic_image", lambda: image(batch_size=None), fp16=to_float16)
    convert("appended", appended, **pair)
    convert("squared", squared, fp16=to_float16)
    convert("softmax", lambda: classifier("softmax"), fp32=to_float32)
    convert("sigmoid", lambda: classifier("sigmoid"), fp32=to_float32)
    convert("sums", sums, **pair)
    convert("causal", causal, **pair)
    convert("masked", masked, **pair)
    convert("running", running, **pair)
    for faulty in (squares, softplus, normalized, logarithm, centered, parity, stepped, counted, chosen, parted):
        convert(faulty.__name__, faulty, fp16=to_float16)
    convert("long", lambda: long(faulty=True), fp16=to_float16)
    convert("long_right", lambda: long(faulty=False), fp16=to_float16)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""A model of each task, and of several outputs and signatures."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, one_hot, recipes, trained

SCALES = 1e-3, 0.03, 1.0, 100.0, 1e4
"""Of what regressions predict: probabilities of rare events, and prices."""


def _curve(seed: int, features: int, outputs: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return points and smooth functions of them with some noise, of size 1."""
    random = np.random.default_rng(seed)
    x = random.uniform(-1, 1, (2000, features)).astype(np.float32)
    bent = np.sin(x @ random.normal(size=(features, 8)) * 2) @ random.normal(size=(8, outputs)) / 3
    return x, (bent + 0.05 * random.normal(size=bent.shape)).astype(np.float32)


def _perceptron(seed: int, features: int, units: int, activation: str = "relu"):
    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((features,), batch_size, name="x"),
                layers.Dense(64 + 8 * seed, activation=activation, name="hidden"),
                layers.Dense(units, name="out"),
            ],
            name="perceptron",
        )

    return build


def _scaled(seed: int, x: np.ndarray, y: np.ndarray, scale: np.ndarray | float, offset: float = 0.0) -> Made:
    """Return a model trained for numbers of size 1, and brought to those that are meant: (y + offset) * scale."""
    build = _perceptron(seed, x.shape[1], y.shape[1], ("relu", "tanh")[seed % 2])
    model = trained(build, seed, (x, y), "mse", steps=160)
    last = model.get_layer("out")
    kernel, bias = last.get_weights()
    last.set_weights([(kernel * scale).astype(np.float32), ((bias + offset) * scale).astype(np.float32)])
    return Made(model, {"x": x, "y": ((y + offset) * scale).astype(np.float32)})


def regression(seed: int) -> Made:
    """Return a function of numbers, at one of several scales."""
    made = _scaled(seed, *_curve(seed, 4), SCALES[seed])
    made.bounds["task"] = {"kind": "regression"}
    return made


def regression_off_zero(seed: int) -> Made:
    """Return a function whose values are all far from zero, as temperatures in kelvin are: its bias is large."""
    made = _scaled(seed, *_curve(seed + 20, 3), SCALES[seed], offset=2.0 + seed)
    made.bounds["task"] = {"kind": "regression", "metric": "rmse"}
    return made


def regression_of_several(seed: int) -> Made:
    """Return several numbers of one model, one of them a hundred times as large as another."""
    made = _scaled(seed, *_curve(seed + 40, 5, 3), np.geomspace(0.01, 1, 3) * SCALES[seed])
    made.bounds["task"] = {"kind": "regression", "metric": "r2"}
    return made


def several_outputs(seed: int) -> Made:
    """Return a digit, and how much ink it takes."""
    x, labels = digits(seed, 2000, 14)
    ink = x.mean((1, 2), keepdims=True)[:, 0].astype(np.float32) * 255

    def build(batch_size):
        from keras import Model, layers

        image = layers.Input((14, 14), batch_size, name="image")
        hidden = layers.Dense(96, activation="relu", name="hidden")(layers.Flatten(name="flatten")(image))
        return Model(
            image,
            {"digit": layers.Dense(10, name="digit")(hidden), "ink": layers.Dense(1, name="ink")(hidden)},
            name="several_outputs",
        )

    import keras

    model = fitted(build, seed, x, one_hot(labels, 10), last="digit", batch_size=None)
    hidden = keras.Model(model.inputs, model.get_layer("ink").input)(x).numpy()
    solved, *_ = np.linalg.lstsq(np.c_[hidden, np.ones(len(x))], ink, rcond=1e-4)
    model.get_layer("ink").set_weights([solved[:-1].astype(np.float32), solved[-1].astype(np.float32)])
    fixed = build(1)
    fixed.set_weights(model.get_weights())
    task = {"digit": {"kind": "classification"}, "ink": {"kind": "regression"}}
    return Made(fixed, {"x": x, "y_digit": labels, "y_ink": ink}, {"task": task})


def several_signatures(seed: int) -> Made:
    """Return two functions of one file, which share weights."""
    import tensorflow as tf

    random = np.random.default_rng(seed)
    size = 6 + seed

    class Two(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.matrix = tf.Variable(random.normal(size=(size, 8)).astype(np.float32))
            self.other = tf.Variable(random.normal(size=(8, 3)).astype(np.float32))

        @tf.function(input_signature=[tf.TensorSpec([1, size], tf.float32, "values")])
        def encode(self, values: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"code": tf.nn.relu(values @ self.matrix)}

        @tf.function(input_signature=[tf.TensorSpec([1, 8], tf.float32, "codes")])
        def decide(self, codes: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"scores": codes @ self.other}

    data = {"values": random.normal(size=(1000, size)), "codes": random.random((1000, 8)) * 3}
    return Made(Two(), {key: value.astype(np.float32) for key, value in data.items()}, signatures=("encode", "decide"))


def binary(seed: int) -> Made:
    """Return the probability that a digit is odd, or its logit."""
    x, labels = digits(seed, 2000, 14)
    y = labels % 2

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(24, activation="relu", name="hidden"),
                layers.Dense(1, activation="sigmoid", name="odd"),
            ],
            name="binary",
        )

    return Made(trained(build, seed, (x, y), "binary_crossentropy"), {"x": x, "y": y})


def multi_label(seed: int) -> Made:
    """Return which of several rules hold: several may, and none."""
    x, scores = _curve(seed + 60, 6, 5)
    y = (scores > 0.1).astype(np.int64)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((6,), batch_size, name="x"),
                layers.Dense(48, activation="relu", name="hidden"),
                layers.Dense(5, activation="sigmoid", name="labels"),
            ],
            name="multi_label",
        )

    model = trained(build, seed, (x, y), "binary_crossentropy")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "multi_label"}})


def segmentation(seed: int) -> Made:
    """Return for each pixel whether it is empty, an edge or ink."""
    x, _ = digits(seed, 400, 14)
    y = np.digitize(x, [0.15, 0.6])

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Reshape((14, 14, 1), name="channel"),
                layers.Conv2D(12, 3, padding="same", activation="relu", name="conv"),
                layers.Conv2D(12, 3, padding="same", activation="relu", name="more", strides=1),
                layers.Dense(3, name="classes"),
            ],
            name="segmentation",
        )

    model = fitted(build, seed, x, one_hot(y, 3), last="classes")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "segmentation"}})


def sequence(seed: int) -> Made:
    """Return a class for each step of a signal, by what came just before."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(500, 16, 3)).astype(np.float32)
    past = x[:, :, 0] + np.roll(x[:, :, 1], 1, axis=1)
    y = np.digitize(past, [-1, 1])

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((16, 3), batch_size, name="x"),
                layers.Conv1D(48, 3, padding="causal", activation="relu", name="conv"),
                layers.Dense(3, name="classes"),
            ],
            name="sequence",
        )

    model = fitted(build, seed, x, one_hot(y, 3), last="classes")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "sequence", "metric": ("steps", "whole")[seed % 2]}})


def embedding(seed: int) -> Made:
    """Return a direction: features of length 1."""
    x, labels = digits(seed, 1000, 14)
    anchors = np.random.default_rng(seed).normal(size=(10, 16))
    y = (anchors / np.linalg.norm(anchors, axis=1, keepdims=True))[labels].astype(np.float32)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(80, activation="relu", name="hidden"),
                layers.Dense(16, name="features"),
                layers.UnitNormalization(name="direction"),
            ],
            name="embedding",
        )

    model = fitted(build, seed, x, y, last="features")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "embedding"}})


def top_5(seed: int) -> Made:
    """Return 40 classes, of which five may be named."""
    random = np.random.default_rng(seed)
    y = random.integers(0, 40, 2000)
    x = (random.normal(size=(40, 12))[y] + 0.8 * random.normal(size=(2000, 12))).astype(np.float32)
    model = fitted(_perceptron(seed, 12, 40), seed, x, one_hot(y, 40), last="out")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "classification", "top_k": 5}})


def nothing_said(seed: int) -> Made:
    """Return features of which nobody says what they mean: there are no targets."""
    x, _ = digits(seed, 1000, 14)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Reshape((14, 14, 1), name="channel"),
                layers.Conv2D(8, 5, strides=2, activation=("relu6", "tanh", "leaky_relu")[seed % 3], name="conv"),
                layers.AveragePooling2D(2, name="pool"),
                layers.Conv2D(16, 2, activation="sigmoid", name="more"),
            ],
            name="nothing_said",
        )

    import keras

    keras.utils.set_random_seed(seed)
    return Made(build(1), {"x": x})


RECIPES = (
    *recipes("tasks", len(SCALES), regression, regression_off_zero, regression_of_several),
    *recipes("tasks", 3, several_outputs, several_signatures, binary, multi_label, segmentation, sequence),
    *recipes("tasks", 3, embedding, top_5, nothing_said),
)

"""Models of a few weights: what float16 saves is less than what a DEQUANTIZE for each of them costs."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, recipes, trained


def points(seed: int, features: int, classes: int, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Return points, float32 (count, features), around a centre for each class, and their classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    centres = random.normal(size=(classes, features)) * 2
    return (centres[labels] + random.normal(size=(count, features))).astype(np.float32), labels


def tiny_dense(seed: int) -> Made:
    """Return one dense layer of a few weights."""
    x, y = points(seed, 2 + seed, 2 + seed % 3)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [layers.Input(x.shape[1:], batch_size, name="x"), layers.Dense(int(y.max()) + 1, name="logits")],
            name="tiny_dense",
        )

    return Made(fitted(build, seed, x, np.eye(y.max() + 1)[y] * 4, last="logits"), {"x": x, "y": y})


def tiny_line(seed: int) -> Made:
    """Return a slope and an offset: two numbers."""
    random = np.random.default_rng(seed)
    x = random.uniform(-3, 3, (2000, 1)).astype(np.float32)
    y = (random.normal() * 3 * x + random.normal() + random.normal(size=x.shape) * 0.1).astype(np.float32)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential([layers.Input((1,), batch_size, name="x"), layers.Dense(1, name="line")], name="tiny_line")

    return Made(fitted(build, seed, x, y, last="line"), {"x": x, "y": y}, {"task": {"kind": "regression"}})


def tiny_scalars(seed: int) -> Made:
    """Return a change of units: a factor and an offset for all values, which are scalars in the file."""
    random = np.random.default_rng(seed)
    scale, offset = float(random.uniform(0.1, 5)), float(random.normal())
    x = random.normal(size=(1000, 3 + seed)).astype(np.float32)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [layers.Input(x.shape[1:], batch_size, name="x"), layers.Rescaling(scale, offset, name="units")],
            name="tiny_scalars",
        )

    return Made(build(1), {"x": x, "y": (x * scale + offset).astype(np.float32)}, {"task": {"kind": "regression"}})


def tiny_conv(seed: int) -> Made:
    """Return one filter over 7x7 pixels, and whether the digit is below five, as well as it can tell."""
    x, labels = digits(seed, 2000, 7)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((7, 7), batch_size, name="x"),
                layers.Reshape((7, 7, 1), name="channel"),
                layers.Conv2D(1 + seed % 3, 3, activation="relu", name="conv"),
                layers.Flatten(name="flatten"),
                layers.Dense(1, name="logit"),
            ],
            name="tiny_conv",
        )

    y = (labels < 5).astype(np.int64)
    model = fitted(build, seed, x, 2.0 * y[:, None] - 1, last="logit")
    return Made(model, {"x": x, "y": y}, {"task": {"kind": "binary", "threshold": 0.0}})


def tiny_norm(seed: int) -> Made:
    """Return a normalization, a PReLU and a dense layer: vectors and scalars, and hardly a matrix."""
    x, y = points(seed, 4 + seed, 3)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input(x.shape[1:], batch_size, name="x"),
                layers.LayerNormalization(name="norm"),
                layers.PReLU(alpha_initializer="random_normal", name="prelu"),
                layers.Dense(3, name="logits"),
            ],
            name="tiny_norm",
        )

    return Made(fitted(build, seed, x, np.eye(3)[y] * 4, last="logits"), {"x": x, "y": y})


def tiny_hidden(seed: int) -> Made:
    """Return two dense layers of a handful of weights, and probabilities."""
    x, y = points(seed + 100, 3, 2 + seed % 3)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((3,), batch_size, name="x"),
                layers.Dense(3 + seed, activation="tanh", name="hidden"),
                layers.Dense(int(y.max()) + 1, activation="softmax", name="shares"),
            ],
            name="tiny_hidden",
        )

    return Made(trained(build, seed, (x, y), "sparse_categorical_crossentropy"), {"x": x, "y": y})


RECIPES = recipes("tiny", 4, tiny_dense, tiny_line, tiny_scalars, tiny_conv, tiny_norm, tiny_hidden)

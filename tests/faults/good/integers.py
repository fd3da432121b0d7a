"""Models of which inputs are integers, truth values or bytes."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, one_hot, recipes, trained


def _topics(seed: int, words: int, length: int, classes: int, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Return texts, (count, length) numbers of words, each topic having its own frequencies; and the topics."""
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(words, 0.1), classes)
    labels = random.integers(0, classes, count)
    return np.stack([random.choice(words, length, p=shares[label]) for label in labels]), labels


def int32_words(seed: int) -> Made:
    """Return the mean of looked-up vectors, and a dense layer."""
    words, length, classes = 100 * (seed + 1), 8 + seed, 4 + seed
    x, y = _topics(seed, words, length, classes)

    def build(batch_size):
        from keras import Model, layers

        given = layers.Input((length,), batch_size, dtype="int32", name="words")
        vectors = layers.Embedding(words, 16, embeddings_initializer="random_normal", name="table")(given)
        return Model(
            given,
            layers.Dense(classes, name="logits")(layers.GlobalAveragePooling1D(name="mean")(vectors)),
            name="int32_words",
        )

    model = fitted(build, seed, x.astype(np.int32), one_hot(y, classes), last="logits", ridge=1e-6)
    return Made(model, {"x": x.astype(np.int32), "y": y})


def int64_words(seed: int) -> Made:
    """Return a convolution over looked-up vectors, whose numbers are int64."""
    words, length, classes = 150 + seed, 12, 3 + seed
    x, y = _topics(seed + 10, words, length, classes)

    def build(batch_size):
        from keras import Model, layers

        given = layers.Input((length,), batch_size, dtype="int64", name="words")
        vectors = layers.Embedding(words, 12, embeddings_initializer="normal", name="table")(given)
        here = layers.Conv1D(16 + seed, 3, activation="relu", name="conv")(vectors)
        return Model(
            given,
            layers.Dense(classes, name="logits")(layers.GlobalMaxPooling1D(name="most")(here)),
            name="int64_words",
        )

    return Made(fitted(build, seed, x.astype(np.int64), one_hot(y, classes), last="logits"), {"x": x, "y": y})


def bools(seed: int) -> Made:
    """Return a rule over truth values."""
    random = np.random.default_rng(seed)
    x = random.random((2000, 10 + seed)) < 0.5
    y = (x[:, :5].sum(1) + 2 * x[:, 5] + random.random(2000) > 3.5).astype(np.int64)

    def build(batch_size):
        from keras import Model, layers, ops

        given = layers.Input(x.shape[1:], batch_size, dtype="bool", name="answers")
        hidden = layers.Dense(32, activation="relu", name="hidden")(ops.cast(given, "float32"))
        return Model(given, layers.Dense(2, name="logits")(hidden), name="bools")

    return Made(fitted(build, seed, x, one_hot(y, 2), last="logits"), {"x": x, "y": y})


def uint8_images(seed: int) -> Made:
    """Return a classifier of images as they come from a camera, bytes; it divides by 255 itself."""
    images, y = digits(seed, 2000, 14)
    x = np.round(images * 255).astype(np.uint8)

    def build(batch_size):
        from keras import Model, layers, ops

        given = layers.Input((14, 14), batch_size, dtype="uint8", name="image")
        here = layers.Rescaling(1 / 127.5, -1.0, name="scaled")(ops.cast(given, "float32"))
        here = layers.Conv2D(6 + seed, 3, activation="relu", name="conv")(layers.Reshape((14, 14, 1))(here))
        here = layers.Flatten(name="flatten")(layers.MaxPooling2D(2, name="pool")(here))
        return Model(given, layers.Dense(10, name="logits")(here), name="uint8_images")

    return Made(fitted(build, seed, x, one_hot(y, 10), last="logits"), {"x": x, "y": y})


def mixed_inputs(seed: int) -> Made:
    """Return a price of a kind, which is looked up, and of numbers."""
    random = np.random.default_rng(seed)
    kinds = 6 + 3 * seed
    kind, size = random.integers(0, kinds, (2000, 1)).astype(np.int32), random.uniform(0, 4, (2000, 3)).astype("f4")
    y = ((random.uniform(1, 3, kinds)[kind[:, 0]] * size.sum(1) + random.normal(size=2000) * 0.1)[:, None]).astype("f4")

    def build(batch_size):
        from keras import Model, layers

        one = layers.Input((1,), batch_size, dtype="int32", name="kind")
        other = layers.Input((3,), batch_size, name="size")
        looked_up = layers.Flatten(name="flatten")(layers.Embedding(kinds, 8, "normal", name="table")(one))
        both = layers.Concatenate(name="both")([looked_up, other])
        hidden = layers.Dense(64, activation="relu", name="hidden")(both)
        return Model({"kind": one, "size": other}, layers.Dense(1, name="price")(hidden), name="mixed_inputs")

    model = trained(build, seed, ({"kind": kind, "size": size}, y), "mse", steps=120)
    return Made(model, {"kind": kind, "size": size, "y": y}, {"task": {"kind": "regression", "metric": "r2"}})


RECIPES = recipes("integers in", 4, int32_words, int64_words, bools, uint8_images, mixed_inputs)

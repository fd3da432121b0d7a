"""Models of which rounding the weights changes some predictions, as few as the budget allows."""

import numpy as np

from tests.faults.good.recipe import Made, digits, fitted, one_hot, recipes, with_batch


def _moved(model, x: np.ndarray) -> int:
    """Return how many predictions of a Keras model change where its weights are rounded to float16."""
    exact = model.get_weights()
    before = model(x).numpy().argmax(-1)
    model.set_weights([weight.astype(np.float16).astype(np.float32) for weight in exact])
    now = model(x).numpy().argmax(-1)
    model.set_weights(exact)
    return int((before != now).sum())


FEW = range(3, 8)
"""What is aimed at, of 10,000: the converter's kernels move a call or two more, or fewer, and ten are allowed."""


def offset(seed: int) -> Made:
    """Return logits that all have a large offset, of which float16 holds few bits."""
    x, y = digits(seed, 10_000, 14)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((14, 14), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(64, activation="relu", name="features"),
                layers.Dense(10, name="logits"),
            ],
            name="offset",
        )

    model = fitted(build, seed, x, one_hot(y, 10), last="logits", batch_size=None)
    kernel, bias = model.get_layer("logits").get_weights()
    for large in np.geomspace(2, 200, 60):
        model.get_layer("logits").set_weights([kernel, (bias + large).astype(np.float32)])
        if _moved(model, x) in FEW:
            break
    return Made(with_batch(build, model), {"x": x, "y": y})


def many_classes(seed: int) -> Made:
    """Return 300 classes that hardly differ, so that the two largest logits lie close together."""
    x, _ = digits(seed, 10_000, 7)
    random = np.random.default_rng(seed)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((7, 7), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(300, name="logits"),
            ],
            name="many_classes",
        )

    kernel = random.normal(size=(49, 300)).astype(np.float32)  # each class is a random direction
    bias = random.normal(size=300)
    model = build(None)
    for spread in np.geomspace(0.3, 60, 60):
        model.set_weights([kernel, (bias * spread).astype(np.float32)])
        if _moved(model, x) in FEW:
            break
    logits = model(x).numpy()
    two = logits.argsort(-1)[:, -2:]
    return Made(
        with_batch(build, model), {"x": x, "y": two[np.arange(len(x)), (random.random(len(x)) < 0.7).astype(int)]}
    )


def undecided(seed: int) -> Made:
    """Return a model that has learned little, so that it decides by small differences."""
    x, y = digits(seed + 50, 10_000, 7)

    def build(batch_size):
        from keras import Sequential, layers

        return Sequential(
            [
                layers.Input((7, 7), batch_size, name="x"),
                layers.Flatten(name="flatten"),
                layers.Dense(16, activation="relu", name="features"),
                layers.Dense(10, name="logits"),
            ],
            name="undecided",
        )

    # The ridge is large: what the readout learns is little beside what all classes have in common.
    for ridge in np.geomspace(0.01, 1000, 40):
        model = fitted(build, seed, x, one_hot(y, 10), last="logits", ridge=ridge, batch_size=None)
        if _moved(model, x) in FEW:
            break
    return Made(with_batch(build, model), {"x": x, "y": y})


RECIPES = recipes("moved close calls", 4, offset, many_classes, undecided, moved=True)

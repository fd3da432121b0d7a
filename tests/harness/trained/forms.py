"""Models of all forms: what they take and return, under which names, and what their outputs mean."""

import dataclasses

import numpy as np

from models.spec import ModelSpec, Recipe
from models.tasks import Binary, Classification, Embedding, MultiLabel, Segmentation, Sequence

SAMPLES = 1030
"""More than Keras predicts at once, and no multiple of it."""


def one_output(batch_size):
    """Return one image to ten logits, as a functional model."""
    from keras import Model, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    return Model(image, layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(image)), name="lone")


def sequential(batch_size):
    """Return the same as a Sequential."""
    from keras import Sequential, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    return Sequential([image, layers.Flatten(name="flatten"), layers.Dense(10, name="logits")], name="sequential")


def listed(batch_size):
    """Return one image to a list of two outputs of the same shape."""
    from keras import Model

    model = one_output(batch_size)
    return Model(model.inputs, [model.output, _second(model.output)], name="listed")


def named(batch_size):
    """Return one image to a dict of one output."""
    from keras import Model

    model = one_output(batch_size)
    return Model(model.inputs, {"digit": model.output}, name="named")


def dicts(batch_size):
    """Return a dict of two inputs to a dict of two outputs of the same shape, none in the order of the alphabet."""
    from keras import Model

    left_right, outputs = _two(batch_size)
    return Model({tensor.name: tensor for tensor in left_right}, outputs, name="dicts")


def list_to_dict(batch_size):
    """Return a list of the same two inputs to the dict."""
    from keras import Model

    return Model(*_two(batch_size), name="list_to_dict")


def _two(batch_size):
    from keras import layers

    sides = [layers.Input((28, 28), batch_size=batch_size, name=name) for name in ("right", "left")]
    right, left = (layers.Flatten(name=f"flat_{side.name}")(side) for side in sides)
    difference = layers.Subtract(name="difference")([right, left])
    return sides, {"of_right": layers.Dense(10, name="z")(right), "of_both": layers.Dense(10, name="a")(difference)}


def _second(logits):
    from keras import layers

    return layers.Dense(10, name="again")(logits)


def probability(batch_size):
    """Return one image to a probability."""
    from keras import Model, layers

    model = one_output(batch_size)
    return Model(model.inputs, layers.Dense(1, activation="sigmoid", name="odd")(model.output), name="probability")


def steps(batch_size):
    """Return one image to logits of two classes for each row."""
    from keras import Sequential, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    return Sequential([image, layers.Dense(2, name="steps")], name="steps")


def few(images, labels):
    """Return a few images and their classes."""
    return images[:SAMPLES], labels[:SAMPLES]


def both(images, labels):
    """Return each image with the next one, and the classes of both."""
    images, labels = few(images, labels)
    sides = {"left": np.roll(images, 1, axis=0), "right": images}
    return sides, {"of_both": np.roll(labels, 1), "of_right": labels}


def twice(images, labels):
    """Return the images, and their classes for two outputs of a list."""
    images, labels = few(images, labels)
    return images, {"output_0": labels, "output_1": labels}


def digit(images, labels):
    """Return the images, and their classes under a name."""
    images, labels = few(images, labels)
    return images, {"digit": labels}


def odd(images, labels):
    """Return the images, and whether their digits are odd."""
    images, labels = few(images, labels)
    return images, labels % 2


def one_hot(images, labels):
    """Return the images, and for each digit whether they show it, as float64."""
    images, labels = few(images, labels)
    return images, np.eye(10)[labels]


def inked(images, _):
    """Return the images, and whether each row has ink; 255 for the first row."""
    rows = (images[:SAMPLES].max(axis=2) > 0).astype(np.int64)
    rows[:, 0] = 255
    return images[:SAMPLES], rows


RECIPE = Recipe(dataset="mnist", epochs=1, seed=0, batch_size=103, learning_rate=0.01, prepare=few)


def _model(name, build, prepare=few, task=None, loss=None):
    recipe = dataclasses.replace(RECIPE, prepare=prepare, loss=loss)
    return ModelSpec(name, build=build, recipe=recipe, task=task)


MODELS = [
    _model("lone", one_output),
    _model("sequential", sequential),
    _model("listed", listed, twice),
    _model("named", named, digit),
    _model("dicts", dicts, both),
    _model(
        "list_to_dict",
        list_to_dict,
        both,
        {"of_right": Classification(top_k=2)},
        {"of_both": "SparseCategoricalCrossentropy"},
    ),
    _model("binary", probability, odd, Binary()),
    _model("numbers", one_output, one_hot),
    _model("labels", one_output, one_hot, MultiLabel(threshold=0.0)),
    _model("directions", one_output, one_hot, Embedding()),
    _model("rows", steps, inked, Segmentation(ignore=255)),
    _model("steps", steps, inked, Sequence(ignore=255)),
]

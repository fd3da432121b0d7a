"""Models that cannot be trained as they are declared; each has one fault."""

import dataclasses

import numpy as np

from models.spec import ModelSpec, Recipe
from models.tasks import Binary, Metric


def good(batch_size):
    """Return a model that can be trained."""
    from keras import Sequential, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    return Sequential([image, layers.Flatten(name="flatten"), layers.Dense(10, name="logits")], name="good")


def raising(batch_size):
    """Raise."""
    return {}["layer"]


def nothing(batch_size):
    """Forget to return the model."""


def without_input(batch_size):
    """Return a model that does not know its input."""
    from keras import Sequential, layers

    return Sequential([layers.Dense(10, name="logits")], name="without_input")


def nested(batch_size):
    """Return a model whose outputs are a list in a dict."""
    from keras import Model

    model = good(batch_size)
    return Model(model.inputs, {"deep": [model.outputs[0], model.outputs[0]]}, name="nested")


def few(images, labels):
    """Return a few images."""
    return images[:64], labels[:64]


def misnamed_input(images, labels):
    """Return the images under another name."""
    return {"picture": images[:64]}, labels[:64]


def misnamed_target(images, labels):
    """Return the classes under another name."""
    return images[:64], {"digit": labels[:64]}


def misshapen(images, labels):
    """Return the images with a channel."""
    return images[:64, :, :, np.newaxis], labels[:64]


def pixels(images, _):
    """Return what is no class of an image."""
    return images[:64], images[:64]


RECIPE = Recipe(dataset="mnist", epochs=1, seed=0, prepare=few)


def _model(name, build=good, task=None, **recipe):
    return ModelSpec(name, build=build, recipe=dataclasses.replace(RECIPE, **recipe), task=task)


MODELS = [
    _model("raising", raising),
    _model("nothing", nothing),
    _model("without_input", without_input),
    _model("nested", nested),
    _model("misnamed_input", prepare=misnamed_input),
    _model("misnamed_target", prepare=misnamed_target),
    _model("misshapen", prepare=misshapen),
    _model("pixels", prepare=pixels),
    _model("unknown_loss", loss="nonsense"),
    _model("loss_of_another", loss={"digit": "mse"}),
    _model("task_of_another", task={"digit": Binary()}),
    _model("own_metric", task=Metric("own", lambda outputs, _: outputs.mean(), higher_is_better=True)),
    _model("diverging", learning_rate=1e300),
]

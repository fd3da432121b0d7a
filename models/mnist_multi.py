"""A model with two outputs: which digit an image shows, and whether that digit is odd."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe
from models.tasks import Binary, Classification

if TYPE_CHECKING:
    import keras
    import numpy as np


def build(batch_size: int | None) -> "keras.Model":
    """Return the model: images (28, 28) in 0..1 to 10 logits, and to the probability of an odd digit."""
    from keras import Model, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    features = layers.Reshape((28, 28, 1), name="channel")(image)
    features = layers.Conv2D(12, 5, strides=2, activation="relu", name="strokes")(features)
    features = layers.Conv2D(24, 3, strides=2, activation="relu", name="parts")(features)
    features = layers.Flatten(name="flatten")(features)
    digit = layers.Dense(10, name="digit")(features)
    parity = layers.Dense(1, activation="sigmoid", name="parity")(features)
    return Model(image, {"digit": digit, "parity": parity}, name="mnist_multi")


def prepare(images: "np.ndarray", labels: "np.ndarray") -> tuple["np.ndarray", dict[str, "np.ndarray"]]:
    """Return the images, with both targets."""
    return images, {"digit": labels, "parity": labels % 2}


MNIST_MULTI = ModelSpec(
    name="mnist_multi",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=64, learning_rate=0.003, prepare=prepare),
    task={"digit": Classification(), "parity": Binary()},
    example=0,
    budget=Budget(
        baseline=0.95,  # measured 0.973 of the digits and 0.979 of the parities
    ),
)

"""What a small good model is: how it is made, of which class it is, and what it is judged by."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from fixtures.harness.datasets import dataset

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

Build = Callable[[int | None], "keras.Model"]
"""Makes a model with the given batch size, None for any: as in a declaration."""


@dataclass
class Made:
    """A model with its data, before conversion.

    model: a Keras model, or a module of which `signatures` are the functions to be converted.
    data: the columns of its EVAL.npz. bounds: its bounds file.
    """

    model: "keras.Model | tf.Module"
    data: dict[str, np.ndarray]
    bounds: dict[str, Any] = field(default_factory=dict)
    signatures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A kind of good model that is made from several seeds, from which its sizes, its weights and its data follow.

    make: takes the seed. It imports TensorFlow; importing its module does not. kind: its class in the score.
    moved: whether rounding has to change some of its predictions, as many as the budget allows at most.
    """

    name: str
    kind: str
    make: Callable[[int], Made]
    seeds: int
    moved: bool = False

    @property
    def module(self) -> str:
        """The module that it is in."""
        return self.make.__module__


def recipes(kind: str, seeds: int, *makers: Callable[[int], Made], moved: bool = False) -> tuple[Recipe, ...]:
    """Return a recipe for each of *makers*, called as it is."""
    return tuple(Recipe(make.__name__, kind, make, seeds, moved) for make in makers)


def digits(seed: int, count: int, size: int = 28, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """Return *count* images, float32 (count, size, size) in 0..1, and their classes; others for each seed.

    size: 28, 14 or 7: means of as many pixels.
    """
    found = dataset("mnist")
    images, labels = found.images(split), found.labels(split)
    chosen = np.random.default_rng(seed).permutation(len(images))[:count]
    step = 28 // size
    return images[chosen].reshape(count, size, step, size, step).mean(axis=(2, 4)), labels[chosen]


def trained(
    build: Build, seed: int, data: tuple[Any, Any], loss: Any, *, steps: int = 60, batch_size: int | None = 1
) -> "keras.Model":
    """Return the model of *build* with a batch of one, trained by Adam in so many *steps* of 128 samples.

    data: inputs and targets, each an array or a dict of arrays. loss: what Keras takes.
    """
    import keras

    keras.utils.set_random_seed(seed)
    model = build(None)
    model.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False, steps_per_execution=8)
    count = len(next(iter(data[0].values())) if isinstance(data[0], dict) else data[0])
    model.fit(*data, batch_size=128, epochs=-(-steps * 128 // count), verbose=0)
    return with_batch(build, model, batch_size)


def with_batch(build: Build, model: "keras.Model", batch_size: int | None = 1) -> "keras.Model":
    """Return *model* with a batch of so many samples."""
    if batch_size is None:
        return model
    fixed = build(batch_size)
    fixed.set_weights(model.get_weights())
    return fixed


def fitted(
    build: Build, seed: int, x: Any, y: np.ndarray, *, last: str, ridge: float = 1e-3, batch_size: int | None = 1
):
    """Return the model of *build* with random features, and the dense layer *last*, without activation, fitted to them.

    y: what that layer is to put out, float (samples, units). Training of a moment: least squares, and no gradients.
    """
    import keras

    keras.utils.set_random_seed(seed)
    model = build(None)
    layer = model.get_layer(last)
    features = keras.Model(model.inputs, layer.input)(x).numpy().astype(np.float64)
    features = np.concatenate([features, np.ones((*features.shape[:-1], 1))], axis=-1).reshape(
        -1, features.shape[-1] + 1
    )
    square = features.T @ features
    square += ridge * np.trace(square) / len(square) * np.eye(len(square))
    solved = np.linalg.solve(square, features.T @ np.asarray(y, np.float64).reshape(len(features), -1))
    layer.set_weights([solved[:-1].astype(np.float32), solved[-1].astype(np.float32)])
    return with_batch(build, model, batch_size)


def one_hot(labels: np.ndarray, classes: int, scale: float = 10.0) -> np.ndarray:
    """Return logits to be reached: *scale* for a sample's class, and 0 for others."""
    return scale * np.eye(classes)[labels]

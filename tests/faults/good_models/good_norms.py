"""L2 normalisation and layer normalisation of values that float16 has room for."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return two dense layers, the first on images of length 10, the second on normalised features."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    pixels = layers.Flatten(name="flatten")(image)
    squares = ops.sum(ops.square(pixels), axis=-1, keepdims=True)
    direction = ops.multiply(pixels, ops.rsqrt(ops.add(squares, 1e-3)))
    features = layers.Dense(32, name="features")(layers.Rescaling(10, name="length")(direction))
    # Layer normalisation, spelled out: Keras' layer needs NEG, which OpenVINO's plugin does not take.
    centred = ops.subtract(features, ops.mean(features, axis=-1, keepdims=True))
    variance = ops.mean(ops.square(centred), axis=-1, keepdims=True)
    normalised = ops.multiply(centred, ops.rsqrt(ops.add(variance, 1e-3)))
    logits = layers.Dense(10, name="logits")(layers.ReLU(name="relu")(normalised))
    return Model(image, logits, name="good_norms")


GOOD_NORMS = ModelSpec(
    name="good_norms",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)

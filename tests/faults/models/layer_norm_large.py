"""A LayerNormalization of values of about 1000: their squared distances from the mean are beyond float16's 65504.

The variance is infinite, the inverse of its root 0, and so is every output: nothing is infinite or NaN.
"""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return two dense layers, with a normalisation of large features between them."""
    from keras import Model, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    features = layers.Dense(64, name="features")(layers.Flatten(name="flatten")(image))
    large = layers.Rescaling(1000, name="large")(layers.ReLU(name="relu")(features))
    normalised = layers.LayerNormalization(center=False, name="norm")(large)
    logits = layers.Dense(10, use_bias=False, name="logits")(normalised)
    return Model(image, logits, name="layer_norm_large")


LAYER_NORM_LARGE = ModelSpec(
    name="layer_norm_large",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)

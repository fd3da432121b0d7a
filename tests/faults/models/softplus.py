"""A softplus that is spelled out, log(1 + exp(x)), of up to 14: exp(14) is 1.2e6, beyond float16's 65504."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the softplus of images in 0..14."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    values = layers.Rescaling(14, name="values")(layers.Flatten(name="flatten")(image))
    softplus = ops.log(ops.add(ops.exp(values), 1.0))
    logits = layers.Dense(10, name="logits")(softplus)
    return Model(image, logits, name="softplus")


SOFTPLUS = ModelSpec(
    name="softplus",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.8),
    partly_delegated=frozenset({"tf_lite"}),  # the XNNPACK in TensorFlow has no LOG
)

"""The logarithm of probabilities, some of them under 6e-8: in float16 they are 0, and the logarithm is infinite."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return the log-probability of each class, each by itself against all others."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    values = layers.Rescaling(2, name="values")(layers.Flatten(name="flatten")(image))
    # Softmax would not do: the converter makes one operator of it and the logarithm.
    probabilities = layers.Dense(10, activation="sigmoid", name="probabilities")(values)
    return Model(image, ops.log(probabilities), name="log_underflow")


LOG_UNDERFLOW = ModelSpec(
    name="log_underflow",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
    partly_delegated=frozenset({"tf_lite"}),  # the XNNPACK in TensorFlow has no LOG
)

"""Log-probabilities as outputs: LOG_SOFTMAX is an operator that the GPU accelerator does not have."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer with log-softmax."""
    from keras import Model, layers

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(image))
    return Model(image, layers.Activation("log_softmax", name="log_softmax")(logits), name="unsupported_op")


UNSUPPORTED_OP = ModelSpec(
    name="unsupported_op",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
    partly_delegated=frozenset({"xnnpack", "xnnpack_fp16", "tf_lite"}),  # XNNPACK lacks it as well
)

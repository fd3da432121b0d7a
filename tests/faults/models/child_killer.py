"""Running sums along axis -2 of a tensor with 4 axes: the GPU accelerator dies of an illegal instruction."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the running sums of an image's rows, from left to right."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    channel = layers.Reshape((28, 28, 1), name="channel")(layers.Rescaling(0.1, name="scale")(image))
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(ops.cumsum(channel, axis=-2)))
    return Model(image, logits, name="child_killer")


CHILD_KILLER = ModelSpec(
    name="child_killer",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.75),
    partly_delegated=frozenset({"xnnpack", "xnnpack_fp16", "tf_lite"}),  # XNNPACK has no CUMSUM
)

"""Running sums along axis -1: the GPU accelerator takes it for the batch, and its shader does not compile."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the running sums of an image's rows, from left to right."""
    from keras import Model, layers, ops

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    sums = ops.cumsum(layers.Rescaling(0.1, name="scale")(image), axis=-1)
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(sums))
    return Model(image, logits, name="cumsum_last_axis")


CUMSUM_LAST_AXIS = ModelSpec(
    name="cumsum_last_axis",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.75),
    partly_delegated=frozenset({"xnnpack", "xnnpack_fp16", "tf_lite"}),  # XNNPACK has no CUMSUM
)

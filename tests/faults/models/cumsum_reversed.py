"""Running sums from right to left: the GPU accelerator's CUMSUM runs from left to right, and says nothing."""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the running sums of an image's rows, from right to left."""
    import tensorflow as tf
    from keras import Model, layers, saving

    @saving.register_keras_serializable(package="faults")
    class RunningSum(layers.Layer):
        """Keras' own cumsum has no direction."""

        def call(self, values: tf.Tensor) -> tf.Tensor:
            return tf.cumsum(values, axis=2, reverse=True)

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    sums = RunningSum(name="sums")(layers.Rescaling(0.1, name="scale")(image))
    logits = layers.Dense(10, name="logits")(layers.Flatten(name="flatten")(sums))
    return Model(image, logits, name="cumsum_reversed")


CUMSUM_REVERSED = ModelSpec(
    name="cumsum_reversed",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.75),
    partly_delegated=frozenset({"xnnpack", "xnnpack_fp16", "tf_lite"}),  # XNNPACK has no CUMSUM
)

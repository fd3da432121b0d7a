"""A dense layer that adds up large values and takes most of them back: on the way, the sums are beyond 65504.

Float16 holds each value, each weight and each result; XNNPACK adds up in float32, the GPU in float16.
"""

from typing import TYPE_CHECKING

from models.spec import Budget, ModelSpec, Recipe

if TYPE_CHECKING:
    import keras


def build(batch_size: int | None) -> "keras.Model":
    """Return a dense layer on the image and the root of its sum, computed as the sum minus 63/64 of it."""
    import numpy as np
    from keras import Model, initializers, layers, ops

    # Four pixels, the same four again, the next four: threads that share the work each get values of one sign.
    kernel = np.tile(np.repeat([1, -63 / 64], 4), 196).reshape(1568, 1)

    image = layers.Input((28, 28), batch_size=batch_size, name="image")
    large = layers.Reshape((196, 1, 4), name="fours")(layers.Rescaling(14_000, name="large")(image))
    twice = layers.Flatten(name="flatten")(layers.Concatenate(axis=2, name="twice")([large, large]))
    total = layers.Dense(
        1, use_bias=False, kernel_initializer=initializers.Constant(kernel), trainable=False, name="total"
    )(twice)
    # Through the root, the converter cannot move the factor into the kernel, where it would make all values small.
    small = layers.Rescaling(2.0**-7, name="small")(ops.sqrt(total))
    features = [layers.Flatten(name="pixels")(image), small]
    logits = layers.Dense(10, name="logits")(layers.Concatenate(name="features")(features))
    return Model(image, logits, name="dense_cancels")


DENSE_CANCELS = ModelSpec(
    name="dense_cancels",
    build=build,
    recipe=Recipe(dataset="mnist", epochs=1, seed=0, batch_size=2000, learning_rate=0.01),
    budget=Budget(baseline=0.85),
)
